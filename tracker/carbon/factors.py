"""The factors that depend on the place of a run and on the lifetime of hardware, each with its source, year and status."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from .accounting import Amortisations, Estimate
from .assumption import GIVEN, Assumption, FactorKind, FactorStatus, GridUse
from .tables.basis import Basis, on_basis
from .tables.zones import cloud_region, figure
from .terms import Terms

WU = "Wu et al. 2022, Sustainable AI, MLSys 2022, arXiv:2111.00364"


class Place(NamedTuple):
    """The factors that depend on the place of a run."""

    zone: str | None
    intensity_g_per_kwh: Estimate
    basis: Basis | None
    intensity: Assumption
    pue: Assumption
    water: Assumption | None


def place_of(terms: Terms) -> Place:
    """The user's own values, otherwise those of the zone. PUE and water are known for cloud regions only. Raises ConfigurationError.

    The user's own intensity has the basis that the user states, if any; if the other one is asked for, it is derived from that.
    """
    zone = terms.zone
    if terms.intensity_g_per_kwh is not None:
        named, stated = zone, terms.intensity_basis
        basis = None if stated is None else terms.wanted_basis
        grams = on_basis(terms.intensity_g_per_kwh, stated or terms.wanted_basis, terms.wanted_basis)
        factor = Assumption(
            FactorKind.GRID_INTENSITY, grams.central, "g/kWh", GIVEN, None, FactorStatus.GIVEN, grid=GridUse(zone=zone, basis=basis)
        )  # fmt: skip
        if basis is not stated:
            grid = GridUse(zone=zone, basis=basis, derived_from=stated)
            factor = replace(factor, status=FactorStatus.DERIVED, low=grams.low, high=grams.high, grid=grid)
    else:
        found = figure(zone, basis=terms.wanted_basis, allow_suspect=terms.allow_suspect)
        derived_from = None if found.published_basis is found.basis else found.published_basis
        named, grams = zone and found.zone, Estimate(found.intensity_g_per_kwh, found.low_g_per_kwh, found.high_g_per_kwh)
        basis = found.basis
        factor = Assumption(
            FactorKind.GRID_INTENSITY, grams.central, "g/kWh", found.source, found.year, found.status, grams.low, grams.high,
            grid=GridUse(found.name, named, found.basis, derived_from=derived_from),
        )  # fmt: skip
    overhead = Assumption(FactorKind.PUE, 1.0, "", "no PUE was given: none is applied, which is a lower bound", None, FactorStatus.ASSUMED)
    water = None
    if named is not None and ":" in named:
        region = cloud_region(named)
        source, year, status = region.pue_source, region.pue_year, region.pue_status or FactorStatus.ASSUMED
        if region.pue is not None:
            overhead = Assumption(FactorKind.PUE, region.pue, "", source, year, status, pue_kind=region.pue_kind)
        if region.wue_l_per_kwh is not None:
            water = Assumption(FactorKind.WATER, region.wue_l_per_kwh, "L/kWh", source, year, status)
    if terms.pue is not None:
        overhead = Assumption(FactorKind.PUE, terms.pue, "", GIVEN, None, FactorStatus.GIVEN)
    if terms.wue_l_per_kwh is not None:
        water = Assumption(FactorKind.WATER, terms.wue_l_per_kwh, "L/kWh", GIVEN, None, FactorStatus.GIVEN)
    return Place(named, grams, basis, factor, overhead, water)


def amortisation_factors(terms: Terms, used: Amortisations) -> list[Assumption]:
    """How the manufacture of hardware is spread over its lifetime: the user's own values, otherwise the defaults with their range."""

    def factor(kind: FactorKind, unit: str, given: float | None, values: tuple[float, float, float]) -> Assumption:
        if given is not None:
            return Assumption(kind, given, unit, GIVEN, None, FactorStatus.GIVEN)
        source = f"range: {WU}; central value: trainwatt's own within it"
        return Assumption(kind, values[0], unit, source, 2022, FactorStatus.ASSUMED, min(values), max(values))

    years, shares = zip(*used, strict=True)
    return [
        factor(FactorKind.LIFETIME, "years", terms.lifetime_years, years),
        factor(FactorKind.UTILISATION, "", terms.lifetime_utilization, shares),
    ]
