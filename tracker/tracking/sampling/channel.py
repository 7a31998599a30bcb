"""One sensor and the integrator of its device: what a read gave, and how often the sensor is read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ...core.sensing import Counter, Reading, Sensor
from ...energy.integrator import DeviceIntegrator
from ...errors import ReadError, SensorLostError
from ...texts import error_text, repr_of, text_of

log = logging.getLogger("trainwatt")

NS = 1e-9
SLOW_SHARE = 0.02
"""A sensor whose reads take more than this share of its period is read less often."""
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


class Channel:
    """A sensor, its integrator, and how many ticks apart it is read."""

    __slots__ = ("_affordable_ns", "_take", "costs_ns", "every", "integrator", "last", "sensor")

    def __init__(self, sensor: Sensor, integrator: DeviceIntegrator, period_s: float) -> None:
        self.sensor = sensor
        self.integrator = integrator
        self.costs_ns: list[int] = []  # of the last reads, as long as they are too slow
        self.last: Reading | None = None
        self._take: Callable[[Reading], None] = (
            integrator.counter_reading if isinstance(sensor.kind, Counter) else partial(integrator.gauge_reading, sensor.name)
        )
        self._set_every(max(1, round((sensor.period_s or period_s) / period_s)), period_s)

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
            log.exception("trainwatt: a reading of %s could not be integrated; it is no longer read", self.sensor.device.name)
            self.integrator.failed(self.sensor.name, reading.t_ns, f"a fault of trainwatt: {error_text(error)}", lost=True)

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
