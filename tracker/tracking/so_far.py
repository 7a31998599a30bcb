"""What a tracker knows of its run at any time, without a database."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .active_run import ActiveRun
    from .budgeting.epochs import Forecast
    from .budgeting.passes import Pass
    from .harmless import Harmless
    from .notebook.cell import Cell


class SoFar:
    """The part of `EnergyTracker` that is cheap enough for every step of a loop."""

    _begun: ActiveRun | None
    _paused: str | None  # the run
    _cell: Cell | None = None
    _harmless: Harmless

    @property
    def running(self) -> bool:
        """Whether this tracker has a run under way, the runs of decorated functions apart."""
        return self._begun is not None

    @property
    def _newest(self) -> ActiveRun | None:
        """The current run, or the last one; None before the first."""
        raise NotImplementedError

    @property
    def _here(self) -> SoFar:
        """The tracker of the call of a decorated function that this code belongs to; this tracker itself outside of them."""
        raise NotImplementedError

    @property
    def energy_j(self) -> float | None:
        """The joules of the run so far; after its end, those of the whole run. No database and no driver is asked.

        What was read last, and what the last power has added since then. In a process whose sensors another one reads (a rank, or within
        `trainwatt run`), it is what that one has stored, and a few seconds old. None if nothing is measured, or not known yet.
        """
        return None if (run := self._newest) is None else run.recorder.live.energy_j

    @property
    def power_w(self) -> float | None:
        """The mean watts of the last two seconds. None if they are not known (yet), and after the end of the run."""
        return None if (run := self._newest) is None else run.recorder.live.power_w

    @property
    def carbon_g(self) -> float | None:
        """The grams of CO2e of the run so far, on its own terms, with the central value of each factor: of the electricity, and of the
        making of the hardware for this time. None if they are not known (yet): who asks is told a few seconds later."""
        return None if (run := self._newest) is None else run.recorder.live.carbon_g

    @property
    def work(self) -> dict[str, int]:
        """The work of the run so far, by unit: {"samples": 640}. What other processes of the run have counted is a few seconds old."""
        return {} if (run := self._newest) is None else run.recorder.units()

    @property
    def forecast(self) -> Forecast | None:
        """What the whole run is expected to have used at its end: energy, grams and time, each with a range. It needs `epochs`, or a single
        pass over a loader in `wrap`. None until enough is known, where it is not certain what an epoch is, and after the end."""
        return None if (run := self._newest) is None else run.recorder.live.forecast

    def live(self) -> None:
        """In a notebook: show the run in this cell, from a thread that brings the cell up to date once a second: power, energy so far,
        forecast and budget. At the end of the run, the cell has its summary. Without a run under way, it waits for the next one. Does
        nothing elsewhere."""
        here = self._here
        with here._harmless("the run is not shown in the notebook"):
            from .notebook.cell import Cell

            if here._cell is not None:
                here._cell.leave()
            here._cell = Cell.shown(weakref.WeakMethod(here._at_work))

    def _at_work(self) -> tuple[ActiveRun | None, str | None]:
        return self._begun, self._paused

    @property
    def over_budget(self) -> bool:
        """Whether the run has used its `budget`. False without one."""
        return (run := self._newest) is not None and (limit := run.recorder.live.limit) is not None and limit.over

    @property
    def should_stop(self) -> bool:
        """Whether the run has used its `budget`, and `on_budget` is "stop" or "raise"."""
        return (run := self._newest) is not None and (limit := run.recorder.live.limit) is not None and limit.stops and limit.over

    @property
    def budget_share(self) -> float | None:
        """The part of its `budget` that the run has used: 0.6, and more than 1 if it has used more. None without a budget, and while
        nothing is known."""
        return None if (run := self._newest) is None else run.recorder.live.budget_share

    def _begin_pass(self, loader: object) -> Pass | None:
        """A pass over a loader begins. None if it tells nothing of the length of the training."""
        return None if (run := self._newest) is None else run.recorder.live.begin_pass(loader)

    def _halt(self) -> None:
        """Raise BudgetExceeded in a loop whose run has used its budget, if `on_budget` is "raise"."""
        run = self._newest
        if run is not None and (limit := run.recorder.live.limit) is not None:
            limit.halt()

    @property
    def run_id(self) -> str | None:
        """The id of the current run, or of the last one; None before the first."""
        return None if (run := self._newest) is None else run.run_id

    @property
    def path(self) -> Path | None:
        """The database file of the current run, or of the last one; None before the first."""
        return None if (run := self._newest) is None else run.path
