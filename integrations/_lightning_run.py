"""The run of a call of a Trainer: how it begins, ends, goes on after a checkpoint, and reaches the loggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from trainwatt import EnergyTracker, TrainwattError
from trainwatt.integrations._common import Around, OpenPhases, harmless, log, whole_epochs
from trainwatt.integrations._lightning import OVER, Batches, callback_class, callbacks_of, fits, loads_checkpoint, searches, to_loggers
from trainwatt.integrations._live import Live

if TYPE_CHECKING:
    from lightning.pytorch import Callback, LightningModule, Trainer

    from trainwatt import Settings, Summary
else:
    Callback = callback_class()

OF_A_RUN = {
    *("_tracker", "_phases", "_searched", "_worked", "_waits", "_resume", "_watched", "_interrupted", "_paused", "_batches", "_counted"),
    *("_live", "_said"),
}
"""The attributes of a callback that belong to the run that is under way."""


class RunCallback(Callback):
    """Begins and ends the runs of a Trainer. `EnergyCallback` adds the phases and the work."""

    def __init__(self, *, per_step: bool = False, progress_bar: bool = False, **settings: Unpack[Settings]) -> None:
        super().__init__()
        self._settings = settings
        self._per_step, self._progress_bar = per_step, progress_bar
        self._faulty: set[str] = set()
        self._tracker: EnergyTracker | None = EnergyTracker(**settings)
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Forget the last run."""
        self._phases = OpenPhases(lambda: self.tracker)
        self._searched = self._worked = self._waits = False
        self._resume: str | None = None
        self._watched: list[Around] = []
        self._interrupted: list[tuple[str, int | None]] = []
        self._paused: list[tuple[str, int | None]] = []
        self._batches: Batches | None = None
        self._counted: Any = None
        self._live = Live(lambda: self.tracker)
        self._said = False

    @property
    def tracker(self) -> EnergyTracker:
        """The tracker of the callback: for `update(tokens=…)` and for your own phases."""
        if self._tracker is None:
            self._tracker = EnergyTracker(**self._settings)
        return self._tracker

    def summary(self) -> Summary:
        """The current run, or the last one, as it is stored. Raises StoreError, RunNotFoundError, and TrainwattError before the first run.

        If a strategy trains in processes that it starts itself, this process has no run: use `trainwatt show latest`.
        """
        return self.tracker.summary()

    def __getstate__(self) -> dict[str, Any]:
        """A copy, in this or another process, has the settings only: a run is not copied."""
        return {name: value for name, value in self.__dict__.items() if name not in OF_A_RUN}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._tracker = None
        self._begin_anew()

    @property
    def state_key(self) -> str:
        """The name of the state in a checkpoint: a Trainer may have several of these callbacks, for different projects."""
        kept = {name: str(self._settings[name]) for name in ("project", "scope", "db") if name in self._settings}
        return self._generate_state_key(**kept) if kept else super().state_key  # type: ignore[no-any-return, unused-ignore]

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint: the id of the run."""
        run_id = None if self._tracker is None else self._tracker.run_id
        return {} if run_id is None or "tune" in self._phases else {"run_id": run_id}  # a search has no callback to load it

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From a checkpoint: the run that goes on, if this is the beginning of a `fit`."""
        if self._waits:
            self._resume = state_dict.get("run_id")

    # ---- the run's life

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Begin a run, unless a `fit` is to load a checkpoint, which may say that a run goes on. Raises ConfigurationError or
        StoreError."""
        try:
            self._stop("failed", "the Trainer began another call before it ended this one")
            self._begin_anew()
            finders = [] if getattr(trainer, "fast_dev_run", False) else callbacks_of(trainer)  # Lightning makes no search in a quick run
            self._watched = searches(finders, lambda: self._begin_search(trainer), lambda error: self._end_search(trainer, error))
            self._watched.append(Around(trainer, "save_checkpoint", lambda: self._begin_saving(trainer), self._end_saving))
            self._waits = stage == "fit" and "resume" not in self._settings and loads_checkpoint(trainer)
        except Exception:  # a fault of trainwatt itself
            log.exception("trainwatt: the run could not begin as it should; the training is not affected")
        if not self._waits:
            self._begin(trainer)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the run, now that the checkpoint is loaded; some strategies load it later. Raises ConfigurationError or StoreError."""
        if self._waits and not getattr(trainer.strategy, "restore_checkpoint_after_setup", False):
            self._begin(trainer)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the run, if it has not begun. Raises ConfigurationError or StoreError."""
        if self._waits:
            self._begin(trainer)

    def _begin(self, trainer: Trainer) -> None:
        self._waits = False
        try:
            quick = getattr(trainer, "fast_dev_run", False)
            tags = {"fast_dev_run": str(int(quick))} if quick else None
            self.tracker.start(tags=tags, resume=self._resume, epochs=_epochs(trainer))
            self._live.begin()
        except TrainwattError:
            raise
        except Exception:  # a fault of trainwatt itself
            log.exception("trainwatt: the run could not begin and is not measured; the training is not affected")

    @harmless
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """End the run, unless an exception has ended it."""
        self._stop("searched" if self._searched and not self._worked else "completed", None)
        self._say_last(trainer)

    @harmless
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """End the run as interrupted, pruned or failed."""
        self._fail(trainer, exception)
        self._say_last(trainer)

    # ---- searches and checkpoints

    @harmless
    def _begin_search(self, trainer: Trainer) -> None:
        if self._waits:  # the search of a callback whose `on_fit_start` comes before ours
            self._begin(trainer)
        self._searched = True
        self._interrupted = self._phases.leave_all()
        self._phases.enter("tune", None)

    @harmless
    def _end_search(self, trainer: Trainer, error: BaseException | None) -> None:
        self._phases.leave("tune")
        if error is None:
            self._phases.continue_with(self._interrupted)
        elif type(error).__name__ != OVER and self not in callbacks_of(trainer):
            self._fail(trainer, error)  # the search has not put the callbacks back, so that `on_exception` will not be called

    @harmless
    def _begin_saving(self, trainer: Trainer) -> None:
        if "tune" not in self._phases:  # a search saves the state that it restores
            self._paused = [phase for phase in self._phases.leave_all() if phase[0] in ("validate", "test", "predict")]
            self._phases.enter("checkpoint", trainer.current_epoch if fits(trainer) else None)

    @harmless
    def _end_saving(self, error: BaseException | None) -> None:
        if "checkpoint" in self._phases:
            self._phases.leave("checkpoint")
            self._phases.continue_with(self._paused)

    # ---- helpers

    def _count(self, trainer: Trainer, batch: Any) -> None:
        self._worked = True
        if batch is None:  # for a training_step that takes the iterator
            return
        if self._counted is None:
            self._batches = Batches(trainer)
            self._counted = self.tracker.wrap(self._batches)
        assert self._batches is not None
        self._batches.batch = batch
        next(self._counted)

    def _stop(self, status: str, reason: str | None) -> None:
        """End the run, if there is one."""
        for watched in self._watched:
            watched.forget()
        self._phases.leave_all()
        self.tracker.stop(status, reason)

    def _fail(self, trainer: Trainer, exception: BaseException) -> None:
        if getattr(trainer, "received_sigterm", False):
            self._stop("interrupted", "SIGTERM")
        else:
            self._phases.leave_all()
            self.tracker.__exit__(type(exception), exception, exception.__traceback__)  # the same status as after a `with` block
            self._stop("failed", None)  # has no run to end any more

    # ---- values while it trains

    def _say(self, trainer: Trainer, *, at_an_end: bool) -> None:
        """Give the values to the loggers, at the end of an epoch, and from time to time within one."""
        if trainer.is_global_zero and trainer.loggers and (at_an_end or self._live.due):
            to_loggers(trainer, self._live.take())

    def _say_last(self, trainer: Trainer) -> None:
        """The values of the whole run, once."""
        if trainer.is_global_zero and trainer.loggers and self.tracker.run_id is not None and not self._said:
            self._said = True
            to_loggers(trainer, self._live.last())


def _epochs(trainer: Trainer) -> int | None:
    """How many epochs a `fit` will have, as far as the Trainer is told."""
    by_steps = getattr(trainer, "max_steps", -1) not in (None, -1)
    fits = str(getattr(trainer.state.fn, "value", "")) == "fit"
    return whole_epochs(trainer.max_epochs) if fits and not by_steps else None
