"""Runs as a sink is told of them, made by hand."""

from __future__ import annotations

import time
from typing import Any

from trainwatt.core import LiveDevice, LiveRun, Provenance, SinkRun

RUN = SinkRun("0123456789abcdef", "digits", "a first run", None, "training", "here", {"team": "vision"}, 1_700_000_000.0)
GPU = LiveDevice("here", "gpu0", "gpu", "GPU-1", "NVIDIA H100", True, Provenance.MEASURED_COUNTER, 900.370370367, 300.25)
AFAR = LiveDevice("other host", "gpu0", "gpu", "GPU-2", None, True, Provenance.MEASURED_COUNTER, 5.0, None)


def live(seconds: float, **other: Any) -> LiveRun:
    """A run after so many seconds."""
    now: dict[str, Any] = {
        "utc_s": RUN.began_utc_s + seconds,
        "seconds": seconds,
        "status": "running",
        "energy_j": 390.987654321 * seconds,
        "power_w": 390.1,
        "carbon_g": 0.0123456789 * seconds,
        "units": {"samples": round(64 * seconds), "queries": 0},
        "budget_share": 0.25,
        "forecast_j": 1e6 / 3,
        "devices": (GPU, AFAR),
    }
    return LiveRun(**{**now, **other})


def now() -> LiveRun:
    """As a sink may ask for it."""
    return live(time.time() - RUN.began_utc_s)


FINAL = live(9.0, status="completed", forecast_j=None)
FIGURES = {
    "energy/total_j": 390.987654321 * 9,
    "energy/power_w": 390.1,
    "energy/carbon_g": 0.0123456789 * 9,
    "energy/sample_j": 390.987654321 * 9 / 576,
    "energy/budget_share": 0.25,
    "energy/gpu0_j": 900.370370367,
    "energy/gpu0_w": 300.25,
    "energy/other_host/gpu0_j": 5.0,
}
"""What every logger has of it at the end."""
FACTS = {
    "trainwatt.run_id": "0123456789abcdef",
    "trainwatt.project": "digits",
    "trainwatt.name": "a first run",
    "trainwatt.stage": "training",
    "trainwatt.status": "completed",
}
