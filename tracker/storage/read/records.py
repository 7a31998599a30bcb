"""The records that the store returns. Fields have the names of the columns; the schema's SQL explains them.

They are named tuples because each data class would add a millisecond to the start of a command.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ...core.activity import ActivityPoint
from ...core.clock import Anchor
from ...core.point import Point
from ...core.run import ORIGIN_KEY, Origin, Status
from ...core.sensing import whole_name
from ...core.work import from_part
from ...energy.intervals import JOULES, Sensor, Share
from ...energy.shares.policy import Use


class Damage(NamedTuple):
    """A stored value that cannot be what its column holds, as Python writes it and shortened. `column` may name a key of its JSON."""

    table: str
    column: str
    value: str


class RunRow(NamedTuple):
    """A run. Times are UTC nanoseconds; `duration_s` is monotonic seconds; the dictionaries come from JSON.

    A run that did not end normally has the duration of its readings so far. `damage`: values of the row that cannot be true. Those that may
    be missing are None here; a text is shown as it is.
    """

    id: str
    project: str
    name: str | None
    group_name: str | None
    stage: str | None
    status: str
    end_reason: str | None
    started_utc_ns: int
    ended_utc_ns: int | None
    last_seen_utc_ns: int
    duration_s: float | None
    host: str
    command: str | None
    git_commit: str | None
    tags: dict[str, Any]
    external: dict[str, Any]
    zone: str | None
    settings: dict[str, Any]
    version: str
    damage: tuple[Damage, ...] = ()

    @property
    def origin(self) -> Origin:
        """Where its figures come from. Runs of older versions were all tracked."""
        found = self.settings.get(ORIGIN_KEY)
        return Origin(found) if found in list(Origin) else Origin.TRACKED


class SegmentRow(NamedTuple):
    """One process of a run; `start_t_ns` and `end_t_ns` are on its host's monotonic clock."""

    id: str
    run_id: str
    role: str
    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    start_ticks: int
    rank: int | None
    restart: int
    started_utc_ns: int
    ended_utc_ns: int | None
    last_seen_utc_ns: int
    start_t_ns: int
    end_t_ns: int | None
    status: str
    end_reason: str | None
    period_s: float
    samples: int
    missed: int
    cpu_s: float
    startup_cpu_s: float


class DeviceRow(NamedTuple):
    """A device of a segment, with the ends of its energy curve (None before the first point). `boot_id`: the machine, from one start of it
    to the next, by whatever names its containers have; empty if it is not known.

    `damage`: values of the device, of its segment or of the ends that cannot be true. Its energy is then not known, and it has no ends.
    """

    run_id: str
    segment_id: str
    host: str
    name: str
    kind: str
    model: str | None
    uuid: str | None
    included_in_total: bool
    max_power_w: float
    gain: float
    gain_class: str
    note: str | None
    covered_ns: int
    idle_w: float | None
    residual: float | None
    update_period_ns: int | None
    offset_w: float | None
    boot_id: str
    first: Point | None
    last: Point | None
    damage: tuple[Damage, ...] = ()

    @property
    def sensor(self) -> Sensor:
        """Identifies the physical sensor: the same board, or the same counter of the same host, has the same scale error in all runs."""
        return ("uuid", self.uuid) if self.uuid else ("host", self.host, whole_name(self.name) or self.name, self.model or "")


class PhaseDeviceSum(NamedTuple):
    """The energy of one device in all instances of a phase, in joules. Slack and edges are added up as well."""

    owner_segment_id: str
    device: str
    energy_j: float
    slack_low_j: float
    slack_high_j: float
    edge_low_j: float
    edge_high_j: float
    scatter_j2: float

    def share(self, device: DeviceRow, seconds: float) -> Share:
        """These joules with the errors of the device's sensor, over `seconds`."""
        return Share(
            gain=device.gain,
            gain_class=device.gain_class,
            offset_j=(device.offset_w or 0.0) * seconds,
            sensor=device.sensor,
            **{name: getattr(self, name) for name in JOULES},
        )


class PhaseSum(NamedTuple):
    """All instances of one phase name in one segment.

    `open` of them have not ended; `duration_s` is the sum over the others. `unresolved` were too short for the sensors to resolve,
    and `pending` have no energies yet. `synchronized` and `exact` count the instances of which that is true.
    """

    segment_id: str
    name: str
    instances: int
    duration_s: float
    first_start_utc_ns: int
    open: int
    unresolved: int
    pending: int
    synchronized: int
    exact: int
    devices: tuple[PhaseDeviceSum, ...]


class WorkRow(NamedTuple):
    """`amount` of a unit in a phase; the phase '' is the whole run. A large amount has several rows, which are to be added up."""

    segment_id: str
    unit: str
    phase: str
    amount: int

    @classmethod
    def of(cls, segment_id: str, unit: str, phase: str, amount: int) -> WorkRow:
        """A row as it is stored."""
        whole, amount = from_part(unit, amount)
        return cls(segment_id, whole, phase, amount)


class UseRow(NamedTuple):
    """What the rank `user_segment_id` has used of a device of the process `segment_id`, which looked; or, if `device` is
    MACHINE or CGROUP, of the processors and the memory."""

    segment_id: str
    device: str
    user_segment_id: str
    ours: float
    others: float
    unknown: float
    capacity: float

    @property
    def use(self) -> Use:
        """The numbers."""
        return Use(self.ours, self.others, self.unknown, self.capacity)


class EventRow(NamedTuple):
    """Something that happened to a sensor or to the run."""

    segment_id: str
    seq: int
    device: str | None
    kind: str
    t_ns: int
    utc_ns: int
    detail: str


class FindingRow(NamedTuple):
    """The result of discovery for one source of readings."""

    segment_id: str
    seq: int
    source: str
    availability: str
    what: str
    detail: str
    remedy: str
    worth: str


class InventoryRow(NamedTuple):
    """A piece of the machine's hardware; `detail` comes from JSON."""

    host: str
    kind: str
    name: str
    detail: dict[str, Any]


class IntensityRow(NamedTuple):
    """A provider's cached intensity of a zone over an interval."""

    provider: str
    basis: str
    start_utc_ns: int
    end_utc_ns: int
    g_per_kwh: float
    estimated: bool


class StoredRun(NamedTuple):
    """Everything stored about a run except the inner points of its curves. Anchors are by segment, oldest first; `activity` has the sums
    of the whole run by segment and device.

    `damage`: all values that cannot be true, and so are left out.
    """

    run: RunRow
    segments: tuple[SegmentRow, ...]
    devices: tuple[DeviceRow, ...]
    phases: tuple[PhaseSum, ...]
    work: tuple[WorkRow, ...]
    events: tuple[EventRow, ...]
    findings: tuple[FindingRow, ...]
    inventory: tuple[InventoryRow, ...]
    anchors: dict[str, tuple[Anchor, ...]]
    activity: dict[tuple[str, str], ActivityPoint]
    damage: tuple[Damage, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the run is over: nothing will be added."""
        return self.run.status != Status.RUNNING
