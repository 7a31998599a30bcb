"""PURE: the terms on which a footprint is worked out, and what must hold of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ConfigurationError
from .accounting import Estimate
from .series import INTENSITY, PRICE, Series

TYPICAL_UNMEASURED = Estimate(0.25, 0.10, 0.50)
"""What no sensor sees, as a share of what the components drew: fans take 5 to 15 % of a server and power supplies lose 4 to 10 % (80
PLUS Titanium to Gold at half load), disks and network a little; a DGX H100's rating of 10.2 kW leaves more. A judgement, and wide."""

Rule = tuple[str, float | None, Callable[[float], bool], str, str]
"""An option's name and value, what must hold of it, why, and the mend."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a footprint is worked out with. None is the default: the zone that the run recorded, no PUE, the lifetimes of Wu et al.

    `series` and `prices` are by time. `market_intensity_g_per_kwh` is of electricity as it was bought, shown apart. `unmeasured` is what
    no sensor sees, as a share of the energy, shown apart. `hardware` is a file. `host_share` is the part of each host that the run held.
    """

    zone: str | None = None
    intensity_g_per_kwh: float | None = None
    series: tuple[Series, ...] = ()
    allow_suspect: bool = False
    pue: float | None = None
    wue_l_per_kwh: float | None = None
    market_intensity_g_per_kwh: float | None = None
    unmeasured: Estimate | None = None
    price_per_kwh: float | None = None
    prices: Series | None = None
    currency: str | None = None
    lifetime_years: float | None = None
    lifetime_utilization: float | None = None
    hardware: str | None = None
    host_share: float | None = None

    def over(self, zone: str | None, settings: Mapping[str, Any]) -> Terms:
        """These terms, and where they leave something open that of a run's zone and settings."""
        own_grid = self.zone is not None or self.intensity_g_per_kwh is not None or bool(self.series)
        return replace(
            self,
            zone=self.zone or zone,
            intensity_g_per_kwh=self.intensity_g_per_kwh if own_grid else settings.get("intensity_g_per_kwh"),
            pue=settings.get("pue") if self.pue is None else self.pue,
            hardware=self.hardware or settings.get("hardware"),
        )


def check(terms: Terms, *more: Rule) -> None:
    """Raises ConfigurationError for the first value that cannot be; `more` are rules beyond those of the terms."""
    highest = f"no grid is below 0 or above {INTENSITY.highest:,.0f} g/kWh"
    grams = "give grams of CO2e per kWh, as in 429 (kg/kWh × 1000)"
    share = "give a share of the components' energy such as 0.2, or the word typical"
    rules: tuple[Rule, ...] = (
        ("--intensity", terms.intensity_g_per_kwh, lambda v: 0 <= v <= INTENSITY.highest, highest, grams),
        ("--market-intensity", terms.market_intensity_g_per_kwh, lambda v: 0 <= v <= INTENSITY.highest, highest, grams),
        ("--pue", terms.pue, lambda v: v >= 1, "a site uses at least what its computers use", "give 1 or more, as in 1.1"),
        ("--pue", terms.pue, lambda v: v <= 10, "no site uses ten times what its computers use", "give 1 to 10, as in 1.1"),
        ("--wue", terms.wue_l_per_kwh, lambda v: v >= 0, "water is used, not made", "give litres per kWh, as in 0.3"),
        ("--unmeasured", terms.unmeasured and terms.unmeasured.central, lambda v: 0 <= v <= 5, "it is a share of the energy", share),
        (
            "--price",
            terms.price_per_kwh,
            lambda v: PRICE.lowest <= v <= PRICE.highest,
            f"a kWh costs from {PRICE.lowest:g} to {PRICE.highest:g} of any currency",
            "give the price of one kWh, as in 0.25",
        ),
        ("--lifetime-years", terms.lifetime_years, lambda v: v > 0, "hardware serves for some time", "give years above 0, as in 4"),
        (
            "--lifetime-utilization",
            terms.lifetime_utilization,
            lambda v: 0 < v <= 1,
            "it is the share of its life in which hardware is put to use",
            "give it above 0 and up to 1, as in 0.5 for 50 %",
        ),
        ("--host-share", terms.host_share, lambda v: 0 <= v <= 1, "it is a part of the host", "give it from 0 to 1, as in 0.25"),
    )
    for name, value, holds, reason, mend in more + rules:
        if value is not None and not (math.isfinite(value) and holds(value)):
            raise ConfigurationError(f"{name} {value:g}: {reason}; {mend}")
