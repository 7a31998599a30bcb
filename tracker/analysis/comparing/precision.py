"""PURE: how much runs vary, how well their means are known, and how many runs would decide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from ...energy.intervals import Share
from ...energy.spread.chance import between_runs, half_width
from ...energy.spread.needed import runs_needed
from .side import Parts, Side, alternating


def variation(side: Side) -> float | None:
    """The standard deviation of the energies of a side's runs, as a share of their mean. None with one run, and without energy."""
    energies = _energies(side)
    return stdev(energies) / fmean(energies) if len(energies) > 1 and fmean(energies) > 0 else None


def known_to(sides: Sequence[Side], share: float) -> bool:
    """Whether the differences between runs leave no more than this share of the first mean open: of the mean of a single side, else of
    each difference from the first side. The scale errors of the sensors are not in it: no number of runs makes them smaller."""
    energies = [_energies(side) for side in sides]
    if any(len(of) < 2 for of in energies) or fmean(energies[0]) <= 0:
        return False
    if len(sides) == 1:
        return half_width(energies[0]) <= share * fmean(energies[0])
    found = [between_runs(energies[0], of, paired=alternating(sides[0], side)) for of, side in zip(energies[1:], sides[1:], strict=True)]
    return all(chance is not None and math.sqrt(chance.square(1.0)) <= share * fmean(energies[0]) for chance in found)


def needed(base: Side, other: Side) -> int | None:
    """How many runs a side would decide whether the energies differ, if they vary as these do; None if none would, or with one run."""
    if min(len(base.runs), len(other.runs)) < 2:
        return None
    return runs_needed(base.parts_of(_total), other.parts_of(_total), paired=alternating(base, other))


def _total(parts: Parts) -> list[Share]:
    return parts.total


def _energies(side: Side) -> list[float]:
    return [sum(part.energy_j for part in run.parts.total) for run in side.runs]
