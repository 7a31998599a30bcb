"""The energy of a PyTorch Lightning training: `Trainer(callbacks=[EnergyCallback(project="digits")])`.

Works with `lightning` and with `pytorch_lightning`: with the package that is imported already (with both, if both are), else with the one
that is installed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Unpack

from trainwatt import EnergyTracker, TrainwattError
from trainwatt.integrations._lightning import OVER, Batches, Searches, callback_class, callbacks_of, fits

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from lightning.pytorch import Callback, LightningModule, Trainer

    from trainwatt import Settings, Summary

__all__ = ["EnergyCallback"]

log = logging.getLogger("trainwatt")

if not TYPE_CHECKING:
    Callback = callback_class()


def _harmless(hook: Callable[..., None]) -> Callable[..., None]:
    """A fault of the callback does not reach the training. The first fault of each hook is logged with its traceback."""

    @wraps(hook)
    def guarded(self: EnergyCallback, *args: Any, **kwargs: Any) -> None:
        try:
            hook(self, *args, **kwargs)
        except Exception:  # a fault of a hook must not end the training
            if hook.__name__ not in self._faulty:
                self._faulty.add(hook.__name__)
                log.exception("trainwatt: %s failed; the training is not affected", hook.__qualname__)

    return guarded


class EnergyCallback(Callback):
    """Measure the energy of each call of a Trainer.

    ::

        energy = EnergyCallback(project="digits")
        trainer = Trainer(callbacks=[energy], max_epochs=10)
        trainer.fit(model, train_loader, validate_loader)
        print(energy.summary())

    The arguments are those of `EnergyTracker`. Raises ConfigurationError at once for a setting that is not allowed, and StoreError before
    the training begins for a database that cannot be used. After that no fault of the callback reaches the training.

    A run is one call of `fit`, `validate`, `test` or `predict`: a `fit` followed by a `test` with the same callback is two runs. Its
    status is `completed` or, after an exception, `interrupted` (Ctrl-C, SIGTERM), `pruned` (Optuna) or `failed`. A run that only searched
    for a batch size or a learning rate, as with Lightning's Tuner, is `searched`. With `fast_dev_run` the run has a tag of this name.

    Phases: `train`, `validate`, `test` and `predict`. `sanity_check` has the few validation batches that Lightning runs before the first
    epoch, and `tune` the searches of Lightning's BatchSizeFinder and LearningRateFinder, whose batches are no samples. In `fit` the step of
    a phase is the epoch. `train` never includes a validation: the Trainer validates inside the training epoch, so `train` ends when the
    validation begins. It continues with the next training batch, if there is one, as another instance of the same step. Work between the
    phases (checkpoints, the hooks at the end of an epoch) is in the run's total only.

    What the model logs (`self.log`) is logged as the metrics of the run after each validation in `fit`, by the first rank.

    Samples are counted by the size of the first tensor of a batch: training batches in `fit`, and the batches of `validate`, `test` and
    `predict` when these are called on their own.
    """

    def __init__(self, **settings: Unpack[Settings]) -> None:
        super().__init__()
        self._settings = settings
        self._tracker: EnergyTracker | None = EnergyTracker(**settings)
        self._phases: dict[str, tuple[int | None, AbstractContextManager[object]]] = {}
        self._faulty: set[str] = set()
        self._searching: Searches | None = None
        self._interrupted: list[tuple[str, int | None]] = []
        self._begin_anew()

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
        return {**self.__dict__, "_tracker": None, "_phases": {}, "_searching": None, "_batches": None, "_counted": None}

    # ---- the run's life

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Begin a run. Raises ConfigurationError or StoreError."""
        try:
            self._stop("failed", "the Trainer began another call before it ended this one")
            self._begin_anew()
            quick = getattr(trainer, "fast_dev_run", False)
            self.tracker.start(tags={"fast_dev_run": str(int(quick))} if quick else None)
            finders = [] if quick else callbacks_of(trainer)  # Lightning makes no search in a quick run
            self._searching = Searches(finders, self._begin_search, lambda error: self._end_search(trainer, error))
        except TrainwattError:
            raise
        except Exception:  # a fault of trainwatt itself
            log.exception("trainwatt: the run could not begin and is not measured; the training is not affected")

    @_harmless
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """End the run, unless an exception has ended it."""
        self._stop("searched" if self._searched and not self._worked else "completed", None)

    @_harmless
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """End the run as interrupted, pruned or failed."""
        self._fail(trainer, exception)

    # ---- phases

    @_harmless
    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin `sanity_check`."""
        self._enter("sanity_check", None)

    @_harmless
    def on_sanity_check_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `sanity_check`."""
        self._leave("sanity_check")

    @_harmless
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin `train`."""
        self._enter("train", trainer.current_epoch)

    @_harmless
    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Continue `train` after a validation or a search within the epoch."""
        self._worked = True
        if "train" not in self._phases:
            self._enter("train", trainer.current_epoch)

    @_harmless
    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Count the samples of a training batch."""
        self._count(trainer, batch)

    @_harmless
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `train`, unless a validation at the end of the epoch has ended it."""
        self._leave("train")

    @_harmless
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `train`, begin `validate`."""
        if not trainer.sanity_checking:
            self._leave("train")
            self._enter("validate", trainer.current_epoch if fits(trainer) else None)

    @_harmless
    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Count the samples of a batch of `Trainer.validate`."""
        if not fits(trainer):
            self._count(trainer, batch)

    @_harmless
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `validate`, and log the metrics of the model."""
        self._leave("validate")
        if fits(trainer) and trainer.is_global_zero and not trainer.sanity_checking:
            self.tracker.log(dict(trainer.callback_metrics))

    @_harmless
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin `test`."""
        self._enter("test", None)

    @_harmless
    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count the samples of a test batch."""
        self._count(trainer, batch)

    @_harmless
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `test`."""
        self._leave("test")

    @_harmless
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin `predict`."""
        self._enter("predict", None)

    @_harmless
    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count the samples of a batch of predictions."""
        self._count(trainer, batch)

    @_harmless
    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `predict`."""
        self._leave("predict")

    # ---- helpers

    def _enter(self, name: str, step: int | None) -> None:
        self._leave(name)
        phase = self.tracker.phase(name, step=step)
        phase.__enter__()
        self._phases[name] = step, phase

    def _leave(self, name: str) -> None:
        _, phase = self._phases.pop(name, (None, None))
        if phase is not None:
            phase.__exit__(None, None, None)

    def _leave_all(self) -> None:
        for name in reversed(list(self._phases)):
            self._leave(name)

    def _begin_anew(self) -> None:
        """Forget the last run."""
        self._searched = self._worked = False
        self._searching = None
        self._batches: Batches | None = None
        self._counted: Any = None

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
        if self._searching is not None:
            self._searching.forget()
        self._leave_all()
        self.tracker.stop(status, reason)

    def _fail(self, trainer: Trainer, exception: BaseException) -> None:
        if getattr(trainer, "received_sigterm", False):
            self._stop("interrupted", "SIGTERM")
        else:
            self._leave_all()
            self.tracker.__exit__(type(exception), exception, exception.__traceback__)  # the same status as after a `with` block
            self._stop("failed", None)  # has no run to end any more

    # ---- searches

    @_harmless
    def _begin_search(self) -> None:
        self._searched = True
        self._interrupted = [(name, step) for name, (step, _) in self._phases.items()]
        self._leave_all()
        self._enter("tune", None)

    @_harmless
    def _end_search(self, trainer: Trainer, error: BaseException | None) -> None:
        self._leave("tune")
        if error is None:
            for name, step in self._interrupted:
                self._enter(name, step)
        elif type(error).__name__ != OVER and self not in callbacks_of(trainer):
            self._fail(trainer, error)  # the search has not put the callbacks back, so that `on_exception` will not be called
