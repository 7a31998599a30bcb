"""One sensor and the integrator of its device: what a read gave, and how often the sensor is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from ...core.sensing import Counter, Reading, Sensor
from ...energy.integrator import DeviceIntegrator
from ...errors import ReadError, SensorLostError
from ...log import warn
from ...texts import error_text, repr_of, text_of
from ...unwarned import unwarned

NS = 1e-9
SLOW_SHARE = 0.02
"""A sensor whose reads take more than this share of its period is read less often."""
CHECK_S = 0.5
"""A gauge beside a counter only checks it, so it is read this often at most."""
STILL_NS = 500_000_000
"""Most counters are updated ten times a second or more."""
LATE_NS = 250_000_000
"""Energy that a counter shows may have been drawn this long before its last move."""
SLOWEST_S = 5.0
COST_READS = 5


class Failure(NamedTuple):
    """A read that gave no value. `lost`: the sensor will not come back."""

    reason: str
    lost: bool = False

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """The failure for an exception of a sensor, of any type."""
        known = isinstance(error, ReadError)
        return cls(text_of(error) if known else error_text(error), isinstance(error, SensorLostError))


def read_again(sensor: Sensor, error: Exception) -> object:
    """What a read that ended with `error` gives: a Failure. A warning is none: it is ignored from now on, and the sensor is read again."""
    if isinstance(error, Warning):
        try:
            return unwarned(sensor.read)
        except Exception as another:
            error = another
    return Failure.of(error)


def grouped(sensors: Iterable[Sensor]) -> dict[str, list[Sensor]]:
    """The sensors of each device, by its name. Gauges come first: the power is then known if the counter has a problem."""
    found: dict[str, list[Sensor]] = {}
    for sensor in sensors:
        found.setdefault(sensor.device.name, []).append(sensor)
    return {name: sorted(group, key=lambda s: isinstance(s.kind, Counter)) for name, group in found.items()}


def integrator_of(sensors: Sequence[Sensor]) -> DeviceIntegrator:
    """The integrator of the device of these sensors."""
    counter = next((s.kind for s in sensors if isinstance(s.kind, Counter)), None)
    return DeviceIntegrator(sensors[0].device, counter, {s.name: s.kind for s in sensors if not isinstance(s.kind, Counter)})


class Channel:
    """A sensor, its integrator, and how often it is read.

    `every` and `calm_every` are the ticks between two reads at the full rate and at the calm rate. The schedule keeps the tick of the next
    read, and the tick until which the full rate lasts, as `next_tick` and `full_until`.
    """

    __slots__ = (
        "_affordable_ns", "_calm_ticks", "_take", "_units_per_nj", "costs_ns", "counts", "every", "full_until", "integrator",
        "last", "moved_ns", "next_tick", "sensor", "value",
    )  # fmt: skip

    def __init__(self, sensor: Sensor, integrator: DeviceIntegrator, period_s: float, calm_s: float | None) -> None:
        self.sensor = sensor
        self.integrator = integrator
        self.costs_ns: list[int] = []  # of the last reads, as long as they are too slow
        self.last: Reading | None = None
        self.counts = isinstance(sensor.kind, Counter)
        self.value, self.moved_ns = 0, 0  # of a counter: the last raw value, and when it was new
        self._units_per_nj = NS / sensor.kind.unit_j if isinstance(sensor.kind, Counter) else 0.0
        self.next_tick, self.full_until = 1, 0.0
        self._take: Callable[[Reading], None] = (
            integrator.counter_reading if self.counts else partial(integrator.gauge_reading, sensor.name)
        )
        checks = not self.counts and integrator.counter is not None
        own_s = sensor.period_s or (CHECK_S if checks else period_s)
        calm = calm_s is not None and sensor.period_s is None and integrator.counter is not None
        self._calm_ticks = round(calm_s / period_s) if calm_s is not None and calm else 0
        self._set_every(max(1, round(own_s / period_s)), period_s)

    @property
    def calm_every(self) -> int:
        """The ticks between two reads while nothing asks for more."""
        return max(self.every, self._calm_ticks)

    def deliver(self, before_ns: int, after_ns: int, value: object) -> None:
        """Give the integrator the result of a read between two instants: a number, or a Failure."""
        if self.integrator.lost:
            return
        if not isinstance(value, (int, float)):
            failure = value if isinstance(value, Failure) else Failure(f"read {repr_of(value)}, which is not a number")
            self.integrator.failed(self.sensor.name, after_ns, failure.reason, lost=failure.lost)
            return
        cost_ns = after_ns - before_ns
        reading = Reading(before_ns + cost_ns // 2, value, cost_ns // 2)
        if cost_ns > self._affordable_ns:
            self.costs_ns.append(cost_ns)
        elif self.costs_ns:
            self.costs_ns.clear()
        try:
            self._take(reading)
            self.last = reading
        except Exception as error:  # a fault of trainwatt with one device must not end the sampling of the others
            warn("a reading of %s could not be integrated; it is no longer read", self.sensor.device.name, fault=error)
            self.integrator.failed(self.sensor.name, reading.t_ns, f"a fault of trainwatt: {error_text(error)}", lost=True)

    def doubtful(self, value: object, t_ns: int) -> bool:
        """Whether this read of a counter at `t_ns` is a reason to look at it more closely: it failed, the counter fell or rose by more than
        the device can draw, or it has shown nothing new for STILL_NS."""
        if not isinstance(value, int):
            return True
        step, since_ns = value - self.value, t_ns - self.moved_ns
        if step:
            self.value, self.moved_ns = value, t_ns
            return not 0 < step <= (since_ns + LATE_NS) * self.integrator.curve.max_power_w * self._units_per_nj
        return since_ns > STILL_NS

    def back_off(self, period_s: float) -> float | None:
        """Lower the rate after COST_READS reads in a row that were too slow. Returns the new period in seconds if it changed."""
        if len(self.costs_ns) < COST_READS:
            return None
        wanted_s = min(SLOWEST_S, min(self.costs_ns) * NS / SLOW_SHARE)
        self.costs_ns.clear()
        if wanted_s <= self.every * period_s:
            return None
        self._set_every(max(self.every + 1, round(wanted_s / period_s)), period_s)
        return self.every * period_s

    def _set_every(self, every: int, period_s: float) -> None:
        self.every = every
        self._affordable_ns = round(every * period_s * SLOW_SHARE / NS)
        self.integrator.set_tick(self.sensor.name, every * period_s)
