"""The power of the machine while nothing trains."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...core.clock import Clock
from ...core.sensing import Sensor
from .sampler import Sampler


def mean_power_w(sensors: Sequence[Sensor], clock: Clock, seconds: float, period_s: float) -> dict[str, float]:
    """The mean power of each device over `seconds` from now on, by name, in watts. Reads every `period_s`."""
    sampler = Sampler(sensors, clock, period_s)
    start_ns = sampler.poll()
    while (left_s := seconds - (clock.monotonic_ns() - start_ns) * 1e-9) > 0:
        time.sleep(min(period_s, left_s))
        sampler.poll()
    over_s = (sampler.finish() - start_ns) * 1e-9
    return {n: i.curve.latest.energy_j / over_s for n, i in sampler.integrators.items() if i.curve.latest is not None}
