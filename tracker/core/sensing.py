"""The words the parts of the tracker share: frozen types and protocols, no I/O.

A *device* draws power. A *sensor* is one readable quantity of one device: a cumulative counter or a power gauge, nothing else.
A *reading* is its raw value with its time. An *energy curve* is the monotone cumulative joules of a device, and every answer is
a difference of two of its points. Quantities carry their unit in the name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from .point import Provenance

DeviceKind = Literal["gpu", "cpu", "dram", "platform"]


class Availability(StrEnum):
    """Whether a source of readings can be used, and if not, which of the different reasons it is."""

    OK = "ok"
    DENIED = "denied"  # it is there; this user may not read it
    MASKED = "masked"  # the machine has it; a container hides it
    ABSENT = "absent"  # the machine, or this virtual machine, has none
    MISMATCH = "mismatch"  # library and driver do not fit each other
    BROKEN = "broken"  # it is there and answers nonsense


class Device(NamedTuple):
    """What draws the power.

    `max_power_w` is the most it can draw: it bounds what is not seen. `gain` is the relative 95 % half-width of the sensor's scale
    error; devices of one `gain_class` err together. `part_time_s`: its sensor looks at part of the time only, so that one independent
    look stands for so many seconds; None where it sees all.
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


class Counter(NamedTuple):
    """A cumulative energy counter.

    `unit_j` is the joules of one raw unit. `modulus` is the number of raw units after which it starts again at 0, None where it
    does not wrap or the range cannot be read. `restarts_at_zero`: after a reset it is known to count from 0. `quantum` is its
    smallest step in raw units.
    """

    unit_j: float
    modulus: int | None = None
    restarts_at_zero: bool = False
    quantum: int = 1


class Gauge(NamedTuple):
    """A power gauge, in watts.

    `shape`: "instant" (the power now), "window" (the mean of the last `window_s`), "interval" (the mean since the previous read).
    `low_factor` and `high_factor` bound a model's value; 1 for what is measured.
    """

    shape: Literal["instant", "window", "interval"]
    window_s: float = 0.0
    provenance: Provenance = Provenance.MEASURED_POWER
    low_factor: float = 1.0
    high_factor: float = 1.0


class Reading(NamedTuple):
    """A sensor's raw value: counter units (int) or watts (float), at the midpoint of the read, ± half its length."""

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
        """The period to read it at, or None for the tracker's own."""
        ...

    def read(self) -> int | float:
        """The raw value now. Raises ReadError for a failed read, SensorLostError where it will not come back."""
        ...

    def holder_pids(self) -> Sequence[int] | None:
        """The processes that hold the device; None where that cannot be known or makes no sense."""
        ...

    def close(self) -> None: ...


class Finding(NamedTuple):
    """What became of one source of readings at discovery, for `doctor` and for the run's record.

    `remedy` is the exact commands, or what to ask of whom; empty where nothing needs mending. `worth` says what mending it would
    give.
    """

    source: str
    availability: Availability
    what: str
    detail: str
    remedy: str = ""
    worth: str = ""
    devices: tuple[str, ...] = ()


@dataclass(slots=True)
class Discovery:
    """The sensors found, and what was found out about each source. `gpu_count`: the GPUs of the machine, chosen or not; None where
    no driver tells."""

    sensors: list[Sensor] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    gpu_count: int | None = None


class DiscoveryRequest(NamedTuple):
    """What to look for and where the world is rooted.

    `gpus`: None for all that CUDA_VISIBLE_DEVICES leaves visible, else NVML indices or UUIDs (a unique prefix will do).
    `environ` is the environment of the run. `gains` maps a device kind ("gpu", "cpu", "dram", "platform") to the relative 95 %
    gain error of its sensors. `providers` are functions of the user's that find sensors, as "module:function".
    """

    gains: Mapping[str, float]
    gpus: tuple[int | str, ...] | None = None
    environ: Mapping[str, str] = MappingProxyType({})
    sysfs: str = "/sys"
    procfs: str = "/proc"
    providers: tuple[str, ...] = ()
