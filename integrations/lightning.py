"""The energy of a PyTorch Lightning training: `Trainer(callbacks=[EnergyCallback(project="digits")])`.

Works with `lightning` and with `pytorch_lightning`: with the package that is imported already (with both, if both are), else with the one
that is installed.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Unpack

from trainwatt import EnergyTracker, TrainwattError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from lightning.pytorch import Callback, LightningModule, Trainer

    from trainwatt import Settings, Summary

__all__ = ["EnergyCallback"]

log = logging.getLogger("trainwatt")

_PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def _callback_class() -> type:
    """The `Callback` of the packages that are imported already, else of the first package that is installed. An import takes seconds,
    and a Trainer accepts the class of its own package only."""
    found = [import_module(name).Callback for name in _PACKAGES if sys.modules.get(name) is not None]
    if not found:
        for name in _PACKAGES:
            try:
                found = [import_module(name).Callback]
                break
            except ModuleNotFoundError as error:
                if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                    raise  # it is installed, but one of its own requirements is missing
    if not found:
        raise ImportError(
            "trainwatt.integrations.lightning needs PyTorch Lightning, and neither `lightning` nor `pytorch_lightning` is installed:"
            " pip install 'trainwatt[lightning]'"
        )
    return found[0] if len(found) == 1 else type("Callback", tuple(found), {})


if not TYPE_CHECKING:
    Callback = _callback_class()


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
    status is `completed` or, after an exception, `interrupted` (Ctrl-C, SIGTERM) or `failed`.

    Phases: `train`, `validate`, `test`, `predict`, and `sanity_check` for the few validation batches that Lightning runs before the
    first epoch. In `fit` the step of a phase is the epoch. `train` never includes a validation: the Trainer validates inside the training
    epoch, so `train` ends when the validation begins. It continues with the next training batch, if there is one, as another instance of
    the same step. Work between the phases (checkpoints, the hooks at the end of an epoch) is in the run's total only.

    Samples are counted by the size of the first tensor of a batch: training batches in `fit`, and the batches of `validate`, `test` and
    `predict` when these are called on their own.
    """

    def __init__(self, **settings: Unpack[Settings]) -> None:
        super().__init__()
        self._settings = settings
        self._tracker: EnergyTracker | None = EnergyTracker(**settings)
        self._phases: dict[str, AbstractContextManager[object]] = {}
        self._faulty: set[str] = set()

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
        return {**self.__dict__, "_tracker": None, "_phases": {}}

    # ---- the run's life

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Begin a run. Raises ConfigurationError or StoreError."""
        try:
            self._stop("failed", "the Trainer began another call before it ended this one")
            self.tracker.start()
        except TrainwattError:
            raise
        except Exception:  # a fault of trainwatt itself
            log.exception("trainwatt: the run could not begin and is not measured; the training is not affected")

    @_harmless
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """End the run, unless an exception has ended it."""
        self._stop("completed", None)

    @_harmless
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """End the run as interrupted or failed."""
        if getattr(trainer, "received_sigterm", False):
            self._stop("interrupted", "SIGTERM")
        else:
            self._leave_all()
            self.tracker.__exit__(type(exception), exception, exception.__traceback__)  # the same status as after a `with` block

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
        """Continue `train` after a validation within the epoch."""
        if "train" not in self._phases:
            self._enter("train", trainer.current_epoch)

    @_harmless
    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Count the samples of a training batch."""
        self._count(batch)

    @_harmless
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `train`, unless a validation at the end of the epoch has ended it."""
        self._leave("train")

    @_harmless
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `train`, begin `validate`."""
        if not trainer.sanity_checking:
            self._leave("train")
            self._enter("validate", trainer.current_epoch if _fits(trainer) else None)

    @_harmless
    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count the samples of a batch of `Trainer.validate`."""
        if not _fits(trainer):
            self._count(batch)

    @_harmless
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `validate`."""
        self._leave("validate")

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
        self._count(batch)

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
        self._count(batch)

    @_harmless
    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `predict`."""
        self._leave("predict")

    # ---- helpers

    def _enter(self, name: str, step: int | None) -> None:
        self._leave(name)
        phase = self.tracker.phase(name, step=step)
        phase.__enter__()
        self._phases[name] = phase

    def _leave(self, name: str) -> None:
        phase = self._phases.pop(name, None)
        if phase is not None:
            phase.__exit__(None, None, None)

    def _leave_all(self) -> None:
        for name in reversed(list(self._phases)):
            self._leave(name)

    def _count(self, batch: Any) -> None:
        if batch is not None:  # it is None for a training_step that takes the iterator
            for _ in self.tracker.wrap([batch]):
                pass

    def _stop(self, status: str, reason: str | None) -> None:
        """End the run, if there is one."""
        self._leave_all()
        self.tracker.stop(status, reason)


def _fits(trainer: Trainer) -> bool:
    """Whether the Trainer was called with `fit`, not with `validate`."""
    return str(getattr(trainer.state.fn, "value", trainer.state.fn)) == "fit"
