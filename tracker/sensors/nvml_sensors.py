"""The readable quantities of one NVIDIA GPU: its energy counter and its power gauges.

Every call releases the GIL (ctypes does), so a slow driver never holds the training thread up. pynvml has no types, so the module
is passed as Any.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

from ..errors import ReadError, SensorLostError
from ..model import Counter, Device, Gauge

FIELD_POWER_AVERAGE = 185  # nvml.h, NVML_FI_DEV_POWER_AVERAGE: mW, mean of the last second
FIELD_POWER_INSTANT = 186  # nvml.h, NVML_FI_DEV_POWER_INSTANT: mW, now
AVERAGE_WINDOW_S = 1.0  # nvml.h, nvmlDeviceGetPowerUsage: "power averaged over 1 sec interval"
_MILLI = 1e-3

# nvml.h, nvmlReturn_t: after these the handle is of no use any more
_UNINITIALIZED, _NOT_FOUND, _GPU_IS_LOST, _RESET_REQUIRED, _GPU_NOT_FOUND = 1, 6, 15, 16, 28
_LOST = (_UNINITIALIZED, _NOT_FOUND, _GPU_IS_LOST, _RESET_REQUIRED, _GPU_NOT_FOUND)

_READERS: dict[int, str] = {0: "dVal", 1: "uiVal", 2: "ulVal", 3: "ullVal", 4: "sllVal", 5: "siVal", 6: "usVal"}
"""nvml.h, nvmlValueType_t, to the member of the union nvmlValue_t that holds it."""


class NvmlLibrary:
    """An initialised NVML, shut down when the last of its sensors is closed, in the process that initialised it."""

    def __init__(self, nvml: Any) -> None:
        self.nvml = nvml
        self._users = 0
        self._pid = os.getpid()

    def retain(self) -> None:
        """Count one more user."""
        self._users += 1

    def release(self) -> None:
        """Count one user less; the last one shuts NVML down, but not in a forked child, where it was never initialised."""
        self._users -= 1
        if self._users == 0 and os.getpid() == self._pid:
            with contextlib.suppress(self.nvml.NVMLError):  # somebody else shut it down, which is what was wanted
                self.nvml.nvmlShutdown()


class NvmlSensor:
    """What the sensors of a GPU share. `read` raises ReadError for a failed call, SensorLostError where the GPU is gone."""

    name = ""
    kind: Counter | Gauge

    def __init__(self, library: NvmlLibrary, handle: Any, device: Device, period_s: float | None = None) -> None:
        self.device = device
        self.period_s = period_s
        self._library = library
        self._nvml = library.nvml
        self._handle = handle
        self._open = True
        library.retain()

    def read(self) -> int | float:
        """The raw value now: mJ (int) of the counter, W (float) of a gauge."""
        raise NotImplementedError

    def holder_pids(self) -> Sequence[int] | None:
        """The processes that compute on the GPU; None where the driver does not tell. Slow: never at the sampling rate."""
        try:
            return [process.pid for process in self._nvml.nvmlDeviceGetComputeRunningProcesses(self._handle)]
        except (self._nvml.NVMLError, RuntimeError):  # RuntimeError: pynvml's, for a driver older than the call
            return None

    def close(self) -> None:
        """Let go of NVML. May be called twice."""
        if self._open:
            self._open = False
            self._library.release()

    def _failure(self, code: int) -> ReadError:
        kind = SensorLostError if code in _LOST else ReadError
        return kind(f"{self.device.name} {self.name}: {error_text(self._nvml, code)}")

    def _watts(self, milliwatts: float) -> float:
        if milliwatts <= 0:
            raise ReadError(f"{self.device.name} {self.name}: {milliwatts} mW, which no live GPU draws")
        return milliwatts * _MILLI


class EnergySensor(NvmlSensor):
    """The total energy counter, in mJ since the driver was loaded."""

    name = "energy"
    kind: Counter | Gauge = Counter(unit_j=_MILLI, restarts_at_zero=True)

    def read(self) -> int:
        """Millijoules since the driver was loaded."""
        try:
            return int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))
        except self._nvml.NVMLError as e:
            raise self._failure(e.value) from e


class FieldPowerSensor(NvmlSensor):
    """Power by field value: `field` 185 is the mean of the last second, 186 the power now."""

    def __init__(self, library: NvmlLibrary, handle: Any, device: Device, field: int, period_s: float | None = None) -> None:
        average = field == FIELD_POWER_AVERAGE
        self.name = "power-average" if average else "power-instant"
        self.kind = Gauge("window", AVERAGE_WINDOW_S) if average else Gauge("instant")
        self._fields = [field]
        super().__init__(library, handle, device, period_s)

    def read(self) -> float:
        """Watts. The field has a return code of its own: the call may succeed where the field does not."""
        try:
            value = self._nvml.nvmlDeviceGetFieldValues(self._handle, self._fields)[0]
        except self._nvml.NVMLError as e:
            raise self._failure(e.value) from e
        if value.nvmlReturn != 0:
            raise self._failure(value.nvmlReturn)
        return self._watts(getattr(value.value, _READERS.get(value.valueType, "uiVal")))


class UsagePowerSensor(NvmlSensor):
    """Power by nvmlDeviceGetPowerUsage, for drivers without the fields: `averaged` over a second, or the power now."""

    def __init__(self, library: NvmlLibrary, handle: Any, device: Device, averaged: bool, period_s: float | None = None) -> None:
        self.name = "power-average" if averaged else "power-instant"
        self.kind = Gauge("window", AVERAGE_WINDOW_S) if averaged else Gauge("instant")
        super().__init__(library, handle, device, period_s)

    def read(self) -> float:
        """Watts."""
        try:
            return self._watts(self._nvml.nvmlDeviceGetPowerUsage(self._handle))
        except self._nvml.NVMLError as e:
            raise self._failure(e.value) from e


def error_text(nvml: Any, code: int) -> str:
    """NVML's own words for an error code, with the code."""
    try:
        return f"{nvml.nvmlErrorString(code)} (NVML error {code})"
    except Exception:  # the library may be the very thing that is missing
        return f"NVML error {code}"
