"""Where a run is: the zone that is named, or found, before and while it trains."""

from __future__ import annotations

import json
import logging
import sqlite3
import time

import pytest
from pytest_httpserver import HTTPServer

from tests.fakes.world import HANGS_S, World
from trainwatt import EnergyTracker
from trainwatt.carbon.grid.cloud import METADATA, detect_region
from trainwatt.errors import ConfigurationError

TOKEN, REGION = "/latest/api/token", "/latest/meta-data/placement/region"
ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"


def test_an_unknown_zone_ends_it_before_it_begins_with_what_is_near(here: World) -> None:
    with pytest.raises(ConfigurationError, match=r"zone='Germny' is not known \(did you mean DE \(Germany\)"):
        EnergyTracker(zone="Germny").start()
    assert not here.db.exists()


def test_a_suspect_zone_is_a_place_and_its_grams_wait_for_a_word(here: World) -> None:
    with EnergyTracker(zone="TM") as tracker:
        pass
    found = tracker.summary().to_dict()
    assert found["carbon"] is None
    assert "--allow-suspect" in found["carbon_missing"]
    assert "no grams: zone='TM'" in str(tracker.summary())


def test_auto_takes_the_clouds_word_for_it(here: World, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    httpserver.expect_request(TOKEN, "PUT").respond_with_data("tok")
    httpserver.expect_request(REGION).respond_with_data("eu-north-1")
    monkeypatch.setenv(ENDPOINT, httpserver.url_for(""))
    monkeypatch.setattr(detect_region, "__defaults__", (METADATA, HANGS_S))  # on a busy machine half a second is short
    with EnergyTracker(zone="auto") as tracker:
        pass
    carbon = tracker.summary().to_dict()["carbon"]
    assert carbon["zone"] == "aws:eu-north-1"
    assert carbon["pue"] > 1


@pytest.mark.parametrize("region", ["moon-base-1", None])
def test_auto_in_vain_is_said_and_is_the_worlds_average(
    here: World, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, region: str | None
) -> None:
    httpserver.expect_request(TOKEN, "PUT").respond_with_data("tok")
    if region is not None:
        httpserver.expect_request(REGION).respond_with_data(region)
    monkeypatch.setenv(ENDPOINT, httpserver.url_for(""))
    monkeypatch.setattr(detect_region, "__defaults__", (METADATA, HANGS_S))
    with caplog.at_level(logging.WARNING, "trainwatt"), EnergyTracker(zone="auto") as tracker:
        pass
    carbon = tracker.summary().to_dict()["carbon"]
    assert (carbon["zone"], carbon["assumptions"][0]["status"]) == (None, "assumed")
    [said] = [r.message for r in caplog.records if "world's average" in r.message]
    assert ("moon-base-1" in said) == (region is not None)


def test_no_provider_and_no_cloud_is_asked_unless_it_is_said(here: World, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, httpserver.url_for(""))
    monkeypatch.setenv("ELECTRICITYMAPS_TOKEN", "secret")
    for zone in (None, "FR"):
        with EnergyTracker(zone=zone) as tracker:
            time.sleep(0.05)
        tracker.summary()
    assert httpserver.log == []


def test_the_terms_of_a_run_are_kept_with_it_and_used(here: World) -> None:
    own = here.work / "own.csv"
    own.write_text("kind,pattern,name,embodied_kg\ncpu,.*,our processor,1000\n")
    with EnergyTracker(zone="FR", pue=1.25, intensity_g_per_kwh=12, hardware=own) as tracker:
        time.sleep(0.3)
    found = tracker.summary().to_dict()
    assert found["carbon"]["operational_g"] == pytest.approx(found["energy"]["total_j"] / 3.6e6 * 1.25 * 12)
    assert "our processor" in [line["row"] for line in found["carbon"]["embodied_lines"]]
    with sqlite3.connect(here.db) as connection:
        [(settings,)] = connection.execute("SELECT settings FROM run")
    assert json.loads(settings)["hardware"] == str(own)


@pytest.mark.parametrize("basis", ["direct", "life-cycle"])
def test_the_basis_of_the_settings_is_that_of_the_grams(here: World, basis: str) -> None:
    (here.work / "trainwatt.toml").write_text(f'basis = "{basis}"\n')
    with EnergyTracker(zone="FR", intensity_g_per_kwh=12) as tracker:
        time.sleep(0.1)
    with EnergyTracker(zone="FR") as of_zone:
        time.sleep(0.1)
    wanted = basis.replace("-", "")
    for each in (tracker, of_zone):
        assert each.summary().to_dict()["carbon"]["intensity_basis"] == wanted
        assert f", {basis}: " in str(each.summary())
    with sqlite3.connect(here.db) as connection:
        assert {json.loads(settings)["basis"] for (settings,) in connection.execute("SELECT settings FROM run")} == {wanted}
