"""PURE: `advise --json`."""

from __future__ import annotations

from typing import TypedDict

from .whole import RangeJson


class BestMetricJson(TypedDict):
    """The best value of a metric, and how many values were logged after it. `better` is "lower" or "higher"."""

    name: str
    better: str
    value: float
    values_after: int


class AdviceJson(TypedDict):
    """Something that was lost. None for what is not known.

    `kind` is "idle-gpu", "held-host" (most GPUs of a host were idle), "idle-processors" (of a run without a GPU), "data-bound-gpu" (it
    waited while the processors were busy), "waiting-gpu" (it waited, and the processors were not busy), "heat", "group-clocks", "checks",
    "lost-runs", "after-best", "hour", "place", "short-life" or "rare-use". `runs` are the ids of the runs in question; `run` is the one, if
    the loss is of one run. `names` are devices or phases of a run, or the ids of several runs.

    The grams are operational, except `embodied_g`, which is a part of them: of making hardware. `share` is that of the energy of all runs,
    `share_of_grams` that of all grams. `seconds` of `of_seconds` is how long it lasted, and `busy` and `processors_busy` how busy the GPU
    and the processors were then. `busy_gpus` of `of_gpus` of a host were used. `reasons` has seconds by `Throttle`.

    `was` and `instead` are the value that made the loss and a better one: the grams per kWh that runs have met, and that they would have
    met in `zone`, or from their `starts` (by run) on; or the years for which hardware is used, or the share of them."""

    kind: str
    run: str | None
    runs: list[str]
    host: str | None
    names: list[str]
    energy_j: RangeJson | None
    grams: RangeJson | None
    embodied_g: RangeJson | None
    share: float | None
    share_of_grams: float | None
    seconds: float
    of_seconds: float
    busy: float | None
    processors_busy: float | None
    busy_gpus: int | None
    of_gpus: int | None
    reasons: dict[str, float]
    metric: BestMetricJson | None
    was: float | None
    instead: RangeJson | None
    zone: str | None
    starts: dict[str, str]


class AdvisedJson(TypedDict):
    """What runs have lost, the largest loss first. `below_error` counts what was found and is less than the error of the measurement, or
    than a hundredth of all: it is not advised. `without_activity` are runs of which it is not known how busy their GPUs were.
    `unclear_metrics` were logged, and their names do not tell whether lower or higher values are better."""

    schema_version: int
    runs: list[str]
    energy_j: RangeJson | None
    advice: list[AdviceJson]
    below_error: int
    without_activity: list[str]
    unclear_metrics: list[str]
