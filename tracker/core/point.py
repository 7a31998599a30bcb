"""A point of an energy curve, and the sources of its joules."""

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

    Slack is cumulative too: the joules that gaps, resets and models may have added or missed so far. So is `scatter_j2`, the variance (J²)
    of a sensor that measures part of the time only. The edges belong to this point alone: the true E(t) lies in [E − edge_low_j, E +
    edge_high_j], apart from the slack and the device's gain.
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
