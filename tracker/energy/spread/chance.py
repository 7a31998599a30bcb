"""PURE: how far the mean of some runs may be off, because equal runs differ from each other.

The runs of one side are a sample: another five runs of the same command have another mean. If the runs have the standard deviation s, the
mean of n runs has the variance s²/n. For D(ρ) = mean(B) − ρ·mean(A), as in energy/difference.py:

- **not paired**: the variance is s_B²/n_B + ρ²·s_A²/n_A, with the degrees of freedom of Welch (Biometrika 34, 1947, 28): the two sides may
  vary by different amounts;
- **paired**, where run i of A and run i of B were one after the other: what changes slowly, such as the temperature, is in both and
  cancels. The variance is that of the n differences B_i − ρ·A_i, divided by n, with n − 1 degrees of freedom;
- **one run on one side**: it is assumed to vary as much, in relation to its energy, as the runs of the other side.

With one run on each side nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance
from typing import NamedTuple

from .student import two_sigma


class Chance(NamedTuple):
    """The random error of D(ρ). Its variance is `other` − 2·ρ·`both` + ρ²·`base`, in squares of the quantity's unit, and `t` standard
    deviations are 95 %."""

    base: float
    both: float
    other: float
    t: float

    def square(self, ratio: float) -> float:
        """The square of the 95 % half-width of D(`ratio`)."""
        return self.t * self.t * max(0.0, self.other - 2 * ratio * self.both + ratio * ratio * self.base)


def between_runs(base: Sequence[float], other: Sequence[float], *, paired: bool = False) -> Chance | None:
    """What the runs of both sides say. None with one run a side. `paired`: run i of both sides belong together.

    Raises ValueError for a side without a run, and for pairs that are not complete.
    """
    if not base or not other:
        raise ValueError("a side without a run")
    if paired and len(base) != len(other):
        raise ValueError(f"{len(base)} and {len(other)} runs are not pairs")
    n, m = len(base), len(other)
    if n == m == 1:
        return None
    if paired:
        return Chance(variance(base) / n, _covariance(base, other) / n, variance(other) / n, two_sigma(n - 1))
    if m == 1:
        return Chance(variance(base) * (1 + 1 / n), 0.0, 0.0, two_sigma(n - 1))
    if n == 1:
        return Chance(0.0, 0.0, variance(other) * (1 + 1 / m), two_sigma(m - 1))
    of_base, of_other = variance(base) / n, variance(other) / m
    ratio = fmean(other) / fmean(base) if fmean(base) > 0 else 1.0
    return Chance(of_base, 0.0, of_other, two_sigma(_welch(ratio * ratio * of_base, n, of_other, m)))


def resized(chance: Chance, counts: tuple[int, int], count: int, *, paired: bool) -> Chance:
    """What `count` runs a side would leave open, if they vary as `counts` runs did."""
    base, both, other = (part * n / count for part, n in zip(chance[:3], (counts[0], counts[0], counts[1]), strict=True))
    degrees = count - 1.0 if paired else _welch(base, count, other, count)
    return Chance(base, both, other, two_sigma(degrees))


def half_width(values: Sequence[float]) -> float:
    """The half-width of the interval of the mean of `values`, of which there are two or more."""
    return two_sigma(len(values) - 1) * math.sqrt(variance(values) / len(values))


def _covariance(base: Sequence[float], other: Sequence[float]) -> float:
    a, b = fmean(base), fmean(other)
    return sum((x - a) * (y - b) for x, y in zip(base, other, strict=True)) / (len(base) - 1)


def _welch(of_base: float, n: int, of_other: float, m: int) -> float:
    """The degrees of freedom of a sum of two variances of means. If both are 0, those of equal variances."""
    total = of_base + of_other
    if total <= 0.0:
        return float(n + m - 2)
    # The shares first: the squares of small variances may be 0 as a number.
    a, b = of_base / total, of_other / total
    return 1.0 / (a * a / (n - 1) + b * b / (m - 1))
