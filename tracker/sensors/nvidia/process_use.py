"""How much each process has used of an NVIDIA GPU, as the driver samples it."""

from __future__ import annotations

import time
from typing import Any

from ...errors import ReadError
from . import mig
from .readers import NvmlSensor, error_text, handle_of


class ProcessUse:
    """The use of the GPU of a sensor. The driver keeps samples of the last seconds: for each process that computed, the percentage of a
    sample period in which it did (nvml.h, nvmlDeviceGetProcessUtilization). Slow: never ask at the sampling rate."""

    def __init__(self, sensor: NvmlSensor) -> None:
        self._nvml: Any = sensor._nvml
        self._device = sensor.device
        self._seen_us = time.time_ns() // 1000

    def refusal(self) -> str | None:
        """Why the driver cannot tell the use of this GPU; None if it can."""
        try:
            if mig.enabled(self._nvml, handle_of(self._nvml, self._device)):
                return "it is partitioned (MIG), and the driver does not report which process uses how much of such a GPU"
            self.take()
        except self._nvml.NVMLError as error:
            return f"the driver does not report which process uses how much of it: {error_text(self._nvml, error.value)}"
        except ReadError as error:
            return f"the driver does not report which process uses how much of it: {error}"
        return None

    def take(self) -> dict[int, list[int]]:
        """The samples since the last call, in percent, by process. Raises ReadError."""
        nvml, found = self._nvml, dict[int, list[int]]()
        try:
            samples = nvml.nvmlDeviceGetProcessUtilization(handle_of(nvml, self._device), self._seen_us)
        except nvml.NVMLError as error:
            if error.value in (nvml.NVML_SUCCESS, nvml.NVML_ERROR_NOT_FOUND):  # nobody has computed since
                return found
            raise ReadError(error_text(nvml, error.value)) from error
        for sample in samples:
            if sample.timeStamp > self._seen_us:
                found.setdefault(sample.pid, []).append(min(100, sample.smUtil))
        self._seen_us = max((sample.timeStamp for sample in samples), default=self._seen_us)
        return found
