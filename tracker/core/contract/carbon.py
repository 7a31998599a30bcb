"""PURE: The `carbon` object of a run, `footprint --json` and `estimate --json`."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class SeriesUseJson(TypedDict):
    """A series over time that was used: a live provider's, or the user's file."""

    name: str
    from_provider: bool


class GridUseJson(TypedDict):
    """Which grid an intensity describes, and for how much of the energy it was used (`energy_share` is None for all of it). `derived_from`
    is the basis of the published figure, if this one is derived from it."""

    place: str | None
    zone: str | None
    basis: str | None
    by_the_hour: bool
    energy_share: float | None
    estimated_share: float
    series: list[SeriesUseJson]
    derived_from: str | None


class HostUseJson(TypedDict):
    """How the share of a host is known: `held` of `of` GPUs or processors, or the size of a virtual machine."""

    counted: str | None
    held: float | None
    of: float | None
    virtual_processors: int | None


class AssumptionJson(TypedDict):
    """A factor that the grams were computed with.

    `name` and `status` are words for people. Programs read `kind` (a `FactorKind`), `evidence` (a `FactorStatus`) and `grid`, `pue_kind`
    and `host`. Each of these three belongs to one kind.
    """

    name: str
    value: float | None
    unit: str
    source: str
    year: int | None
    status: str
    low: float | None
    high: float | None
    kind: str | None
    evidence: str
    grid: GridUseJson | None
    pue_kind: str | None
    host: HostUseJson | None


class EmbodiedLineJson(TypedDict):
    """A piece of hardware, and the run's share of the grams of its manufacture.

    `status` is words for people. Programs read `component` (the kind of hardware), `evidence` (a `FactorStatus`, or the words of the user's
    own table) and `class_range` (no figure of this model is known).
    """

    part: str
    name: str
    count: float
    unit: str
    row: str
    footprint_kg: float
    footprint_low_kg: float
    footprint_high_kg: float
    embodied_g: float
    embodied_low_g: float
    embodied_high_g: float
    source: str
    year: int | None
    status: str
    component: str
    evidence: str
    class_range: bool


class PerUnitJson(TypedDict):
    """Grams for one unit of work."""

    g_per_unit: float
    low_g_per_unit: float
    high_g_per_unit: float


class SciJson(PerUnitJson):
    """Software Carbon Intensity (ISO/IEC 21031). `strict` leaves idle time out of the embodied part, as the standard does."""

    unit: str
    units: float
    strict: PerUnitJson | None
    without_embodied: bool


class CostJson(TypedDict):
    """What the electricity cost."""

    amount: float
    low: float
    high: float
    currency: str | None
    price_per_kwh: float
    source: str
    unpriced_share: float


class OperationalJson(TypedDict):
    """Operational grams."""

    operational_g: float
    operational_low_g: float
    operational_high_g: float


class MarketBasedJson(OperationalJson):
    """Grams of the electricity as it was bought."""

    intensity_g_per_kwh: float
    source: str


class UnmeasuredJson(OperationalJson):
    """What no sensor sees, as a share of the measured energy."""

    what: str
    share: float
    share_low: float
    share_high: float
    energy_j: float
    energy_low_j: float
    energy_high_j: float
    status: str
    source: str


class BesideJson(TypedDict):
    """Figures that are shown next to the grams and are never part of them."""

    water_l: float | None
    cost: CostJson | None
    market_based: MarketBasedJson | None
    unmeasured: UnmeasuredJson | None


class RangesJson(TypedDict):
    """What the ranges of a footprint mean, each as a `RangeMeaning`: those of the energy, of the grid's intensity, of the making of the
    hardware, and of its life (lifetime and utilisation). The last two are None where no hardware is in the grams."""

    energy: str
    grid: str
    hardware: str | None
    life: str | None


class CarbonJson(OperationalJson, BesideJson):
    """The footprint of a run. `left_out_codes` has a `LeftOut` for each text of `left_out`. With "site-overhead" among them, the
    operational grams and the total are lower bounds. `sci` is per unit of the work that has figures where there is room for one, and
    `sci_units` has one for each unit that was counted."""

    embodied_g: float | None
    embodied_low_g: float | None
    embodied_high_g: float | None
    embodied_gpu_g: float | None
    embodied_gpu_low_g: float | None
    embodied_gpu_high_g: float | None
    embodied_host_g: float | None
    embodied_host_low_g: float | None
    embodied_host_high_g: float | None
    total_g: float
    total_low_g: float
    total_high_g: float
    zone: str | None
    intensity_g_per_kwh: float
    intensity_low_g_per_kwh: float
    intensity_high_g_per_kwh: float
    intensity_source: str
    intensity_basis: str | None
    pue: float
    embodied_lines: list[EmbodiedLineJson]
    assumptions: list[AssumptionJson]
    left_out: list[str]
    left_out_codes: list[str]
    ranges: RangesJson
    sci: SciJson | None
    sci_units: list[SciJson]


class EstimatedEnergyJson(TypedDict):
    """The energy of a run that has not happened. `j_per_unit` is that of a unit of work, before PUE; None without --units."""

    total_j: float
    low_j: float
    high_j: float
    total_kwh: float
    with_pue_j: float
    with_pue_kwh: float
    j_per_unit: float | None
    basis: str


class EstimateJson(TypedDict):
    """`estimate --json`. `run_id` is the run that it is stored as, with --save."""

    schema_version: int
    energy: EstimatedEnergyJson
    carbon: CarbonJson
    run_id: NotRequired[str]
