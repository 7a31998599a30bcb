"""PURE: the energy of any window, and the range it lies in. One function for phases, runs, segments and sums."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from ..core.point import Point


class Share(NamedTuple):
    """One device's part of a window, in joules: its energy and what may be wrong with it.

    `slack_*`: what gaps, resets and models may have added (low) or missed (high) within the window. `edge_*`: the same for its two ends.
    `gain`: the relative 95 % half-width of the sensor's scale error, which all devices of `gain_class` share. `scatter_j2`: the variance
    (J²) of what a sensor that samples only part of the time missed by chance.
    """

    energy_j: float
    slack_low_j: float
    slack_high_j: float
    edge_low_j: float
    edge_high_j: float
    gain: float
    gain_class: str
    scatter_j2: float = 0.0


JOULES = tuple(name for name in Share._fields if name not in ("gain", "gain_class"))
"""The energies of a share, which add up over windows of one device. The store has a column of the same name for each."""


class Interval(NamedTuple):
    """An energy with its 95 % interval, joules."""

    energy_j: float
    low_j: float
    high_j: float


def between(a: Point, b: Point, gain: float, gain_class: str) -> Share:
    """The share of the window from point `a` to point `b` of one curve."""
    return Share(
        energy_j=b.energy_j - a.energy_j,
        slack_low_j=b.slack_low_j - a.slack_low_j,
        slack_high_j=b.slack_high_j - a.slack_high_j,
        edge_low_j=b.edge_low_j + a.edge_high_j,
        edge_high_j=b.edge_high_j + a.edge_low_j,
        gain=gain,
        gain_class=gain_class,
        scatter_j2=b.scatter_j2 - a.scatter_j2,
    )


def interval(shares: Iterable[Share], chance_j2: float | None = None) -> Interval:
    """Sum shares into an energy with its range. `chance_j2` is the square of the half-width of all chance errors, if it is known from
    elsewhere (J²).

    Slack and edges are bounds and add linearly. Gain errors are proportional to energy: linear within a class of devices (sensors of one
    make have the same error), root of the sum of squares between classes. The chance errors of sensors that sample part of the time are
    independent of these: G = √( Σ over classes (Σ gain × ΔE)² + 2² × Σ ΔV ), with two standard deviations for 95 %.
    """
    energy = below = above = scatter_j2 = 0.0
    by_class: dict[str, float] = defaultdict(float)
    for share in shares:
        energy += share.energy_j
        below += share.slack_low_j + share.edge_low_j
        above += share.slack_high_j + share.edge_high_j
        scatter_j2 += share.scatter_j2
        by_class[share.gain_class] += share.gain * share.energy_j
    chance_j2 = 4 * max(0.0, scatter_j2) if chance_j2 is None else chance_j2
    gain_j = math.sqrt(sum(g * g for g in by_class.values()) + chance_j2)
    return Interval(energy, max(0.0, energy - below - gain_j), energy + above + gain_j)
