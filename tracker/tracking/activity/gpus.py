"""What the GPUs do while they are read: looked at about once a second, by the thread that reads the sensors, and added up."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from ...core.activity import ActivityPoint, GpuReading
from ...core.clock import Clock
from ...core.sensing import Sensor
from ...energy.integrator import DeviceIntegrator

if TYPE_CHECKING:
    from ...sensors.nvidia.activity import GpuActivity

log = logging.getLogger("trainwatt")

NS, NS_PER_MS = 1e-9, 1_000_000
OFTEN_NS, LOOK_NS = 500_000_000, 1_000_000_000
"""The time between two looks at how busy the GPUs are: in the first half minute, and later. The rest is looked at once a second."""
FIRST_NS = 30_000_000_000
"""In a short run, each change between two looks is a larger part of the time."""
SELDOM_NS = 60_000_000_000
"""The longest time between two looks, where they are slow."""
CPU_COST, WALL_COST = 500, 20
"""A look takes at most one part in this many of the processor's time, and of the thread's: a slow driver holds up the readings."""
NEARLY = 0.15
"""This part of the time before a look is due, it is made with a round of readings: to wake the thread up costs more."""
HELD_NS = 2_500_000_000
"""A reading stands for the time since the one before, at most for this long or for twice the time between two looks."""


class Activities:
    """The activity of the GPUs among the devices of `integrators`. `look` is for the thread that reads them, under its lock."""

    def __init__(self, integrators: Mapping[str, DeviceIntegrator], clock: Clock) -> None:
        self._integrators = integrators
        self._clock = clock
        self._gpus: dict[str, GpuActivity] = {}
        self._readings: dict[str, GpuReading] = {}
        self._points: dict[str, ActivityPoint] = {}
        self._adding = threading.Lock()  # never held during a call of a driver
        self._begun_ns = self._next_ns = self._whole_ns = 0
        self._every_ns = OFTEN_NS

    def add(self, sensors: Iterable[Sensor]) -> None:
        """Look at the GPUs of these sensors too."""
        for sensor in sensors:
            if sensor.device.kind == "gpu" and sensor.device.name not in self._gpus:
                from ...sensors.nvidia.activity import activity_of  # needed where there are GPUs

                if (gpu := activity_of(sensor)) is not None:
                    self._gpus[sensor.device.name] = gpu

    def look(self, now_ns: int, *, last: bool = False) -> float:
        """Look if it is time to, or nearly so; at the end of a run (`last`), unless looks are slow. Returns the seconds until the next look
        if nothing else wakes the thread before."""
        if self._gpus and (now_ns >= self._next_ns - self._every_ns * NEARLY or (last and self._every_ns <= LOOK_NS)):
            self._look(now_ns, last=last)
        return max(0.0, (self._next_ns - now_ns) * NS) if self._gpus else math.inf

    def _look(self, now_ns: int, *, last: bool) -> None:
        self._begun_ns = self._begun_ns or now_ns
        whole = last or now_ns >= self._whole_ns - self._every_ns * NEARLY
        begin_cpu_s = self._clock.thread_cpu_s()
        for name in tuple(self._gpus):
            integrator = self._integrators.get(name)
            if integrator is not None and not integrator.lost:
                self._look_at(name, self._gpus[name], integrator, whole or name not in self._readings)
        end_ns = self._clock.monotonic_ns()
        cost_ns = max(CPU_COST * (self._clock.thread_cpu_s() - begin_cpu_s) / NS, WALL_COST * (end_ns - now_ns))
        usual_ns = OFTEN_NS if now_ns - self._begun_ns < FIRST_NS else LOOK_NS
        self._every_ns = max(usual_ns, min(SELDOM_NS, round(cost_ns)))
        self._next_ns = now_ns + self._every_ns
        if whole:
            self._whole_ns = now_ns + max(LOOK_NS, self._every_ns)

    def _look_at(self, name: str, gpu: GpuActivity, integrator: DeviceIntegrator, whole: bool) -> None:
        try:
            reading = gpu.look(whole=whole)
        except Exception as error:  # the time until the next reading is that one's; the readings of energy tell what is wrong with a GPU
            log.debug("trainwatt: the activity of %s could not be read: %s", name, error)
            return
        t_ns = self._clock.monotonic_ns()
        before = self._readings.get(name, reading)
        self._readings[name] = reading
        if gpu.mute:
            self._gpus.pop(name).close()
        with self._adding:
            point = self._points.get(name)
            if point is None:
                first = integrator.curve.first
                point = ActivityPoint(t_ns if first is None else min(t_ns, first.t_ns))
            passed_ms = (t_ns - point.t_ns) // NS_PER_MS  # whole ones, as they are stored: means are then exact
            t_ns = point.t_ns + passed_ms * NS_PER_MS
            ms = min(passed_ms, max(HELD_NS, 2 * self._every_ns) // NS_PER_MS)
            self._points[name] = point.extended(t_ns, ms, before, reading)

    def take(self) -> dict[str, ActivityPoint]:
        """The sums until now, by device; their maxima are those since the last call. Does not wait for a driver."""
        with self._adding:
            found = dict(self._points)
            for name, point in found.items():
                self._points[name] = point._replace(celsius_max=point.celsius_max and 0.0, memory_mib_max=point.memory_mib_max and 0.0)
        return found

    def close(self) -> None:
        """Release the driver."""
        for gpu in self._gpus.values():
            with suppress(Exception):
                gpu.close()
