"""PURE: `compare --json`."""

from __future__ import annotations

from typing import TypedDict

from .carbon import CarbonJson
from .show import EnergyJson, RunJson


class ChangeJson(TypedDict):
    """How far a figure is from that of the baseline. An end without a bound is None. The ratio is None if the baseline is 0."""

    difference: float
    low: float | None
    high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


class FigureJson(TypedDict):
    """A figure of one side in `compare --json`: `value` in `unit`, or why it is missing. `values` has the value of each run of the side, in
    order of their start; `value` is their mean."""

    name: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    values: list[float]
    missing: str | None
    change: ChangeJson | None
    apart: str | None
    remark: str | None
    verdict: str | None


class ComparedJson(TypedDict):
    """A side in `compare --json`. `runs` has the ids of its runs, and `name` is that of the group. `run`, `energy`, `work` and `carbon` are
    those of its first run."""

    label: str
    name: str | None
    runs: list[str]
    run: RunJson
    energy: EnergyJson
    work: dict[str, int]
    carbon: CarbonJson | None
    carbon_missing: str | None
    verdict: str | None
    notes: list[str]
    figures: list[FigureJson]
    devices: list[FigureJson]
    phases: list[FigureJson]


class GateJson(TypedDict):
    """A gate and one side in `compare --json`."""

    gate: str
    metric: str
    run: str
    label: str
    crossed: bool | None
    beyond_error: bool | None
    one_run_each: bool
    missing: str | None
    says: str


class CompareJson(TypedDict):
    """`compare --json`."""

    schema_version: int
    baseline: str
    runs: list[ComparedJson]
    gates: list[GateJson]
