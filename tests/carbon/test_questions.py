"""An intensity that is hard to believe (kg for g, lb/MWh for g/kWh) is questioned wherever it is given, and used all the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fakes.compared import put
from tests.fakes.views import tracker_log
from tests.fakes.world import World
from trainwatt import EnergyTracker
from trainwatt.carbon.series import Series, Slot
from trainwatt.carbon.tables.zones import figure, listed
from trainwatt.carbon.terms import Terms, intensity_question, questions


@pytest.mark.parametrize(("given", "meant"), [(0.233, "kg/kWh, give 233"), (1.2, "kg/kWh, give 1200"), (1999, "lb/MWh, give 907")])
def test_what_no_grid_emits_is_questioned_with_what_may_be_meant(given: float, meant: str) -> None:
    said = intensity_question("--intensity", given)
    assert said is not None
    assert said.startswith(f"--intensity {given:g}: that is {given:g} grams of CO2e per kWh")
    assert said.endswith(meant)


@pytest.mark.parametrize("plausible", [0, 1.5, 1.9, 24, 429, 1306.3, 1500])
def test_what_some_grid_emits_is_not_questioned(plausible: float) -> None:
    assert intensity_question("--intensity", plausible) is None


def test_no_zone_of_the_bundled_table_would_be_questioned() -> None:
    figures = [figure(zone.zone, allow_suspect=True) for zone in listed()]
    assert [f.zone for f in figures if intensity_question("--intensity", f.intensity_g_per_kwh) is not None] == []


def test_the_highest_value_of_a_series_decides() -> None:
    """An hour of little is possible; a whole file of it is in kg/kWh."""
    hour = [Slot(i, i + 1, value, False, "grid.csv") for i, value in enumerate((0.2, 0.41))]
    assert questions(Terms(series=(Series((*hour, Slot(2, 3, 30.0, False, "grid.csv")), "grid.csv"),))) == []
    [said] = questions(Terms(series=(Series(tuple(hour), "grid.csv"),)))
    assert "the highest value of grid.csv, 0.41" in said
    assert questions(Terms(series=(Series((), "grid.csv"),))) == []


@pytest.mark.parametrize(
    "command",
    [
        ("estimate", "--energy-kwh", "10"),
        ("footprint", "a"),
        ("compare", "a", "b"),
        ("report", "a", "-o", "r.md"),
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("option", ["--intensity", "--market-intensity"])
def test_each_command_questions_its_options(world: World, command: tuple[str, ...], option: str) -> None:
    world.db.parent.mkdir()
    for name in "ab":
        put(world.db, name, {"package-0": 100.0})
    given = world.call(*command, option, "0.233")
    assert given.returncode == 0, given.stderr
    assert f"{option} 0.233" in given.stderr
    assert "if it is in kg/kWh, give 233" in given.stderr
    assert "kg/kWh, give" not in world.call(*command, option, "233").stderr


def test_a_series_in_kg_is_questioned(world: World, tmp_path: Path) -> None:
    world.db.parent.mkdir()
    put(world.db, "a", {"package-0": 100.0})
    grid = tmp_path / "grid.csv"
    grid.write_text("start,end,intensity_g_per_kwh\n2026-01-01T00:00Z,2027-01-01T00:00Z,0.233\n")
    assert "if it is in kg/kWh, give 233" in world.call("footprint", "a", "--intensity-csv", str(grid)).stderr


@pytest.mark.parametrize("way", ["argument", "environment", "file"])
def test_a_setting_is_questioned_when_the_run_begins_and_is_kept_as_it_is(
    here: World, way: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if way == "environment":
        monkeypatch.setenv("TRAINWATT_INTENSITY_G_PER_KWH", "0.233")
    if way == "file":
        (here.work / "trainwatt.toml").write_text("intensity_g_per_kwh = 0.233\n")
    with EnergyTracker(intensity_g_per_kwh=0.233 if way == "argument" else None) as tracker:
        pass
    [said] = tracker_log(caplog)
    assert "intensity_g_per_kwh 0.233" in said
    assert "give 233" in said
    carbon = tracker.summary().to_dict()["carbon"]
    assert carbon["intensity_g_per_kwh"] == 0.233


def test_a_command_is_asked_once_and_the_trackers_inside_it_are_not(world: World) -> None:
    inside = "from trainwatt import EnergyTracker\nwith EnergyTracker(): pass"
    ended = world.cli("run", "--", sys.executable, "-c", inside, env=world.environ(TRAINWATT_INTENSITY_G_PER_KWH="0.233"))
    assert ended.returncode == 0
    assert ended.stderr.count("give 233") == 1
