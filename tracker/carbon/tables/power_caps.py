"""What a lower power limit makes of the energy and of the time of a GPU, as published.

Each study measured the same work at its usual limit and at lower ones. Between two limits its figures are linear. The first study of
data/power_caps.csv gives the central value, and all of them together the range, because the work decides how much a limit costs.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from ...machine.resources import folder_of, text_of
from ..accounting import Estimate

UNCHANGED = Estimate(1.0, 1.0, 1.0)


class PowerCap(NamedTuple):
    """The energy and the time of the same work at `share` of the usual limit, as multiples of those at the usual one."""

    share: float
    energy: Estimate
    time: Estimate
    source: str


def published(share: float) -> PowerCap | None:
    """The figures at `share` (0 to 1) of the usual limit; None below the lowest limit that all studies have."""
    if not lowest_share() <= share <= 1.0:
        return None
    found = [_at(points, share) for points in studies()]
    energy, time = _together([cap.energy for cap in found]), _together([cap.time for cap in found])
    return PowerCap(share, energy, time, "; ".join(dict.fromkeys(cap.source for cap in found)))


def lowest_share() -> float:
    """The lowest share of the usual limit at which every study has a figure."""
    return max(points[0].share for points in studies())


@cache
def studies() -> tuple[tuple[PowerCap, ...], ...]:
    """The points of each study, in rising order. The last one is the usual limit."""
    found: dict[str, list[PowerCap]] = defaultdict(list)
    for row in csv.DictReader(text_of(folder_of(__package__, "data") / "power_caps.csv").splitlines()):
        energy, time = (Estimate(float(row[of]), float(row[f"{of}_low"]), float(row[f"{of}_high"])) for of in ("energy", "time"))
        found[row["study"]].append(PowerCap(float(row["share_of_limit"]), energy, time, row["source"]))
    return tuple(tuple(sorted((*points, PowerCap(1.0, UNCHANGED, UNCHANGED, points[0].source)))) for points in found.values())


def between(a: Estimate, b: Estimate, way: float) -> Estimate:
    """The values at `way` (0 to 1) from one to the other, linear. At 0 and at 1 they are those given, to the digit."""
    return Estimate(*(x * (1.0 - way) + y * way for x, y in zip(a, b, strict=True)))


def _at(points: tuple[PowerCap, ...], share: float) -> PowerCap:
    a, b = next((a, b) for a, b in pairwise(points) if share <= b.share)
    way = (share - a.share) / (b.share - a.share)
    return PowerCap(share, between(a.energy, b.energy, way), between(a.time, b.time, way), a.source)


def _together(found: list[Estimate]) -> Estimate:
    return Estimate(found[0].central, min(of.low for of in found), max(of.high for of in found))
