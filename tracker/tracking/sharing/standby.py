"""The sensors of a run that this process sees and another one reads: if that process ends, this one reads them from there on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from ...core.clock import Clock
from ...core.point import Point
from ...core.run import Event, EventKind, Status
from ...core.sensing import Device, Discovery, Reading, Sensor
from ...energy.curve import Curve
from ...machine.process import Identity
from ...storage.write.owners import Owners
from ...storage.write.writer import Writer
from ...unwarned import unwarned
from ..sampling.sampler import Sampler

_FORMER = (
    "SELECT s.id, s.rank, s.pid, s.status FROM segment s JOIN device d ON d.segment_id = s.id WHERE s.run_id = ? AND s.id <> ?"
    " AND s.boot_id = ? AND d.name = ? AND COALESCE(d.uuid, '') = COALESCE(?, '')"
    " ORDER BY s.started_utc_ns"
)
_RUNNING = (
    "SELECT start_t_ns, pid_namespace, pid, start_ticks FROM segment WHERE run_id = ? AND boot_id = ? AND (status = 'running' OR id = ?)"
)
_POINTS = f"SELECT {', '.join(Point._fields)} FROM curve_point WHERE segment_id = ? AND device = ? ORDER BY t_ns"
_STATES = "SELECT sensor, raw, t_ns FROM sensor_state WHERE segment_id = ? AND device = ?"
_HOST = "\0the machine"
"""Who owns this shows the devices of the machine to sinks. No sensor has such a name."""
_CUMULATIVE = tuple(name for name in Point._fields if name not in ("t_ns", "edge_low_j", "edge_high_j"))


class Former(NamedTuple):
    """What other processes have stored of a device before, and the last raw value of each counter. Their curve has 0 joules at `end_ns`,
    where that of this process begins."""

    curve: Curve
    end_ns: int
    states: Mapping[str, Reading]


class TakenOver(NamedTuple):
    """A device that this process reads now. `former` is None if no process of the run has read it before, or if the run did not go on since
    then. The event is for an owner that did not end by itself."""

    device: Device
    sensors: Sequence[Sensor]
    former: Former | None
    event: Event | None


def identity(device: Device) -> str:
    """What is equal for a device in every process that sees it."""
    return device.uuid or device.name


def divided(found: Discovery, owners: Owners, *, first: bool) -> tuple[Discovery, list[Sensor]]:
    """Take the sensors that nobody reads for the run yet. Returns the discovery with these only, and the other sensors. Unless this process
    is the `first` of the run, these are all: others may have read them before."""
    mine = {name for name, device in _devices(found.sensors).items() if first and owners.take(identity(device))}
    if mine:
        owners.take(_HOST)  # before others join the run, who may read some device sooner
    own = [sensor for sensor in found.sensors if sensor.device.name in mine]
    others = [sensor for sensor in found.sensors if sensor.device.name not in mine]
    missed = [missed for missed in found.missed if owners.take(identity(missed.device))]
    return Discovery(own, found.findings, found.gpu_count, missed, found.again), others


class Standby:
    """`sensors`: those that other processes of run `run_id` read. Its segment `segment_id` is the process `me`."""

    def __init__(self, sensors: Sequence[Sensor], owners: Owners, run_id: str, segment_id: str, me: Identity) -> None:
        self._sensors = list(sensors)
        self._owners = owners
        self._run_id = run_id
        self._segment_id = segment_id
        self._me = me
        self._left = False

    def look(self, sampler: Sampler, writer: Writer, clock: Clock) -> list[TakenOver]:
        """Read the devices from now on that nobody reads any more. Raises StoreError."""
        taken: list[TakenOver] = []
        for name, device in _devices(self._sensors).items():
            if not self._owners.take(identity(device)):
                continue
            group = [sensor for sensor in self._sensors if sensor.device.name == name]
            former, who, died = self._former(writer, device)
            now_ns = clock.monotonic_ns()
            begin_ns, states = (now_ns, {}) if former is None else (former.end_ns, former.states)
            if not sampler.add(group, begin_ns, {}, states, once=True):
                continue
            self._sensors = [sensor for sensor in self._sensors if sensor.device.name != name]
            text = f"it is read by this process from here on, because {who} was killed"
            text += "" if former is None else f"; the {(now_ns - begin_ns) * 1e-9:.1f} s since its last reading are bridged"
            taken.append(TakenOver(device, group, former, Event(EventKind.RANK, begin_ns, name, text) if died else None))
        return taken

    @property
    def devices(self) -> list[Device]:
        """The devices that other processes read."""
        return list(_devices(self._sensors).values())

    def shows_host(self) -> bool:
        """Whether this process, which reads devices, shows its machine to sinks: the first of the run, else the first one that asks."""
        return self._owners.take(_HOST)

    def ending(self) -> None:
        """This process looks for the last time for phases of others."""
        self._owners.end()

    def owns(self, device: Device) -> bool:
        """Whether this process still computes the energy of phases on a device that it has read."""
        return not self._left or self._owners.has(identity(device))

    def leave(self) -> None:
        """Own nothing any more."""
        self._left = True
        self._owners.release()

    def owners_end(self) -> bool:
        """Whether processes that read devices have looked for the last time for phases of others."""
        return any(self._owners.ends(identity(device)) for device in self.devices)

    def close(self) -> None:
        """Close the sensors that other processes read, and own nothing any more."""
        for sensor in self._sensors:
            with suppress(Exception):  # a sensor of the user's own may raise anything
                unwarned(sensor.close)
        self._owners.release()

    def _former(self, writer: Writer, device: Device) -> tuple[Former | None, str, bool]:
        """What other processes have stored of a device, which was the last one, and whether that was killed. None if there was a time since
        then without any process of the run."""
        since_ns = self._goes_on_since_ns(writer)
        found = writer.query(_FORMER, (self._run_id, self._segment_id, self._me.boot_id, device.name, device.uuid))
        points: list[Point] = []
        last: tuple[str, object, object, object] | None = None
        for segment_id, rank, pid, status in found:
            stored = [Point(*row) for row in writer.query(_POINTS, (segment_id, device.name))]
            if stored and (not points or stored[-1].t_ns > points[-1].t_ns):
                last = segment_id, rank, pid, status
                points = _continued(points, stored)
        if last is None or since_ns is None or points[-1].t_ns < since_ns:
            return None, "", False
        segment_id, rank, pid, status = last
        raw = writer.query(_STATES, (segment_id, device.name))
        states = {sensor: Reading(t_ns, int(value)) for sensor, value, t_ns in raw if str(value).isdecimal()}
        states = {sensor: state for sensor, state in states.items() if state.t_ns >= since_ns}
        end_ns = min([points[-1].t_ns, *(state.t_ns for state in states.values())])
        curve = Curve(device.max_power_w)
        curve.ticks.extend(points)
        end = curve.at(end_ns)
        assert end is not None
        curve.ticks = deque(_less(point, end) for point in points)
        who = f"process {pid}" if rank is None else f"rank {rank} (process {pid})"
        return Former(curve, end_ns, states), who, status == Status.RUNNING

    def _goes_on_since_ns(self, writer: Writer) -> int | None:
        """The earliest beginning of the processes that are there now."""
        found = writer.query(_RUNNING, (self._run_id, self._me.boot_id, self._segment_id))
        same = self._me.pid_namespace
        return min((start for start, namespace, pid, ticks in found if namespace != same or self._me.is_alive(pid, ticks)), default=None)


def _continued(points: list[Point], stored: list[Point]) -> list[Point]:
    """The points of two processes as one curve: that of the second begins with the energy of the first."""
    if not points:
        return stored
    end, curve = points[-1], Curve(0.0)
    curve.ticks.extend(stored)
    begin = curve.at(max(end.t_ns, stored[0].t_ns))
    assert begin is not None
    after = (_less(point, begin) for point in stored if point.t_ns > end.t_ns)
    return [*points, *(point._replace(**{name: getattr(point, name) + getattr(end, name) for name in _CUMULATIVE}) for point in after)]


def _devices(sensors: Iterable[Sensor]) -> dict[str, Device]:
    return {sensor.device.name: sensor.device for sensor in sensors}


def _less(point: Point, end: Point) -> Point:
    """A point of a curve that has 0 joules at `end`."""
    return point._replace(**{name: getattr(point, name) - getattr(end, name) for name in _CUMULATIVE})
