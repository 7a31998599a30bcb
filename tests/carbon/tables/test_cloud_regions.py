"""The regions of clouds: each names where it and its place are published, and one place has one zone."""

from __future__ import annotations

import csv
import re
from collections import defaultdict

import pytest

from tests.fakes.world import ROOT
from trainwatt.carbon.tables.zone_rows import DATA, cloud_regions, zone_rows
from trainwatt.carbon.tables.zones import cloud_region, country_of, figure
from trainwatt.errors import ConfigurationError

STATES = (
    *("Arizona", "California", "Georgia", "Illinois", "Iowa", "Massachusetts", "Michigan", "Nevada", "New Jersey", "New York"),
    *("North Carolina", "North Dakota", "Ohio", "Oregon", "Pennsylvania", "Texas", "Utah", "Virginia", "Washington"),
)
FREE = {"CC-BY-4.0", "OGL-Canada-2.0", "public-domain-us-gov", "Apache-2.0", "published-fact"}


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines()))


def test_every_region_names_where_its_place_is_published() -> None:
    sources = {row["key"]: row for row in rows("sources.csv")}
    for row in rows("cloud_regions.csv"):
        assert row["pue_source"] in sources
        assert bool(row["region_source"]) == (row["region"] != "*"), row
        if row["region"] != "*":
            assert row["region_source"] in sources, row
            assert row["zone"], row
    assert all(row["licence"] in FREE for row in sources.values())


def test_every_source_is_of_a_row() -> None:
    used = {row["source"] for row in rows("grid_intensity.csv")}
    for row in rows("cloud_regions.csv"):
        used |= {row["region_source"], row["pue_source"], row["intensity_source"]}
    assert {row["key"] for row in rows("sources.csv")} == used - {""}


def test_the_notice_names_every_licence_and_every_cloud() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    said = {"public-domain-us-gov": "public domain", "OGL-Canada-2.0": "Open Government Licence - Canada 2.0", "published-fact": "as facts"}
    licences = {row["licence"] for name in ("sources.csv", "grid_intensity.csv", "cloud_regions.csv") for row in rows(name)}
    assert {licence for licence in licences if said.get(licence, licence) not in notice} == set()
    names = {"aws": "AWS", "azure": "Microsoft", "gcp": "Google", "ovhcloud": "OVHcloud", "ibm": "IBM", "coreweave": "CoreWeave"}
    clouds = {name.partition(":")[0] for name in cloud_regions()} - {"on-prem", "wu2022"}
    assert {cloud for cloud in clouds if names.get(cloud, cloud.capitalize()) not in notice} == set()


def test_no_file_has_figures_of_the_compilation_that_is_not_free() -> None:
    """That of the Green Software Foundation. Footprints that tests keep from earlier versions had some."""
    files = [file for folder in ("tests", "tracker") for file in (ROOT / folder).rglob("*") if file.suffix in (".csv", ".json", ".txt")]
    assert files
    assert [file for file in files if b"real-time-cloud" in file.read_bytes()] == []


def test_no_region_is_twice_and_names_are_as_they_are_searched() -> None:
    names = [(row["provider"], row["region"]) for row in rows("cloud_regions.csv")]
    assert len(set(names)) == len(names)
    assert all(part == part.strip().lower() for name in names for part in name)


def test_regions_of_all_clouds_in_one_state_have_one_zone() -> None:
    """Google's Salt Lake City and Lambda's Utah; Azure's Virginia and CoreWeave's."""
    zones: dict[str, set[str]] = defaultdict(set)
    for region in cloud_regions().values():
        for state in STATES:
            if re.search(rf"\b{state}\b(?! City| DC)", region.location) and country_of(region.name) == "US":
                zones[state].add(region.zone or "")
    assert set(zones) == set(STATES)
    assert {state: found for state, found in zones.items() if len(found) > 1} == {}


def test_one_city_has_one_zone() -> None:
    zones: dict[str, set[str]] = defaultdict(set)
    for region in cloud_regions().values():
        city = re.sub(r" \(.*| [2-4]$| West$", "", region.location)
        if city and region.zone and not region.name.startswith(("aws:", "azure:")):
            zones[city].add(region.zone)
    assert {city: found for city, found in zones.items() if len(found) > 1} == {}
    assert zones["Ashburn"] == {"SRVC"}


@pytest.mark.parametrize(
    ("region", "zone", "place"),
    [
        ("oracle:ap-kulai-2", "MY", "Kulai"),
        ("oracle:eu-jovanovac-1", "RS", "Jovanovac"),
        ("oracle:us-saltlake-2", "NWPP", "Salt Lake City"),
        ("oracle:me-dcc-muscat-1", "OM", "Muscat"),
        ("oracle:ap-delhi-1", "IN", "Delhi"),
        ("oracle:eu-budapest-1", "HU", "Budapest"),
        ("alibaba:us-southeast-1", "SRSO", "Atlanta"),
        ("alibaba:ap-southeast-8", "MY", "Johor"),
        ("alibaba:eu-west-2", "FR", "Paris"),
        ("aliyun:cn-zhongwei", "CN-NX", "Zhongwei"),
        ("aliyun:cn-shanghai-finance-1", "CN-SH", "Shanghai (finance)"),
        ("lambda:us-midwest-2", "RFCW", "Ohio"),
        ("lambda:us-southeast-1", "SRSO", "Georgia"),
        ("lambda:us-east-2", "SRVC", "Washington DC"),
        ("coreweave:US-WEST-09B", "NWPP", "Washington"),
        ("coreweave:US-CENTRAL-08B", "MROW", "North Dakota"),
        ("coreweave:US-EAST-04A", "SRVC", "Virginia"),
        ("coreweave:RNO2A", "US-NV", "Nevada"),
        ("ovh:GRA11", "FR", "Gravelines"),
        ("ovh:UK1", "GB", "Erith"),
        ("ovh:RBX-A", "FR", "Roubaix"),
        ("ovh:YNM", "IN", "Mumbai"),
        ("ovh:AP-SOUTH-MUM-1", "IN", "Mumbai"),
        ("ovh:EU-WEST-PAR-C", "FR", "Paris"),
        ("ovh:CA-EAST-TOR-A", "CA-ON", "Toronto"),
        ("ovh:US-EAST-VA-1", "SRVC", "Vint Hill"),
        ("ovh:EU-WEST-LZ-LUX-A", "LU", "Luxembourg"),
        ("ibm:eu-es-2", "ES", "Madrid"),
        ("azure:chinaeast3", "CN", "China East 3"),
        ("azure:chinanorth3", "CN-HE", "China North 3 (Hebei)"),
    ],
)
def test_a_region_lies_where_its_provider_says(region: str, zone: str, place: str) -> None:
    found = cloud_region(region)
    assert (found.zone, found.location) == (zone, place)
    assert figure(region).zone == found.name
    assert zone in zone_rows()


@pytest.mark.parametrize(
    "region", ["oracle:eu-prague-1", "coreweave:lga1", "coreweave:us-east-99a", "ovh:mum", "ibm:eu-fr1", "lambda:us-north-1"]
)
def test_a_region_that_nobody_publishes_is_unknown(region: str) -> None:
    with pytest.raises(ConfigurationError, match="not a known cloud region"):
        cloud_region(region)
