"""PURE: what a user says of a model's life: which runs belong to it, what was not measured, and the inference that is planned."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from ..carbon.accounting import Estimate
from ..carbon.estimating import Plan
from ..carbon.terms import Terms
from ..core.run import Stage

if TYPE_CHECKING:
    from ..core.contract import StatedJson


class Selection(NamedTuple):
    """Runs that belong to `stage`: those that are named in `runs`, and those that fit every other field that is not None. `where` is its
    place in the file."""

    where: str
    stage: Stage
    runs: tuple[str, ...]
    project: str | None
    group: str | None
    recorded_stage: str | None
    tags: tuple[tuple[str, str | None], ...]


class Added(NamedTuple):
    """Something that was not measured, in one stage. At least one of `energy_kwh`, `plan`, `operational_kg` and `embodied_kg` is given.

    `energy_kwh` is before PUE; it is 0 where `operational_kg` stands beside `gpu_hours`, because it is not known then. `plan` says on what
    the `gpu_hours` were spent. `terms` are its own, such as its zone. `begin` and `end` are its first and last day, if the file gives them.
    """

    where: str
    stage: Stage
    name: str
    source: str
    energy_kwh: Estimate | None
    gpu_hours: Estimate | None
    plan: Plan | None
    operational_kg: Estimate | None
    embodied_kg: Estimate | None
    terms: Terms
    begin: date | None
    end: date | None


class Inference(NamedTuple):
    """The inference that is planned: `per_day` units a day for `days`. A unit takes `j_per_unit` (before PUE, from `source`), or what the
    named `runs` took, which must have counted `unit`."""

    unit: str
    per_day: Estimate
    days: float
    j_per_unit: Estimate | None
    embodied_g_per_unit: Estimate | None
    source: str | None
    runs: tuple[str, ...]
    terms: Terms


class Stated(NamedTuple):
    """What a disclosure asks for and nothing that was measured tells; None where it is not stated. `flop` is the compute of the training,
    `flop_method` how it is known, and `released` a day. `inference_flop` is the compute of a benchmark of inference, `inference_task` what
    it does, and `inference_hardware` on what."""

    provider: str | None = None
    location: str | None = None
    training_type: str | None = None
    flop: float | None = None
    flop_method: str | None = None
    parameters: float | None = None
    training_tokens: float | None = None
    license: str | None = None
    released: str | None = None
    download: str | None = None
    version: str | None = None
    task_family: str | None = None
    data_type: str | None = None
    infrastructure: str | None = None
    energy_source: str | None = None
    inference_flop: float | None = None
    inference_task: str | None = None
    inference_hardware: str | None = None
    supplier: str | None = None

    def as_json(self) -> StatedJson:
        """The contract's form."""
        return {
            "provider": self.provider,
            "location": self.location,
            "training_type": self.training_type,
            "flop": self.flop,
            "flop_method": self.flop_method,
            "parameters": self.parameters,
            "training_tokens": self.training_tokens,
            "license": self.license,
            "released": self.released,
            "download": self.download,
            "version": self.version,
            "task_family": self.task_family,
            "data_type": self.data_type,
            "infrastructure": self.infrastructure,
            "energy_source": self.energy_source,
            "inference_flop": self.inference_flop,
            "inference_task": self.inference_task,
            "inference_hardware": self.inference_hardware,
            "supplier": self.supplier,
        }


class Life(NamedTuple):
    """A model's life. `project`: all of its runs belong to it. `final`: the runs that became the model."""

    name: str
    project: str | None
    final: tuple[str, ...]
    selections: tuple[Selection, ...]
    added: tuple[Added, ...]
    inference: Inference | None
    stated: Stated = Stated()

    @property
    def has_runs(self) -> bool:
        """Whether any run belongs to it. A life may consist of what was added by hand."""
        return bool(self.project is not None or self.selections or self.final or (self.inference and self.inference.runs))
