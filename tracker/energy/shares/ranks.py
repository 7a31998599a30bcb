"""PURE: how the energy of a device is divided between the ranks of a run, by the same policy as that of the processes of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..intervals import Interval
from .policy import Use, fractions


class Held(NamedTuple):
    """What a rank has used of a device in some time, and the part of the device's energy that was drawn in this time, from 0 to 1."""

    use: Use
    of_energy: float


def divided(whole: Interval, held: Mapping[str, Held], weight: float, idle: float | None) -> dict[str, Interval]:
    """The parts of the energy of a device that each rank gets. Their sum is at most the whole, and the rest is unattributed. `weight` and
    `idle`: as in `fractions`."""
    found: dict[str, Interval] = {}
    for rank, (use, of_energy) in held.items():
        central, low, high = (fraction * of_energy for fraction in fractions(use, weight, idle))
        found[rank] = Interval(central * whole.energy_j, low * whole.low_j, high * whole.high_j)
    given_j = sum(part.energy_j for part in found.values())
    if given_j <= whole.energy_j:
        return found
    scale = whole.energy_j / given_j  # ranks do not look at the same instants
    return {rank: Interval(part.energy_j * scale, part.low_j * scale, part.high_j) for rank, part in found.items()}
