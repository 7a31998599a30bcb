"""PURE: mean power, in watts, of pieces of an energy curve."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from ..core.point import Point

NS = 1e-9


def powers_w(curve: Sequence[Point], step_ns: int, count: int, end_ns: int) -> list[float | None]:
    """Mean power in `count` steps, the last of which contains `end_ns`. None for a step that the curve does not cover.

    Steps begin at multiples of `step_ns` on the clock, so that a step does not change when later ones follow.
    """
    first = end_ns // step_ns - count + 1
    edges = [(first + i) * step_ns for i in range(count + 1)]
    return [mean_w(curve, a, b) for a, b in pairwise(edges)]


def mean_w(curve: Sequence[Point], start_ns: int, end_ns: int) -> float | None:
    """Mean watts from start to end, over the part that the curve covers. None if it covers nothing."""
    if len(curve) < 2:
        return None
    start_ns, end_ns = max(start_ns, curve[0].t_ns), min(end_ns, curve[-1].t_ns)
    if end_ns <= start_ns:
        return None
    return max(0.0, energy_at(curve, end_ns) - energy_at(curve, start_ns)) / ((end_ns - start_ns) * NS)


def energy_at(curve: Sequence[Point], t_ns: float) -> float:
    """Cumulative joules at an instant within a curve of two points or more, by linear interpolation."""
    i = bisect_left(curve, t_ns, lo=1, hi=len(curve) - 1, key=lambda p: p.t_ns)
    a, b = curve[i - 1], curve[i]
    return a.energy_j + (b.energy_j - a.energy_j) * ((t_ns - a.t_ns) / max(1, b.t_ns - a.t_ns))
