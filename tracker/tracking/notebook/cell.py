"""Shows a run in a cell of a notebook, and brings the cell up to date while the run goes on."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ...machine.threads import start_thread
from ...presentation.notebook.live import Ahead, LiveView, Now
from ...unwarned import unwarned
from ..harmless import Harmless

if TYPE_CHECKING:
    from ..active_run import ActiveRun

PERIOD_S = 1.0
"""How often the cell changes."""
NS = 1e-9
FAILED = "the cell of the notebook does not show the run any more"


class _Handle(Protocol):
    """What IPython gives to who displays something: the display that can be changed."""

    def update(self, obj: object, /) -> None: ...


AtWork = Callable[[], tuple["ActiveRun | None", "str | None"]]
"""The run of a tracker that is under way, and the id of the one that is paused."""


class Cell:
    """A cell that shows the run of a tracker: the one under way, else its next one. `at_work` does not keep the tracker alive."""

    def __init__(self, at_work: weakref.WeakMethod[AtWork], handle: _Handle) -> None:
        self._at_work = at_work
        self._handle = handle
        self._run: ActiveRun | None = None
        self._harmless = Harmless()
        self._over = threading.Event()

    @classmethod
    def shown(cls, at_work: weakref.WeakMethod[AtWork]) -> Cell | None:
        """Show a cell here. None if this is no notebook. Raises RuntimeError if there can be no more threads."""
        if (display := display_of_kernel()) is None:
            return None
        handle: _Handle = unwarned(display, LiveView(None), display_id=True)
        cell = cls(at_work, handle)
        cell._show()
        start_thread(cell._loop, "trainwatt-cell")
        return cell

    def leave(self) -> None:
        """Change the cell no more."""
        self._over.set()

    def _loop(self) -> None:
        with self._harmless(FAILED):
            while not self._over.wait(PERIOD_S):
                unwarned(self._show)

    def _show(self) -> None:
        asked = self._at_work()
        begun, paused = (None, None) if asked is None else asked()
        if begun is not None and (self._run is None or begun.run_id == self._run.run_id):  # after a pause it is another object
            self._run = begun
        run = self._run
        if run is None:
            if asked is None:  # the tracker is gone, and never began a run
                self.leave()
        elif run.recorder.live.over and paused != run.run_id:
            self.leave()
            self._handle.update((run.known_summary(grams=True) if run.recorder.unreadable else None) or run.summary())
        else:
            self._handle.update(LiveView(_now(run, paused == run.run_id)))


def display_of_kernel() -> Callable[..., _Handle] | None:
    """IPython's function that displays something, if this code runs in a kernel, whose front end can change what it shows. IPython is not
    imported for that: a kernel has done so."""
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    in_kernel = getattr(get_shell(), "kernel", None) is not None
    return getattr(sys.modules.get("IPython.display"), "display", None) if in_kernel else None


def _now(run: ActiveRun, paused: bool) -> Now:
    live = run.recorder.live
    seconds = max(0, run.clock.monotonic_ns() - run.start_t_ns) * NS
    forecast = live.forecast
    ahead = None
    if forecast is not None:
        joules = None if forecast.energy_j is None else (forecast.energy_j.value, forecast.energy_j.low, forecast.energy_j.high)
        ahead = Ahead(joules, forecast.left_s, forecast.epoch, forecast.epochs, forecast.from_epochs, forecast.done)
    budget = None if live.limit is None else (live.limit.budget.text, live.budget_share)
    return Now(live.energy_j, live.power_w, seconds, paused, ahead, budget)
