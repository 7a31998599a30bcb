"""The tables of grids and clouds: every figure has its year, basis, source and status, and no place is mistaken for another."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.fakes.world import HANGS_S, ROOT
from trainwatt.carbon.tables.zones import DATA, KINDS, cloud_region, country_of, figure, listed, provider_zone, require_same_basis
from trainwatt.errors import ConfigurationError


@pytest.mark.parametrize(
    ("zone", "name", "g", "basis", "kind"),
    [
        ("NA", "Namibia", 47.6, "lifecycle", "country"),
        ("NO", "Norway", 30.8, "lifecycle", "country"),
        ("no", "Norway", 30.8, "lifecycle", "country"),
        (" fr ", "France", 44.2, "lifecycle", "country"),
        ("US", "United States", 383.6, "lifecycle", "country"),
        ("US-EGRID", "United States (eGRID)", 349.7, "direct", "egrid_national"),
        ("US-CA", "California", 179.1, "direct", "us_state"),
        ("CAMX", "WECC California", 195.0, "direct", "egrid_subregion"),
        ("CA-QC", "Quebec", 1.9, "direct", "ca_province"),
        ("AU-NSW", "New South Wales", 640.0, "direct", "au_state"),
        ("EU27", "EU", 213.0, "lifecycle", "aggregate"),
        ("gcp:us-west1", "Oregon", 79.23, "direct", "cloud_region"),
        ("aws:eu-north-1", "Europe (Stockholm)", 35.9, "lifecycle", "cloud_region"),
        ("AWS:EU-North-1", "Europe (Stockholm)", 35.9, "lifecycle", "cloud_region"),
        ("US-CAL-CISO", "California ISO", 195.0, "direct", "electricity_maps"),
        ("NO-NO1", "Norway 1", 30.8, "lifecycle", "electricity_maps"),
        ("US-CAL-BANC", "Balancing Authority of Northern California", 195.0, "direct", "electricity_maps"),
        ("US-MIDA-PJM", "PJM Interconnection", 349.7, "direct", "electricity_maps"),
        ("AU-ACT", "New South Wales", 640.0, "direct", "au_state"),
    ],
)
def test_a_zone_has_its_figure(zone: str, name: str, g: float, basis: str, kind: str) -> None:
    found = figure(zone)
    assert (found.name, found.intensity_g_per_kwh, found.basis, found.kind) == (name, g, basis, kind)
    assert 2020 <= found.year <= 2025
    assert found.source
    assert found.licence
    assert found.status in ("verified", "cross-checked", "secondary")
    assert found.low_g_per_kwh < g < found.high_g_per_kwh


def test_every_zone_that_is_listed_has_a_figure_with_all_that_is_known_of_it() -> None:
    zones = list(listed())
    assert len(zones) > 500
    assert len({z.zone for z in zones}) == len(zones)
    assert {z.kind for z in zones} == set(KINDS)
    for zone in zones:
        found = figure(zone.zone, allow_suspect=True)
        assert 0 <= found.low_g_per_kwh <= found.intensity_g_per_kwh <= found.high_g_per_kwh < 2000, zone
        assert found.basis in ("lifecycle", "direct"), zone
        assert found.source, zone
        assert found.note, zone
        assert found.year > 2000, zone


def test_no_row_of_the_tables_was_lost_or_read_as_something_else() -> None:
    rows = list(csv.DictReader((DATA / "grid_intensity.csv").read_text(encoding="utf-8").splitlines()))
    keys = {row["key"] for row in csv.DictReader((DATA / "sources.csv").read_text(encoding="utf-8").splitlines())}
    assert len(rows) == len({row["zone"] for row in rows}) == 326
    assert sum(row["kind"] == "country" for row in rows) == 214
    for row in rows:
        assert row["source"] in keys
        assert all(row[name] for name in ("name", "year", "basis", "boundary", "status", "licence"))


def test_no_zone_is_the_worlds_average_and_says_that_it_is_assumed() -> None:
    found = figure(None)
    assert (found.zone, found.status, found.intensity_g_per_kwh) == ("WORLD", "assumed", 472.9)
    assert (found.low_g_per_kwh, found.high_g_per_kwh) == (20.8, 958.7)
    assert "no zone was given" in found.note
    assert figure("WORLD").status != "assumed"


def test_a_place_without_a_figure_says_what_stands_in() -> None:
    found = figure("AD")
    assert (found.name, found.status, found.intensity_g_per_kwh) == ("Andorra", "assumed", figure("EUROPE").intensity_g_per_kwh)
    assert "that of Europe is used" in found.note
    assert (found.low_g_per_kwh, found.high_g_per_kwh) == (20.8, 958.7)


def test_a_suspect_figure_has_to_be_asked_for() -> None:
    with pytest.raises(ConfigurationError, match=r"zone='TM'.*Turkmenistan \(1306.3 g/kWh, 2023.*suspect.*allow"):
        figure("TM")
    found = figure("TM", allow_suspect=True)
    assert (found.status, found.high_g_per_kwh) == ("suspect", 1306.3)
    assert figure("CF", allow_suspect=True).high_g_per_kwh == 958.7


@pytest.mark.parametrize(
    ("zone", "near"),
    [
        ("Germany", r"DE \(Germany\)"),
        ("Germny", r"DE \(Germany\)"),
        ("US-CAX", r"US-CA \(California\)"),
        ("CAMY", r"CAMX \(WECC California\)"),
        ("aws:eu-north-9", r"aws:eu-north-1 \(Europe \(Stockholm\)\)"),
        ("aws:*", "not a place"),
        ("QQ", "is not known; give an ISO country"),
        ("", "zone='' is not known; give"),
        (":", "is not a known cloud region"),
    ],
)
def test_an_unknown_zone_is_refused_with_what_is_near(zone: str, near: str) -> None:
    with pytest.raises(ConfigurationError, match=near) as caught:
        figure(zone)
    assert repr(zone) in str(caught.value)


@pytest.mark.parametrize(
    ("zone", "basis", "of", "g"),
    [
        ("US-CA", "direct", "US-CA", 179.1),
        ("US-CA", "lifecycle", "US", 383.6),
        ("US-CAL-CISO", "lifecycle", "US", 383.6),
        ("gcp:us-west1", "lifecycle", "US", 383.6),
        ("gcp:europe-north2", "lifecycle", "SE", 35.9),
        ("US", "direct", "US-EGRID", 349.7),
        ("aws:eu-west-2", "direct", "aws:eu-west-2", 105.94),
        ("GB", "direct", "GB", 105.94),
        ("JP", "direct", "JP", (452.85 + 296.19) / 2),
    ],
)
def test_a_figure_on_a_basis_is_the_nearest_there_is(zone: str, basis: str, of: str, g: float) -> None:
    found = figure(zone, basis=basis)
    assert (found.zone, found.basis) == (of, basis)
    assert math.isclose(found.intensity_g_per_kwh, g)
    assert found.low_g_per_kwh <= g <= found.high_g_per_kwh


def test_a_basis_that_is_not_there_is_not_replaced() -> None:
    with pytest.raises(ConfigurationError, match="'NA' has no direct figure, only lifecycle"):
        figure("NA", basis="direct")


def test_bases_are_never_mixed() -> None:
    assert require_same_basis([figure("FR"), figure("DE")]) == "lifecycle"
    assert require_same_basis([]) is None
    with pytest.raises(ConfigurationError, match=r"direct and lifecycle.*choose factors of one basis"):
        require_same_basis([figure("FR"), figure("US-CA")])


@pytest.mark.parametrize("name", ["aws:us-east-1", "AWS:us-east-1", "aws:us-east-1a"])
def test_a_cloud_region_has_its_pue_and_water(name: str) -> None:
    region = cloud_region(name)
    assert (region.name, region.zone) == ("aws:us-east-1", "SRVC")
    assert region.pue_kind == "region-reported"
    assert 1.0 < region.pue < 1.4
    assert region.wue_l_per_kwh is not None
    assert region.pue_source.startswith("Green Software Foundation")


def test_a_cloud_alone_is_its_fleet_which_is_no_place() -> None:
    fleet = cloud_region("aws")
    assert (fleet.name, fleet.pue, fleet.wue_l_per_kwh, fleet.zone) == ("aws:*", 1.15, 0.15, None)
    assert cloud_region("gcp:us-central1-a").name == "gcp:us-central1"
    assert cloud_region("gcp:europe-north2").pue_kind == "fleet-default"
    assert (cloud_region("scaleway:fr-par-2").pue, cloud_region("scaleway:fr-par").pue_kind) == (1.16, "fleet-default")
    with pytest.raises(ConfigurationError, match="not a known cloud region"):
        cloud_region("hetzner")


def test_no_figure_is_from_memory() -> None:
    for name in ("cloud_regions.csv", "grid_intensity.csv", "embodied_hardware.csv", "power_model.csv"):
        for row in csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines()):
            assert {row.get("status"), row.get("pue_status"), row.get("intensity_status")} <= {
                *("verified", "cross-checked", "secondary", "suspect", "derived", "assumed", "", None)
            }, row


@pytest.mark.parametrize(
    ("function", "zone", "expected"),
    [
        (provider_zone, "uk", "GB"),
        (provider_zone, "aws:eu-west-2", "GB"),
        (provider_zone, "US-CAL-CISO", "US-CAL-CISO"),
        (provider_zone, "de", "DE"),
        (country_of, "CAMX", "US"),
        (country_of, "aws:ap-southeast-2", "AU"),
        (country_of, "SE-SE3", "SE"),
        (country_of, "US-MIDW-MISO", "US"),
        (provider_zone, "AU-ACT", "AU-NSW"),
        (provider_zone, "US-MIDA-PJM", "US-MIDA-PJM"),
        (country_of, "WORLD", None),
    ],
)
def test_a_zone_is_known_to_others_by_its_place(function: Callable[[str], str | None], zone: str, expected: str | None) -> None:
    assert function(zone) == expected


def test_the_tables_are_read_with_the_standard_library_and_at_once() -> None:
    code = (
        "import sys, time\nfrom trainwatt.carbon.tables.zones import figure, listed\nt = time.perf_counter()\n"
        "[figure(z.zone, allow_suspect=True) for z in listed()]\nassert time.perf_counter() - t < 0.2\n"
        "print({'sqlalchemy', 'requests', 'urllib3', 'click', 'rich'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, timeout=HANGS_S)
    assert (ended.stdout, ended.stderr) == ("set()\n", "")
