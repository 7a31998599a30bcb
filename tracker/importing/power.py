"""PURE: the energy of a log of power readings, as they come, in bounded memory.

Between two readings the power is taken to change linearly. The variance of what happened in between is estimated from the differences of
neighbouring readings: Σ (ΔP·Δt)² / 2, the estimate of von Neumann (1941) for readings that do not depend on each other. Where readings are
missing, the energy is imputed, between the lowest and the highest power of the log.
"""

from __future__ import annotations

import statistics
from itertools import pairwise
from typing import NamedTuple

from ..core.point import Point
from ..core.units import NS_PER_S

FIRST = 32
"""So many readings are held back until it is known how far apart they usually are."""
GAP = 5.0
"""A step of more than so many usual ones is a gap."""
POINT_NS = 60 * NS_PER_S
"""A point of the curve is kept about once a minute, at first."""
MOST_POINTS = 4_096
"""With more points than this, every second one is dropped."""


class _At(NamedTuple):
    """What was added up until a time."""

    t_ns: int
    power_j: float = 0.0
    counter_j: float = 0.0
    gap_j: float = 0.0
    gap_s: float = 0.0
    scatter_j2: float = 0.0


class PowerLog:
    """The readings of one device, in order of time. The curve begins at `start_ns`, the time of the first reading of the log."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._held: list[tuple[int, float, float | None]] = []
        self._usual_ns: float | None = None
        self._last: tuple[int, float, float | None] | None = None
        self._at = _At(0)
        self._kept: list[_At] = []
        self._every_ns = POINT_NS
        self._lowest_w, self._highest_w = float("inf"), 0.0
        self.readings = 0

    @property
    def last_ns(self) -> int | None:
        """The time of the newest reading; None before the first."""
        newest = self._held[-1] if self._held else self._last
        return None if newest is None else newest[0]

    @property
    def usual_ns(self) -> int | None:
        """The usual time between two readings."""
        return None if self._usual_ns is None else round(self._usual_ns)

    def add(self, t_ns: int, power_w: float, counter_j: float | None = None) -> None:
        """A reading that is later than the one before. With a counter of energy, the counter gives the energy."""
        self.readings += 1
        self._lowest_w, self._highest_w = min(self._lowest_w, power_w), max(self._highest_w, power_w)
        if self._usual_ns is not None:
            self._step((t_ns, power_w, counter_j))
            return
        self._held.append((t_ns, power_w, counter_j))
        if len(self._held) >= FIRST:
            self._begin()

    def finish(self) -> tuple[tuple[Point, ...], int]:
        """The curve, and the nanoseconds that are covered by readings. It has no points if there are not two readings."""
        self._begin()
        if not self._kept or self._at.t_ns == self._kept[0].t_ns:
            return (), 0
        ends = [*self._kept, *([self._at] if self._kept[-1].t_ns != self._at.t_ns else [])]
        covered_ns = self._at.t_ns - self._kept[0].t_ns - round(self._at.gap_s * NS_PER_S)
        return tuple(map(self._point, ends)), covered_ns

    def _begin(self) -> None:
        if self._usual_ns is not None:
            return
        times = [t_ns for t_ns, _, _ in self._held]
        steps = [b - a for a, b in pairwise(times)]
        self._usual_ns = statistics.median(steps) if steps else 0.0
        held, self._held = self._held, []
        for reading in held:
            self._step(reading)

    def _step(self, reading: tuple[int, float, float | None]) -> None:
        t_ns, power_w, counter_j = reading
        before, self._last = self._last, reading
        if before is None:
            self._at = _At(t_ns - self._start_ns)
            self._kept.append(self._at)
            return
        step_ns = t_ns - before[0]
        step_s = step_ns / NS_PER_S
        energy_j, at = (before[1] + power_w) / 2 * step_s, self._at._replace(t_ns=t_ns - self._start_ns)
        if counter_j is not None and before[2] is not None:
            self._at = at._replace(counter_j=at.counter_j + counter_j - before[2])
        elif step_ns > GAP * (self._usual_ns or step_ns):
            self._at = at._replace(gap_j=at.gap_j + energy_j, gap_s=at.gap_s + step_s)
        else:
            scatter_j2 = ((power_w - before[1]) * step_s) ** 2 / 2
            self._at = at._replace(power_j=at.power_j + energy_j, scatter_j2=at.scatter_j2 + scatter_j2)
        if self._at.t_ns - self._kept[-1].t_ns >= self._every_ns:
            self._kept.append(self._at)
            if len(self._kept) > MOST_POINTS:
                self._kept, self._every_ns = self._kept[::2], 2 * self._every_ns

    def _point(self, at: _At) -> Point:
        """Bounds of gaps are known only at the end, when the lowest and the highest power are."""
        return Point(
            at.t_ns,
            counter_j=at.counter_j,
            power_j=at.power_j,
            imputed_j=at.gap_j,
            slack_low_j=max(0.0, at.gap_j - self._lowest_w * at.gap_s),
            slack_high_j=max(0.0, self._highest_w * at.gap_s - at.gap_j),
            scatter_j2=at.scatter_j2,
        )
