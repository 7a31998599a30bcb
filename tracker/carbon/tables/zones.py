"""The bundled tables of grid intensities per zone and of cloud regions.

A zone is text: an ISO country (`NA` is Namibia, `NO` Norway), a state or province (`US-CA`, `CA-QC`, `AU-NSW`), an eGRID subregion
(`CAMX`), an aggregate (`EU27`, `WORLD`), a cloud region (`aws:eu-north-1`) or a zone of Electricity Maps (`US-CAL-CISO`).

A figure is a year's average of a whole zone, but a run uses some hours at one place in it. Where both are published on one basis, the
difference is known: of Google's 15 cloud regions in a state, province or eGRID subregion of these tables, 12 have a figure within a factor
of 2 of the zone's figure, the others within 4. So `low` and `high` of a zone are half and double its figure (about 80 %), at most the
figure of the dirtiest country. A figure published for a cloud region leaves the hour and the year open: a factor of 1.5, a judgement. An
aggregate, a stand-in or an unnamed place may be any grid: they span the countries of the world.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from typing import NamedTuple

from ...errors import ConfigurationError
from ...machine.resources import folder_of, text_of
from ..assumption import FactorStatus
from ..series import require_same_basis as require_same_basis

DATA = folder_of(__package__, "data")
WORLD = "WORLD"
ZONE_FACTOR, REGION_FACTOR = 2.0, 1.5
KINDS = (
    *("country", "aggregate", "us_state", "egrid_subregion", "egrid_national", "ca_province", "au_state"),
    *("cloud_region", "electricity_maps", "territory", "alias"),
)
_PARENTS = {"us_state": "US", "egrid_subregion": "US", "egrid_national": "US", "ca_province": "CA", "au_state": "AU"}


class ZoneFigure(NamedTuple):
    """The emissions per kWh in a zone, as a yearly average, with the origin of the number.

    `basis` is "lifecycle" (with building the plants and bringing the fuel) or "direct" (the stack alone); `boundary` "generation",
    "consumption" (with trade) or "not stated". `status`: verified, cross-checked, secondary (one copy by another party), suspect, or
    assumed (no figure of that place). `note` says which figure stands in for another, and how low and high arise.
    """

    zone: str
    kind: str
    name: str
    intensity_g_per_kwh: float
    low_g_per_kwh: float
    high_g_per_kwh: float
    year: int
    basis: str
    boundary: str
    source: str
    licence: str
    status: FactorStatus
    note: str


class CloudRegion(NamedTuple):
    """A region of a cloud: its zone, PUE, litres of water per kWh of IT energy, and the grid intensity where the provider publishes it.

    `pue_kind` is region-reported, region-design (planned, not measured), fleet-default (the figure of the fleet, because the region has
    none) or another fleet-*; `pue_status` that figure's own. `cfe_percent` is Google's hourly share of carbon-free energy, a market-side
    figure.
    """

    name: str
    location: str
    zone: str | None
    pue: float
    pue_kind: str
    pue_year: int
    pue_source: str
    pue_status: FactorStatus
    wue_l_per_kwh: float | None
    intensity_g_per_kwh: float | None
    intensity_year: int | None
    basis: str | None
    intensity_source: str | None
    intensity_status: FactorStatus | None
    cfe_percent: float | None
    licence: str


class Listed(NamedTuple):
    """One zone that can be named."""

    zone: str
    kind: str
    name: str


def figure(zone: str | None, *, basis: str | None = None, allow_suspect: bool = False) -> ZoneFigure:
    """The figure of a zone; if `zone` is None, that of the world, labelled `assumed`.

    With `basis`, the nearest figure on that basis: the zone's own, its country's, or the mean of what clouds publish for their regions
    there. Raises ConfigurationError for an unknown zone, for a suspect figure without `allow_suspect`, and if no figure on that basis
    exists.
    """
    found = _world() if zone is None else _figure(_known(zone))
    if basis is not None and found.basis != basis:
        found = _on_basis(found, basis)
    if found.status is FactorStatus.SUSPECT and not allow_suspect:
        raise ConfigurationError(
            f"zone={zone!r}: the only figure of {found.name} ({found.intensity_g_per_kwh:g} g/kWh, {found.year}, {found.source}) is"
            " suspect; give an intensity of your own, or allow it with --allow-suspect"
        )
    return found


def cloud_region(name: str) -> CloudRegion:
    """The region `aws:eu-north-1`, also by one of its zones (`gcp:us-central1-a`); `aws` alone is the fleet. Raises ConfigurationError."""
    wanted = name.strip().lower()
    wanted = wanted if ":" in wanted else f"{wanted}:*"
    for key in (wanted, wanted[:-1] if wanted[-2:-1].isdigit() else wanted, wanted[:-2] if wanted[-2:-1] == "-" else wanted):
        if key in _regions():
            return _regions()[key]
    raise ConfigurationError(f"{name!r} is not a known cloud region{_near(name)}; `trainwatt zones --kind cloud_region` lists them")


def listed() -> Iterator[Listed]:
    """Every zone that `figure` accepts."""
    for row in _rows().values():
        yield Listed(row["zone"], row["kind"], row["name"])
    for region in _regions().values():
        if region.zone is not None:
            yield Listed(region.name, "cloud_region", region.location)
    for row in _aliases().values():
        yield Listed(row["code"], row["kind"], row["name"])


def provider_zone(zone: str) -> str:
    """The zone for a live provider: the place of a cloud region, the ISO form of an alias, any other zone unchanged."""
    known = _known(zone)
    if known in _regions():
        return _regions()[known].zone or known
    row = _aliases().get(known)
    return row["zone"] if row and row["kind"] == "alias" else known


def country_of(zone: str) -> str | None:
    """The country of a zone; None for aggregates and territories without a figure."""
    known = _known(zone)
    place = _regions()[known].zone if known in _regions() else _aliases()[known]["zone"] if known in _aliases() else known
    row = _rows().get(place or "")
    if row is None:
        return None
    return row["zone"] if row["kind"] == "country" else _PARENTS.get(row["kind"])


def _known(zone: str) -> str:
    """The zone in the spelling of the tables. Raises ConfigurationError."""
    text = zone.strip()
    if ":" in text:
        region = cloud_region(text)
        if region.zone is not None:
            return region.name
        raise ConfigurationError(f"zone={zone!r} is the whole fleet, not a place: name a region, as in {text.split(':')[0]}:…{_near(text)}")
    for table in (_rows(), _aliases()):
        if text.upper() in table:
            return text.upper()
    raise ConfigurationError(
        f"zone={zone!r} is not known{_near(zone)}; give an ISO country (FR), a state (US-CA, CA-QC, AU-NSW), an eGRID subregion (CAMX) or"
        " a cloud region (aws:eu-north-1); `trainwatt zones` lists them"
    )


def _near(text: str) -> str:
    """ " (did you mean DE (Germany)?)" for similar names; "" if there are none."""
    import difflib

    wanted = text.strip().lower()
    by_text: dict[str, Listed] = {}
    for zone in listed():
        by_text.setdefault(zone.zone.lower(), zone)
        by_text.setdefault(zone.name.lower(), zone)
    by_text.pop("", None)
    exact = [wanted] if wanted in by_text else []
    close = [*exact, *difflib.get_close_matches(wanted, by_text, n=3, cutoff=0.6), *(k for k in by_text if len(wanted) > 3 and wanted in k)]
    names = list(dict.fromkeys(f"{by_text[key].zone} ({by_text[key].name})".removesuffix(" ()") for key in close))[:4]
    return f" (did you mean {', '.join(names)}?)" if names and wanted else ""


def _figure(zone: str) -> ZoneFigure:
    if zone in _regions():
        return _of_region(_regions()[zone])
    row = _rows().get(zone)
    if row is None:
        alias = _aliases()[zone]
        return _through(alias, _figure(alias["zone"]))
    value, kind = float(row["intensity_g_per_kwh"]), row["kind"]
    cleanest, dirtiest = _span()
    status = FactorStatus(row["status"])
    if kind == "aggregate" or status is FactorStatus.SUSPECT:
        low, high, why = min(value, cleanest), max(value, dirtiest), "low and high: the cleanest and the dirtiest country of the world"
    else:
        low, high = value / ZONE_FACTOR, min(value * ZONE_FACTOR, max(value, dirtiest))
        why = "a year's average of the whole zone; low and high: half and double of it, for the hours and the place of one run"
    source = _sources()[row["source"]]
    year, basis, boundary = int(row["year"]), row["basis"], row["boundary"]
    return ZoneFigure(zone, kind, row["name"], value, low, high, year, basis, boundary, source, row["licence"], status, why)


def _of_region(region: CloudRegion) -> ZoneFigure:
    if region.intensity_g_per_kwh is None:
        place = _figure(region.zone or WORLD)
        note = f"the figure of {place.zone} ({place.name}), where the region lies; {place.note}"
        return place._replace(zone=region.name, kind="cloud_region", name=region.location or region.name, note=note)
    value = region.intensity_g_per_kwh
    return ZoneFigure(
        region.name, "cloud_region", region.location or region.name,
        value, value / REGION_FACTOR, min(value * REGION_FACTOR, max(value, _span()[1])),
        region.intensity_year or 0, region.basis or "", "not stated", region.intensity_source or "", region.licence,
        region.intensity_status or FactorStatus.ASSUMED,
        "published for the region; low and high: a factor of 1.5, a judgement, for the hours and the year of one run",
    )  # fmt: skip


def _through(alias: dict[str, str], place: ZoneFigure) -> ZoneFigure:
    """The figure of another zone under the requested name, labelled if it only stands in."""
    code, name = alias["code"], alias["name"]
    if alias["kind"] == "alias":
        return place
    if alias["kind"] == "territory":
        note = f"no figure of {name} itself is known: that of {place.name} is used; {place.note}"
        return place._replace(zone=code, kind="territory", name=name, status=FactorStatus.ASSUMED, note=note)
    return place._replace(zone=code, kind=alias["kind"], name=name, note=f"the figure of {place.zone} ({place.name}); {place.note}")


def _world() -> ZoneFigure:
    world = _figure(WORLD)
    return world._replace(status=FactorStatus.ASSUMED, note=f"no zone was given: the world's average; {world.note}")


def _on_basis(found: ZoneFigure, basis: str) -> ZoneFigure:
    country = country_of(found.zone)
    place = _regions()[found.zone].zone if found.zone in _regions() else found.zone
    for code in dict.fromkeys(c for c in (place, country) if c):
        other = _figure(code)
        if other.basis == basis:
            return other._replace(note=f"the {basis} figure of {other.zone} for {found.zone}; {other.note}")
    if country == "US" and basis == "direct":
        return _figure("US-EGRID")
    published = [_of_region(r) for r in _regions().values() if r.basis == basis and r.zone in (place, country)]
    if not published:
        raise ConfigurationError(
            f"zone={found.zone!r} has no {basis} figure, only {found.basis}; give an intensity of your own on that basis"
        )
    mean = sum(f.intensity_g_per_kwh for f in published) / len(published)
    return published[0]._replace(
        zone=found.zone, kind=found.kind, name=found.name, intensity_g_per_kwh=mean, low_g_per_kwh=min(f.low_g_per_kwh for f in published),
        high_g_per_kwh=max(f.high_g_per_kwh for f in published), status=FactorStatus.ASSUMED,
        note=f"mean of what is published for {', '.join(f.zone for f in published)}, because the zone has no {basis} figure",
    )  # fmt: skip


def _table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text_of(DATA / name).splitlines()))


@functools.cache
def _rows() -> dict[str, dict[str, str]]:
    return {row["zone"]: row for row in _table("grid_intensity.csv")}


@functools.cache
def _aliases() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in _table("aliases.csv")}


@functools.cache
def _sources() -> dict[str, str]:
    return {row["key"]: row["source"] for row in _table("sources.csv")}


@functools.cache
def _regions() -> dict[str, CloudRegion]:
    def number(text: str) -> float | None:
        return float(text) if text else None

    return {
        f"{r['provider']}:{r['region']}": CloudRegion(
            f"{r['provider']}:{r['region']}", r["location"], r["zone"] or None, float(r["pue"]), r["pue_kind"], int(r["pue_year"]),
            _sources()[r["pue_source"]], FactorStatus(r["pue_status"]), number(r["wue_l_per_kwh"]), number(r["intensity_g_per_kwh"]),
            int(r["intensity_year"]) if r["intensity_year"] else None, r["basis"] or None,
            _sources()[r["intensity_source"]] if r["intensity_source"] else None,
            FactorStatus(r["intensity_status"]) if r["intensity_status"] else None, number(r["cfe_percent"]), r["licence"],
        )
        for r in _table("cloud_regions.csv")
    }  # fmt: skip


@functools.cache
def _span() -> tuple[float, float]:
    """The cleanest and the dirtiest country with a figure that is not suspect."""
    values = [float(r["intensity_g_per_kwh"]) for r in _rows().values() if r["kind"] == "country" and r["status"] != FactorStatus.SUSPECT]
    return min(values), max(values)
