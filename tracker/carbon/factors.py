"""The factors that a footprint takes from its place and from the life of the hardware, each named with its source, year and status."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from ..errors import ConfigurationError
from .accounting import Amortisations, Assumption, Estimate
from .zones import cloud_region, figure

GIVEN = "given by the user"
HIGHEST_G_PER_KWH = 2000.0
Rule = tuple[str, float | None, Callable[[float], bool], str, str]
"""An option's name and value, what must hold of it, why, and the mend."""
WU = "Wu et al. 2022, Sustainable AI, MLSys 2022, arXiv:2111.00364"


class Place(NamedTuple):
    """What the place of a run says, each as it is named among the factors."""

    zone: str | None
    intensity_g_per_kwh: Estimate
    basis: str | None
    intensity: Assumption
    pue: Assumption
    water: Assumption | None


def place_of(zone: str | None, intensity: float | None, pue: float | None, on_basis: str | None = None) -> Place:
    """The user's own values first, then those of the zone; PUE and water are known of cloud regions only."""
    if intensity is not None:
        named, grams = zone, Estimate.exact(intensity)
        basis = None
        factor = Assumption("grid intensity", intensity, "g/kWh", GIVEN, None, "given")
    else:
        found = figure(zone, basis=on_basis)
        named, grams = zone and found.zone, Estimate(found.intensity_g_per_kwh, found.low_g_per_kwh, found.high_g_per_kwh)
        basis = found.basis
        name = f"grid intensity of {found.name}, {found.basis}"
        factor = Assumption(name, grams.central, "g/kWh", found.source, found.year, found.status, grams.low, grams.high)
    overhead = Assumption("PUE", 1.0, "", "no PUE was given: none is applied, which is a lower bound", None, "assumed")
    water = None
    if named is not None and ":" in named:
        region = cloud_region(named)
        overhead = Assumption(f"PUE, {region.pue_kind}", region.pue, "", region.pue_source, region.pue_year, region.pue_status)
        if region.wue_l_per_kwh is not None:
            water = Assumption("water", region.wue_l_per_kwh, "L/kWh", region.pue_source, region.pue_year, region.pue_status)
    if pue is not None:
        overhead = Assumption("PUE", pue, "", GIVEN, None, "given")
    return Place(named, grams, basis, factor, overhead, water)


def amortisation_factors(lifetime_years: float | None, utilisation: float | None, used: Amortisations) -> list[Assumption]:
    """How the hardware's making is spread over its life: the user's own values, else the defaults with their range."""

    def factor(name: str, unit: str, given: float | None, values: tuple[float, float, float]) -> Assumption:
        if given is not None:
            return Assumption(name, given, unit, GIVEN, None, "given")
        source = f"range: {WU}; central value: trainwatt's own within it"
        return Assumption(name, values[0], unit, source, 2022, "assumed", min(values), max(values))

    return [
        factor("lifetime of hardware", "years", lifetime_years, (used[0].lifetime_years, used[1].lifetime_years, used[2].lifetime_years)),
        factor("utilisation over its life", "", utilisation, (used[0].utilisation, used[1].utilisation, used[2].utilisation)),
    ]


def factor_rules(
    pue: float | None, intensity_g_per_kwh: float | None, lifetime_years: float | None, utilisation: float | None
) -> tuple[Rule, ...]:
    """What must hold of the factors that a user gives."""
    return (
        ("--pue", pue, lambda v: v >= 1, "a site uses at least what its computers use", "give 1 or more, as in 1.1"),
        (
            "--intensity",
            intensity_g_per_kwh,
            lambda v: 0 <= v <= HIGHEST_G_PER_KWH,
            f"no grid is below 0 or above {HIGHEST_G_PER_KWH:,.0f} g/kWh",
            "give grams of CO2e per kWh, as in 429 (kg/kWh × 1000)",
        ),
        ("--lifetime-years", lifetime_years, lambda v: v > 0, "hardware serves for some time", "give years above 0, as in 4"),
        (
            "--lifetime-utilization",
            utilisation,
            lambda v: 0 < v <= 1,
            "it is the share of its life in which hardware is put to use",
            "give it above 0 and up to 1, as in 0.5 for 50 %",
        ),
    )


def hold(rules: tuple[Rule, ...]) -> None:
    """Raises ConfigurationError for the first value of which its rule does not hold."""
    for name, value, holds, reason, mend in rules:
        if value is not None and not (math.isfinite(value) and holds(value)):
            raise ConfigurationError(f"{name} {value:g}: {reason}; {mend}")
