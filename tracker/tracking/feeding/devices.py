"""The joules and watts of each device of a run while it goes on, kept in memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping

from ...core.clock import Clock
from ...core.point import Point, Provenance
from ...core.sensing import Device
from ...core.sink import LiveDevice
from ..budgeting.others import AHEAD_NS, MEAN_NS

NS = 1e-9


class LiveDevices:
    """The devices of a run that this process reads, on `host`. Between two readings the last power is taken to last, so that who looks
    every second sees steady energies although a sensor is read about as often."""

    def __init__(self, host: str, clock: Clock) -> None:
        self._host = host
        self._clock = clock
        self._highest_j: dict[Device, float] = {}
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
        """What is known of each. No energy falls."""
        now_ns = self._clock.monotonic_ns()
        with self._lock:
            return tuple(self._known(device, points[0], points[-1], now_ns) for device, points in self._points.items())

    def _known(self, device: Device, first: Point, last: Point, now_ns: int) -> LiveDevice:
        known_ns = last.t_ns - first.t_ns
        power_w = (last.energy_j - first.energy_j) / (known_ns * NS) if known_ns > 0 else None
        ahead_j = (power_w or 0.0) * NS * min(max(0, now_ns - last.t_ns), AHEAD_NS)
        energy_j = self._highest_j[device] = max(self._highest_j.get(device, 0.0), last.energy_j + ahead_j)
        return LiveDevice(
            host=self._host,
            name=device.name,
            kind=device.kind,
            uuid=device.uuid,
            model=device.model,
            counts=device.included_in_total and device.name not in self._out,
            provenance=most(_by_provenance(last)),
            energy_j=energy_j,
            power_w=power_w,
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
