"""PURE: `life --json`."""

from __future__ import annotations

from typing import TypedDict


class LifeFiguresJson(TypedDict):
    """Joules, grams and hours. Those that are a lower bound, because a part of them is not known, are marked so. `site_energy_j` is the
    energy times the PUE, as far as that is known."""

    runs: int
    hours: float
    gpu_hours: float
    energy_j: float
    energy_low_j: float
    energy_high_j: float
    site_energy_j: float
    site_energy_low_j: float
    site_energy_high_j: float
    operational_g: float
    operational_low_g: float
    operational_high_g: float
    embodied_g: float
    embodied_low_g: float
    embodied_high_g: float
    total_g: float
    total_low_g: float
    total_high_g: float
    energy_lower_bound: bool
    operational_lower_bound: bool
    embodied_lower_bound: bool


class RangeJson(TypedDict):
    """A value and its range."""

    value: float
    low: float
    high: float


class LifeLineJson(LifeFiguresJson):
    """The runs of a stage with one fate: "used", "unused" (a training that did not become the model), "failed", "interrupted" or
    "running"."""

    fate: str


class AddedJson(LifeFiguresJson):
    """Something that was not measured: its name and source in the user's file. `begin` and `end` are days."""

    name: str
    source: str
    begin: str | None
    end: str | None


class LifeStageJson(LifeFiguresJson):
    """A stage of a life; `stage` is None for runs whose stage nobody said. `share` is that of the grams of the whole life, and
    `energy_share` that of its energy; both are None if the whole is nothing."""

    stage: str | None
    lines: list[LifeLineJson]
    added: list[AddedJson]
    share: RangeJson | None
    energy_share: RangeJson | None


class PlannedJson(LifeFiguresJson):
    """The inference that is planned: `units` of `unit` in `days`. `j_per_unit` is before PUE."""

    unit: str
    units: RangeJson
    days: float
    j_per_unit: RangeJson
    g_per_unit: RangeJson
    g_per_unit_with_past: RangeJson
    source: str
    share: RangeJson | None
    energy_share: RangeJson | None


class BreakEvenJson(TypedDict):
    """From how many units on inference has emitted more grams, and used more energy, than all that came before. `grams_days` and
    `energy_days` are how long that takes as planned. A value is None if a unit emits, or uses, nothing."""

    grams_units: RangeJson | None
    grams_days: RangeJson | None
    energy_units: RangeJson | None
    energy_days: RangeJson | None


class SharePointJson(RangeJson):
    """The share of the embodied grams at one intensity of the grid."""

    g_per_kwh: float


class EmbodiedShareJson(TypedDict):
    """The making of the hardware as a share of all grams of the whole life, over the intensity of the grid. A plan has its likely number of
    units: it changes energy and hardware alike. The life stands at the mean
    intensity `now_g_per_kwh`, with the share `now`. At `even_g_per_kwh` the share is a half; None if the energy may be nothing."""

    points: list[SharePointJson]
    now_g_per_kwh: RangeJson
    now: RangeJson
    even_g_per_kwh: RangeJson | None


class LifeJson(TypedDict):
    """A model's life. `before` is all but inference, `so_far` is everything without the plan, and `whole` is with it. `lost` has the runs
    that failed, were interrupted, or did not become the model. `embodied_share` is None where grams are stated without energy, and where
    no energy or no hardware is known. `final` are the runs that became it. `runs_at_once` read a device at the same time as another of
    them: it counts once."""

    schema_version: int
    name: str
    stages: list[LifeStageJson]
    before: LifeFiguresJson
    so_far: LifeFiguresJson
    lost: LifeFiguresJson
    planned: PlannedJson | None
    whole: LifeFiguresJson
    break_even: BreakEvenJson | None
    embodied_share: EmbodiedShareJson | None
    final: list[str]
    runs_at_once: int
    runs_estimated: int
    runs_imported: int
