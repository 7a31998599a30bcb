"""The energy of a loop that uses Hugging Face's Accelerate: `with AcceleratorTracker(accelerator, project="digits") as tracker:`"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, SupportsFloat, Unpack

from trainwatt import EnergyTracker
from trainwatt.integrations._common import Around, OpenPhases, harmless
from trainwatt.integrations._live import Live

if TYPE_CHECKING:
    from accelerate import Accelerator

    from trainwatt import Settings

__all__ = ["AcceleratorTracker"]


class AcceleratorTracker:
    """An `EnergyTracker` that works with an Accelerator.

    ::

        accelerator = Accelerator(log_with="tensorboard")
        energy = AcceleratorTracker(accelerator, project="digits")
        model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
        with energy as tracker:
            for epoch in range(10):
                with tracker.phase("train", step=epoch):
                    for batch in tracker.wrap(loader): ...
                accelerator.log({"val_accuracy": accuracy}, step=epoch)
        accelerator.end_training()

    The arguments after the first are those of `EnergyTracker`; `with` gives the EnergyTracker, with its phases, `wrap` and `update`. In the
    block, each `accelerator.log` also logs the energy so far, with the same step: `energy/total_j`, `energy/power_w` (the mean since the
    last values), `energy/carbon_g` and `energy/sample_j`, with a budget or a forecast also `energy/budget_share` and `energy/forecast_j`.
    So does the end of the block. What the loop logs are the metrics of the run. Each `accelerator.save_state` is the phase `checkpoint`,
    within the phase that is open.

    The run is part of what the Accelerator saves: after `accelerator.load_state`, the block goes on with the run that saved the state. Make
    the object before `load_state`, and enter the block after it. A state that was saved without it cannot be loaded with it, as with each
    object that is registered for checkpointing.

    Raises ConfigurationError at once for a setting that is not allowed. The block raises StoreError at its beginning for a database that
    cannot be used. After that no fault reaches the training.
    """

    def __init__(self, accelerator: Accelerator, **settings: Unpack[Settings]) -> None:
        self._accelerator = accelerator
        self._settings = settings
        self._around: list[Around] = []
        self._resume: str | None = None
        self._faulty: set[str] = set()
        self.tracker = EnergyTracker(**settings)
        self._phases = OpenPhases(lambda: self.tracker)
        self._live = Live(lambda: self.tracker)
        accelerator.register_for_checkpointing(self)

    def state_dict(self) -> dict[str, str]:
        """For a checkpoint: the id of the run."""
        run_id = self.tracker.run_id
        return {} if run_id is None else {"run_id": run_id}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """From a checkpoint: the run that goes on, if the block has not begun."""
        if not self.tracker.running:
            self._resume = None if "resume" in self._settings else state_dict.get("run_id")

    def __enter__(self) -> EnergyTracker:
        resume, self._resume = self._resume, None  # the block again is another run
        self.tracker.start(resume=resume)
        self._attach()
        return self.tracker

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for around in self._around:
            around.forget()
        self._around = []
        self._phases.leave_all()
        self.tracker.__exit__(kind, error, trace)
        if error is None:
            self._say_last()

    @harmless
    def _attach(self) -> None:
        self._live.begin()
        self._around = [
            Around(self._accelerator, "log", self._logged, self._nothing, given=True),
            Around(self._accelerator, "save_state", self._begin_saving, self._end_saving),
        ]

    def _nothing(self, error: BaseException | None) -> None:
        """After a log, there is nothing to do."""

    @harmless
    def _begin_saving(self) -> None:
        self._phases.enter("checkpoint", None)

    @harmless
    def _end_saving(self, error: BaseException | None) -> None:
        self._phases.leave("checkpoint")

    @harmless
    def _logged(self, values: dict[str, SupportsFloat], step: int | None = None, *_: object, **__: object) -> None:
        """Log the metrics in the run, and the energy where they are logged."""
        if self._accelerator.is_main_process:
            self.tracker.log(dict(values), step=step)
            if self._accelerator.trackers and (now := self._live.take()):
                self._around[0].method(now, step=step)

    @harmless
    def _say_last(self) -> None:
        if self._accelerator.is_main_process and self._accelerator.trackers:
            self._accelerator.log(self._live.last())
