"""An accelerator's power from its load, if no power is known. The model is weak, so its range is wide.

The utilisation of NVML is the share of time in which any kernel ran, not how hard the chip worked. So a device that is always busy does not
draw its rated power. data/measured_trainings.csv has trainings whose energy was measured: their GPUs drew 27 to 92 % of the rated power,
and 70 % where each training counts by its energy. These are the values at full load. (Newkirk et al. 2025, arXiv:2506.14551, measured 76 %
of the rated power of whole H100 nodes under heavy trainings. The table does not contain it, and it is within the range.)

Between an idle and a busy device the shape of data/power_model.csv is used. It was measured on processors; the Cloud Carbon Footprint and
Teads use it for GPUs too.
"""

from __future__ import annotations

import csv
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from ...machine.resources import folder_of, text_of
from ..accounting import Estimate
from ..assumption import FactorStatus

IDLE = Estimate(0.12, 0.05, 0.20)
"""The share of the rated power that an idle device draws. The central value is the curve's own; the bounds are a judgement."""
MOST = 1.0
"""The highest share at full load: a board limits itself to its rated power."""


class LoadCurve(NamedTuple):
    """(load 0 to 1, how far the power is from idle to busy, 0 to 1), rising. `busy`: the share of the rated power at full load."""

    points: tuple[tuple[float, float], ...]
    busy: Estimate
    source: str
    year: int
    status: FactorStatus

    def fraction(self, load: float) -> Estimate:
        """The fraction of the rated power at a load from 0 to 1, linear between the points."""
        way = self.points[-1][1]
        for (x0, y0), (x1, y1) in pairwise(self.points):
            if load <= x1:
                way = y0 + (load - x0) / (x1 - x0) * (y1 - y0)
                break
        return Estimate(*(idle + way * (busy - idle) for idle, busy in zip(IDLE, self.busy, strict=True)))


class MeasuredTraining(NamedTuple):
    """A training whose energy was measured and published: that of its devices, without the hosts around them."""

    training: str
    energy_kwh: float
    rated_kwh: float
    source: str
    year: int
    status: FactorStatus

    @property
    def fraction(self) -> float:
        """The mean power as a share of the rated power."""
        return self.energy_kwh / self.rated_kwh


@cache
def measured_trainings() -> tuple[MeasuredTraining, ...]:
    """The published trainings, in the order of the table."""
    return tuple(
        MeasuredTraining(
            r["training"],
            float(r["energy_kwh"]),
            float(r["devices"]) * float(r["hours"]) * float(r["rated_power_w"]) / 1000,
            r["source"],
            int(r["year"]),
            FactorStatus(r["status"]),
        )
        for r in _rows("measured_trainings.csv")
    )


@cache
def load_curve() -> LoadCurve:
    """The shape of the bundled curve between idle and the power of the measured trainings."""
    shape = [(float(r["load_percent"]) / 100, float(r["fraction_of_rated_power"])) for r in _rows("power_model.csv")]
    first, last = shape[0][1], shape[-1][1]
    known = measured_trainings()
    busy = sum(t.energy_kwh for t in known) / sum(t.rated_kwh for t in known)
    return LoadCurve(
        tuple((load, (y - first) / (last - first)) for load, y in shape),
        Estimate(busy, min(t.fraction for t in known), MOST),
        f"{len(known)} measured trainings: {known[0].source}",
        max(t.year for t in known),
        FactorStatus.SECONDARY,
    )


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text_of(folder_of(__package__, "data") / name).splitlines()))
