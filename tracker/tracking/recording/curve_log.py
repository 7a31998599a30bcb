"""The energy curves of a run on their way to the store. A commit stores the newest point of each, and its first point when that changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ...core.point import Point
from . import rows
from .rows import Row

if TYPE_CHECKING:
    from ...energy.curve import Curve
    from ...energy.integrator import DeviceSnapshot


OFTEN_NS = 400_000_000


class CurveLog:
    """Remembers the first points of the curves of one segment, by device. `often`: points in between are stored too, OFTEN_NS apart, for a
    process that takes a device over, and the edges of phases there."""

    def __init__(self, segment_id: str, *, often: bool = False) -> None:
        self._segment_id = segment_id
        self._often = often
        self._last_ns: dict[str, int] = {}
        self._first: dict[str, Point] = {}

    def take(self, devices: Mapping[str, DeviceSnapshot], until_ns: Mapping[str, int]) -> list[Row]:
        """The rows of new points. `until_ns`: where the curves of some devices end in this run, although they were read after it."""
        found = []
        for device, seen in devices.items():
            first, latest = seen.curve.first, seen.curve.latest
            end_ns = until_ns.get(device)
            if end_ns is not None and first is not None and latest is not None and end_ns < latest.t_ns:
                latest = seen.curve.at(max(end_ns, first.t_ns))
            if first is not None and first != self._first.get(device):  # its edges change when the sensor's lag becomes known
                self._first[device] = first
                found.append(rows.point_row(self._segment_id, device, first))
            if self._often:
                between = (p for p in self._between(device, seen.curve) if end_ns is None or p.t_ns < end_ns)
                found += [rows.point_row(self._segment_id, device, point) for point in between]
            if latest is not None:
                found.append(rows.point_row(self._segment_id, device, latest))
        return found

    def _between(self, device: str, curve: Curve) -> Iterator[Point]:
        """Points that were not stored, some time apart."""
        for tick in curve.ticks:
            if (
                tick.t_ns - self._last_ns.get(device, 0) >= OFTEN_NS
                and (point := curve.at(tick.t_ns)) is not None
                and curve.reaches(tick.t_ns)
            ):
                self._last_ns[device] = tick.t_ns
                yield point

    def rows_again(self) -> list[Row]:
        """For a store that has nothing of this run: the first points. A curve needs its two ends only."""
        return [rows.point_row(self._segment_id, device, point) for device, point in self._first.items()]
