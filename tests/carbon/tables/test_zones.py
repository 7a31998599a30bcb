"""The tables of grids and clouds: every figure has its year, basis, source and status, and no place is mistaken for another."""

from __future__ import annotations

import csv
import itertools
import math
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.fakes.world import HANGS_S, ROOT
from trainwatt.carbon.assumption import FactorStatus
from trainwatt.carbon.tables.basis import Basis
from trainwatt.carbon.tables.zone_rows import DATA
from trainwatt.carbon.tables.zones import KINDS, cloud_region, country_of, figure, known, listed, provider_zone
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
    assert (found.name, found.published_g_per_kwh, found.published_basis, found.kind) == (name, g, basis, kind)
    assert found.basis is Basis.LIFECYCLE
    assert figure(zone, basis=Basis(basis)).published_g_per_kwh == g
    assert 2020 <= found.year <= 2025
    assert found.source
    assert found.licence
    if found.status is not FactorStatus.ASSUMED:
        assert (found.status is FactorStatus.DERIVED) == (basis == "direct")
    assert found.low_g_per_kwh < found.intensity_g_per_kwh < found.high_g_per_kwh


def test_every_zone_that_is_listed_has_a_figure_with_all_that_is_known_of_it() -> None:
    zones = list(listed())
    assert len(zones) > 750
    assert len({z.zone for z in zones}) == len(zones)
    assert {z.kind for z in zones} == set(KINDS)
    for zone, basis in itertools.product(zones, Basis):
        found = figure(zone.zone, basis=basis, allow_suspect=True)
        assert 0 <= found.low_g_per_kwh <= found.intensity_g_per_kwh <= found.high_g_per_kwh < 2000, zone
        assert found.basis is basis, zone
        assert found.source, zone
        assert found.note, zone
        assert found.year > 2000, zone


def test_no_row_of_the_tables_was_lost_or_read_as_something_else() -> None:
    rows = list(csv.DictReader((DATA / "grid_intensity.csv").read_text(encoding="utf-8").splitlines()))
    keys = {row["key"] for row in csv.DictReader((DATA / "sources.csv").read_text(encoding="utf-8").splitlines())}
    assert len(rows) == len({row["zone"] for row in rows}) == 356
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
        ("Germanny", r"DE \(Germany\)"),
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
        ("US", "direct", "US-EGRID", 349.7),
        ("GB", "direct", "GB", 105.94),
        ("aws:eu-west-2", "direct", "aws:eu-west-2", 105.94),
        ("JP", "direct", "JP", (452.85 + 296.19) / 2),
        ("NA", "direct", "NA", (47.6 - 24) * 565 / (655 - 24)),
        ("US-CA", "lifecycle", "US-CA", 24 + 179.1 * (655 - 24) / 565),
        ("gcp:us-west1", "lifecycle", "gcp:us-west1", 24 + 79.23 * (655 - 24) / 565),
        ("CA-QC", "lifecycle", "CA-QC", 24 + 1.9 * (655 - 24) / 565),
    ],
)
def test_a_figure_is_published_on_the_basis_or_derived(zone: str, basis: str, of: str, g: float) -> None:
    found = figure(zone, basis=Basis(basis))
    assert (found.zone, found.basis) == (of, basis)
    assert math.isclose(found.intensity_g_per_kwh, g)
    assert found.low_g_per_kwh <= g <= found.high_g_per_kwh
    assert (found.status is FactorStatus.DERIVED) == (found.published_basis != basis)
    assert ("derived from" in found.note) == (found.status is FactorStatus.DERIVED)


@pytest.mark.parametrize("name", ["aws:us-east-1", "AWS:us-east-1", "aws:us-east-1a", "amazon:us-east-1"])
def test_a_cloud_region_has_the_pue_that_its_provider_publishes(name: str) -> None:
    region = cloud_region(name)
    assert (region.name, region.zone) == ("aws:us-east-1", "SRVC")
    assert (region.pue, region.pue_kind, region.pue_year) == (1.14, "fleet-default", 2025)
    assert region.pue_source.startswith("AWS")


def test_a_cloud_alone_is_its_fleet_which_is_no_place() -> None:
    fleet = cloud_region("aws")
    assert (fleet.name, fleet.pue, fleet.wue_l_per_kwh, fleet.zone) == ("aws:*", 1.14, 0.12, None)
    assert cloud_region("gcp:us-central1-a").name == "gcp:us-central1"
    assert cloud_region("gcp:europe-north2").pue_kind == "fleet-default"
    assert (cloud_region("scaleway:fr-par-2").pue, cloud_region("scaleway:fr-par").pue_kind) == (1.16, "fleet-default")
    with pytest.raises(ConfigurationError, match="not a known cloud region"):
        cloud_region("hetzner")


@pytest.mark.parametrize(
    ("region", "country"),
    [
        *(("oracle:eu-frankfurt-1", "DE"), ("oci:us-ashburn-1", "US"), ("oracle:sa-saopaulo-1", "BR"), ("ibm:jp-tok", "JP")),
        *(("ibm:us-south", "US"), ("alibaba:cn-hangzhou", "CN"), ("alibaba:cn-hangzhou-b", "CN"), ("aliyun:ap-southeast-1", "SG")),
        *(("ovh:GRA11", "FR"), ("ovhcloud:bhs5", "CA"), ("ovh:WAW1", "PL"), ("hetzner:fsn1", "DE"), ("hetzner:hel1-dc2", "FI")),
        *(("coreweave:US-EAST-04A", "US"), ("coreweave:eu-north-01", "SE"), ("lambda:europe-central-1", "DE"), ("lambda:us-west-1", "US")),
        *(("azure:usgovvirginia", "US"), ("azure:usdodeast", "US"), ("azure:chinanorth3", "CN"), ("azure:chinaeast2", "CN")),
        *(("aws:us-west-2-lax-1a", None), ("hetzner:mars1", None), ("gcp:-", None), ("ovh:1", None)),
        *(("aws:cn-northwest-1", "CN"), ("aws:us-gov-west-1", "US"), ("microsoft:westeurope", "NL"), ("google:europe-west9", "FR")),
    ],
)
def test_a_region_of_every_larger_cloud_is_known_by_its_country(region: str, country: str | None) -> None:
    if country is None:
        with pytest.raises(ConfigurationError, match="is not a known cloud region"):
            figure(region)
    else:
        assert country_of(region) == country


