"""PURE: how much the means of two sets of runs differ. This answers whether a change of the set-up matters. One run a side answers only
whether two measurements differ.

D(ρ) of energy/difference.py, with the mean of each side, and these errors:

- **scale**: as there. If both sides used the same boards equally often, it cancels but for the difference;
- **chance**: the spread between the runs, in energy/spread/chance.py. It contains what a measurement has of random errors: where the
  update of a counter falls at the two ends of a run, and what a sensor misses that samples part of the time. So they are not added again;
- **edges**: the part of them that is equal in all runs, such as the delay of a gauge, is in both means. If both sides used the same sensor,
  what remains is in proportion to the difference of the two edges;
- **slack** stays in full: gaps and resets are rare, and a model may err differently at another load.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from ..difference import Bounds, Change, Pair, Sides, bounds, change, exact, pairs, scaled, solved
from ..intervals import Interval, Sensor, Share, interval
from .chance import between_runs, half_width

NOTHING = Bounds(0.0, 0.0)
Run = Sequence[Share]
"""The parts of one run."""


def change_of_means(
    base: Sequence[Run], other: Sequence[Run], *, paired: bool = False, base_is_least: bool = False, other_is_least: bool = False
) -> Change:
    """How much the mean of `other` differs from the mean of `base`, in joules. A side that `is_least` may have used any amount more.

    `paired`: run i of both sides belong together. With one run a side, this is the difference of two measurements. Raises ValueError for a
    side without a run, and for pairs that are not complete.
    """
    if len(base) == len(other) == 1:
        return change(base[0], other[0], base_is_least=base_is_least, other_is_least=other_is_least)
    return solved(sides_of_means(base, other, paired=paired), base_is_least=base_is_least, other_is_least=other_is_least)


def sides_of_means(base: Sequence[Run], other: Sequence[Run], *, paired: bool = False) -> Sides:
    """The parts of D(ρ) of the two means. Raises ValueError for one run a side, and as `change_of_means`."""
    chance = between_runs(*([sum(p.energy_j for p in run) for run in runs] for runs in (base, other)), paired=paired)
    if chance is None:
        raise ValueError("one run each: differences between runs are not known")
    a, b = _mean(base), _mean(other)
    of_base, of_other = _edges(a), _edges(b)
    shared = tuple((of_base[sensor], of_other[sensor]) for sensor in of_base if sensor in of_other)
    own = [[p for p in mine if p.sensor not in theirs] for mine, theirs in ((a, of_other), (b, of_base))]
    once = [_added(bounds(parts, slack=True), bounds(alone, edges=True)) for parts, alone in zip((a, b), own, strict=True)]
    return Sides(pairs(a, b), once[0], once[1], chance, shared)


def change_of_numbers(base: Sequence[float], other: Sequence[float], *, paired: bool = False) -> Change:
    """The same for quantities that are known exactly in each run, such as seconds."""
    chance = between_runs(base, other, paired=paired)
    if chance is None:
        return exact(base[0], other[0])
    pair = Pair(fmean(base), fmean(other), 0.0, "")
    return solved(Sides((pair,), NOTHING, NOTHING, chance))


def interval_of_mean(runs: Sequence[Run]) -> Interval:
    """The mean energy of a run, with its range: what the errors of the sensors and the spread between the runs leave open."""
    if len(runs) == 1:
        return interval(runs[0])
    half_j = half_width([sum(p.energy_j for p in run) for run in runs])
    return interval(_mean(runs), half_j * half_j)


def _mean(runs: Sequence[Run]) -> list[Share]:
    return [part for run in runs for part in scaled(run, 1 / len(runs))]


def _edges(parts: Sequence[Share]) -> dict[Sensor, Bounds]:
    by_sensor: dict[Sensor, list[Share]] = defaultdict(list)
    for part in parts:
        by_sensor[part.sensor].append(part)
    return {sensor: bounds(of, edges=True) for sensor, of in by_sensor.items()}


def _added(one: Bounds, two: Bounds) -> Bounds:
    return Bounds(one.below_j + two.below_j, one.above_j + two.above_j)
