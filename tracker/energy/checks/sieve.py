"""PURE: readings above the stated limit of a device: nonsense, or a limit that is wrong."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from ...core.sensing import DeviceKind, Reading

BEYOND = 2.0
"""A reading that exceeds the limit by this factor is doubted: it waits for those that follow."""
PASSED = 1.25
"""A limit holds for an average, and short peaks pass it. It is passed by a reading that exceeds it by this factor."""
PASSES, OF_LAST, PASSES_NS = 3, 6, 500_000_000
"""A limit is passed steadily by so many of the last readings, over at least this time. Then the limit is wrong. The last readings are so
many, or those of this time if they are more."""
LIMIT_MARGIN = 1.2
"""The new limit exceeds what was drawn by this factor."""
PART_MOST_W: dict[DeviceKind, float] = {"gpu": 4000.0, "cpu": 2000.0, "dram": 1000.0, "platform": 200_000.0}
"""No part of its kind draws as much. The largest in 2025: a module of 2,700 W with two GPUs and a processor, a package of 500 W, the memory
of a socket with 300 W, and a rack of 140 kW. A limit may be wrong up to here. What is above has a wrong unit, or is nonsense."""


class Sieved(NamedTuple):
    """What becomes of the readings of a gauge: `taken` are integrated, `absurd` are left out. `limit_w`: the new limit if it was wrong."""

    taken: list[Reading]
    absurd: list[Reading]
    limit_w: float | None = None


class Sieve:
    """Separates the readings of one gauge that cannot be true from those that only pass the stated limit of the device.

    A single reading above the limit is nonsense. Several in a short time show that the limit is wrong. Until that is decided, a reading far
    above the limit and those that follow it wait.
    """

    def __init__(self, kind: DeviceKind, stated_w: float) -> None:
        """`stated_w`: the stated limit of the device."""
        self._most_w = max(PART_MOST_W[kind], BEYOND * stated_w)
        self._last: deque[Reading] = deque()
        self._waiting: list[Reading] = []

    def passes(self, reading: Reading, limit_w: float) -> bool:
        """Whether there is nothing to decide: a usual reading, and none that waits. If not, `take` decides."""
        if self._waiting or not 0 <= reading.value <= PASSED * limit_w:
            return False
        self._remember(reading)
        return True

    def take(self, reading: Reading, limit_w: float) -> Sieved:
        """A reading that does not pass: what to do with it, and with those that waited."""
        power_w = float(reading.value)
        if not (math.isfinite(power_w) and 0 <= power_w <= self._most_w):
            return Sieved([], [reading])
        self._remember(reading)
        self._waiting.append(reading)
        passes = [r for r in self._last if r.value > PASSED * limit_w]
        if len(passes) >= PASSES and passes[-1].t_ns - passes[0].t_ns >= PASSES_NS:
            return Sieved(self._all(), [], LIMIT_MARGIN * max(float(r.value) for r in passes))
        young = len(self._waiting) < OF_LAST or reading.t_ns - self._waiting[0].t_ns < PASSES_NS
        if young and self._waiting[0].value > BEYOND * limit_w:
            return Sieved([], [])
        return self.finish(limit_w)

    def finish(self, limit_w: float) -> Sieved:
        """The readings that still wait. Nothing has shown that the limit is wrong, unless no reading at all has kept to it."""
        waiting = self._all()
        if len(waiting) > 1 and all(r.value > PASSED * limit_w for r in self._last):
            return Sieved(waiting, [], LIMIT_MARGIN * max(float(r.value) for r in waiting))
        return Sieved([r for r in waiting if r.value <= BEYOND * limit_w], [r for r in waiting if r.value > BEYOND * limit_w])

    def _remember(self, reading: Reading) -> None:
        last = self._last
        last.append(reading)
        while len(last) > OF_LAST and reading.t_ns - last[1].t_ns >= PASSES_NS:
            last.popleft()

    def _all(self) -> list[Reading]:
        waiting, self._waiting = self._waiting, []
        return waiting
