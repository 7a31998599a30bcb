"""PURE: how far two measured quantities lie apart, and how sure that is.

A run's true energy is Σ over its sensors of E·(1 + x) + e + s: x is the scale error of a sensor, which its gain bounds at 95 %; e lies
within slack and edges; s is the chance of sensors that look at part of the time only. For a ratio ρ, look at

    D(ρ) = B − ρ·A = Σ over sensors k of (E_Bk − ρ·E_Ak)·(1 + x_k) + (e_B − ρ·e_A) + (s_B − ρ·s_A)

    D_low(ρ)  = Σ (E_Bk − ρ·E_Ak) − below_B − ρ·above_A − G(ρ)        below: slack_low + edge_low, above: slack_high + edge_high
    D_high(ρ) = Σ (E_Bk − ρ·E_Ak) + above_B + ρ·below_A + G(ρ)
    G(ρ)      = √( Σ over classes (Σ over sensors of the class gain_k·|E_Bk − ρ·E_Ak|)² + 2²·(V_B + ρ²·V_A) )

- One sensor (the same board, or the same counter of the same host) has one x in both runs: scale error is a property of the board (a
  straight line with a slope of its own, arXiv:2312.02741), so only what the two runs differ by carries it.
- Two sensors of one class may err alike or against each other. That is not known, so their parts are added as amounts, which bounds the
  sum whatever it is: between machines the gains of both runs stay in the range in full, and nothing cancels. Classes are
  independent, as in intervals.py.
- Slack and edges are bounds, and happen anew in each run: they add up. So does the variance of chance, in squares.

The difference lies in [D_low(1), D_high(1)]. The ratio lies where D(ρ) cannot be told from 0, which is the interval of Fieller (J. R. Stat.
Soc. B 16, 1954, 175) with this D: its ends are the zeros of D_low and D_high. G is convex in ρ, as a norm of straight lines, so D_low falls
from its one zero on, and D_high has one as long as A is surely above 0; where it is not, the ratio has no upper end. The two agree:
1 is among the ratios where 0 is among the differences.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from .intervals import JOULES, Share

Sensor = tuple[str, ...]
"""What tells one physical sensor from another: the same in two runs where its scale error is the same."""


class Part(NamedTuple):
    """What one sensor says of a window."""

    sensor: Sensor
    share: Share


class Change(NamedTuple):
    """How far a quantity lies from the baseline's: the difference in the quantity's own unit, and the ratio. An end is None where nothing
    bounds it; the ratio is None where the baseline is 0."""

    difference: float
    low: float | None
    high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None

    @property
    def direction(self) -> int:
        """1 for more and -1 for less, as far as that is beyond the error; else 0."""
        if self.low is not None and self.low > 0:
            return 1
        return -1 if self.high is not None and self.high < 0 else 0

    @property
    def bounded(self) -> bool:
        """Whether the difference has both ends."""
        return self.low is not None and self.high is not None


NONE = Change(0.0, 0.0, 0.0, 1.0, 1.0, 1.0)
"""A run and itself: whatever was read wrong was read wrong once."""


class Pair(NamedTuple):
    """The energies of one sensor in the baseline and in the other run, joules."""

    base_j: float
    other_j: float
    gain: float
    gain_class: str


class Sides(NamedTuple):
    """All that D(ρ) is made of, joules and J²."""

    pairs: tuple[Pair, ...]
    base_below_j: float
    base_above_j: float
    other_below_j: float
    other_above_j: float
    base_scatter_j2: float
    other_scatter_j2: float

    def ends(self, ratio: float) -> tuple[float, float]:
        """D_low and D_high at `ratio`."""
        middle = sum(p.other_j - ratio * p.base_j for p in self.pairs)
        by_class: dict[str, float] = defaultdict(float)
        for p in self.pairs:
            by_class[p.gain_class] += p.gain * abs(p.other_j - ratio * p.base_j)
        scatter_j2 = 4 * max(0.0, self.other_scatter_j2 + ratio * ratio * self.base_scatter_j2)
        gain_j = math.sqrt(sum(g * g for g in by_class.values()) + scatter_j2)
        low = middle - self.other_below_j - ratio * self.base_above_j - gain_j
        return low, middle + self.other_above_j + ratio * self.base_below_j + gain_j

    def only_base(self) -> Sides:
        """The baseline beside nothing: which way D_high goes as ρ grows."""
        pairs = tuple(p._replace(other_j=0.0) for p in self.pairs)
        return self._replace(pairs=pairs, other_below_j=0.0, other_above_j=0.0, other_scatter_j2=0.0)


def change(base: Sequence[Part], other: Sequence[Part], *, base_is_least: bool = False, other_is_least: bool = False) -> Change:
    """How far the energy of `other` lies from that of `base`, joules. A run that `is_least` may have used any amount more."""
    both = sides(base, other)
    base_j, other_j = (sum(p.base_j for p in both.pairs), sum(p.other_j for p in both.pairs))
    low, high = both.ends(1.0)
    ratio = ratio_low = ratio_high = None
    if base_j > 0:
        ratio = other_j / base_j
        ratio_low = 0.0 if both.ends(0.0)[0] <= 0 else _zero(lambda r: both.ends(r)[0], ratio, up=False)
        if both.only_base().ends(1.0)[1] < 0:
            ratio_high = _zero(lambda r: both.ends(r)[1], ratio, up=True)
    found = Change(other_j - base_j, low, high, ratio, ratio_low, ratio_high)
    if base_is_least:
        found = found._replace(low=None, ratio_low=None if ratio is None else 0.0)
    if other_is_least:
        found = found._replace(high=None, ratio_high=None)
    return found


def exact(base: float, other: float) -> Change:
    """How far two quantities lie apart that are known exactly, such as seconds."""
    ratio = other / base if base > 0 else None
    return Change(other - base, other - base, other - base, ratio, ratio, ratio)


def scaled(parts: Iterable[Part], factor: float) -> list[Part]:
    """Parts times a number that is known exactly and not negative: per sample, per second."""

    def of(share: Share) -> Share:
        linear = {name: getattr(share, name) * factor for name in JOULES}
        return share._replace(**linear | {"scatter_j2": share.scatter_j2 * factor * factor})

    return [Part(sensor, of(share)) for sensor, share in parts]


def sides(base: Sequence[Part], other: Sequence[Part]) -> Sides:
    """Two windows, sensor by sensor."""
    a, b = _by_sensor(base), _by_sensor(other)
    pairs = []
    for key in dict.fromkeys([*a, *b]):
        mine, theirs = a.get(key, (0.0, 0.0)), b.get(key, (0.0, 0.0))
        pairs.append(Pair(mine[0], theirs[0], max(mine[1], theirs[1]), key[1]))

    def summed(parts: Sequence[Part], of: Callable[[Share], float]) -> float:
        return sum(of(part.share) for part in parts)

    return Sides(
        tuple(pairs),
        base_below_j=summed(base, lambda s: s.slack_low_j + s.edge_low_j),
        base_above_j=summed(base, lambda s: s.slack_high_j + s.edge_high_j),
        other_below_j=summed(other, lambda s: s.slack_low_j + s.edge_low_j),
        other_above_j=summed(other, lambda s: s.slack_high_j + s.edge_high_j),
        base_scatter_j2=summed(base, lambda s: s.scatter_j2),
        other_scatter_j2=summed(other, lambda s: s.scatter_j2),
    )


def _by_sensor(parts: Sequence[Part]) -> dict[tuple[Sensor, str], tuple[float, float]]:
    """Energy and gain; where the gain was set otherwise from one process to the next, the wider one holds for all."""
    found: dict[tuple[Sensor, str], tuple[float, float]] = {}
    for sensor, share in parts:
        joules, gain = found.get((sensor, share.gain_class), (0.0, 0.0))
        found[sensor, share.gain_class] = joules + share.energy_j, max(gain, share.gain)
    return found


def _zero(of: Callable[[float], float], start: float, *, up: bool) -> float:
    """Where a function that falls through 0 once does so: above `start`, where it is not negative, or between 0 and `start`."""
    inner, outer = (start, 2 * start + 1.0) if up else (0.0, start)
    while up and of(outer) > 0 and math.isfinite(outer):
        inner, outer = outer, 4 * outer
    for _ in range(200):
        middle = (inner + outer) / 2
        if middle in (inner, outer):
            break
        inner, outer = (middle, outer) if of(middle) > 0 else (inner, middle)
    return outer if up else inner
