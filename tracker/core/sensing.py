"""Devices, sensors and what discovery finds: frozen types and protocols, no I/O.

A *device* draws power. A *sensor* is one readable quantity of one device: a cumulative counter or a power gauge. A *reading* is its raw
value with its time. An *energy curve* is the cumulative joules of a device over time; every energy is the difference of two of its points.
The names of quantities carry their unit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from .point import Provenance

DeviceKind = Literal["gpu", "cpu", "dram", "platform"]
_SHARE = "share of "


def share_name(device: str) -> str:
    """The name of the part of a device that is attributed to the processes of a run."""
    return _SHARE + device


def whole_name(device: str) -> str | None:
    """The name of the device that this one is an attributed share of; None for a device itself."""
    return device.removeprefix(_SHARE) if device.startswith(_SHARE) else None


class Availability(StrEnum):
    """Whether a source of readings can be used, and if not, why."""

    OK = "ok"
    DENIED = "denied"  # it exists, but this user may not read it
    MASKED = "masked"  # the machine has it, but a container hides it
    ABSENT = "absent"  # the machine, or this virtual machine, has none
    MISMATCH = "mismatch"  # the versions of library and driver do not match
    BROKEN = "broken"  # it exists, but its values are wrong
    SUSPENDED = "suspended"  # it sleeps, and a reading would wake it: only of a device that is missed


class StandIn(NamedTuple):
    """What a model says that a device draws, for a counter that never moves: central watts, the factors that bound them, a description."""

    power_w: float
    low_factor: float
    high_factor: float
    words: str


class Device(NamedTuple):
    """A part of the machine that draws power.

    `max_power_w` is the most that it can draw; it bounds what no sensor sees. `gain` is the relative 95 % half-width of the sensor's scale
    error, of which a part is common to the devices of one `gain_class`. `part_time_s`: None if the sensor measures all the time.
    Otherwise it measures part of the time only, and one independent sample represents this many seconds. `stand_in`: what is booked, as
    modelled, if its counter never moves. `offset_w`: the 95 % half-width of a constant error, in watts, which a small load shows.
    `mig_slices`: how many slices of a partitioned GPU the run holds; None if it holds the whole GPU, or if that is unknown.
    """

    name: str
    kind: DeviceKind
    max_power_w: float
    gain: float
    gain_class: str
    model: str | None = None
    uuid: str | None = None
    included_in_total: bool = True
    note: str | None = None
    part_time_s: float | None = None
    stand_in: StandIn | None = None
    offset_w: float = 0.0
    mig_slices: int | None = None


class Counter(NamedTuple):
    """A cumulative energy counter.

    `unit_j` is the joules of one raw unit. `modulus` is the number of raw units after which it starts again at 0; None if it does not wrap
    or its range is unknown. `restarts_at_zero`: after a reset it counts from 0. `quantum` is its smallest step in raw units.
    """

    unit_j: float
    modulus: int | None = None
    restarts_at_zero: bool = False
    quantum: int = 1


class Gauge(NamedTuple):
    """A power gauge, in watts.

    `shape`: "instant" (the power now), "window" (the mean of the last `window_s`), "interval" (the mean since the previous read).
    `low_factor` and `high_factor` bound the value of a model; they are 1 for a measurement. `renewed_s`: how often the value is renewed; 0
    if that is not known, or if it is renewed all the time.
    """

    shape: Literal["instant", "window", "interval"]
    window_s: float = 0.0
    provenance: Provenance = Provenance.MEASURED_POWER
    low_factor: float = 1.0
    high_factor: float = 1.0
    renewed_s: float = 0.0


class Reading(NamedTuple):
    """A sensor's raw value: counter units (int) or watts (float). `t_ns` is the middle of the read, `uncertainty_ns` half its length."""

    t_ns: int
    value: int | float
    uncertainty_ns: int = 0


class Sensor(Protocol):
    """One readable quantity of one device."""

    @property
    def name(self) -> str:
        """Unique within its device: "energy", "power-average", "power-instant", "model"."""
        ...

    @property
    def device(self) -> Device: ...

    @property
    def kind(self) -> Counter | Gauge: ...

    @property
    def period_s(self) -> float | None:
        """Seconds between two reads; None for the tracker's own period."""
        ...

    def read(self) -> int | float:
        """The raw value now. Raises ReadError if the read fails, and SensorLostError if no later read can succeed."""
        ...

    def holder_pids(self) -> Sequence[int] | None:
        """The processes that use the device; None if that is unknown or has no meaning."""
        ...

    def close(self) -> None: ...


class Finding(NamedTuple):
    """What discovery found out about one source of readings, for `doctor` and for the record of the run.

    `remedy` has the exact commands, or says whom to ask for what; it is empty if nothing is wrong. `worth` says what the remedy gives.
    """

    source: str
    availability: Availability
    what: str
    detail: str
    remedy: str = ""
    worth: str = ""
    devices: tuple[str, ...] = ()


class Missed(NamedTuple):
    """A device that exists, belongs to the run and is not measured: a total without it is a lower bound. `detail` says why."""

    device: Device
    availability: Availability
    detail: str


@dataclass(slots=True)
class Discovery:
    """The sensors, a finding for each source, and the devices that no sensor measures.

    `gpu_count` counts all GPUs of the machine, also those that the run does not use; None if no driver reports it. `again`: some of the
    missed devices may be readable later.
    """

    sensors: list[Sensor] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    gpu_count: int | None = None
    missed: list[Missed] = field(default_factory=list)
    again: SecondLook | None = None


class SecondLook(NamedTuple):
    """Missed `devices` that may be readable later, and how to look for them: `look` takes the names of those that are still missed, wakes
    none of them, and returns the sensors of those that can be read now, and the others as missed."""

    devices: tuple[str, ...]
    look: Callable[[Collection[str]], Discovery]


class DiscoveryRequest(NamedTuple):
    """What to look for, and the roots of the file systems to look in.

    `gpus`: None for all that CUDA_VISIBLE_DEVICES leaves visible, else NVML indices or UUIDs (a unique prefix is enough). `environ` is the
    environment of the run. `gains` maps a device kind ("gpu", "cpu", "dram", "platform") to the relative 95 % gain error of its sensors,
    and `offsets_w` to their constant error in watts.
    `providers` are the user's functions that find sensors, as "module:function".
    """

    gains: Mapping[str, float]
    gpus: tuple[int | str, ...] | None = None
    environ: Mapping[str, str] = MappingProxyType({})
    sysfs: str = "/sys"
    procfs: str = "/proc"
    providers: tuple[str, ...] = ()
    offsets_w: Mapping[str, float] = MappingProxyType({})
