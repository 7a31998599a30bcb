"""The emissions per kWh of a zone, from the bundled tables.

A zone is text: an ISO country (`NA` is Namibia, `NO` Norway), a state or province (`US-CA`, `CA-QC`, `AU-NSW`), an eGRID subregion
(`CAMX`), an aggregate (`EU27`, `WORLD`), a cloud region (`aws:eu-north-1`) or a zone of Electricity Maps (`US-CAL-CISO`).

Every figure is on one basis, life-cycle unless direct is asked for. Where only the other one is published, the figure is derived from it
(basis.py). How wide the range is depends on how the place is related to the one whose figure is used (spread.py). An aggregate, a stand-in
or an unnamed place may be any grid: they span the countries of the world.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ...errors import ConfigurationError
from ..accounting import Estimate
from ..assumption import FactorStatus
from .basis import SOURCE, Basis, direct_of, on_basis
from .spread import DERIVED, DIRECT, OWN, PART, REGION, Kinship
from .zone_names import Listed as Listed
from .zone_names import cloud_region as cloud_region
from .zone_names import known as known
from .zone_names import listed as listed
from .zone_rows import (
    PARENTS,
    WORLD,
    AliasRow,
    ZoneRow,
    alias_rows,
    cloud_regions,
    island_g_per_kwh,
    span,
    zone_rows,
)
from .zone_rows import CloudRegion as CloudRegion

KINDS = (
    *("country", "aggregate", "us_state", "egrid_subregion", "egrid_national", "ca_province", "au_state", "cn_province"),
    *("cloud_region", "electricity_maps", "subdivision", "territory", "alias"),
)
STALE_YEARS = 2
"""A figure of a year longer ago is old: grids change by some percent a year."""
_DIRECT_TWIN = {"US": "US-EGRID"}
"""Zones that publish a direct figure under another code."""


class ZoneFigure(NamedTuple):
    """The emissions per kWh in a zone, as a yearly average, with the origin of the number.

    `basis` is that of the three figures; `published_g_per_kwh` and `published_basis` are what the source has. `boundary` is "generation",
    "consumption" (with trade) or "not stated". `status`: verified, cross-checked, secondary (one copy by another party), derived (from a
    figure on the other basis), suspect, or assumed (no figure of that place). `note` says which figure stands in for another, and how low
    and high arise.
    """

    zone: str
    kind: str
    name: str
    intensity_g_per_kwh: float
    low_g_per_kwh: float
    high_g_per_kwh: float
    year: int
    basis: Basis
    boundary: str
    source: str
    licence: str
    status: FactorStatus
    note: str
    published_g_per_kwh: float
    published_basis: Basis


def figure(zone: str | None, *, basis: Basis = Basis.LIFECYCLE, allow_suspect: bool = False, named: str | None = None) -> ZoneFigure:
    """The figure of a zone; if `zone` is None, that of the world, labelled `assumed`. `named`: how errors name what the user wrote.

    Raises ConfigurationError for an unknown zone, and for a suspect figure without `allow_suspect`.
    """
    found = _world(basis) if zone is None else _figure(known(zone, named), basis)
    if found.status is FactorStatus.SUSPECT and not allow_suspect:
        named = named or f"zone={zone!r}"
        raise ConfigurationError(
            f"{named}: the only figure of {found.name} ({found.published_g_per_kwh:g} g/kWh, {found.year}, {found.source}) is"
            " suspect; give an intensity of your own, or allow it with --allow-suspect"
        )
    return found


def stale(zones: Iterable[Listed], this_year: int) -> list[Listed]:
    """Those whose figure is of a year more than STALE_YEARS ago."""
    return [zone for zone in zones if figure(zone.zone, allow_suspect=True).year < this_year - STALE_YEARS]


def provider_zone(zone: str) -> str:
    """The zone for a live provider: the place of a cloud region, the ISO form of an alias, any other zone unchanged."""
    code = known(zone)
    if code in cloud_regions():
        return cloud_regions()[code].zone or code
    row = alias_rows().get(code)
    return row.zone if row and row.kind == "alias" else code


def country_of(zone: str) -> str | None:
    """The country of a zone; None for aggregates and territories without a figure."""
    place = known(zone)
    if place in cloud_regions():
        place = cloud_regions()[place].zone or ""
    while place in alias_rows():
        place = alias_rows()[place].zone
    row = zone_rows().get(place)
    if row is None:
        return None
    return row.zone if row.kind == "country" else PARENTS.get(row.kind)


def _figure(code: str, basis: Basis) -> ZoneFigure:
    if code in cloud_regions():
        return _of_region(cloud_regions()[code], basis)
    alias = alias_rows().get(code)
    return _of_row(zone_rows()[code], basis) if alias is None else _of_alias(alias, basis)


def _of_row(row: ZoneRow, basis: Basis) -> ZoneFigure:
    if row.basis is not basis and basis is Basis.DIRECT:
        if row.zone in _DIRECT_TWIN:
            return _of_row(zone_rows()[_DIRECT_TWIN[row.zone]], basis)
        if (published := _published_there(row)) is not None:
            return published
    figure = on_basis(row.g_per_kwh, row.basis, basis)
    cleanest, dirtiest = _span(basis)
    if row.kind == "aggregate" or row.status is FactorStatus.SUSPECT:
        ranged = Estimate(figure.central, min(figure.low, cleanest), max(figure.high, dirtiest))
        why = "low and high: the cleanest and the dirtiest country of the world"
    else:
        spread = DERIVED if row.basis is not basis else OWN if basis is Basis.LIFECYCLE else DIRECT
        ranged, why = spread.around(figure, dirtiest), f"low and high: {spread.words}"
    status = FactorStatus.DERIVED if row.basis is not basis and row.status is not FactorStatus.SUSPECT else row.status
    return ZoneFigure(
        row.zone, row.kind, row.name, *ranged, row.year, basis, row.boundary, row.source, row.licence, status,
        f"a year's average of the whole zone; {_derivation(row.g_per_kwh, row.basis, basis)}{why}", row.g_per_kwh, row.basis,
    )  # fmt: skip


def _of_region(region: CloudRegion, basis: Basis) -> ZoneFigure:
    name, value, known_basis = region.location or region.name, region.intensity_g_per_kwh, region.basis
    if value is None or known_basis is None:
        place = _figure(region.zone or WORLD, basis)
        note = f"the figure of {place.zone} ({place.name}), where the region lies; {place.note}"
        return place._replace(zone=region.name, kind="cloud_region", name=name, note=note)
    figure = on_basis(value, known_basis, basis)
    published = region.intensity_status or FactorStatus.ASSUMED
    return ZoneFigure(
        region.name, "cloud_region", name, *REGION.around(figure, _span(basis)[1]), region.intensity_year or 0, basis, "not stated",
        region.intensity_source or "", region.licence, published if known_basis is basis else FactorStatus.DERIVED,
        f"published for the region; {_derivation(value, known_basis, basis)}low and high: {REGION.words}", value, known_basis,
    )  # fmt: skip


def _of_alias(alias: AliasRow, basis: Basis) -> ZoneFigure:
    """The figure of another zone under the requested name. Unless both are one grid, it only stands in: `assumed`, with a wide range."""
    place = _figure(alias.zone, basis)
    if alias.kind == "alias":
        return place
    if alias.kind == "territory":
        note = f"no figure of {alias.name} itself is known: that of {place.name} is used; {place.note}"
        return place._replace(zone=alias.code, kind="territory", name=alias.name, status=FactorStatus.ASSUMED, note=note)
    named = place._replace(zone=alias.code, kind=alias.kind, name=alias.name)
    if alias.grid is Kinship.SAME:
        return named._replace(note=f"the figure of {place.zone} ({place.name}); {place.note}")
    own = on_basis(place.published_g_per_kwh, place.published_basis, basis)
    dirtiest = _span(basis)[1]
    if alias.grid is Kinship.PART:
        ranged, why = PART.around(own, dirtiest), f"that of {place.zone} ({place.name}) is used; low and high: {PART.words}"
    else:
        central = on_basis(island_g_per_kwh(), Basis.LIFECYCLE, basis).central
        ranged = Estimate(central, min(central, place.low_g_per_kwh), max(central, dirtiest))
        why = (
            f"the median of small islands is used, because {alias.name} is hardly connected with {place.name}; low: as {place.zone}, high:"
            " the dirtiest country of the world"
        )
    return named._replace(
        intensity_g_per_kwh=ranged.central, low_g_per_kwh=ranged.low, high_g_per_kwh=ranged.high, status=FactorStatus.ASSUMED,
        note=f"no figure of {alias.name} itself is known: {why}",
    )  # fmt: skip


def _world(basis: Basis) -> ZoneFigure:
    world = _figure(WORLD, basis)
    return world._replace(status=FactorStatus.ASSUMED, note=f"no zone was given: the world's average; {world.note}")


def _published_there(row: ZoneRow) -> ZoneFigure | None:
    """The mean of the direct figures that clouds publish for their regions in a country; None if there are none."""
    published = [_of_region(r, Basis.DIRECT) for r in cloud_regions().values() if r.basis is Basis.DIRECT and r.zone == row.zone]
    if not published or row.kind != "country":
        return None
    mean = sum(f.intensity_g_per_kwh for f in published) / len(published)
    return published[0]._replace(
        zone=row.zone, kind=row.kind, name=row.name, intensity_g_per_kwh=mean, low_g_per_kwh=min(f.low_g_per_kwh for f in published),
        high_g_per_kwh=max(f.high_g_per_kwh for f in published), status=FactorStatus.ASSUMED, published_g_per_kwh=mean,
        note=f"mean of what is published for {', '.join(f.zone for f in published)}, because the zone has no direct figure",
    )  # fmt: skip


def _derivation(g_per_kwh: float, published: Basis, wanted: Basis) -> str:
    """ "derived from 2.73 g/kWh direct, for any mix of plants (IPCC …); " where it was; else "" """
    if published is wanted:
        return ""
    return f"derived from {g_per_kwh:g} g/kWh {published}, for any mix of fuels ({SOURCE}); "


def _span(basis: Basis) -> tuple[float, float]:
    cleanest, dirtiest = span()
    return (cleanest, dirtiest) if basis is Basis.LIFECYCLE else (direct_of(cleanest).low, direct_of(dirtiest).high)
