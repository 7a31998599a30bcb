"""PURE: `show --json` and `watch --json`: a run."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from .carbon import CarbonJson

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
