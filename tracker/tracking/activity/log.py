"""The activity of devices on its way to the store: points of sums, some seconds apart, which are thinned as they become older."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.activity import PEAKS, SUMS, ActivityPoint
from ...storage.write import compact
from ...storage.write.statements import Statement
from ..recording.rows import Row, as_json

if TYPE_CHECKING:
    from ..sampling.snapshot import Snapshot
    from .processors import Processors

NS_PER_S = 1_000_000_000
APART_NS = 10 * NS_PER_S
"""The longest time between two points that are stored. In a young run it is a part of its age."""
OF_AGE = 25
KEEP_NS = 3600 * NS_PER_S
"""How long all points are kept."""
SLOT_NS = 100 * NS_PER_S
"""How far those points are apart that remain of older ones, for each device: a week of all takes 1.1 MB, and 0.06 MB for each last hour."""
AT_ONCE = 6
"""How many slots one transaction thins at most. It matters after an outage."""


class ActivityLog:
    """Remembers what was stored of the activity of the devices of one segment, which began at `start_ns`. That of `processors`, if they are
    given, is told by the process that reads the energy of processors."""

    def __init__(self, segment_id: str, start_ns: int, processors: Processors | None = None) -> None:
        self._segment_id = segment_id
        self._start_ns = self._thinned_ns = start_ns
        self._processors = processors
        self._latest: dict[str, ActivityPoint] = {}
        self._stored_ns: dict[str, int] = {}
        self._until_ns = start_ns

    def rows(self, seen: Snapshot, now_ns: int, *, final: bool) -> list[Row]:
        """The rows of the points that are to be stored now. The maxima in `seen` are those since the last call."""
        apart_ns = min(APART_NS, (now_ns - self._start_ns) // OF_AGE)
        found = []
        for device, point in seen.activity.items():
            self._latest[device] = point = _with_peaks(point, self._latest.get(device))
            stored_ns = self._stored_ns.get(device, self._start_ns)
            if point.t_ns > stored_ns and (final or point.t_ns - stored_ns >= apart_ns):
                self._stored_ns[device] = point.t_ns
                self._latest[device] = point._replace(celsius_max=None, memory_mib_max=None)
                found.append(self._row(device, point))
        cpu = self._processors
        if cpu is None or not any(of.device.kind == "cpu" for of in seen.devices.values()):
            return found
        if (final or now_ns - self._stored_ns.get(cpu.of, self._start_ns) >= apart_ns) and (used := cpu.point(now_ns)) is not None:
            self._stored_ns[cpu.of] = now_ns
            found.append(self._row(cpu.of, used))
        return found

    def thinned(self, now_ns: int) -> list[Statement]:
        """What makes the stored points fewer, in the transaction of the next commit; then call `done`."""
        slot_ns = SLOT_NS * max(1, len(self._stored_ns))
        slots = min(AT_ONCE, (now_ns - KEEP_NS - self._thinned_ns) // slot_ns)
        self._until_ns = self._thinned_ns + max(0, slots) * slot_ns
        starts = range(self._thinned_ns, self._until_ns, slot_ns)
        return [s for device in self._stored_ns for a in starts for s in compact.thin_activity(self._segment_id, device, a, a + slot_ns)]

    def done(self) -> None:
        """The statements were carried out."""
        self._thinned_ns = self._until_ns

    def _row(self, device: str, point: ActivityPoint) -> Row:
        numbers = {name: None if (value := getattr(point, name)) is None else round(value) for name in (*SUMS, *PEAKS)}
        reasons = None if point.throttled is None else as_json({reason: round(ms) for reason, ms in point.throttled.items()})
        of_point: Row = {"segment_id": self._segment_id, "device": device, "t_ns": point.t_ns, **numbers}
        return of_point | {"throttled": reasons, "cpus": point.cpus}


def _with_peaks(point: ActivityPoint, before: ActivityPoint | None) -> ActivityPoint:
    """The point with the maxima since the last one that was stored."""
    if before is None:
        return point
    kept = {name: max(a, b) for name in PEAKS if (a := getattr(point, name)) is not None and (b := getattr(before, name)) is not None}
    return point._replace(**kept)
