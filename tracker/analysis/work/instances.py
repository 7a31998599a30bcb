"""PURE: the instances of phases, one by one: their time, energy, work, and the metrics that were logged with them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ...core.clock import iso
from ...core.metric import MetricPoint
from ...core.timeline import Timeline
from ...core.units import NS_PER_S
from ...energy.intervals import at_most, interval
from ...storage.read.records import PhaseDeviceSum
from ...storage.read.several.twice import Reader, read_twice
from .units import each_of_units, work_partial

if TYPE_CHECKING:
    from ...core.contract import InstanceJson, InstancesPartJson, InstanceSumJson, PhaseJson, ShowJson
    from ...energy.intervals import Share
    from ...storage.read.phases.records import PhaseInstance
    from ...storage.read.records import StoredRun

Logged = Mapping[tuple[str, str], Sequence[MetricPoint]]
LATEST_NS = 2**62


class _Value(NamedTuple):
    """A value of a metric, and when it was logged, in UTC. `last`: the higher, the more it counts; of ranks, the lowest one."""

    last: int
    utc_ns: int
    name: str
    value: float


def instances_part(
    stored: StoredRun, view: ShowJson, rows: Sequence[PhaseInstance], logged: Logged, name: str | None = None
) -> InstancesPartJson:
    """The instances of a run that are kept one by one, or those of one name, and how many more there were."""
    groups = [group for group in _together(stored, rows) if name in (None, group[0].name)]
    values, once = _Values(stored, logged), _Once(stored)
    found: list[InstanceJson] = []
    kept = Counter(group[0].name for group in groups)
    phases = [phase for phase in view["phases"] if name in (None, phase["name"])]
    as_sums = {p["name"]: _rest(stored, p, [g for g in groups if g[0].name == p["name"]]) for p in phases if p["count"] > kept[p["name"]]}
    for phase in dict.fromkeys(group[0].name for group in groups):
        mine = [group for group in groups if group[0].name == phase]
        metrics = values.of(mine)
        for number, group in enumerate(mine, 1 + (as_sums[phase]["count"] if phase in as_sums else 0)):
            found.append(_described(stored, view, group, number, once, next(metrics)))
    return {"instances": found, "as_sums": as_sums}


def _together(stored: StoredRun, rows: Sequence[PhaseInstance]) -> list[list[PhaseInstance]]:
    """The rows of each instance, by start. Those of ranks that do the same, by step and number, are one; other processes may do
    anything."""
    ranks = {segment.id: segment.rank for segment in stored.segments}
    counts: Counter[tuple[str, int | None, int | None]] = Counter()
    groups: dict[object, list[PhaseInstance]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.start_utc_ns, row.segment_id, row.seq)):
        rank = ranks.get(row.segment_id)
        if rank is None:
            groups[row.segment_id, row.seq].append(row)
        else:
            groups[row.name, row.step, counts[row.name, row.step, rank]].append(row)
            counts[row.name, row.step, rank] += 1
    return list(groups.values())


def _rest(stored: StoredRun, phase: PhaseJson, listed: Sequence[Sequence[PhaseInstance]]) -> InstanceSumJson:
    """What all instances of a phase have, without those that are listed."""
    sums: dict[Reader, list[float]] = {}
    of_all = [device for of in stored.phases if of.name == phase["name"] for device in of.devices]
    for sign, devices in ((1, of_all), (-1, [device for group in listed for row in group for device in row.devices])):
        for owner, device, *joules in devices:
            known = sums.setdefault((owner, device), [0.0] * len(joules))
            sums[owner, device] = [a + sign * b for a, b in zip(known, joules, strict=True)]
    length_s = max(0.0, phase["duration_s"] - sum(filter(None, map(_length_s, listed))))
    counted = {(d.segment_id, d.name): d for d in stored.devices if d.included_in_total and not d.damage}
    shares = [
        PhaseDeviceSum(*reader, *(max(0.0, of) for of in joules)).share(counted[reader], length_s)
        for reader, joules in sums.items()
        if reader in counted
    ]
    energy = interval(shares) if shares else None
    ends = (None, None, None) if energy is None else at_most(energy, phase["high_j"] or 0.0)
    return {
        "count": phase["count"] - len(listed),
        "duration_s": length_s,
        "energy_j": ends[0],
        "low_j": ends[1],
        "high_j": ends[2],
    }


def _length_s(group: Sequence[PhaseInstance]) -> float | None:
    """From the first start of an instance to the last end, in seconds; None while it is open."""
    ends = [row.start_utc_ns + row.end_t_ns - row.start_t_ns for row in group if row.end_t_ns is not None]
    return (max(ends) - group[0].start_utc_ns) / NS_PER_S if len(ends) == len(group) else None


def _described(
    stored: StoredRun, view: ShowJson, group: Sequence[PhaseInstance], number: int, once: _Once, metrics: Mapping[str, float]
) -> InstanceJson:
    first = group[0]
    shares = [share for row in group for share in once.shares(row)]
    known = bool(shares) and all(row.resolved is not None for row in group)
    joules = interval(shares) if known else None
    ends = (None, None, None) if joules is None else at_most(joules, view["energy"]["high_j"] or 0.0)
    work: Counter[str] = Counter()
    for row in group:
        work.update(row.work)
    return {
        "name": first.name,
        "number": number,
        "step": first.step,
        "started_at": iso(first.start_utc_ns),
        "from_s": (first.start_utc_ns - stored.run.started_utc_ns) / NS_PER_S,
        "duration_s": _length_s(group),
        "energy_j": ends[0],
        "low_j": ends[1],
        "high_j": ends[2],
        "resolved": known and all(row.resolved for row in group),
        "ranks": len({row.segment_id for row in group}),
        "work": dict(work),
        "per_unit": {} if work_partial(view["run"]) else each_of_units(ends, work),
        "metrics": dict(metrics),
    }


class _Once:
    """The energies of instances on the devices of a run. Where several processes have read a device at the same time, those of the first
    reader that has the instance count."""

    def __init__(self, stored: StoredRun) -> None:
        self._devices = {(d.segment_id, d.name): d for d in stored.devices if d.included_in_total and not d.damage}
        boots = {segment.id: segment.boot_id for segment in stored.segments}
        groups = read_twice(stored.devices, boots)
        self._place = {reader: (number, place) for number, group in enumerate(groups) for place, reader in enumerate(group)}

    def shares(self, row: PhaseInstance) -> Iterator[Share]:
        """What the instance has of each device."""
        length_s = 0.0 if row.end_t_ns is None else (row.end_t_ns - row.start_t_ns) / NS_PER_S
        for device in _first_readers(row.devices, self._place):
            if (known := self._devices.get((device.owner_segment_id, device.device))) is not None:
                yield device.share(known, length_s)


def _first_readers(devices: Iterable[PhaseDeviceSum], place: Mapping[tuple[str, str], tuple[int, int]]) -> Iterator[PhaseDeviceSum]:
    of_group: dict[int, tuple[int, PhaseDeviceSum]] = {}
    for device in devices:
        found = place.get((device.owner_segment_id, device.device))
        if found is None:
            yield device
        elif found[0] not in of_group or found[1] < of_group[found[0]][0]:
            of_group[found[0]] = found[1], device
    yield from (device for _, device in of_group.values())


class _Values:
    """What each process of a run has logged, by time."""

    def __init__(self, stored: StoredRun, logged: Logged) -> None:
        segments = {segment.id: segment for segment in stored.segments}
        lines = {s.id: Timeline.of_segment(stored.anchors.get(s.id, ()), s.start_t_ns, s.started_utc_ns) for s in stored.segments}
        self._of: dict[str, list[_Value]] = defaultdict(list)
        for (segment_id, name), points in logged.items():
            if segment_id in segments:
                last, line = -(segments[segment_id].rank or 0), lines[segment_id]
                self._of[segment_id] += [_Value(last, line.utc_ns(point.t_ns), name, point.value) for point in points]
        for values in self._of.values():
            values.sort(key=lambda value: value.utc_ns)

    def of(self, groups: Sequence[Sequence[PhaseInstance]]) -> Iterator[dict[str, float]]:
        """The last value of each metric for each of the instances of a phase, from its start until the next one begins. A process that has
        instances of this phase has the times of its own: of two ranks, one may be in the next epoch already."""
        starts: dict[str, list[int]] = defaultdict(list)
        for group in groups:
            for row in group:
                starts[row.segment_id].append(row.start_utc_ns)
        for each in starts.values():
            each.sort()
        of_all = [group[0].start_utc_ns for group in groups]
        for group, whole in zip(groups, pairwise([*of_all, LATEST_NS]), strict=True):
            own = {row.segment_id: (row.start_utc_ns, _after(starts[row.segment_id], row.start_utc_ns)) for row in group}
            found: list[_Value] = []
            for segment_id, values in self._of.items():
                if segment_id in own or segment_id not in starts:
                    found += _between(values, *own.get(segment_id, whole))
            yield {value.name: value.value for value in sorted(found)}


def _after(starts: Sequence[int], start_ns: int) -> int:
    """The first of the sorted `starts` after one of them."""
    place = bisect_right(starts, start_ns)
    return starts[place] if place < len(starts) else LATEST_NS


def _between(values: Sequence[_Value], start_ns: int, until_ns: int) -> Sequence[_Value]:
    """The values from an instant to another."""
    first, after = (bisect_left(values, t_ns, key=lambda value: value.utc_ns) for t_ns in (start_ns, until_ns))
    return values[first:after]
