"""Waiting until the machine is as idle as it was before the first run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from ...config import Config
from ...core.clock import SystemClock
from ...core.sensing import DiscoveryRequest
from ..sampling.idle import mean_power_w

WINDOW_S = 1.0
"""The power is averaged over this time."""
PERIOD_S = 0.1
MARGIN, MARGIN_W = 0.05, 1.0
"""The machine is idle if its power is at most this share and so many watts above that before the first run."""
MOST_S = 60.0


class Rest(NamedTuple):
    """How a wait ended: the power then and the power to reach, in watts; `reached` if it is low enough. `seconds`: how long it took."""

    power_w: float
    idle_w: float
    seconds: float
    reached: bool


class Cooling:
    """Remembers the lowest idle power, and waits until the machine is back at it. Measures the idle machine at once, before anything has
    run. `total_w` measures the power of the machine; it gives None if nothing can be read."""

    def __init__(self, total_w: Callable[[], float | None], most_s: float = MOST_S) -> None:
        self._total_w, self._most_s = total_w, most_s
        self._idle_w = total_w()

    def wait(self) -> Rest | None:
        """Wait until the machine is idle again, for `most_s` at most. None if its power is not known."""
        begun = time.monotonic()
        while self._idle_w is not None and (power_w := self._total_w()) is not None:
            self._idle_w = min(self._idle_w, power_w)
            reached = power_w <= self._idle_w * (1 + MARGIN) + MARGIN_W
            seconds = time.monotonic() - begun
            if reached or seconds >= self._most_s:
                return Rest(power_w, self._idle_w, seconds, reached)
        return None


def power_of_the_machine(config: Config) -> float | None:
    """The mean power of all devices of the total over a second, in watts. None if there is none."""
    from ...sensors.discovery import discover

    found = discover(DiscoveryRequest(config.gains, config.named_gpus, os.environ, config.sysfs, config.procfs, config.sensors))
    if not found.sensors:
        return None
    try:
        powers = mean_power_w(found.sensors, SystemClock(), WINDOW_S, PERIOD_S)
    finally:
        for sensor in found.sensors:
            sensor.close()
    beside = {sensor.device.name for sensor in found.sensors if not sensor.device.included_in_total}
    known = [power_w for name, power_w in powers.items() if name not in beside]
    return sum(known) if known else None
