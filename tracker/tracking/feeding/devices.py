"""The joules and watts of each device of a run while it goes on, kept in memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping

from ...core.point import Point, Provenance
from ...core.sensing import Device
from ...core.sink import LiveDevice

NS = 1e-9
MEAN_NS = 2_000_000_000
"""Power is the mean of at least this time, or of the time since the start."""


class LiveDevices:
    """The devices of a run that this process reads, on `host`."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._points: dict[Device, deque[Point]] = {}
        self._out: frozenset[str] = frozenset()

    def take(self, seen: Iterable[tuple[Device, Point | None]], out: frozenset[str]) -> None:
        """The newest point of each device. `out` names those that have left the total."""
        with self._lock:
            self._out = out
            for device, point in seen:
                if point is not None:
                    points = self._points.setdefault(device, deque(maxlen=64))
                    while points and points[-1].t_ns >= point.t_ns:  # a commit may bring what is older than the last round of readings
                        points.pop()
                    points.append(point)
                    while len(points) > 2 and points[1].t_ns <= point.t_ns - MEAN_NS:
                        points.popleft()

    def now(self) -> tuple[LiveDevice, ...]:
        """What is known of each."""
        with self._lock:
            known = [(device, points[0], points[-1]) for device, points in self._points.items()]
            out = self._out
        return tuple(
            LiveDevice(
                host=self._host,
                name=device.name,
                kind=device.kind,
                uuid=device.uuid,
                model=device.model,
                counts=device.included_in_total and device.name not in out,
                provenance=most(_by_provenance(last)),
                energy_j=last.energy_j,
                power_w=(last.energy_j - first.energy_j) / ((last.t_ns - first.t_ns) * NS) if last.t_ns > first.t_ns else None,
            )
            for device, first, last in known
        )


def most(joules: Mapping[Provenance, float]) -> Provenance:
    """The provenance of most of the joules; the better one where two have as many."""
    return max(joules, key=joules.__getitem__)


def _by_provenance(point: Point) -> dict[Provenance, float]:
    return {
        Provenance.MEASURED_COUNTER: point.counter_j,
        Provenance.MEASURED_POWER: point.power_j,
        Provenance.IMPUTED: point.imputed_j,
        Provenance.MODELLED: point.modelled_j,
    }
