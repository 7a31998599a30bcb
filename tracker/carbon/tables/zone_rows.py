"""The rows of the bundled tables of zones and cloud regions, as they are in the files."""

from __future__ import annotations

import csv
import functools
import statistics
from typing import NamedTuple

from ...machine.resources import folder_of, text_of
from ..assumption import FactorStatus
from .basis import Basis
from .spread import Kinship

DATA = folder_of(__package__, "data")
WORLD = "WORLD"
PARENTS = {"us_state": "US", "egrid_subregion": "US", "egrid_national": "US", "ca_province": "CA", "au_state": "AU", "cn_province": "CN"}
SMALL_ISLANDS = (
    *("AG", "AS", "AW", "BB", "BM", "BS", "CK", "CV", "DM", "GD", "GP", "GU", "KI", "KM", "KN", "KY", "LC", "MQ", "MS", "MV", "NR"),
    *("PM", "SC", "ST", "TO", "VC", "VG", "VI", "WS"),
)
"""Islands and groups of islands with a grid of their own: how an island without a figure is likely to make its electricity."""


class ZoneRow(NamedTuple):
    """A zone with a published figure."""

    zone: str
    kind: str
    name: str
    g_per_kwh: float
    year: int
    basis: Basis
    boundary: str
    status: FactorStatus
    source: str
    licence: str


class AliasRow(NamedTuple):
    """A place without a figure of its own, and the zone whose figure is used for it. `grid` says how the two are related."""

    code: str
    kind: str
    name: str
    zone: str
    grid: Kinship


class CloudRegion(NamedTuple):
    """A region of a cloud: its zone, PUE, litres of water per kWh of IT energy, and the grid intensity where the provider publishes it.

    `place_source` says where the region and its place are published; None for a fleet, which is no place. In the United States the zone is
    the eGRID subregion, so that regions of all clouds in one state have one zone; it is the state where the place in it is not published
    and it lies in several subregions without most of it in one (New York, Nevada, Pennsylvania, Indiana).
    `pue_kind` is fleet-default (the figure of the fleet, because the region has none), region-reported, or another fleet-*; `pue_status`
    that figure's own. `pue` is None if none is known. `cfe_percent` is Google's hourly share of carbon-free energy, a market-side figure.
    """

    name: str
    location: str
    zone: str | None
    place_source: str | None
    pue: float | None
    pue_kind: str
    pue_year: int | None
    pue_source: str
    pue_status: FactorStatus | None
    wue_l_per_kwh: float | None
    intensity_g_per_kwh: float | None
    intensity_year: int | None
    basis: Basis | None
    intensity_source: str | None
    intensity_status: FactorStatus | None
    cfe_percent: float | None
    licence: str


@functools.cache
def zone_rows() -> dict[str, ZoneRow]:
    """By zone."""
    sources = _sources()
    return {
        r["zone"]: ZoneRow(
            r["zone"], r["kind"], r["name"], float(r["intensity_g_per_kwh"]), int(r["year"]), Basis(r["basis"]), r["boundary"],
            FactorStatus(r["status"]), sources[r["source"]], r["licence"],
        )
        for r in _table("grid_intensity.csv")
    }  # fmt: skip


@functools.cache
def alias_rows() -> dict[str, AliasRow]:
    """By code."""
    return {r["code"]: AliasRow(r["code"], r["kind"], r["name"], r["zone"], Kinship(r["grid"] or "same")) for r in _table("aliases.csv")}


@functools.cache
def cloud_regions() -> dict[str, CloudRegion]:
    """By name, `aws:eu-north-1`."""
    sources = _sources()

    def number(text: str) -> float | None:
        return float(text) if text else None

    return {
        f"{r['provider']}:{r['region']}": CloudRegion(
            f"{r['provider']}:{r['region']}", r["location"], r["zone"] or None,
            sources[r["region_source"]] if r["region_source"] else None, number(r["pue"]), r["pue_kind"],
            int(r["pue_year"]) if r["pue_year"] else None, sources[r["pue_source"]],
            FactorStatus(r["pue_status"]) if r["pue_status"] else None, number(r["wue_l_per_kwh"]), number(r["intensity_g_per_kwh"]),
            int(r["intensity_year"]) if r["intensity_year"] else None, Basis(r["basis"]) if r["basis"] else None,
            sources[r["intensity_source"]] if r["intensity_source"] else None,
            FactorStatus(r["intensity_status"]) if r["intensity_status"] else None, number(r["cfe_percent"]), r["licence"],
        )
        for r in _table("cloud_regions.csv")
    }  # fmt: skip


@functools.cache
def names() -> list[dict[str, str]]:
    """Codes with their ISO alpha-3 code and their names, separated by "|": in English, in the official languages, and others in use."""
    return _table("names.csv")


@functools.cache
def span() -> tuple[float, float]:
    """The life-cycle figures of the cleanest and the dirtiest country whose figure is not suspect."""
    values = [r.g_per_kwh for r in zone_rows().values() if r.kind == "country" and r.status is not FactorStatus.SUSPECT]
    return min(values), max(values)


@functools.cache
def island_g_per_kwh() -> float:
    """The median of small islands, life-cycle."""
    return statistics.median(zone_rows()[code].g_per_kwh for code in SMALL_ISLANDS)


def _table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text_of(DATA / name).splitlines()))


@functools.cache
def _sources() -> dict[str, str]:
    return {row["key"]: row["source"] for row in _table("sources.csv")}
