"""The readable quantities of one NVIDIA GPU: its energy counter and its power gauges.

ctypes releases the GIL in every call, so a slow driver never blocks the training thread. pynvml has no types, so the module is passed as
Any. Sensors call the library that pynvml has loaded directly, because pynvml's wrappers look up the function and make new objects in every
call. A sensor is for one reading thread, because it reuses its buffers.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from ctypes import byref, c_int, c_uint, c_ulonglong
from typing import Any

from ...core.sensing import Counter, Device, Gauge
from ...errors import ReadError, SensorLostError

FIELD_POWER_AVERAGE = 185  # nvml.h, NVML_FI_DEV_POWER_AVERAGE: mW, mean of the last second
FIELD_POWER_INSTANT = 186  # nvml.h, NVML_FI_DEV_POWER_INSTANT: mW, now
FIELDS = (FIELD_POWER_AVERAGE, FIELD_POWER_INSTANT)
_COUNT = c_int(len(FIELDS))
TOGETHER_NS = 1_000_000
"""An answer that is not older than this counts as current."""
AVERAGE_RENEWED_S = 0.1  # Yang et al. 2024 (arXiv:2312.02741): in their data of an RTX 3090, both fields are renewed every 100 ms
AVERAGE_WINDOW_S = 1.0  # nvml.h, nvmlDeviceGetPowerUsage: "power averaged over 1 sec interval"
AVERAGE = Gauge("window", AVERAGE_WINDOW_S, renewed_s=AVERAGE_RENEWED_S)
_MILLI = 1e-3

_FUNCTION_NOT_FOUND = 13  # nvml.h, nvmlReturn_t
# nvml.h, nvmlReturn_t: after these errors the handle cannot be used again
_NOT_FOUND, _GPU_IS_LOST, _RESET_REQUIRED, _GPU_NOT_FOUND = 6, 15, 16, 28
_LOST = (_NOT_FOUND, _GPU_IS_LOST, _RESET_REQUIRED, _GPU_NOT_FOUND)
_UNINITIALIZED, _INVALID_ARGUMENT = 1, 2
RETRY_NS = 1_000_000_000
"""The shortest time between two attempts to initialise NVML again, because a failing attempt is slow."""

_READERS: dict[int, str] = {0: "dVal", 1: "uiVal", 2: "ulVal", 3: "ullVal", 4: "sllVal", 5: "siVal", 6: "usVal"}
"""From nvmlValueType_t to the member of the union nvmlValue_t that holds the value (nvml.h)."""


class NoPowerError(ReadError):
    """The driver answers, and says 0 W: no live GPU draws that. A GPU that has just been woken or opened may say so for a while."""


class NvmlLibrary:
    """An initialised NVML. It is shut down when its last sensor is closed, in the process that initialised it.

    NVML counts its users per process, not by name: a library that calls nvmlShutdown once too often shuts it down for all. `revive`
    then initialises it again. `era` counts how often that was done; a handle is valid in its own era only.
    """

    def __init__(self, nvml: Any) -> None:
        self.nvml = nvml
        self.era = 0
        self._users = 0
        self._pid = os.getpid()
        self._reviving = threading.Lock()
        self._retry_ns = 0

    def revive(self, era: int) -> bool:
        """Initialise NVML again, because a call with a handle of `era` found it shut down. Returns whether it is initialised now."""
        with self._reviving:
            if self._users == 0 or os.getpid() != self._pid:
                return False
            if era != self.era:
                return True  # another sensor has done it
            if time.monotonic_ns() < self._retry_ns:
                return False
            try:
                self.nvml.nvmlInit()
            except self.nvml.NVMLError:
                self._retry_ns = time.monotonic_ns() + RETRY_NS
                return False
            self.era += 1
            return True

    def retain(self) -> None:
        """Add a user."""
        self._users += 1

    def release(self) -> None:
        """Remove a user. The last one shuts NVML down, except in a forked child, which never initialised it."""
        self._users -= 1
        if self._users == 0 and os.getpid() == self._pid:
            with contextlib.suppress(self.nvml.NVMLError):  # it is shut down already
                self.nvml.nvmlShutdown()


class NvmlSensor:
    """What the sensors of a GPU share. `read` raises ReadError if a call fails, and SensorLostError if the GPU is gone."""

    name = ""
    kind: Counter | Gauge
    period_s: float | None = None  # the sampler knows

    def __init__(self, library: NvmlLibrary, handle: Any, device: Device) -> None:
        self.device = device
        self._library = library
        self._nvml = library.nvml
        self._handle = handle
        self._era = library.era
        self._open = True
        library.retain()

    def read(self) -> int | float:
        """The raw value now: mJ (int) for the counter, W (float) for a gauge."""
        raise NotImplementedError

    def holder_pids(self) -> Sequence[int] | None:
        """The processes that compute on the GPU; None if the driver does not report them. Slow: never call it at the sampling rate."""
        try:
            return [process.pid for process in self._nvml.nvmlDeviceGetComputeRunningProcesses(self._handle)]
        except (self._nvml.NVMLError, RuntimeError):  # pynvml raises RuntimeError if the driver is too old for the call
            return None

    def close(self) -> None:
        """Release NVML. May be called twice."""
        if self._open:
            self._open = False
            self._library.release()

    def _recovered(self, code: int) -> bool:
        """Whether a call that returned `code` can be repeated, because the sensor has a new handle: another library has shut NVML down, and
        it is initialised again, here or by that library. Raises ReadError."""
        if code != _INVALID_ARGUMENT and not (code == _UNINITIALIZED and self._library.revive(self._era)):
            return False
        try:
            self._handle = handle_of(self._nvml, self.device)
        except self._nvml.NVMLError as e:
            raise self._failure(e.value) from e
        self._era = self._library.era
        return True

    def _failure(self, code: int) -> ReadError:
        lost = code in _LOST or (code == _UNINITIALIZED and not self._open)
        kind = SensorLostError if lost else ReadError
        return kind(f"{self.device.name} {self.name}: {error_text(self._nvml, code)}")

    def _watts(self, milliwatts: float) -> float:
        if milliwatts <= 0:
            raise NoPowerError(f"{self.device.name} {self.name}: {milliwatts} mW, which no live GPU draws")
        return milliwatts * _MILLI


class EnergySensor(NvmlSensor):
    """The total energy counter, in mJ since the driver was loaded."""

    name = "energy"
    kind: Counter | Gauge = Counter(unit_j=_MILLI, restarts_at_zero=True)

    def __init__(self, library: NvmlLibrary, handle: Any, device: Device) -> None:
        super().__init__(library, handle, device)
        self._call = _function(library.nvml, "nvmlDeviceGetTotalEnergyConsumption")
        self._millijoules = c_ulonglong()
        self._into = byref(self._millijoules)

    def read(self) -> int:
        """Millijoules since the driver was loaded."""
        code = self._call(self._handle, self._into)
        if code and self._recovered(code):
            code = self._call(self._handle, self._into)
        if code:
            raise self._failure(code)
        return self._millijoules.value


class PowerFields:
    """The two power fields of a GPU, read with one call instead of two, because their sensors are read one after the other."""

    def __init__(self, nvml: Any) -> None:
        self._call = _function(nvml, "nvmlDeviceGetFieldValues")
        self._answers = (nvml.c_nvmlFieldValue_t * len(FIELDS))()
        for answer, field in zip(self._answers, FIELDS, strict=True):
            answer.fieldId = field
        self._into = byref(self._answers)
        self._code = 0
        self._asked_ns = 0
        self._unread: set[int] = set()

    def read(self, handle: Any, field: int) -> tuple[int, Any]:
        """The return code of the call, and the answer for a field. Reuses the answer that came with the other field if it is current."""
        if field not in self._unread or time.monotonic_ns() - self._asked_ns > TOGETHER_NS:
            self._code = self._call(handle, _COUNT, self._into)
            self._asked_ns = time.monotonic_ns()
            self._unread.update(FIELDS)
        self._unread.discard(field)
        return self._code, self._answers[FIELDS.index(field)]


class FieldPowerSensor(NvmlSensor):
    """Power from a field: `field` 185 is the mean of the last second, 186 the power now."""

    def __init__(self, library: NvmlLibrary, handle: Any, device: Device, field: int, fields: PowerFields) -> None:
        average = field == FIELD_POWER_AVERAGE
        self.name = "power-average" if average else "power-instant"
        self.kind = AVERAGE if average else Gauge("instant")
        self._field, self._fields = field, fields
        super().__init__(library, handle, device)

    def read(self) -> float:
        """Watts. The field has its own return code: the field can fail although the call succeeds."""
        code, answer = self._fields.read(self._handle, self._field)
        if code and self._recovered(code):
            code, answer = self._fields.read(self._handle, self._field)
        if code or answer.nvmlReturn:
            raise self._failure(code or answer.nvmlReturn)
        return self._watts(getattr(answer.value, _READERS.get(answer.valueType, "uiVal")))


class UsagePowerSensor(NvmlSensor):
    """Power from nvmlDeviceGetPowerUsage, for drivers without the fields: `averaged` over a second, or the power now."""

    def __init__(self, library: NvmlLibrary, handle: Any, device: Device, averaged: bool) -> None:
        self.name = "power-average" if averaged else "power-instant"
        self.kind = AVERAGE if averaged else Gauge("instant")
        super().__init__(library, handle, device)
        self._call = _function(library.nvml, "nvmlDeviceGetPowerUsage")
        self._milliwatts = c_uint()
        self._into = byref(self._milliwatts)

    def read(self) -> float:
        """Watts."""
        code = self._call(self._handle, self._into)
        if code and self._recovered(code):
            code = self._call(self._handle, self._into)
        if code:
            raise self._failure(code)
        return self._watts(self._milliwatts.value)


def handle_of(nvml: Any, device: Device) -> Any:
    """The handle of a device: by its UUID, or by its index if it has none. Raises NVMLError."""
    if device.uuid:
        return nvml.nvmlDeviceGetHandleByUUID(device.uuid)
    return nvml.nvmlDeviceGetHandleByIndex(int(device.name.removeprefix("gpu")))


def _function(nvml: Any, name: str) -> Callable[..., int]:
    """A function of the driver's library, which returns an nvmlReturn_t. If an old driver lacks it, each call returns that error."""
    found: Callable[..., int] = getattr(nvml.nvmlLib, name, _not_there)
    return found


def _not_there(*_: object) -> int:
    return _FUNCTION_NOT_FOUND


def error_text(nvml: Any, code: int) -> str:
    """NVML's text for an error code, with the code."""
    try:
        return f"{nvml.nvmlErrorString(code)} (NVML error {code})"
    except Exception:  # the library itself may be missing
        return f"NVML error {code}"
