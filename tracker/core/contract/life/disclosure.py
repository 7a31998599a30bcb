"""PURE: what a disclosure is made of: `disclose --form json`."""

from __future__ import annotations

from typing import TypedDict

from .whole import LifeJson, RangeJson


class BoundaryJson(TypedDict):
    """An energy in joules within a boundary: "accelerators" (GPUs alone), "node" (all that was measured or modelled of the machines), or
    "site" (the same times PUE). With `lower_bound`, a part of it is not known."""

    boundary: str
    energy_j: float
    low_j: float
    high_j: float
    lower_bound: bool


class HardwareUsedJson(TypedDict):
    """Devices of one model, and how many of them a run of the stage had at most."""

    kind: str
    model: str
    count: int


class HardwareHoursJson(TypedDict):
    """The hours of the GPUs of one model, and their range; `model` is None where it is not known."""

    model: str | None
    hours: float
    low: float
    high: float


class CountedFlopJson(TypedDict):
    """The floating-point operations that runs have counted with `tracker.update(flops=…)`. `runs` of the `of_runs` runs of the stage have
    counted them in full; `added` entries by hand have none. Without `complete`, it is a lower bound."""

    flop: int
    runs: int
    of_runs: int
    added: int
    complete: bool


class BenchmarkJson(TypedDict):
    """The floating-point operations of so many units of inference: as the runs counted them that tell what a unit takes, else those of the
    stage."""

    flop: int
    unit: str
    units: int
    hardware: list[HardwareUsedJson]


class DisclosedStageJson(TypedDict):
    """A stage of a model's life. `wall_clock_s` is the time in which at least one of its runs was there, `device_hours` that of all GPUs,
    and `hardware_hours` the same for each model of GPU. `flop_counted` is None if no run has counted any. `work` has the units that every
    run has counted, and is empty where something was added by hand. `measured_share` is the part of the energy that sensors measured; the
    rest was modelled, estimated, imported or added by hand. `zones` and `pues` are those of its runs and of what was added, as far as they
    are known. `assumed_grid`: for a part of it no grid is known, and that of the world stands in."""

    stage: str
    boundaries: list[BoundaryJson]
    operational_g: RangeJson
    embodied_g: RangeJson
    total_g: RangeJson
    lower_bound: bool
    wall_clock_s: float
    device_hours: float
    hardware_hours: list[HardwareHoursJson]
    hardware: list[HardwareUsedJson]
    flop_counted: CountedFlopJson | None
    work: dict[str, int]
    measured_share: float
    runs: int
    zones: list[str]
    pues: list[float]
    assumed_grid: bool


class StatedJson(TypedDict):
    """What the user states in the file, as nothing that was measured tells it. None where it is not stated."""

    provider: str | None
    location: str | None
    training_type: str | None
    flop: float | None
    flop_method: str | None
    parameters: float | None
    training_tokens: float | None
    license: str | None
    released: str | None
    download: str | None
    version: str | None
    task_family: str | None
    data_type: str | None
    infrastructure: str | None
    energy_source: str | None
    inference_flop: float | None
    inference_task: str | None
    inference_hardware: str | None
    supplier: str | None


class DisclosureJson(TypedDict):
    """All that the forms are made of. `zones` and `pues` are those of all stages. `method` says in words how the energy is known.
    `benchmark` is None if no runs tell what a unit of inference takes, or if they counted no operations."""

    schema_version: int
    name: str
    software: str
    made_at: str
    stages: list[DisclosedStageJson]
    zones: list[str]
    pues: list[float]
    method: str
    stated: StatedJson
    benchmark: BenchmarkJson | None
    life: LifeJson
