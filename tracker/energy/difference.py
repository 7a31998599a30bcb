"""PURE: how much two measured quantities differ, and how certain that is.

The true energy of a run is Σ over its sensors of E·(1 + x) + e + s: x is the scale error of a sensor, which its gain bounds at 95 %; e lies
within slack and edges; s is the chance error of sensors that sample part of the time only. For a ratio ρ, consider

    D(ρ) = B − ρ·A = Σ over sensors k of (E_Bk − ρ·E_Ak)·(1 + x_k) + (e_B − ρ·e_A) + (s_B − ρ·s_A)

    D_low(ρ)  = Σ (E_Bk − ρ·E_Ak) − below_B − ρ·above_A − G(ρ)        below: slack_low + edge_low, above: slack_high + edge_high
    D_high(ρ) = Σ (E_Bk − ρ·E_Ak) + above_B + ρ·below_A + G(ρ)
    G(ρ)      = √( Σ over classes (Σ c·gain_k·d_k)² + Σ over sensors ((1 − c²)·(gain_k·d_k)² + (offset_Bk − ρ·offset_Ak)²)
                   + 2²·(V_B + ρ²·V_A) )                              d_k: E_Bk − ρ·E_Ak

- One sensor (the same board, or the same counter of the same host) has the same x in both runs: scale error is a property of the board (a
  straight line with its own slope, arXiv:2312.02741). So only the difference of the two runs carries it. The same holds for a constant
  error, which grows with time.
- The scale errors of two sensors of one class have a common part c, which cancels between them, and a part of their own, which does not
  (intervals.py). In a class whose parts are not known, errors may be of equal or of opposite sign. The amounts of their parts are added
  then, which bounds the sum in either case. Classes are independent.
- Slack and edges are bounds and independent in each run, so they add up. The variance of chance errors adds up in squares.
- With several runs a side, energy/spread/means.py says which errors remain.

The difference lies in [D_low(1), D_high(1)]. The ratio lies where D(ρ) may be 0: this is the interval of Fieller (J. R. Stat. Soc. B 16,
1954, 175) with this D. Its ends are the zeros of D_low and D_high. G is convex in ρ, because it is a norm of straight lines. So D_low falls
after its only zero, and D_high has a zero as long as A is certainly above 0. If A is not, the ratio has no upper end. Both intervals agree:
1 is one of the ratios if and only if 0 is one of the differences.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from .intervals import COMMON, JOULES, Sensor, Share
from .spread.chance import Chance


class Change(NamedTuple):
    """How much a quantity differs from the baseline: the difference in the unit of the quantity, and the ratio. An end is None if nothing
    bounds it. The ratio is None if the baseline is 0."""

    difference: float
    low: float | None
    high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None

    @property
    def direction(self) -> int:
        """1 for more and -1 for less if that is certain within the error; else 0."""
        if self.low is not None and self.low > 0:
            return 1
        return -1 if self.high is not None and self.high < 0 else 0

    @property
    def bounded(self) -> bool:
        """Whether the difference has both ends."""
        return self.low is not None and self.high is not None


NONE = Change(0.0, 0.0, 0.0, 1.0, 1.0, 1.0)
"""A run compared with itself: both sides have the same errors."""


class Pair(NamedTuple):
    """The energies of one sensor in the baseline and in the other run, and what its constant error adds, joules."""

    base_j: float
    other_j: float
    gain: float
    gain_class: str
    base_offset_j: float = 0.0
    other_offset_j: float = 0.0


class Bounds(NamedTuple):
    """How far the energy of one side may be below and above its figure, joules."""

    below_j: float
    above_j: float


class Sides(NamedTuple):
    """The parts of D(ρ), in joules. `chance` is the part of the errors that is random; `shared` has the bounds of both sides that are equal
    from run to run, one pair for each sensor."""

    pairs: tuple[Pair, ...]
    base: Bounds
    other: Bounds
    chance: Chance
    shared: tuple[tuple[Bounds, Bounds], ...] = ()

    def ends(self, ratio: float) -> tuple[float, float]:
        """D_low and D_high at `ratio`."""
        middle = sum(p.other_j - ratio * p.base_j for p in self.pairs)
        common: dict[str, float] = defaultdict(float)
        own_j2 = 0.0
        for p in self.pairs:
            apart_j = p.gain * (p.other_j - ratio * p.base_j)
            if (part := COMMON.get(p.gain_class)) is None:
                common[p.gain_class] += abs(apart_j)
            else:
                common[p.gain_class] += part * apart_j
                own_j2 += (1 - part * part) * apart_j**2
            own_j2 += (p.other_offset_j - ratio * p.base_offset_j) ** 2
        gain_j = math.sqrt(sum(g * g for g in common.values()) + own_j2 + self.chance.square(ratio))
        below_j, above_j = self.other.below_j + ratio * self.base.above_j, self.other.above_j + ratio * self.base.below_j
        for base, other in self.shared:
            # The same part c of a bound in both: c·(other − ρ·base).
            too_low, too_high = other.above_j - ratio * base.above_j, other.below_j - ratio * base.below_j
            below_j += max(0.0, -too_low, too_high)
            above_j += max(0.0, too_low, -too_high)
        return middle - below_j - gain_j, middle + above_j + gain_j

    def only_base(self) -> Sides:
        """The baseline alone. It shows whether D_high falls or rises for large ρ."""
        pairs = tuple(p._replace(other_j=0.0, other_offset_j=0.0) for p in self.pairs)
        shared = tuple((base, Bounds(0.0, 0.0)) for base, _ in self.shared)
        return self._replace(pairs=pairs, other=Bounds(0.0, 0.0), chance=self.chance._replace(both=0.0, other=0.0), shared=shared)


def change(base: Sequence[Share], other: Sequence[Share], *, base_is_least: bool = False, other_is_least: bool = False) -> Change:
    """How much the energy of `other` differs from that of `base`, in joules. A run that `is_least` may have used any amount more."""
    return solved(sides(base, other), base_is_least=base_is_least, other_is_least=other_is_least)


def solved(both: Sides, *, base_is_least: bool = False, other_is_least: bool = False) -> Change:
    """The intervals of the difference and of the ratio."""
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
    """How much two quantities differ that are known exactly, such as seconds."""
    ratio = other / base if base > 0 else None
    return Change(other - base, other - base, other - base, ratio, ratio, ratio)


def scaled(shares: Iterable[Share], factor: float) -> list[Share]:
    """Shares multiplied by a number that is known exactly and not negative, such as 1 / samples."""

    def of(share: Share) -> Share:
        linear = {name: getattr(share, name) * factor for name in (*JOULES, "offset_j")}
        return share._replace(**linear | {"scatter_j2": share.scatter_j2 * factor * factor})

    return [of(share) for share in shares]


def sides(base: Sequence[Share], other: Sequence[Share]) -> Sides:
    """Two windows, combined by sensor."""
    chance = Chance(_summed(base, lambda s: s.scatter_j2), 0.0, _summed(other, lambda s: s.scatter_j2), 2.0)
    return Sides(pairs(base, other), bounds(base, slack=True, edges=True), bounds(other, slack=True, edges=True), chance)


def pairs(base: Sequence[Share], other: Sequence[Share]) -> tuple[Pair, ...]:
    """The energies of both sides by sensor. If processes of one run had different gains, the larger one is used for all."""
    found: dict[tuple[Sensor, str], Pair] = {}
    for of_other, shares in enumerate((base, other)):
        for share in shares:
            key = share.sensor, share.gain_class
            pair = found.get(key) or Pair(0.0, 0.0, 0.0, share.gain_class)
            pair = pair._replace(gain=max(pair.gain, share.gain))
            if of_other:
                pair = pair._replace(other_j=pair.other_j + share.energy_j, other_offset_j=pair.other_offset_j + share.offset_j)
            else:
                pair = pair._replace(base_j=pair.base_j + share.energy_j, base_offset_j=pair.base_offset_j + share.offset_j)
            found[key] = pair
    return tuple(found.values())


def bounds(shares: Sequence[Share], *, slack: bool = False, edges: bool = False) -> Bounds:
    """The sums of what `slack` and `edges` may have added and missed."""
    return Bounds(
        _summed(shares, lambda s: slack * s.slack_low_j + edges * s.edge_low_j),
        _summed(shares, lambda s: slack * s.slack_high_j + edges * s.edge_high_j),
    )


def _summed(shares: Sequence[Share], of: Callable[[Share], float]) -> float:
    return sum(of(share) for share in shares)


def _zero(of: Callable[[float], float], start: float, *, up: bool) -> float:
    """The zero of a function that falls through 0 once: above `start` if `up`, where the function is not negative, else between 0 and
    `start`."""
    inner, outer = (start, 2 * start + 1.0) if up else (0.0, start)
    while up and of(outer) > 0 and math.isfinite(outer):
        inner, outer = outer, 4 * outer
    for _ in range(200):
        middle = (inner + outer) / 2
        if middle in (inner, outer):
            break
        inner, outer = (middle, outer) if of(middle) > 0 else (inner, middle)
    return outer if up else inner
