"""PURE: the curves of one device that several processes of a run have read, one after the other: each instant counts once.

A process that takes a device over continues from the last reading of the one before: what may be wrong with that reading then belongs to
neither of both windows. Processes that do not see each other (containers with folders of their own) may read a device at the same time:
the later one counts from the end of the other on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ....core.point import Point
from ....core.sensing import whole_name
from ....energy.curve import Curve
from ..records import DeviceRow


class _Part(NamedTuple):
    at: int
    row: DeviceRow
    first: Point
    last: Point


def joined(rows: Sequence[DeviceRow], boots: dict[str, str], points: Callable[[DeviceRow], Sequence[Point]]) -> list[DeviceRow]:
    """The devices of runs, with ends that overlap nowhere within a run; without those whose time other rows have as a whole. `boots`: the
    boot of each segment. `points`: all points of a row's curve."""
    by_device: dict[tuple[str, ...], list[_Part]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row.first is not None and row.last is not None and boots.get(row.segment_id):
            share = "" if whole_name(row.name) is None else "share"
            key = row.run_id, boots[row.segment_id], row.uuid or row.name, share
            by_device[key].append(_Part(at, row, row.first, row.last))
    found: list[DeviceRow | None] = list(rows)
    for parts in by_device.values():
        if len(parts) > 1:
            for part in _apart(sorted(parts, key=lambda p: (p.first.t_ns, -p.last.t_ns)), points):
                found[part.at] = part.row
            for before, after in pairwise(_kept(parts, found)):
                _join(before, after, found)
    return [row for row in found if row is not None]


class _Cut(NamedTuple):
    at: int
    row: DeviceRow | None


def _apart(parts: Sequence[_Part], points: Callable[[DeviceRow], Sequence[Point]]) -> list[_Cut]:
    """The rows that begin before the end of others, from that end on; None if nothing is left."""
    cuts: list[_Cut] = []
    until_ns = parts[0].last.t_ns
    for part in parts[1:]:
        if part.last.t_ns <= until_ns:
            cuts.append(_Cut(part.at, None))
        elif part.first.t_ns < until_ns:
            curve = Curve(part.row.max_power_w)
            curve.ticks.extend(points(part.row))
            share = (part.last.t_ns - until_ns) / (part.last.t_ns - part.first.t_ns)
            row = part.row._replace(first=curve.at(until_ns), covered_ns=round(part.row.covered_ns * share))
            cuts.append(_Cut(part.at, row))
        until_ns = max(until_ns, part.last.t_ns)
    return cuts


def _kept(parts: Sequence[_Part], found: Sequence[DeviceRow | None]) -> list[_Part]:
    left = [(part.at, row) for part in parts if (row := found[part.at]) is not None]
    kept = [_Part(at, row, row.first, row.last) for at, row in left if row.first is not None and row.last is not None]
    return sorted(kept, key=lambda p: p.first.t_ns)


def _join(before: _Part, after: _Part, found: list[DeviceRow | None]) -> None:
    """Leave out the edges where a counter was read on from the same reading."""
    counted = before.last.counter_j > before.first.counter_j and after.last.counter_j > after.first.counter_j
    if not counted or after.first.t_ns != before.last.t_ns:
        return
    for part, end in ((before, "last"), (after, "first")):
        row = found[part.at]
        point = None if row is None else getattr(row, end)
        if row is not None and point is not None:
            found[part.at] = row._replace(**{end: point._replace(edge_low_j=0.0, edge_high_j=0.0)})
