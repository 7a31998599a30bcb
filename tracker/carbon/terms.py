"""PURE: the inputs of a footprint that the user can choose, and their checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ConfigurationError
from .accounting import Estimate
from .series import INTENSITY, PRICE, Series
from .tables.basis import Basis, basis_named

TYPICAL_UNMEASURED = Estimate(0.25, 0.10, 0.50)
"""The unmeasured energy as a share of the components' energy: fans use 5 to 15 % of a server and power supplies lose 4 to 10 % (80 PLUS
Titanium to Gold at half load), disks and network use a little; the rating of a DGX H100 (10.2 kW) allows more. A judgement, with a wide
range."""

SAVED = ("wue_l_per_kwh", "market_intensity_g_per_kwh", "price_per_kwh", "currency", "lifetime_years", "lifetime_utilization")
"""Terms that only the run of an estimate has in its settings: it was given with them."""

Rule = tuple[str, float | None, Callable[[float], bool], str, str]
"""An option's name and value, the condition that it must meet, the reason, and the remedy."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The inputs of a footprint. None is the default: the zone that the run recorded, no PUE, the lifetimes of Wu et al.

    `series` and `prices` are values over time. `market_intensity_g_per_kwh` belongs to the electricity as it was bought; `unmeasured` is
    the energy that no sensor measures, as a share. Both are shown separately. `hardware` is a file. `host_share` is the share of each host.
    `basis` is what the user asks for by name, else that in the settings of the run; life-cycle is used otherwise. `intensity_basis` is that
    of the user's own intensity, if the user states it.
    """

    zone: str | None = None
    basis: Basis | None = None
    intensity_g_per_kwh: float | None = None
    intensity_basis: Basis | None = None
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

    @property
    def wanted_basis(self) -> Basis:
        """The basis of all grams of electricity."""
        return self.basis or Basis.LIFECYCLE

    def over(self, zone: str | None, settings: Mapping[str, Any]) -> Terms:
        """These terms; what they leave open comes from the zone and settings of a run."""
        own_grid = self.zone is not None or self.intensity_g_per_kwh is not None or bool(self.series)
        recorded = basis_named(settings.get("basis") or "")
        return replace(
            self,
            zone=self.zone or zone,
            basis=self.basis or recorded,
            intensity_g_per_kwh=self.intensity_g_per_kwh if own_grid else settings.get("intensity_g_per_kwh"),
            intensity_basis=self.intensity_basis if own_grid else recorded,
            pue=settings.get("pue") if self.pue is None else self.pue,
            hardware=self.hardware or settings.get("hardware"),
        )._with_saved(settings)

    def _with_saved(self, settings: Mapping[str, Any]) -> Terms:
        known: dict[str, Any] = {name: settings[name] for name in SAVED if getattr(self, name) is None and name in settings}
        return replace(self, **known)

    def saved(self) -> dict[str, Any]:
        """What `over` takes from the settings of a run, for the run of an estimate."""
        found = {"basis": self.basis, "intensity_g_per_kwh": self.intensity_g_per_kwh, "pue": self.pue, "hardware": self.hardware}
        return {**found, **{name: getattr(self, name) for name in SAVED if getattr(self, name) is not None}}


LIKELY_G_PER_KWH = (1.5, 1500.0)
"""Intensities outside of this range are allowed, and questioned. The lowest published one in the bundled tables is 1.9 (Quebec, direct:
ECCC 3.0, 2023), the highest 1,306 (Turkmenistan: Ember, 2023). A figure in kg/kWh is below the range."""
_KG_PER_LB = 0.45359237  # exact, by the international agreement of 1959; lb/MWh is the unit of the US EPA's eGRID


def intensity_question(name: str, g_per_kwh: float) -> str | None:
    """The question about an intensity that is hard to believe, in words; None if it is plausible. `name` is that of the option or setting.

    0 is plausible: a site with its own wind or solar power has no direct emissions.
    """
    lowest, highest = LIKELY_G_PER_KWH
    if 0 < g_per_kwh < lowest:
        meant = f"if it is in kg/kWh, give {g_per_kwh * 1000:g}"
        return f"{name} {g_per_kwh:g}: that is {g_per_kwh:g} grams of CO2e per kWh, less than any grid emits; {meant}"
    if g_per_kwh > highest:
        meant = f"if it is in lb/MWh, give {g_per_kwh * _KG_PER_LB:.0f}"
        return f"{name} {g_per_kwh:g}: that is {g_per_kwh:g} grams of CO2e per kWh, more than any grid emits; {meant}"
    return None


def questions(terms: Terms) -> list[str]:
    """A question about each intensity of the user that is hard to believe. For a series, its highest value decides."""
    given = [("--intensity", terms.intensity_g_per_kwh), ("--market-intensity", terms.market_intensity_g_per_kwh)]
    given += [(f"the highest value of {s.source},", max(slot.value for slot in s.slots)) for s in terms.series if s.slots]
    asked = [intensity_question(name, value) for name, value in given if value is not None]
    return [text for text in asked if text is not None]


def check(terms: Terms, *more: Rule) -> None:
    """Raises ConfigurationError for the first impossible value, by its option; `more` are additional rules."""
    if (rule := broken(terms, *more)) is not None:
        name, value, _, reason, mend = rule
        raise ConfigurationError(f"{name} {value:g}: {reason}; {mend}")


def broken(terms: Terms, *more: Rule) -> Rule | None:
    """The rule that the first impossible value breaks, with the name of its option; None if there is none."""
    highest = f"no grid is below 0 or above {INTENSITY.highest:,.0f} g/kWh"
    grams = "give grams of CO2e per kWh, as in 429 (kg/kWh × 1000)"
    share = "give a share of the components' energy such as 0.2, or the word typical"
    rules: tuple[Rule, ...] = (
        ("--intensity", terms.intensity_g_per_kwh, lambda v: 0 <= v <= INTENSITY.highest, highest, grams),
        ("--market-intensity", terms.market_intensity_g_per_kwh, lambda v: 0 <= v <= INTENSITY.highest, highest, grams),
        ("--pue", terms.pue, lambda v: v >= 1, "a site uses at least what its computers use", "give 1 or more, as in 1.1"),
        ("--pue", terms.pue, lambda v: v <= 10, "no site uses ten times what its computers use", "give 1 to 10, as in 1.1"),
        ("--wue", terms.wue_l_per_kwh, lambda v: v >= 0, "water use cannot be negative", "give litres per kWh, as in 0.3"),
        ("--unmeasured", terms.unmeasured and terms.unmeasured.central, lambda v: 0 <= v <= 5, "it is a share of the energy", share),
        (
            "--price",
            terms.price_per_kwh,
            lambda v: PRICE.lowest <= v <= PRICE.highest,
            f"a kWh costs from {PRICE.lowest:g} to {PRICE.highest:g} of any currency",
            "give the price of one kWh, as in 0.25",
        ),
        ("--lifetime-years", terms.lifetime_years, lambda v: v > 0, "hardware has a lifetime", "give years above 0, as in 4"),
        (
            "--lifetime-utilization",
            terms.lifetime_utilization,
            lambda v: 0 < v <= 1,
            "it is the share of its lifetime in which the hardware is used",
            "give it above 0 and up to 1, as in 0.5 for 50 %",
        ),
        ("--host-share", terms.host_share, lambda v: 0 <= v <= 1, "it is a share of the host", "give it from 0 to 1, as in 0.25"),
    )
    return next((r for r in more + rules if r[1] is not None and not (math.isfinite(r[1]) and r[2](r[1]))), None)
