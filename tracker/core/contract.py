"""The JSON contract: what `--json` prints, key by key. The keys are promises; more may be added.

Energies are joules, masses are grams of CO2e, times are seconds, instants are ISO 8601 in UTC with milliseconds. `low` and `high` bound a
value; a value that is not known is None. These types are for annotations only: nothing is checked or converted when a program runs.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

IntervalKind = Literal["confidence", "mixed", "judged"]
"""Whether a range is a 95 % interval, a judged bound of a model, or partly both."""

ProvenanceJson = TypedDict("ProvenanceJson", {"measured-counter": float, "measured-power": float, "imputed": float, "modelled": float})
"""Joules by where they come from."""


class RunJson(TypedDict):
    """What a run is."""

    id: str
    project: str
    name: str | None
    group: str | None
    stage: str | None
    status: str
    end_reason: str | None
    started_at: str
    ended_at: str | None
    last_seen_at: str
    duration_s: float
    host: str
    command: str | None
    git_commit: str | None
    tags: dict[str, Any]
    external: dict[str, Any]


class DeviceJson(TypedDict):
    """A device over all segments of a run. `power_w` is the power now; only a run that is watched has it."""

    device: str
    host: str
    kind: str
    model: str | None
    uuid: str | None
    included_in_total: bool
    energy_j: float
    low_j: float
    high_j: float
    seen_fraction: float
    coverage: float
    provenance: ProvenanceJson
    idle_j: float | None
    gain: float
    residual: float | None
    update_period_s: float | None
    note: str | None
    mean_power_w: float | None
    power_w: NotRequired[float | None]


class EnergySumJson(TypedDict):
    """The energy of a run, or of several.

    `lower_bound`: a device was lost, so the true energy is higher. `power_w` is the power now; only a run that is watched has it."""

    total_j: float | None
    low_j: float | None
    high_j: float | None
    interval_level: float
    interval_kind: IntervalKind
    boundary: str
    power_w: NotRequired[float | None]
    measured_fraction: float | None
    measured_only_j: float
    idle_j: float | None
    above_idle_j: float | None
    lower_bound: bool


class EnergyJson(EnergySumJson):
    """The energy of a run with its devices."""

    devices: list[DeviceJson]


class PhaseJson(TypedDict):
    """All instances of one phase name. `host_side`: on a machine with a GPU, the edges are where the host was."""

    name: str
    count: int
    duration_s: float
    energy_j: float | None
    low_j: float | None
    high_j: float | None
    resolved: bool
    unresolved_count: int
    pending_count: int
    host_side: bool
    work: dict[str, int]


class EventJson(TypedDict):
    """Something that happened to a device, or to the run where `device` is None; `kind` is an `EventKind`."""

    device: str | None
    kind: str
    at: str
    detail: str


class SamplerJson(TypedDict):
    """What sampling has cost."""

    period_s: float
    samples: int
    missed: int
    cpu_s: float
    cpu_fraction: float
    startup_cpu_s: float


class AssumptionJson(TypedDict):
    """A factor that the grams were worked out with."""

    name: str
    value: float | None
    unit: str
    source: str
    year: int | None
    status: str
    low: float | None
    high: float | None


class EmbodiedLineJson(TypedDict):
    """A piece of hardware and the grams of its making that fall to the run."""

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


class CarbonJson(OperationalJson):
    """The footprint of a run. `water_l` to `unmeasured` stand beside the grams and are never in them."""

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
    sci: SciJson | None
    water_l: float | None
    cost: CostJson | None
    market_based: MarketBasedJson | None
    unmeasured: UnmeasuredJson | None


class PhaseNowJson(TypedDict):
    """A phase that is under way, with the mean energy of its newest finished instances."""

    name: str
    step: int | None
    count: int
    elapsed_s: float
    newest_count: int
    newest_mean_j: float | None


class ShowJson(TypedDict):
    """`show --json`. The last four keys are those of a run that is watched (`watch --json`)."""

    schema_version: int
    run: RunJson
    energy: EnergyJson
    phases: list[PhaseJson]
    work: dict[str, int]
    events: list[EventJson]
    carbon: CarbonJson | None
    carbon_missing: str | None
    sampler: SamplerJson | None
    at: NotRequired[str]
    written_s: NotRequired[float]
    phases_now: NotRequired[list[PhaseNowJson]]
    rates: NotRequired[dict[str, float]]


class EntryJson(TypedDict):
    """A run in `list --json`."""

    run: RunJson
    energy: EnergySumJson
    work: dict[str, int]


class SumJson(TypedDict):
    """Several runs as one. `runs_at_once` counts those that read a device while another of them did: these joules are in it twice."""

    runs: int
    runs_without_energy: int
    runs_at_once: int
    duration_s: float
    newest_started_at: str | None
    energy: EnergySumJson


class GroupJson(SumJson):
    """A sum of `list --by`; it has one of these keys, which names the group."""

    project: NotRequired[str]
    group: NotRequired[str | None]
    day: NotRequired[str]
    week: NotRequired[str]
    month: NotRequired[str]
    year: NotRequired[str]


class FootprintJson(TypedDict):
    """A run in `footprint --json`. `footprint_id` is None where the computation is not kept."""

    run: RunJson
    energy: EnergyJson
    work: dict[str, int]
    footprint_id: str | None
    carbon: CarbonJson | None


class TotalGramsJson(TypedDict):
    """Grams of several runs."""

    total_g: float
    total_low_g: float
    total_high_g: float


class FootprintsJson(TypedDict):
    """`footprint --json`. `total` has a sum for each status, and one called "all"."""

    schema_version: int
    footprints: list[FootprintJson]
    total: dict[str, TotalGramsJson]


class EstimatedEnergyJson(TypedDict):
    """The energy of a run that has not happened."""

    total_j: float
    low_j: float
    high_j: float
    total_kwh: float
    with_pue_j: float
    with_pue_kwh: float
    basis: str


class EstimateJson(TypedDict):
    """`estimate --json`."""

    schema_version: int
    energy: EstimatedEnergyJson
    carbon: CarbonJson


class ChangeJson(TypedDict):
    """How far a figure is from that of the baseline; an end that nothing bounds is None, as is a ratio where the baseline is 0."""

    difference: float
    low: float | None
    high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


class FigureJson(TypedDict):
    """A figure of one run in `compare --json`: `value` in `unit`, or why it is missing."""

    name: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    missing: str | None
    change: ChangeJson | None
    apart: str | None
    remark: str | None
    verdict: str | None


class ComparedJson(TypedDict):
    """A run in `compare --json`."""

    label: str
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
    """A gate and one run in `compare --json`."""

    gate: str
    metric: str
    run: str
    label: str
    crossed: bool | None
    beyond_error: bool | None
    missing: str | None
    says: str


class CompareJson(TypedDict):
    """`compare --json`."""

    schema_version: int
    baseline: str
    runs: list[ComparedJson]
    gates: list[GateJson]


class RunRecord(TypedDict):
    """A row of `trainwatt.runs()`, and the first columns of `export --what runs`."""

    run_id: str
    project: str
    name: str | None
    group: str | None
    stage: str | None
    status: str
    end_reason: str | None
    started_at: str
    started_utc_ns: int
    ended_at: str | None
    ended_utc_ns: int | None
    last_seen_at: str
    last_seen_utc_ns: int
    duration_s: float
    host: str
    command: str | None
    git_commit: str | None
    tags: dict[str, Any]
    external: dict[str, Any]
    energy_j: float | None
    low_j: float | None
    high_j: float | None
    measured_fraction: float | None
    measured_only_j: float
    idle_j: float | None
    above_idle_j: float | None
    lower_bound: bool
