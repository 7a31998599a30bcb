"""PURE: `advise --json`."""

from __future__ import annotations

from typing import TypedDict

from .whole import RangeJson


class AdviceJson(TypedDict):
    """Something that was lost. `kind` is "idle-gpu", "waiting-gpu", "heat", "checks" or "lost-runs". The grams are operational; `share` is
    that of the energy of all runs. None for what is not known. `seconds` of `of_seconds` is how long it lasted, and `busy` how busy the GPU
    was then. `names` are devices, phases or runs."""

    kind: str
    run: str | None
    host: str | None
    names: list[str]
    energy_j: RangeJson | None
    grams: RangeJson | None
    share: float | None
    seconds: float
    of_seconds: float
    busy: float | None
    processors_busy: float | None


class AdvisedJson(TypedDict):
    """What runs have lost, the most energy first. `below_error` counts what was found and is less than the error of the measurement: it is
    not advised. `without_activity` are runs of which it is not known how busy their GPUs were."""

    schema_version: int
    runs: list[str]
    energy_j: RangeJson | None
    advice: list[AdviceJson]
    below_error: int
    without_activity: list[str]
