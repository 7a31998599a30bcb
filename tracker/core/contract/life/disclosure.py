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


class DisclosedStageJson(TypedDict):
    """A stage of a model's life. `wall_clock_s` is the time in which at least one of its runs was there, `device_hours` that of all GPUs.
    `measured_share` is the part of the energy that sensors measured; the rest was modelled, estimated, imported or added by hand. `zones`
    and `pues` are those of its runs and of what was added, as far as they are known."""

    stage: str
    boundaries: list[BoundaryJson]
    operational_g: RangeJson
    embodied_g: RangeJson
    total_g: RangeJson
    lower_bound: bool
    wall_clock_s: float
    device_hours: float
    hardware: list[HardwareUsedJson]
    measured_share: float
    runs: int
    zones: list[str]
    pues: list[float]


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


class DisclosureJson(TypedDict):
    """All that the forms are made of. `zones` and `pues` are those of all stages. `method` says in words how the energy is known."""

    schema_version: int
    name: str
    software: str
    made_at: str
    stages: list[DisclosedStageJson]
    zones: list[str]
    pues: list[float]
    method: str
    stated: StatedJson
    life: LifeJson
