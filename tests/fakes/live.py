"""Runs under way as a sink sees them, made by hand."""

from __future__ import annotations

import time
from typing import Any

from trainwatt.core import LiveDevice, LiveRun, Provenance, SinkRun

RUN = SinkRun("20261129-101500-abc123", "digits", "baseline", "lr", "training", "node-1", {"lr": "1e-3"}, 1_790_000_000.0)
GPU = LiveDevice("node-1", "gpu:0", "gpu", "GPU-1", "NVIDIA H100", True, Provenance.MEASURED_COUNTER, 300.5, 299.0)
PACKAGE = LiveDevice("node-1", "cpu:0", "cpu", None, None, True, Provenance.MEASURED_COUNTER, 80.25, None)
DRAM = LiveDevice("node-1", "dram:0", "dram", None, None, True, Provenance.MODELLED, 10.125, 10.0)
WHOLE = LiveDevice("node-1", "platform", "platform", None, None, False, Provenance.MEASURED_POWER, 700.0, 650.0)
DEVICES = (GPU, PACKAGE, DRAM, WHOLE)
ENERGY_J = 390.875


def live(**changed: Any) -> LiveRun:
    """A run of a second, with some figures changed."""
    figures = LiveRun(1_790_000_001.0, 1.0, "running", ENERGY_J, 389.5, 0.04, {"samples": 640}, 0.25, 5000.0, DEVICES)
    return figures._replace(**changed)


class Steady:
    """A run whose GPU draws `gpu_w`, and whose package draws `cpu_w`, at any time it is asked."""

    def __init__(self, gpu_w: float = 300.0, cpu_w: float = 80.0) -> None:
        self.gpu_w, self.cpu_w = gpu_w, cpu_w
        self._begun_s = time.monotonic()

    def __call__(self) -> LiveRun:
        s = time.monotonic() - self._begun_s
        devices = (
            GPU._replace(energy_j=self.gpu_w * s, power_w=self.gpu_w),
            PACKAGE._replace(energy_j=self.cpu_w * s, power_w=self.cpu_w),
        )
        total_w = self.gpu_w + self.cpu_w
        return live(utc_s=time.time(), seconds=s, energy_j=total_w * s, power_w=total_w, devices=devices)
