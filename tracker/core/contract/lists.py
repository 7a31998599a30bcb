"""PURE: `list --json`, `footprint --json`, and the rows of `runs()` and `export`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from .carbon import CarbonJson
from .show import EnergyJson, EnergySumJson, ErrorsJson, OfRunJson
from .work.compute import ComputeJson
from .work.counted import EachUnitJson, WorkJson


class GramsJson(TypedDict):
    """Operational and embodied grams of CO2e, on the terms that each run recorded. With `lower_bound`, a part of them is not known."""

    total_g: float
    low_g: float
    high_g: float
    lower_bound: bool


class OfEnergyJson(TypedDict):
    """Every entry of a list: a run, or a sum of runs. Only with `list --grams` it has `grams`, None if none are known."""

    energy: EnergySumJson
    grams: NotRequired[GramsJson | None]


class ReachedJson(TypedDict):
    """When a metric of a run first reached a target: its value then, the seconds since the run began, and the joules until then."""

    value: float
    after_s: float
    energy_j: float
    low_j: float
    high_j: float


class MetricValueJson(TypedDict):
    """A value of a metric of a run: its best one, which is the lowest or the highest, or the last one, if the name of the metric does not
    tell which values are better."""

    name: str
    value: float
    which: Literal["lowest", "highest", "last"]


class EntryJson(OfRunJson, OfEnergyJson, WorkJson):
    """A run in `list --json`. Only an entry that is asked for it has `compute`, only with `list --to` it has `to`: None if the run
    never reached the target, and only with `list --metric` it has `metric`: None if the run has not logged it."""

    compute: NotRequired[ComputeJson | None]
    to: NotRequired[ReachedJson | None]
    metric: NotRequired[MetricValueJson | None]


class OnceJson(OfEnergyJson):
    """Several runs as one, in which each device counts once at any time."""

    duration_s: float


class SumJson(OfEnergyJson):
    """Several runs as one. `runs_at_once` counts those that read a device at the same time as another of them: `energy` and `duration_s`
    have these joules and hours twice, `counted_once` has them once (None if no runs overlap). `runs_partial` counts those that have the
    work of some ranks of their node only. `runs_estimated` and `runs_imported` count those that the
    tracker did not record, and `estimated_j` and `imported_j` are their joules in the sum."""

    runs: int
    runs_without_energy: int
    runs_at_once: int
    runs_partial: int
    runs_estimated: int
    runs_imported: int
    estimated_j: float
    imported_j: float
    duration_s: float
    newest_started_at: str | None
    counted_once: OnceJson | None


class GroupJson(SumJson):
    """A sum of `list --by`; it has one of these keys, which names the group."""

    project: NotRequired[str]
    group: NotRequired[str | None]
    stage: NotRequired[str | None]
    day: NotRequired[str]
    week: NotRequired[str]
    month: NotRequired[str]
    year: NotRequired[str]


class CountedOnceJson(TypedDict):
    """What a run adds to a sum in which each device counts once at any time: its energy, hours and grams from when no run before it reads
    its devices. `errors` is what may be wrong with the joules of each sensor, `gpu_errors` the same of its GPUs alone. Grams are None if
    the run has none."""

    energy_j: float
    low_j: float
    high_j: float
    errors: list[ErrorsJson]
    gpu_errors: list[ErrorsJson]
    hours: float
    gpu_hours: float
    operational_g: float | None
    operational_low_g: float | None
    operational_high_g: float | None
    embodied_g: float | None
    embodied_low_g: float | None
    embodied_high_g: float | None


class FactorChangeJson(TypedDict):
    """A factor or a figure that differs between two computations; None where one of them lacks it. `kind` is "energy", a `FactorKind`, or
    "hardware" for the footprint of the making of one unit."""

    kind: str
    name: str
    unit: str
    was: float | None
    now: float | None
    was_year: int | None
    now_year: int | None


class PreviousJson(TypedDict):
    """The newest footprint of the run that was kept before, and what has changed since."""

    footprint_id: str
    computed_at: str
    total_g: float
    changes: list[FactorChangeJson]


class FootprintJson(OfRunJson):
    """A run in `footprint --json`. `work`, `unit` and `per_unit` are those of WorkJson. `footprint_id` is None if the computation is not
    kept. `counted_once` is None if no other of the runs read its devices at the same time, and `previous` if no footprint of the run was
    kept before."""

    energy: EnergyJson
    work: dict[str, int]
    unit: NotRequired[str | None]
    per_unit: NotRequired[dict[str, EachUnitJson]]
    footprint_id: str | None
    carbon: CarbonJson | None
    counted_once: NotRequired[CountedOnceJson | None]
    previous: NotRequired[PreviousJson | None]


class CountedGramsJson(TypedDict):
    """Grams of several runs, in which each device counts once at any time."""

    total_g: float
    total_low_g: float
    total_high_g: float


class TotalGramsJson(TypedDict):
    """Energy and grams of several runs. `lower_bound`: the energy of a run is one, or a run has no grams or no PUE, so the true grams are
    higher. The energy is that of the same runs in `list --by`, None if none is known. `counted_once` is None if no runs read a device at
    the same time; otherwise the grams of that device count twice in the sum, and once there. `estimated_g` and `imported_g` are those of
    runs that the tracker did not record."""

    energy_j: float | None
    energy_low_j: float | None
    energy_high_j: float | None
    total_g: float
    total_low_g: float
    total_high_g: float
    lower_bound: bool
    estimated_g: float
    imported_g: float
    counted_once: NotRequired[CountedGramsJson | None]


class FootprintsJson(TypedDict):
    """`footprint --json`. `total` has a sum for each status, and one called "all"."""

    schema_version: int
    footprints: list[FootprintJson]
    total: dict[str, TotalGramsJson]


class ImportedRunJson(TypedDict):
    """A run in `import --json`."""

    id: str
    project: str
    name: str | None
    source: str
    duration_s: float
    energy_j: float


class ImportJson(TypedDict):
    """`import --json`: how many runs the files have, how many of them were `added`, stored anew because they had grown (`renewed`), or
    stored already (`unchanged`), how many rows were left out, and the first runs."""

    schema_version: int
    dry_run: bool
    runs: int
    added: int
    renewed: int
    unchanged: int
    left_out: int
    first: list[ImportedRunJson]


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
    work_partial: bool
    damaged: bool
    origin: str


class FailedJson(TypedDict):
    """A run that could not be merged, and why."""

    run: str
    reason: str


class MergedJson(TypedDict):
    """A source in `merge --json`: how many of its runs were added, brought up to date, and left as they were. `error`: why it could not
    be read, or not to its end."""

    source: str
    added: int
    renewed: int
    unchanged: int
    failed: list[FailedJson]
    error: str | None


class MergeJson(TypedDict):
    """`merge --json`. `into` is the database that was written."""

    schema_version: int
    into: str
    sources: list[MergedJson]
