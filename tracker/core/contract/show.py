"""PURE: `show --json` and `watch --json`: a run."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from .activity import ActivityJson, ProcessorsJson
from .budget import AheadJson
from .carbon import CarbonJson
from .slurm import AllocationJson
from .work.compute import ComputeJson
from .work.counted import EachUnitJson, WorkJson

IntervalKind = Literal["confidence", "mixed", "judged"]
"""Whether a range is a 95 % interval, a judged bound of a model, or partly both."""


ProvenanceJson = TypedDict("ProvenanceJson", {"measured-counter": float, "measured-power": float, "imputed": float, "modelled": float})
"""Joules by where they come from."""


class RanksJson(TypedDict):
    """The ranks of a distributed job on the node of a run. The run has the work of `recorded` of them, and there are `of`; if it has fewer,
    its energy per unit of work is not known. `joined`: the ranks share the run, through `trainwatt run`. Otherwise each has a run of its
    own, and the joules of the node may be in another of these."""

    recorded: int
    of: int
    joined: bool


class DamageJson(TypedDict):
    """A stored value that cannot be true, and that nothing is computed with. `value` is its text, shortened."""

    table: str
    column: str
    value: str


class RunJson(TypedDict):
    """The description of a run. `ranks` is None outside a distributed job. `damage` is empty for a run whose record is sound; a list looks
    for the damage that matters to it, and `show` for all.

    `origin` is an `Origin`: tracked, estimated or imported. `source` names the tool that an imported run comes from, None if tracked.
    `device_hours` are the GPU hours that an estimate or another tool states; None if the devices of the run tell them."""

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
    ranks: RanksJson | None
    damage: list[DamageJson]
    origin: str
    source: str | None
    device_hours: float | None


ErrorsJson = TypedDict(
    "ErrorsJson",
    {
        "class": str,
        "sensor": list[str],
        "energy_j": float,
        "scale_j": float,
        "offset_j": float,
        "below_j": float,
        "above_j": float,
        "scatter_j2": float,
    },
)
"""What may be wrong with the joules of a sensor, so that devices of several runs can be combined into one range.

`scale_j` is the 95 % half-width of its scale error, which has a part that all sensors of its `class` have in common, and `offset_j` that of
its constant error. Both add linearly where `class` and `sensor` are equal, and otherwise as docs/accuracy.md says. `below_j` and `above_j`
are bounds, which always add. `scatter_j2` is the variance (J²) of what a sensor missed by chance."""


class DeviceJson(TypedDict):
    """A device over all segments of a run. `power_w` is the power now, and `busy_now_fraction` how busy a GPU was in the last seconds; only
    a run that is watched has them.

    `activity`: of a GPU; None if it was not recorded.
    `used`: whether a process of the run was seen on the GPU; None if that is not known, and for other devices. `errors`: of each sensor
    that has read the device, nearly always one. `machine`: equal for all devices of one machine since its last start, whatever names its
    containers have; None if that is not known. `share_of`: the device that this is an attributed share of; None for a device itself."""

    device: str
    host: str
    machine: NotRequired[str | None]
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
    errors: list[ErrorsJson]
    residual: float | None
    update_period_s: float | None
    note: str | None
    used: bool | None
    activity: ActivityJson | None
    busy_now_fraction: NotRequired[float | None]
    share_of: str | None
    mean_power_w: float | None
    power_w: NotRequired[float | None]


class UnreadDeviceJson(TypedDict):
    """A device of the run that exists and was never read: no energy is known. `reason` says why, None if it is not known."""

    device: str
    host: str
    kind: str
    model: str | None
    uuid: str | None
    reason: str | None


class AttributionJson(TypedDict):
    """An energy that is attributed to the processes of a run: a share of `machine_j`, the measured energy of the devices as a whole. The
    rest is `unattributed_j`: others used it, or nobody. `policy` names how it was divided (docs/accuracy.md)."""

    policy: str
    attributed_j: float
    machine_j: float
    unattributed_j: float


class EnergyRangeJson(TypedDict):
    """An energy with its range. `lower_bound`: a device was lost or never read, so the true energy is higher."""

    total_j: float | None
    low_j: float | None
    high_j: float | None
    lower_bound: bool


class EnergySumJson(EnergyRangeJson):
    """The energy of a run, or of several. `unmeasured`: the devices that exist and are missing from it. If there are any, the
    `measured_fraction` is None, because the energy that it is a part of is not known.

    `power_w` is the power now; only a run that is watched has it. `attribution`: None unless a part of the total is the share of processes
    (the setting scope="process")."""

    attribution: AttributionJson | None
    interval_level: float
    interval_kind: IntervalKind
    boundary: str
    power_w: NotRequired[float | None]
    measured_fraction: float | None
    measured_only_j: float
    unmeasured: list[UnreadDeviceJson]
    idle_j: float | None
    above_idle_j: float | None


class EnergyJson(EnergySumJson):
    """The energy of a run with its devices."""

    devices: list[DeviceJson]


class PhaseJson(TypedDict):
    """All instances of one phase name. `host_side`: on a machine with a GPU, the edges are where the host was.

    What several ranks do counts as often as the rank with the most has done it, and takes that rank's time. The energy is that of the union
    of all their times. `per_unit` is the energy of the phase for one of each unit of `work`; empty while an instance has no energy yet."""

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
    per_unit: NotRequired[dict[str, EachUnitJson]]


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


class PhaseNowJson(TypedDict):
    """A phase that is under way, with the mean energy of its newest finished instances."""

    name: str
    step: int | None
    count: int
    elapsed_s: float
    newest_count: int
    newest_mean_j: float | None


class OfRunJson(TypedDict):
    """Every object that names its run."""

    run: RunJson


class ShowJson(OfRunJson, WorkJson, AheadJson):
    """`show --json`. `allocations`: what the job of a scheduler had of each node; empty outside of one. `processors`: by host; empty if
    their use was not recorded. `compute`: None for a run that has counted no floating-point operations."""

    schema_version: int
    energy: EnergyJson
    phases: list[PhaseJson]
    events: list[EventJson]
    carbon: CarbonJson | None
    carbon_missing: str | None
    sampler: SamplerJson | None
    allocations: list[AllocationJson]
    processors: list[ProcessorsJson]
    compute: ComputeJson | None


class WatchJson(ShowJson):
    """A run that is watched, at one moment. `written_s`: seconds since it was last written. `rates`: units of work per second."""

    at: str
    written_s: float
    phases_now: list[PhaseNowJson]
    rates: dict[str, float]


class WatchLineJson(OfRunJson, AheadJson):
    """An object of `watch --json`: the keys of a watched run, without the parts that are long or do not change."""

    schema_version: int
    at: str
    energy: EnergyJson
    carbon: dict[str, Any] | None
    carbon_missing: str | None
    phases_now: list[PhaseNowJson]
    work: dict[str, int]
    rates: dict[str, float]
    processors: list[ProcessorsJson]
    sampler: SamplerJson | None
    written_s: float
