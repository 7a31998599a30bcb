"""Devices that could not be read when the run began are looked for again while it goes on: a GPU that slept, or that the driver refused."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.clock import Clock
from ...core.sensing import Availability, Discovery, Sensor
from ...unwarned import unwarned
from .sampler import Sampler

LEAST_NS = 200_000_000
"""The shortest time between two looks, for phases that begin in quick succession."""
COST = 500
"""After a look that cost a second of the processor, there is none for this many seconds: looking takes at most 0.2 % of a core."""


class Search:
    """Looks for the missed devices of a discovery, and lets the sampler read those that it finds. For the writing thread."""

    def __init__(self, found: Discovery, clock: Clock) -> None:
        again = found.again
        self._look = None if again is None else again.look
        self._missing = set() if again is None else set(again.devices) & {missed.device.name for missed in found.missed}
        self._clock = clock
        self._next_ns = 0
        now_ns = clock.monotonic_ns()
        self._asleep_ns = {missed.device.name: now_ns for missed in found.missed if missed.availability is Availability.SUSPENDED}

    def due(self, t_ns: int) -> bool:
        """Whether to look at `t_ns`: a device is missing, and the last look is long enough ago. Never blocks."""
        return bool(self._missing) and t_ns >= self._next_ns

    def look(self, sampler: Sampler, begin_ns: int) -> Sequence[Sensor]:
        """Look once. The run began at `begin_ns`. Returns the sensors of the devices that were found, which the sampler reads now."""
        if self._look is None:
            return ()
        start_ns, before_s = self._clock.monotonic_ns(), self._clock.thread_cpu_s()
        try:
            return self._found(unwarned(self._look, sorted(self._missing)), start_ns, sampler, begin_ns)
        finally:
            pause_s = COST * (self._clock.thread_cpu_s() - before_s)
            self._next_ns = self._clock.monotonic_ns() + max(LEAST_NS, round(pause_s * 1e9))

    def _found(self, found: Discovery, start_ns: int, sampler: Sampler, begin_ns: int) -> Sequence[Sensor]:
        for missed in found.missed:
            if missed.availability is Availability.SUSPENDED:
                self._asleep_ns[missed.device.name] = start_ns
        if found.sensors and sampler.add(found.sensors, begin_ns, self._asleep_ns, {}):
            self._missing -= {sensor.device.name for sensor in found.sensors}
            return found.sensors
        for sensor in found.sensors:
            sensor.close()
        return ()
