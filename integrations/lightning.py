"""The energy of a PyTorch Lightning training: `Trainer(callbacks=[EnergyCallback(project="digits")])`.

Works with `lightning` and with `pytorch_lightning`: with the package that is imported already (with both, if both are), else with the one
that is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainwatt.integrations._common import harmless
from trainwatt.integrations._lightning import fits
from trainwatt.integrations._lightning_run import RunCallback

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

__all__ = ["EnergyCallback"]

BAR = "energy_j"
"""The name in the progress bar."""


class EnergyCallback(RunCallback):
    """Measure the energy of each call of a Trainer.

    ::

        energy = EnergyCallback(project="digits")
        trainer = Trainer(callbacks=[energy], max_epochs=10)
        trainer.fit(model, train_loader, validate_loader)
        print(energy.summary())

    The arguments are those of `EnergyTracker`, and two more: `per_step=True` makes each training batch a phase `train_step` within `train`,
    and `progress_bar=True` shows the joules so far in the progress bar. Raises ConfigurationError at once for a setting that is not
    allowed, and StoreError before the training begins for a database that cannot be used. After that no fault of the callback reaches the
    training.

    A run is one call of `fit`, `validate`, `test` or `predict`: a `fit` followed by a `test` with the same callback is two runs. Its
    status is `completed` or, after an exception, `interrupted` (Ctrl-C, SIGTERM), `pruned` (Optuna) or `failed`. A run that only searched
    for a batch size or a learning rate, as with Lightning's Tuner, is `searched`. With `fast_dev_run` the run has a tag of this name. A
    `fit` that loads a checkpoint (`ckpt_path=`) goes on with the run of the `fit` that saved it.

    Phases: `train`, `validate`, `test` and `predict`; `checkpoint`, each saving of a checkpoint; `sanity_check`, the few validation batches
    that Lightning runs before the first epoch; and `tune`, the searches of Lightning's BatchSizeFinder and LearningRateFinder, whose
    batches are no samples. In `fit` the step of a phase is the epoch. `train` never includes a validation or a checkpoint: both happen
    inside the training epoch, so `train` ends there. It continues with the next training batch, if there is one, as another instance of the
    same step. Work between the phases (the hooks at the end of an epoch) is in the run's total only.

    What the model logs (`self.log`) is logged as the metrics of the run after each validation in `fit`, by the first rank.

    The loggers of the Trainer get `energy/total_j`, `energy/power_w` (the mean since the last values), `energy/carbon_g` and
    `energy/sample_j`, with a budget or a forecast also `energy/budget_share` and `energy/forecast_j`: after each epoch, about every ten
    seconds within one, and at the end of the run.

    Samples are counted by the size of the first tensor of a batch: training batches in `fit`, and the batches of `validate`, `test` and
    `predict` when these are called on their own.
    """

    # ---- phases

    @harmless
    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin `sanity_check`."""
        self._phases.enter("sanity_check", None)

    @harmless
    def on_sanity_check_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `sanity_check`."""
        self._phases.leave("sanity_check")

    @harmless
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin `train`."""
        self._phases.enter("train", trainer.current_epoch)

    @harmless
    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Continue `train` after a validation or a search within the epoch."""
        self._worked = True
        if "train" not in self._phases:
            self._phases.enter("train", trainer.current_epoch)
        if self._per_step:
            self._phases.enter("train_step", trainer.global_step)

    @harmless
    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Count the samples of a training batch, show the energy so far, and stop at the budget if that is wanted."""
        self._count(trainer, batch)
        self._phases.leave("train_step")
        self._say(trainer, at_an_end=False)
        if self.tracker.should_stop:
            self.tracker.update()  # raises BudgetExceeded with `on_budget="raise"`
            trainer.should_stop = True
        if self._progress_bar and (energy_j := self.tracker.energy_j) is not None:
            pl_module.log(BAR, energy_j, prog_bar=True, logger=False, on_step=True, on_epoch=False, batch_size=1)

    @harmless
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `train`, unless a validation at the end of the epoch has ended it."""
        self._phases.leave("train")
        self._say(trainer, at_an_end=True)

    @harmless
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `train`, begin `validate`."""
        if not trainer.sanity_checking:
            self._phases.leave("train")
            self._phases.enter("validate", trainer.current_epoch if fits(trainer) else None)

    @harmless
    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Count the samples of a batch of `Trainer.validate`."""
        if not fits(trainer):
            self._count(trainer, batch)

    @harmless
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `validate`, and log the metrics of the model."""
        self._phases.leave("validate")
        if fits(trainer) and trainer.is_global_zero and not trainer.sanity_checking:
            self.tracker.log({name: value for name, value in trainer.callback_metrics.items() if name != BAR})

    @harmless
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin `test`."""
        self._phases.enter("test", None)

    @harmless
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

    @harmless
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `test`."""
        self._phases.leave("test")

    @harmless
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin `predict`."""
        self._phases.enter("predict", None)

    @harmless
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

    @harmless
    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End `predict`."""
        self._phases.leave("predict")
