"""PURE: the energies of phases on a device that several processes of a run have read at the same time, because they did not see each other.

Each process has computed the phases that it knew. Of phases with one name, a time that one process has counted does not count again: an
instance that another process has computed counts for the part of its time that is left, as if its power were constant.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..records import DeviceRow, PhaseDeviceSum

LEAST_NS = 1_000_000_000
"""So long two processes read a device that do not see each other. One that takes it over from another begins at most a moment before the
last reading of that one, and computes no time again."""
Reader = tuple[str, str]
"""The segment of a process that has read a device, and the name that the device has there."""


class Instance(NamedTuple):
    """The energy of one instance of a phase on one device, as `reader` has computed it: `joules`, in the order of JOULES."""

    segment_id: str
    name: str
    start_t_ns: int
    end_t_ns: int
    reader: Reader
    joules: Sequence[float]


def read_twice(rows: Iterable[DeviceRow], boots: Mapping[str, str]) -> list[list[Reader]]:
    """The readers of each device that several processes have read at the same time, in the order in which they began. `boots`: the boot of
    each segment."""
    by_device: dict[tuple[str, str], list[DeviceRow]] = defaultdict(list)
    for row in rows:
        if row.first is not None and row.last is not None and boots.get(row.segment_id):
            by_device[boots[row.segment_id], row.uuid or row.name].append(row)
    groups = (sorted(group, key=lambda r: r.first.t_ns if r.first else 0) for group in by_device.values() if len(group) > 1)
    return [
        [(row.segment_id, row.name) for row in group]
        for group in groups
        if any(a.last is not None and b.first is not None and b.first.t_ns + LEAST_NS < a.last.t_ns for a, b in pairwise(group))
    ]


def counted_once(instances: Iterable[Instance], readers: Sequence[Reader]) -> dict[tuple[str, str], PhaseDeviceSum]:
    """The energies of phases on one device, by segment and name, as those of its first reader. `readers`: those of the device, in order."""
    by_name: dict[str, dict[Reader, list[Instance]]] = defaultdict(lambda: defaultdict(list))
    for instance in instances:
        by_name[instance.name][instance.reader].append(instance)
    sums: dict[tuple[str, str], list[float]] = {}
    for name, by_reader in by_name.items():
        covered = _Times()
        for reader in readers:
            for instance in by_reader[reader]:
                left = covered.left(instance.start_t_ns, instance.end_t_ns)
                added = [left * j for j in instance.joules]
                known = sums.get((instance.segment_id, name))
                sums[instance.segment_id, name] = added if known is None else [a + b for a, b in zip(known, added, strict=True)]
            for instance in by_reader[reader]:
                covered.add(instance.start_t_ns, instance.end_t_ns)
    return {key: PhaseDeviceSum(*readers[0], *joules) for key, joules in sums.items()}


class _Times:
    """A set of instants, as spans that do not touch."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def left(self, start_ns: int, end_ns: int) -> float:
        """The part of a span that is not in the set; of a span without length, all or nothing."""
        first, after = bisect_right(self._ends, start_ns), bisect_left(self._starts, end_ns)
        both = sum(min(e, end_ns) - max(s, start_ns) for s, e in zip(self._starts[first:after], self._ends[first:after], strict=True))
        return 1 - both / (end_ns - start_ns) if end_ns > start_ns else float(first == after)

    def add(self, start_ns: int, end_ns: int) -> None:
        first, after = bisect_left(self._ends, start_ns), bisect_right(self._starts, end_ns)
        if first < after:
            start_ns, end_ns = min(start_ns, self._starts[first]), max(end_ns, self._ends[after - 1])
        self._starts[first:after], self._ends[first:after] = [start_ns], [end_ns]
