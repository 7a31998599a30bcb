"""Weights & Biases: `sinks=["wandb"]` logs the energy of a run to the run of W&B that is active, or to one of its own; `wandb=PROJECT`
names the project of that one, else W&B's own setting `WANDB_PROJECT` does, else it is that of the tracker.

In the user's run, the values join the row that is logged next (`commit=False`), so no step is counted. A run of its own is online if W&B is
logged in, and offline otherwise: W&B is never asked to log in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainwatt import TrainwattError

from ._loggers.own_run import Opening, OwnRun
from ._loggers.values import PERIOD_S, RUNNING, Line, facts, line, loaded, plain, require, title

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatt.core import LiveRun, Sink, SinkRun

__all__ = ["sink"]

THEIRS = ("WANDB_RUN_ID", "WANDB_RESUME", "WANDB_NAME", "WANDB_NOTES", "WANDB_SERVICE", "WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH")
"""Variables that name the run of the training itself: a run of our own does without them."""

FIRST_S = 5.0
"""Until then, the program may still begin a run of W&B. Then ours begins, or at the end of a run that is shorter."""


def sink(text: str) -> Sink:
    """Values for Weights & Biases. `text`: the project of a run of its own. Raises ConfigurationError if wandb is not installed."""
    require("wandb")
    return _Wandb(text or None)


class _Wandb:
    period_s = PERIOD_S
    per_host = False

    def __init__(self, project: str | None) -> None:
        self._project = project
        self._run: SinkRun | None = None
        self._theirs: Any = None
        self._own: OwnRun | None = None

    def begin(self, run: SinkRun, now: Callable[[], LiveRun]) -> None:
        self._run = run
        self._theirs = _active()

    def write(self, live: LiveRun) -> None:
        run = self._run
        assert run is not None
        now = line(run, live)
        if self._own is None and self._theirs is None:
            self._theirs = _active()
        if self._theirs is not None:
            self._write_to_theirs(now)
            return
        if self._own is None:
            if live.status == RUNNING and live.seconds < FIRST_S:
                return
            self._own = OwnRun(
                Opening("wandb", self._project, plain(run.project), title(run), run.group, facts(run), run.began_utc_s), THEIRS
            )
        self._own.log(now)

    def end(self) -> None:
        if self._own is not None:
            self._own.end()

    def _write_to_theirs(self, now: Line) -> None:
        import wandb

        try:
            self._theirs.log(now.figures, commit=False)
            if now.status != RUNNING:
                self._theirs.summary.update({**now.facts, **now.figures})
        except wandb.Error as error:  # it has ended
            raise TrainwattError(
                f"the run of wandb takes no more values ({error}): end it after the tracker to have the final ones"
            ) from None


def _active() -> Any:
    """The run of W&B that the program has, or None."""
    return getattr(loaded("wandb"), "run", None)
