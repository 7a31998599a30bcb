"""PURE: how far the truth of one run may lie from the published figure of a zone.

A published figure is the average of a year over a whole zone, in general of the generation there. A run uses some hours at one place, and
electricity that is also imported, some years later. How far the two lie apart is seen where a zone has both: of 352 zones with an average
for 2025 (Electricity Maps, with trade), at least 95 % lie within the ranges below, which are about the narrowest round numbers that
reach it. tests/carbon/tables/test_published_2025.py measures this.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from ..accounting import Estimate


class Kinship(StrEnum):
    """How the place of a run is related to the place whose figure is used for it. The values are in aliases.csv."""

    SAME = "same"
    """Another name of the same grid."""
    PART = "part"
    """A part of it, connected with the rest: a bidding zone, a state, the area of a utility."""
    ISOLATED = "isolated"
    """An island, or a grid without a strong link: the figure of the country says little about it."""


class Spread(NamedTuple):
    """The range around a figure: from `figure ÷ below` to `figure × above + more_g_per_kwh`."""

    below: float
    above: float
    more_g_per_kwh: float
    words: str

    def around(self, figure: Estimate, highest_g_per_kwh: float) -> Estimate:
        """The range around a figure that has one of its own, at most to `highest_g_per_kwh` or to the figure's own high end."""
        high = min(figure.high * self.above + self.more_g_per_kwh, max(figure.high, highest_g_per_kwh))
        return Estimate(figure.central, figure.low / self.below, high)


IMPORTS_G_PER_KWH = 60.0
"""What imports, dry years and the reservoirs of hydropower may add to the life-cycle figure of the generation in a country."""
OWN = Spread(
    2.0, 1.9, IMPORTS_G_PER_KWH, "half of it, and 1.9 times it and 60 g/kWh more, for the hours, the place and year of a run, and imports"
)
DERIVED = Spread(
    1.8, 1.5, 20.0, "1.8 times below and 1.5 times and 20 g/kWh above what any mix gives, for the hours, the place and year of a run"
)
DIRECT = Spread(2.5, 2.0, 0.0, "2.5 times below and double it above, for the hours, the place and the year of a run")
PART = Spread(3.0, 2.0, IMPORTS_G_PER_KWH, "a third of it, and double and 60 g/kWh more, because a part of a grid differs from the whole")
REGION = Spread(1.5, 1.5, 0.0, "a factor of 1.5, a judgement, for the hours and the year of one run")
MEASURED = Spread(1.15, 1.15, 0.0, "a factor of 1.15, a judgement, for the emission factors of the plants and for imports")
ESTIMATED = Spread(1.5, 1.5, 0.0, "a factor of 1.5, a judgement: the provider calls the value an estimate")