def test_no_figure_has_a_source_that_does_not_allow_it() -> None:
    """The compilation of the Green Software Foundation is not under a free licence."""
    sources = (DATA / "sources.csv").read_text(encoding="utf-8")
    assert "Green" not in sources.replace("Greenhouse", "")
    free = ("CC-BY-4.0", "OGL-Canada-2.0", "public-domain-us-gov", "Apache-2.0", "published-fact")
    for name in ("sources.csv", "grid_intensity.csv", "cloud_regions.csv"):
        rows = csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines())
        assert {row["licence"] for row in rows} <= set(free)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        *(("DEU", "DE"), ("fra", "FR"), ("NAM", "NA"), ("XKX", "XK"), ("Germany", "DE"), ("germany", "DE"), ("Deutschland", "DE")),
        *(("Österreich", "AT"), ("osterreich", "AT"), ("Côte d’Ivoire", "CI"), ("cote d'ivoire", "CI"), ("Ivory Coast", "CI")),
        *(("日本", "JP"), ("대한민국", "KR"), ("भारत", "IN"), ("Россия", "RU"), ("Türkiye", "TR"), ("Turkey", "TR"), ("USA", "US")),
        *(("The Netherlands", "NL"), ("UK", "UK"), ("Great Britain", "GB"), ("Saint Lucia", "LC"), ("St. Lucia", "LC"), ("Iceland", "IS")),
        *(("Antigua and Barbuda", "AG"), ("antigua & barbuda", "AG"), ("Québec", "CA-QC"), ("quebec", "CA-QC"), ("California", "US-CA")),
        *(
            ("四川", "CN-SC"),
            ("Sichuan", "CN-SC"),
            ("서울", "KR-11"),
            ("São Paulo", "BR-SP"),
            ("sao paulo", "BR-SP"),
            ("Karnataka", "IN-KA"),
        ),
        *(("US-PR", "US-PR"), ("US-GU", "US-GU"), ("FR-974", "FR-974"), ("NL-CW", "NL-CW"), ("Mallorca", "ES-IB-MA"), ("Corse", "FR-COR")),
    ],
)
def test_a_zone_by_any_of_its_names(text: str, zone: str) -> None:
    assert known(text) == zone
    assert figure(text, allow_suspect=True).intensity_g_per_kwh > 0


def test_a_name_of_two_zones_is_not_guessed() -> None:
    with pytest.raises(ConfigurationError, match=r"zone='Georgia' is the name of 2 zones; .*GE \(Georgia\) or US-GA \(Georgia\)"):
        figure("Georgia")


def test_every_name_in_the_tables_leads_to_its_zone() -> None:
    for zone in listed():
        if zone.kind == "cloud_region" or zone.name in ("", "Georgia"):
            continue
        assert figure(zone.name, allow_suspect=True)._replace(zone="") == figure(zone.zone, allow_suspect=True)._replace(zone=""), zone


@pytest.mark.parametrize(
    ("zone", "of"),
    [
        *(("US-PR", "PR"), ("US-GU", "GU"), ("US-VI", "VI"), ("US-AS", "AS"), ("US-MP", "MP"), ("FR-RE", "RE"), ("FR-974", "RE")),
        *(("CN-HK", "HK"), ("CN-TW", "TW"), ("NL-CW", "CW"), ("DK-FO", "FO"), ("DK-GL", "GL"), ("FI-01", "AX"), ("PT-30", "PT-MA")),
    ],
)
def test_a_territory_has_one_figure_under_both_of_its_codes(zone: str, of: str) -> None:
    assert figure(zone) == figure(of)
    assert provider_zone(zone) == of


@pytest.mark.parametrize("zone", ["IN-KA", "IN-TS", "BR-SP", "BR-AM", "KR-11", "KR-49", "CN-XZ"])
def test_a_state_without_a_figure_has_its_countrys_with_a_wide_range(zone: str) -> None:
    found, country = figure(zone), figure(zone[:2])
    assert (found.status, found.intensity_g_per_kwh) == (FactorStatus.ASSUMED, country.intensity_g_per_kwh)
    assert found.low_g_per_kwh < country.low_g_per_kwh
    assert country_of(zone) == zone[:2]


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


def test_the_tables_are_read_with_the_standard_library_and_each_file_once() -> None:
    code = (
        "import collections, sys\nread = collections.Counter()\n"
        "sys.addaudithook(lambda event, given: event == 'open' and read.update([str(given[0])]))\n"
        "from trainwatt.carbon.tables.zones import figure, listed\n"
        "for _ in range(2): [figure(z.zone, allow_suspect=True) for z in listed()]\n"
        "tables = {name: n for name, n in read.items() if name.endswith('.csv')}\nprint(len(tables) > 1, max(tables.values()))\n"
        "print({'sqlalchemy', 'requests', 'urllib3', 'click', 'rich'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, timeout=HANGS_S)
    assert (ended.stdout, ended.stderr) == ("True 1\nset()\n", "")
