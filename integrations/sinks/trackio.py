"""Trackio: `sinks=["trackio"]` logs the energy of a run to the run of Trackio that is active, or to one of its own; `trackio=PROJECT` names
the project of that one, else Trackio's own setting `TRACKIO_PROJECT` does, else it is that of the tracker.

In the user's run, the values are those of the system: they have times and no steps, so no step is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._loggers.own_run import Opening, OwnRun
from ._loggers.values import PERIOD_S, RUNNING, facts, line, loaded, plain, require, title

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatt.core import LiveRun, Sink, SinkRun

__all__ = ["sink"]


def sink(text: str) -> Sink:
    """Values for Trackio. `text`: the project of a run of its own. Raises ConfigurationError if Trackio is not installed."""
    require("trackio")
    return _Trackio(text or None, _active())


class _Trackio:
    period_s = PERIOD_S
    per_host = False

    def __init__(self, project: str | None, theirs: Any) -> None:
        self._project, self._theirs = project, theirs
        self._run: SinkRun | None = None
        self._own: OwnRun | None = None

    def begin(self, run: SinkRun, now: Callable[[], LiveRun]) -> None:
        self._run = run

    def write(self, live: LiveRun) -> None:
        run = self._run
        assert run is not None
        now = line(run, live)
        if self._theirs is not None:
            self._theirs.log_system({**now.figures, **now.facts} if now.status != RUNNING else dict(now.figures))
            return
        if self._own is None:
            self._own = OwnRun(
                Opening("trackio", self._project, plain(run.project), title(run), run.group, facts(run), run.began_utc_s), ()
            )
        self._own.log(now)

    def end(self) -> None:
        if self._own is not None:
            self._own.end()


def _active() -> Any:
    """The run of Trackio that is current in this thread, or None."""
    current = getattr(getattr(loaded("trackio"), "context_vars", None), "current_run", None)
    return None if current is None else current.get()
