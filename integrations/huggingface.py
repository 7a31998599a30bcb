"""The energy of a training with the Trainer of Hugging Face: `Trainer(..., callbacks=[EnergyCallback(project="digits")])`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Unpack

from trainwatt import EnergyTracker
from trainwatt.integrations._common import Around, OpenPhases, harmless, log, whole_epochs
from trainwatt.integrations._huggingface import callbacks_of, counted, metrics_in, run_of, trainer_of
from trainwatt.integrations._live import Live
from trainwatt.integrations._names import CARBON

try:
    from transformers.trainer_callback import ExportableState, TrainerCallback
except ModuleNotFoundError as error:
    if error.name != "transformers":
        raise  # it is installed, but one of its own requirements is missing
    raise ImportError(
        "trainwatt.integrations.huggingface needs Hugging Face's transformers, which is not installed: pip install 'trainwatt[huggingface]'"
    ) from None

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments

    from trainwatt import Settings, Summary

__all__ = ["EnergyCallback"]

OF_A_RUN = {"_tracker", "_trainer", "_phases", "_live", "_alone", "_depth", "_epoch"}
"""The attributes of a callback that belong to the run that is under way."""


class EnergyCallback(TrainerCallback, ExportableState):
    """Measure the energy of each call of a Trainer.

    ::

        energy = EnergyCallback(project="digits")
        trainer = Trainer(model, args, train_dataset=train, eval_dataset=test, callbacks=[energy])
        trainer.train()
        print(energy.summary())

    The arguments are those of `EnergyTracker`, and `per_step=True`, which makes each batch a phase `train_step` within `train`. Raises
    ConfigurationError at once for a setting that is not allowed, and StoreError before the training begins for a database that cannot be
    used. After that no fault of the callback reaches the training.

    A run is one call of `train`, and each `evaluate` or `predict` outside of one. Its status is `completed` or, after an exception,
    `interrupted` (Ctrl-C), `pruned` (Optuna) or `failed`. If the callback was added after the Trainer was made (`add_callback`), a run
    that an exception ends is ended at the exit of the interpreter. A training that goes on from a checkpoint (`resume_from_checkpoint`)
    goes on with the run that saved it.

    Phases: `train`, `evaluate`, `predict` and `checkpoint`; in a training their step is the epoch. `train` includes none of the others.

    Samples are those of the batches: of the training, or of an `evaluate` or `predict` outside of one. Tokens are counted if a batch has
    `input_ids`, with the padding. What the Trainer logs is logged as the metrics of the run, by the first rank. Each log of a training has
    the energy so far: `energy/total_j`, `energy/power_w` (the mean since the last values), `energy/carbon_g` and `energy/sample_j`.
    """

    def __init__(self, *, per_step: bool = False, **settings: Unpack[Settings]) -> None:
        super().__init__()
        self._settings = settings
        self._per_step = per_step
        self._faulty: set[str] = set()
        self._tracker: EnergyTracker | None = EnergyTracker(**settings)
        self.run_before: str | None = None
        self._stand_by()

    def _stand_by(self) -> None:
        self._trainer: Any = None
        self._phases = OpenPhases(lambda: self.tracker)
        self._live = Live(lambda: self.tracker)
        self._alone = False  # the run is that of an `evaluate` or `predict`
        self._depth = 0  # of the calls of `evaluate` and `predict`: for several datasets, `evaluate` calls itself
        self._epoch: int | None = None

    @property
    def tracker(self) -> EnergyTracker:
        """The tracker of the callback: for `update(…)` and for your own phases."""
        if self._tracker is None:
            self._tracker = EnergyTracker(**self._settings)
        return self._tracker

    def summary(self) -> Summary:
        """The current run, or the last one, as it is stored. Raises StoreError, RunNotFoundError, and TrainwattError before the first."""
        return self.tracker.summary()

    def __getstate__(self) -> dict[str, Any]:
        """A copy, in this or another process, has the settings only: a run is not copied."""
        return {name: value for name, value in self.__dict__.items() if name not in OF_A_RUN}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._tracker = None
        self._stand_by()

    def state(self) -> dict[str, Any]:
        """For a checkpoint: the id of the run, and the settings that JSON can hold."""
        return {"args": {**_as_json(self._settings), "per_step": self._per_step}, "attributes": {"run_before": self.tracker.run_id}}

    # ---- the run's life

    @harmless
    def on_init_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Find the Trainer."""
        self._attach()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Begin a run. Raises ConfigurationError or StoreError."""
        self._begin_training(args, state)

    @harmless
    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """End the run."""
        self._stop(None)

    def _begin_training(self, args: TrainingArguments, state: TrainerState) -> None:
        self._attach()
        before = self.run_before or run_of(state, type(self).__name__)
        self.run_before = None
        if "resume" in self._settings:
            before = None
        self._start(before, None if args.max_steps > 0 else whole_epochs(state.num_train_epochs))

    def _start(self, before: str | None, epochs: int | None = None) -> None:
        self.tracker.stop("failed", "the Trainer began another call before it ended this one")
        self._phases = OpenPhases(lambda: self.tracker)
        self._live = Live(lambda: self.tracker)
        self._epoch = None
        self.tracker.start(resume=before, epochs=epochs)
        self._live.begin()

    def _stop(self, error: BaseException | None) -> None:
        self._phases.leave_all()
        if self.tracker.running:
            self.tracker.__exit__(None if error is None else type(error), error, None)  # the same status as after a `with` block

    def _attach(self) -> None:
        """Be called around the methods of the Trainer that have no hooks of their own at both ends."""
        trainer = trainer_of(self)
        if trainer is None or trainer is self._trainer:
            return
        self._trainer = trainer
        if any(type(other).__name__ == "CodeCarbonCallback" for other in callbacks_of(trainer)):
            log.warning("trainwatt: CodeCarbon measures this training too; trainwatt's figures are the same with and without it")
        Around(trainer, "train", self._nothing, self._train_ended)
        Around(trainer, "evaluate", self._evaluate_begun, self._evaluated)
        Around(trainer, "predict", self._predict_begun, self._evaluated)
        Around(trainer, "log", self._add_energy, self._nothing, given=True)
        Around(trainer, "training_step", self._count_training, self._nothing, given=True)
        Around(trainer, "prediction_step", self._count_alone, self._nothing, given=True)
        if hasattr(trainer, "_save_checkpoint"):
            Around(trainer, "_save_checkpoint", self._save_begun, self._saved)

    def _nothing(self, *_: object) -> None:
        """At an end of a call at which there is nothing to do."""

    @harmless
    def _train_ended(self, error: BaseException | None) -> None:
        self._stop(error)

    # ---- phases

    @harmless
    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Begin `train`. `state.epoch` is how much of the training is done, in epochs."""
        self._epoch = int((state.epoch or 0.0) + 1e-6)
        self._phases.enter("train", self._epoch)

    @harmless
    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Continue `train` after what has interrupted it."""
        if "train" not in self._phases:
            self._phases.enter("train", self._epoch)
        if self._per_step:
            self._phases.enter("train_step", state.global_step)

    @harmless
    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """End the phase of a step, and stop at the budget if that is wanted."""
        self._phases.leave("train_step")
        if self.tracker.should_stop:
            self.tracker.update()  # raises BudgetExceeded with `on_budget="raise"`
            control.should_training_stop = True

    @harmless
    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """End `train`."""
        self._phases.leave("train")

    @harmless
    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Log the metrics."""
        if state.is_world_process_zero:
            self.tracker.log(metrics_in(logs or {}), step=self._epoch)

    def _evaluate_begun(self) -> None:
        self._begin_alone("evaluate")

    def _predict_begun(self) -> None:
        self._begin_alone("predict")

    def _begin_alone(self, name: str) -> None:
        """An evaluation begins. Outside of a training it is a run. Raises ConfigurationError or StoreError."""
        self._depth += 1
        if self._depth > 1:
            return
        if not self.tracker.running:
            self._start(None)
            self._alone = True
        self._interrupt(name)

    @harmless
    def _evaluated(self, error: BaseException | None) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._phases.leave_all()
            if self._alone:
                self._stop(error)
                self._alone = False

    @harmless
    def _save_begun(self) -> None:
        self._interrupt("checkpoint")

    @harmless
    def _saved(self, error: BaseException | None) -> None:
        self._phases.leave("checkpoint")

    @harmless
    def _interrupt(self, name: str) -> None:
        self._phases.leave_all()
        self._phases.enter(name, self._epoch)

    # ---- work and logs

    @harmless
    def _count_training(self, model: object, inputs: object, *_: object, **__: object) -> None:
        self.tracker.update(**counted(inputs))

    @harmless
    def _count_alone(self, model: object, inputs: object, *_: object, **__: object) -> None:
        if self._alone:
            self.tracker.update(**counted(inputs))

    @harmless
    def _add_energy(self, logs: dict[str, Any], *_: object, **__: object) -> None:
        """Add the energy to what the Trainer logs of its training, before any logger sees it."""
        if not self._trainer.state.is_world_process_zero or not self.tracker.running:
            return
        if "train_runtime" in logs:  # the last log of a training, just before its end
            values = self._live.take()
            logs.update(values if values.get(CARBON) else self._live.last())  # of a very short training, nothing is known at once
        elif "loss" in logs:
            logs.update(self._live.take())


def _as_json(settings: Settings) -> dict[str, Any]:
    """The settings that JSON can hold: a checkpoint is written in any case."""
    kept = {}
    for name, value in settings.items():
        try:
            kept[name] = json.loads(json.dumps(value))
        except (TypeError, ValueError):
            log.debug("trainwatt: the setting %s is not in the checkpoint", name)
    return kept
