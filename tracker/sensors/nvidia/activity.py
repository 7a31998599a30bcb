"""What an NVIDIA GPU does: how busy it is, its clocks and why they are low, its temperature, memory and power limit.

What a driver or a GPU does not support is absent. A call that fails otherwise gives no reading at all: its share of the time is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ctypes import Structure, byref, c_uint, c_ulonglong
from typing import Any

from ...core.activity import MIB, GpuReading, Throttle
from ...core.sensing import Sensor
from ...errors import ReadError
from .readers import NvmlSensor, _function

TRIES = 3
"""A quantity is absent after it has failed so often in a row, whatever the error."""
_LACKING = (3, 4, 13)  # nvml.h, nvmlReturn_t: not supported, no permission, function not found
_SM, _MEMORY = c_uint(1), c_uint(2)  # nvml.h, nvmlClockType_t
_CORE = c_uint(0)  # nvml.h, nvmlTemperatureSensors_t
MOST: Mapping[str, float] = {
    **{"busy": 1.0, "memory_busy": 1.0, "sm_mhz": 20_000.0, "memory_mhz": 100_000.0, "celsius": 200.0},
    **{"memory_mib": 2.0**27, "limit_w": 100_000.0},
}
"""A greater value is none of any GPU, such as the largest number where the driver does not know: it counts as a failed call."""
REASONS: Mapping[int, Throttle] = {
    0x2: Throttle.CLOCK_SETTING,
    0x4: Throttle.POWER_CAP,
    0x8: Throttle.HARDWARE,
    0x10: Throttle.SYNC_BOOST,
    0x20: Throttle.HEAT,
    0x40: Throttle.HARDWARE_HEAT,
    0x80: Throttle.POWER_BRAKE,
    0x100: Throttle.CLOCK_SETTING,
}
"""nvml.h, nvmlClocksEventReason…. That a GPU is idle (0x1) is no reason for which it could not run faster."""


class _Utilization(Structure):
    """nvml.h, nvmlUtilization_t: percent of the last sample period, which lasts from 1/6 s to 1 s."""

    _fields_ = (("gpu", c_uint), ("memory", c_uint))


class _Memory(Structure):
    """nvml.h, nvmlMemory_t, in bytes. What the driver reserves is part of what is used."""

    _fields_ = (("total", c_ulonglong), ("free", c_ulonglong), ("used", c_ulonglong))


class _Query:
    """A question that one call answers: the arguments after the handle, and what the answer tells of a reading."""

    def __init__(self, call: Callable[..., int], arguments: tuple[Any, ...], tells: Callable[[], dict[str, Any]]) -> None:
        self.call, self.arguments, self.tells = call, arguments, tells
        self.failures = 0


class GpuActivity(NvmlSensor):
    """The activity of the GPU of `sensor`. It uses the library and the handle as that sensor does, and is closed like one."""

    name = "activity"

    def __init__(self, sensor: NvmlSensor) -> None:
        super().__init__(sensor._library, sensor._handle, sensor.device)
        self._told: dict[str, Any] = {}
        use, memory = _Utilization(), _Memory()
        sm, memory_clock, celsius, limit, reasons = c_uint(), c_uint(), c_uint(), c_uint(), c_ulonglong()

        def query(name: str, *arguments: Any, tells: Callable[[], dict[str, Any]]) -> _Query:
            return _Query(_function(self._nvml, name), arguments, tells)

        why = "nvmlDeviceGetCurrentClocksEventReasons"
        if not hasattr(self._nvml.nvmlLib, why):  # the name until driver 535
            why = "nvmlDeviceGetCurrentClocksThrottleReasons"
        self._often = [
            query(
                "nvmlDeviceGetUtilizationRates",
                byref(use),
                tells=lambda: {"busy": use.gpu / 100, "memory_busy": use.memory / 100},
            ),
        ]
        self._seldom = [
            query("nvmlDeviceGetClockInfo", _SM, byref(sm), tells=lambda: {"sm_mhz": sm.value}),
            query("nvmlDeviceGetClockInfo", _MEMORY, byref(memory_clock), tells=lambda: {"memory_mhz": memory_clock.value}),
            query(why, byref(reasons), tells=lambda: {"throttled": reasons_of(reasons.value)}),
            query("nvmlDeviceGetTemperature", _CORE, byref(celsius), tells=lambda: {"celsius": celsius.value}),
            query("nvmlDeviceGetMemoryInfo", byref(memory), tells=lambda: {"memory_mib": memory.used / MIB}),
            query("nvmlDeviceGetEnforcedPowerLimit", byref(limit), tells=lambda: {"limit_w": limit.value / 1000}),
        ]

    @property
    def mute(self) -> bool:
        """Whether the driver tells nothing of this GPU."""
        return not (self._often or self._seldom)

    def look(self, *, whole: bool) -> GpuReading:
        """What the GPU does now. Unless it is the `whole`, only how busy it is: the rest is what it was.

        Raises ReadError if a call fails, and SensorLostError if the GPU is gone.
        """
        failed: ReadError | None = None
        for queries in (self._often, self._seldom) if whole else (self._often,):
            for query in tuple(queries):
                code = query.call(self._handle, *query.arguments)
                if code and self._recovered(code):
                    code = query.call(self._handle, *query.arguments)
                told = query.tells()
                absurd = [name for name, most in MOST.items() if told.get(name, 0.0) > most]
                if not (code or absurd):
                    query.failures = 0
                    self._told.update(told)
                    continue
                query.failures += 1
                if code in _LACKING or query.failures >= TRIES:
                    queries.remove(query)
                    self._told.update(dict.fromkeys(told))
                else:
                    failed = self._failure(code) if code else ReadError(f"{self.device.name}: {absurd[0]} cannot be {told[absurd[0]]:g}")
        if failed is not None:
            raise failed
        return GpuReading(**self._told)


def reasons_of(bits: int) -> frozenset[Throttle]:
    """The reasons in NVML's bits. Unknown bits are left out."""
    return frozenset(reason for bit, reason in REASONS.items() if bits & bit)


def activity_of(sensor: Sensor) -> GpuActivity | None:
    """What tells the activity of the device of a sensor; None if nothing does."""
    return GpuActivity(sensor) if isinstance(sensor, NvmlSensor) else None
