"""The energy curves of a run on their way to the store. A commit stores the newest point of each, and its first point when that changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...core.point import Point
from . import rows
from .rows import Row

if TYPE_CHECKING:
    from ...energy.integrator import DeviceSnapshot


class CurveLog:
    """Remembers the first points of the curves of one segment, by device."""

    def __init__(self, segment_id: str) -> None:
        self._segment_id = segment_id
        self._first: dict[str, Point] = {}

    def take(self, devices: Mapping[str, DeviceSnapshot]) -> list[Row]:
        """The rows of new points."""
        found = []
        for device, seen in devices.items():
            first, latest = seen.curve.first, seen.curve.latest
            if first is not None and first != self._first.get(device):  # its edges change when the sensor's lag becomes known
                self._first[device] = first
                found.append(rows.point_row(self._segment_id, device, first))
            if latest is not None:
                found.append(rows.point_row(self._segment_id, device, latest))
        return found

    def rows_again(self) -> list[Row]:
        """For a store that has nothing of this run: the first points. A curve needs its two ends only."""
        return [rows.point_row(self._segment_id, device, point) for device, point in self._first.items()]
