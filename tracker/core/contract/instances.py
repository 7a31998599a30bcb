"""PURE: the instances of phases, one by one, in `show --phases --json`."""

from __future__ import annotations

from typing import TypedDict

from .show import ShowJson
from .work.counted import EachUnitJson


class InstanceJson(TypedDict):
    """An instance of a phase. Ranks that do the same are one instance: its time is from the first start to the last end.

    `number` counts the instances of its name from 1, with those that are kept as sums only. `from_s` is since the run began. `duration_s`
    is None while it is open. The energy is None while it is not known; `resolved` says whether it was long enough for the sensors. `work`
    has that of phases within it too, and `per_unit` is the energy of one of each unit. `metrics` are the last values that were logged from
    its start until the next instance of its name began."""

    name: str
    number: int
    step: int | None
    started_at: str
    from_s: float
    duration_s: float | None
    energy_j: float | None
    low_j: float | None
    high_j: float | None
    resolved: bool
    ranks: int
    work: dict[str, int]
    per_unit: dict[str, EachUnitJson]
    metrics: dict[str, float]


class InstanceSumJson(TypedDict):
    """`count` instances of a phase that are kept as a sum only: long runs have too many of them. None where no energy is known."""

    count: int
    duration_s: float
    energy_j: float | None
    low_j: float | None
    high_j: float | None


class InstancesPartJson(TypedDict):
    """`instances`: by name and start. `as_sums`: those that are not listed, by name."""

    instances: list[InstanceJson]
    as_sums: dict[str, InstanceSumJson]


class ShowInstancesJson(ShowJson, InstancesPartJson):
    """`show --phases --json`."""
