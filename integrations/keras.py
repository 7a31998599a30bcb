"""The energy of a training with Keras 3: `model.fit(..., callbacks=[EnergyCallback(project="digits")])`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

from trainwatt import BudgetExceeded, EnergyTracker
from trainwatt.integrations._common import Around, OpenPhases, harmless, whole_epochs
from trainwatt.integrations._live import Live

try:
    from keras.callbacks import Callback
except ModuleNotFoundError as error:
    if error.name != "keras":
        raise  # it is installed, but its backend is missing
    raise ImportError("trainwatt.integrations.keras needs Keras 3, which is not installed: pip install 'trainwatt[keras]'") from None

if TYPE_CHECKING:
    from trainwatt import Settings, Summary

__all__ = ["EnergyCallback"]


class EnergyCallback(Callback):  # type: ignore[misc, unused-ignore]
    """Measure the energy of each call of `fit`, `evaluate` or `predict` that has the callback.

    ::

        energy = EnergyCallback(project="digits")
        model.fit(images, labels, epochs=10, validation_data=(more, their), callbacks=[energy])
        print(energy.summary())

    The arguments are those of `EnergyTracker`, and `per_step=True`, which makes each batch a phase `train_step` within `train`. Raises
    ConfigurationError at once for a setting that is not allowed, and StoreError before the training begins for a database that cannot be
    used. After that no fault of the callback reaches the training.

    A run is one call. It ends as `completed` or, after an exception in a step, as `failed`, `interrupted` (Ctrl-C) or `pruned` (Optuna).
    Keras tells its callbacks of no exception: one that comes from elsewhere, such as the data, ends the run when the callback begins the
    next one, or at the exit of the interpreter. To go on with a run, give its id: `EnergyCallback(resume=…)`.

    Phases: `train`, `validate`, `test` and `predict`; in `fit` their step is the epoch. `train` does not include the validation.

    Samples are those of the batches of `fit`, or of an `evaluate` or `predict` on its own, where Keras gives the batches to its step, as
    with PyTorch. The metrics of each epoch are metrics of the run. The logs of each epoch get `energy/total_j`, `energy/power_w` (the mean
    since the last values), `energy/carbon_g` and `energy/sample_j`, with a budget or a forecast also `energy/budget_share` and
    `energy/forecast_j`: they reach the callbacks that come after this one, and the History that `fit` returns.
    """

    def __init__(self, *, per_step: bool = False, **settings: Unpack[Settings]) -> None:
        super().__init__()
        self._settings = settings
        self._per_step = per_step
        self._faulty: set[str] = set()
        self.tracker = EnergyTracker(**settings)
        self._phases = OpenPhases(lambda: self.tracker)
        self._live = Live(lambda: self.tracker)
        self._around: dict[str, Around] = {}
        self._epoch: int | None = None
        self._of_fit = False

    def summary(self) -> Summary:
        """The current run, or the last one, as it is stored. Raises StoreError, RunNotFoundError, and TrainwattError before the first."""
        return self.tracker.summary()

    # ---- the run's life

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin the run of a `fit`. Raises ConfigurationError or StoreError."""
        self._begin(whole_epochs((self.params or {}).get("epochs")))
        self._of_fit = True
        self._watch("train_function")

    @harmless
    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """End the run."""
        self._end(None)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin `validate` in a `fit`, else the run of an `evaluate`. Raises ConfigurationError or StoreError."""
        self._begin_other("validate" if self._of_fit else "test", "test_function")

    @harmless
    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """End `validate`, or the run."""
        self._end_other()

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin the run of a `predict`. Raises ConfigurationError or StoreError."""
        self._begin_other("predict", "predict_function")

    @harmless
    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """End the run."""
        self._end_other()

    def _begin(self, epochs: int | None = None) -> None:
        self._forget()
        self.tracker.stop("failed", "Keras began another call before it ended this one")
        self._epoch = None
        self.tracker.start(epochs=epochs)
        self._live.begin()

    def _begin_other(self, name: str, function: str) -> None:
        if not self._of_fit:
            self._begin()
        self._watch(function)
        self._enter(name)

    def _end_other(self) -> None:
        self._phases.leave_all()
        if not self._of_fit:
            self._end(None)

    @harmless
    def _enter(self, name: str) -> None:
        self._phases.leave_all()
        self._may_halt(self._phases.enter, name, self._epoch)

    @harmless
    def _watch(self, function: str) -> None:
        """Be called around the steps of Keras: with their batches, and with their exceptions."""
        if function not in self._around and callable(getattr(self.model, function, None)):
            begun = self._count if self._of_fit is (function == "train_function") else self._nothing
            self._around[function] = Around(self.model, function, begun, self._step_ended, given=True)

    @harmless
    def _step_ended(self, error: BaseException | None) -> None:
        if error is not None:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        self._forget()
        self.tracker.__exit__(None if error is None else type(error), error, None)  # the same status as after a `with` block

    def _may_halt(self, call: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        """Call what raises BudgetExceeded with `on_budget="raise"`, and end the run then: Keras tells nobody of the exception."""
        try:
            call(*args, **kwargs)
        except BudgetExceeded as error:
            self._end(error)
            raise

    def _forget(self) -> None:
        for around in self._around.values():
            around.forget()
        self._around = {}
        self._phases.leave_all()
        self._of_fit = False

    # ---- epochs and batches

    @harmless
    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin `train`."""
        self._epoch = epoch
        self._enter("train")

    @harmless
    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin the phase of a step."""
        if self._per_step:
            self._may_halt(self._phases.enter, "train_step", batch)

    @harmless
    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """End the phase of a step, and stop at the budget if that is wanted."""
        self._phases.leave("train_step")
        if self.tracker.should_stop:
            self._may_halt(self.tracker.update)
            self.model.stop_training = True

    @harmless
    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """End `train`, log the metrics, and add the energy to the logs."""
        self._phases.leave_all()
        if logs is not None:
            self.tracker.log(dict(logs), step=epoch)
            logs.update(self._live.take())

    def _nothing(self, *_: object, **__: object) -> None:
        """Before a step whose samples do not count."""

    @harmless
    def _count(self, *given: object, **_: object) -> None:
        """The samples of a step, if it is given a list of batches. Other backends give it an iterator; JAX gives it the state of the model,
        which is a list too, and then the iterator."""
        if given and isinstance(given[-1], (list, tuple)):
            found = [_samples(batch) for batch in given[-1]]
            self._may_halt(self.tracker.update, samples=sum(count for count in found if count is not None))


def _samples(batch: object) -> int | None:
    """The size of the first array in a batch."""
    if isinstance(batch, dict):
        batch = list(batch.values())
    if isinstance(batch, (list, tuple)):
        return next((found for part in batch if (found := _samples(part)) is not None), None)
    shape = getattr(batch, "shape", None)
    return int(shape[0]) if shape else None
