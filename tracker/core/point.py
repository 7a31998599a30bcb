"""A point of an energy curve, and where its joules come from."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Provenance(StrEnum):
    """Where a joule comes from."""

    MEASURED_COUNTER = "measured-counter"
    MEASURED_POWER = "measured-power"
    IMPUTED = "imputed"
    MODELLED = "modelled"


class Point(NamedTuple):
    """A point of an energy curve: cumulative joules since the curve's start, by provenance.

    Slack is cumulative too (what gaps, resets and models may have added or missed so far), and so is the variance of a sensor that looks
    at part of the time only, in J². The edges are the point's own: the true
    E(t) lies in [E − edge_low_j, E + edge_high_j], give or take the slack and the device's gain.
    """

    t_ns: int
    counter_j: float = 0.0
    power_j: float = 0.0
    imputed_j: float = 0.0
    modelled_j: float = 0.0
    slack_low_j: float = 0.0
    slack_high_j: float = 0.0
    edge_low_j: float = 0.0
    edge_high_j: float = 0.0
    scatter_j2: float = 0.0

    @property
    def energy_j(self) -> float:
        """Cumulative joules of every provenance."""
        return self.counter_j + self.power_j + self.imputed_j + self.modelled_j
