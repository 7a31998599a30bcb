"""PURE: Student's t distribution (Student, Biometrika 6, 1908, 1), for intervals from few runs.

The level is that of two standard deviations, 95.45 %, as for all random errors here, and as in table G.2 of the Guide to the Expression of
Uncertainty in Measurement (JCGM 100:2008).
"""

from __future__ import annotations

import math
from functools import lru_cache

LEVEL = math.erf(math.sqrt(2))
"""The probability of two standard deviations."""
EPSILON = 1e-15
TINY = 1e-300


@lru_cache(maxsize=256)
def two_sigma(degrees: float) -> float:
    """How many standard deviations hold as much with `degrees` of freedom as two of them do if the standard deviation is known.

    `degrees` need not be a whole number. Raises ValueError if `degrees` is not above 0.
    """
    if not degrees > 0:
        raise ValueError(f"{degrees} degrees of freedom: at least two runs are needed")
    low, high = 0.0, 4.0
    while within(high, degrees) < LEVEL:
        low, high = high, 4 * high
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if within(middle, degrees) < LEVEL else (low, middle)
    return high


def within(t: float, degrees: float) -> float:
    """The probability that a value of Student's t lies between −`t` and `t` (Abramowitz and Stegun, 26.7.1 and 26.5.2):
    1 − I_x(ν/2, 1/2) with x = ν/(ν + t²)."""
    return 1.0 - _incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b). The fraction converges fast below the mean; above, the symmetry is used."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(1.0 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    return front / a / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction 1 + d₁/(1 + d₂/(1 + …)) of I_x(a, b) (Abramowitz and Stegun, 26.5.8), by the method of Lentz (Applied Optics
    15, 1976, 668)."""
    value = c = 1.0
    d = 0.0
    for i in range(1, 10_000):
        m = i // 2
        above = -(a + m) * (a + b + m) if i % 2 else m * (b - m)
        step = above * x / ((a + i - 1) * (a + i))
        d = 1.0 / (1.0 + step * d or TINY)
        c = 1.0 + step / c or TINY
        value *= c * d
        if abs(c * d - 1.0) < EPSILON:
            break
    return value
