"""PURE: the making of the hardware as a share of all grams, over the intensity of the grid.

A cleaner grid leaves the embodied grams as they are and takes the operational ones away: Wu et al. 2022 (arXiv:2111.00364), section III.A
and figure 5. At an intensity i the share is M ÷ (M + E × i), where M are the embodied grams and E the energy of the site.
"""

from __future__ import annotations

from itertools import count, takewhile
from typing import TYPE_CHECKING

from ..carbon.accounting import Estimate
from ..core.units import J_PER_KWH
from .figures import Figures, share
from .inference import quotient, range_of

if TYPE_CHECKING:
    from ..core.contract import EmbodiedShareJson

_CLEAN = (0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90)
INTENSITIES_G_PER_KWH = (*map(float, _CLEAN), *(25.0 * step for step in range(4, 16)), *(50.0 * step for step in range(8, 17)))
"""From electricity without emissions to that of coal alone. They lie closer where the share changes more."""


def embodied_share(figures: Figures) -> EmbodiedShareJson | None:
    """The share over the intensity, where these figures stand, and where it is a half. All their operational grams must be of their energy.
    None if they have no energy, or if nothing is known of their hardware."""
    kwh, embodied, operational = figures.site.times(1.0 / J_PER_KWH), figures.embodied, figures.operational
    now = share(embodied, figures.total)
    if kwh.central <= 0.0 or embodied.central <= 0.0 or now is None:
        return None
    g_per_kwh = operational.central / kwh.central
    low, high = operational.low / kwh.low if kwh.low > 0.0 else 0.0, operational.high / kwh.high
    even = quotient(embodied, kwh)
    return {
        "points": [{"g_per_kwh": at, **range_of(_at(at, embodied, kwh))} for at in _intensities(g_per_kwh)],
        "now_g_per_kwh": range_of(Estimate(g_per_kwh, min(low, g_per_kwh), max(high, g_per_kwh))),
        "now": range_of(now),
        "even_g_per_kwh": None if even is None else range_of(even),
    }


def _at(g_per_kwh: float, embodied: Estimate, kwh: Estimate) -> Estimate:
    """The share at one intensity. It is lowest with the least hardware and the most energy."""

    def of(grams: float, energy_kwh: float) -> float:
        whole = grams + energy_kwh * g_per_kwh
        return grams / whole if whole > 0.0 else 0.0

    return Estimate(of(embodied.central, kwh.central), of(embodied.low, kwh.high), of(embodied.high, kwh.low))


def _intensities(now_g_per_kwh: float) -> list[float]:
    """Those of the points; further ones where the figures stand beyond."""
    last = INTENSITIES_G_PER_KWH[-1]
    further = takewhile(lambda at: at < 1.25 * now_g_per_kwh, (last * 1.25**step for step in count(1)))
    return [*INTENSITIES_G_PER_KWH, *further] if now_g_per_kwh > last else list(INTENSITIES_G_PER_KWH)
