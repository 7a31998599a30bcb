"""An accelerator's power from its load, if no power is known. The model is weak, so its range is wide.

The only input is data/power_model.csv. The curve was measured on processors; the Cloud Carbon Footprint and Teads use it for GPUs too. The
utilisation of NVML is the share of time in which any kernel ran, not how hard the chip worked.
"""

from __future__ import annotations

import csv
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from ...machine.resources import folder_of, text_of
from ..accounting import Estimate
from ..assumption import FactorStatus

LOW_FACTOR, HIGH_FACTOR = 0.5, 1.5
"""Around the curve. An estimate, not a measurement: at the same busy time, a chip that waits for memory draws half the power of one
that does not. The upper bound is the end of the curve, because a board limits itself to its rated power."""


class LoadCurve(NamedTuple):
    """(load 0 to 1, fraction of the rated power), rising, with the source of the curve."""

    points: tuple[tuple[float, float], ...]
    source: str
    year: int
    status: FactorStatus

    def fraction(self, load: float) -> Estimate:
        """The fraction of the rated power at a load from 0 to 1, linear between the points."""
        central = self.points[-1][1]
        for (x0, y0), (x1, y1) in pairwise(self.points):
            if load <= x1:
                central = y0 + (load - x0) / (x1 - x0) * (y1 - y0)
                break
        return Estimate(central, central * LOW_FACTOR, min(central * HIGH_FACTOR, self.points[-1][1]))


@cache
def load_curve() -> LoadCurve:
    """The bundled curve."""
    rows = list(csv.DictReader(text_of(folder_of(__package__, "data") / "power_model.csv").splitlines()))
    points = tuple((float(r["load_percent"]) / 100, float(r["fraction_of_rated_power"])) for r in rows)
    return LoadCurve(points, rows[0]["source"], int(rows[0]["year"]), FactorStatus(rows[0]["status"]))
