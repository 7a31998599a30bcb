"""Grams that another hour, another place, or hardware with another life would have saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fakes.stored_rows import Row
from tests.life.advised import LASTS_S, Profile, S, advice, call, footprint_of, stored
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError
from trainwatt.storage.read.store import Store

HOUR_NS = 3600 * S
BUSY: list[Profile] = [[(1000, 360.0, 0.95)]]
"""0.1 kWh in 1,000 s."""
H100 = json.dumps({"model": "NVIDIA H100 80GB HBM3"})


def grid(folder: Path, *values: float) -> tuple[str, str]:
    """A series of hours from the epoch on."""
    rows = [f"1970-01-{1 + hour // 24:02}T{hour % 24:02}:00Z,{value}" for hour, value in enumerate(values)]
    file = folder / "grid.csv"
    file.write_text("\n".join(["start,intensity_g_per_kwh", *rows]))
    return "--intensity-csv", str(file)


def inventory(run_id: str = "run-1") -> list[Row]:
    return [{"run_id": run_id, "host": "node-a", "kind": "gpu", "name": "gpu0", "detail": H100}]


def test_the_best_start_within_a_day_is_named(tmp_path: Path) -> None:
    """0.1 kWh at 500 g/kWh; five hours later it would have been at 100. The best hour of all is after more than a day."""
    db = stored(tmp_path / "runs.db", BUSY)
    series = grid(tmp_path, 500, 400, 300, 400, 500, 100, *([200] * 24), 1)
    [loss] = advice(db, "latest", *series, terms=("--pue", "1"))["advice"]
    assert (loss["kind"], loss["runs"], loss["energy_j"]) == ("hour", ["run-1"], None)
    assert loss["grams"]["value"] == pytest.approx(40.0)
    assert loss["grams"]["low"] < 40.0 < loss["grams"]["high"]
    assert (loss["was"], loss["instead"]["value"]) == (pytest.approx(500), pytest.approx(100))
    assert loss["starts"] == {"run-1": "1970-01-01T05:00:00Z"}
    whatif = CliRunner().invoke(cli, ["whatif", "latest", *series, "--within", "24h", "--pue", "1", "--json", "--db", str(db)])
    outcomes = json.loads(whatif.stdout)["alone"]
    assert loss["grams"]["value"] == pytest.approx(-next(o for o in outcomes if "best-start" in str(o["changes"]))["difference_g"])
    shown = " ".join(call(db, "latest", *series).stdout.split())
    assert "At 500 g/kWh; the best start within 24 h would have met 100: run-1 at 1970-01-01T05:00" in shown


def test_intensities_that_were_fetched_are_a_series_too(tmp_path: Path) -> None:
    db = stored(tmp_path / "runs.db", BUSY, zone="FR", start_utc_ns=1_000_000 * HOUR_NS // 2)
    begun_ns = 1_000_000 * HOUR_NS // 2
    key = {"provider": "electricitymaps", "zone": "FR", "basis": "lifecycle", "estimated": 0, "fetched_utc_ns": 1}
    values = [
        {**key, "start_utc_ns": begun_ns + h * HOUR_NS, "end_utc_ns": begun_ns + (h + 1) * HOUR_NS, "g_per_kwh": g}
        for h, g in enumerate((90.0, 60.0, 30.0, 60.0))
    ]
    Store.open(str(db)).cache_intensities(values)
    [loss] = advice(db, "latest", terms=("--pue", "1"))["advice"]
    assert (loss["kind"], loss["grams"]["value"]) == ("hour", pytest.approx(6.0))


def test_where_the_hours_are_not_known_or_alike_nothing_is_said_of_them(tmp_path: Path) -> None:
    db = stored(tmp_path / "runs.db", BUSY)
    for values in ([300.0] * 40, [300.0, *[299.0] * 40], [300.0, 300.0]):  # all alike; a third of a percent; two hours only
        assert advice(db, "latest", *grid(tmp_path, *values), terms=())["advice"] == []
    assert advice(db, "latest", terms=())["advice"] == []


def test_a_place_is_one_in_which_a_run_ran(tmp_path: Path) -> None:
    """One project ran in Poland and in France: the difference of the two footprints."""
    db = stored(tmp_path / "runs.db", BUSY, name="a", zone="PL")
    assert advice(db, "a", terms=("--pue", "1"))["advice"] == []  # no run ran elsewhere
    stored(db, BUSY, name="b", zone="FR", start_utc_ns=LASTS_S * S)
    [loss] = advice(db, "a", "b", terms=("--pue", "1"))["advice"]
    there, here = (footprint_of(db, "a", "--zone", zone, terms=("--pue", "1")) for zone in ("FR", "PL"))
    assert (loss["kind"], loss["zone"], loss["runs"]) == ("place", "FR", ["a"])
    assert loss["grams"]["value"] == pytest.approx(here["operational_g"] - there["operational_g"])
    assert loss["grams"]["low"] == pytest.approx(here["operational_low_g"] - there["operational_high_g"])
    assert (loss["was"], loss["instead"]["value"]) == (
        pytest.approx(here["intensity_g_per_kwh"]),
        pytest.approx(there["intensity_g_per_kwh"]),
    )
    assert "FR has" in call(db, "a", "b").stdout
    assert advice(db, "b", terms=("--pue", "1"))["advice"] == []


def test_places_to_choose_from_can_be_given(tmp_path: Path) -> None:
    db = stored(tmp_path / "runs.db", BUSY, zone="PL")
    [loss] = advice(db, "latest", "--zones", "DE, SE", terms=())["advice"]
    assert (loss["kind"], loss["zone"]) == ("place", "SE")
    assert advice(db, "latest", "--zones", "PL", terms=())["advice"] == []
    assert [a["zone"] for a in advice(db, "latest", "--zones", "SE", terms=("--intensity", "700"))["advice"]] == ["SE"]
    for wrong in ("Atlantis", " , "):
        error = call(db, "latest", "--zones", wrong).exception
        assert isinstance(error, ConfigurationError)
        assert wrong.strip(" ,") in str(error)


def test_a_zone_whose_figure_may_be_as_high_is_not_cleaner(tmp_path: Path) -> None:
    """The world's average has a range over all grids: nothing is known of where such a run ran."""
    db = stored(tmp_path / "runs.db", BUSY)
    assert advice(db, "latest", "--zones", "FR", terms=())["advice"] == []


def test_hardware_that_is_turned_over_early_is_named_if_somebody_says_so(tmp_path: Path) -> None:
    """Two years in place of five: three fifths of the grams of making it."""
    db = stored(tmp_path / "runs.db", BUSY, inventory=inventory())
    terms = ("--intensity", "30", "--pue", "1")
    assert advice(db, terms=terms)["advice"] == []  # the default of four years is an assumption
    assert advice(db, terms=(*terms, "--lifetime-years", "4"))["advice"] == []
    short = (*terms, "--lifetime-years", "2")
    [loss] = advice(db, terms=short)["advice"]
    made = footprint_of(db, terms=short)
    assert (loss["kind"], loss["was"], loss["instead"]) == ("short-life", 2.0, {"value": 5.0, "low": 4.0, "high": 6.0})
    assert loss["grams"]["value"] == pytest.approx(0.6 * made["embodied_g"])
    assert loss["grams"]["value"] == pytest.approx(
        made["embodied_g"] - footprint_of(db, terms=(*terms, "--lifetime-years", "5"))["embodied_g"]
    )
    assert loss["grams"] == loss["embodied_g"]
    assert "is used for 2 years only" in call(db, "latest", *short).stdout


def test_hardware_that_is_seldom_used_is_named_too(tmp_path: Path) -> None:
    db = stored(tmp_path / "runs.db", BUSY, inventory=inventory())
    terms = ("--intensity", "30", "--pue", "1", "--lifetime-utilization", "0.09")
    [loss] = advice(db, terms=terms)["advice"]
    assert (loss["kind"], loss["was"]) == ("rare-use", 0.09)
    assert loss["grams"]["value"] == pytest.approx(0.8 * footprint_of(db, terms=terms)["embodied_g"])
    assert "is used for 9 % of its life only" in call(db, "latest", *terms).stdout


def test_losses_with_joules_and_without_are_sorted_by_grams(tmp_path: Path) -> None:
    """An idle GPU of 36 kJ is 5 g at 500 g/kWh; the hour is 40 g, less a tenth of it."""
    db = stored(tmp_path / "runs.db", [[(900, 360.0, 0.95), (1000, 360.0, 0.0)]])
    found = advice(db, "latest", *grid(tmp_path, 500, 100, *[500] * 30), terms=("--pue", "1"))["advice"]
    assert [a["kind"] for a in found] == ["hour", "idle-gpu"]
    assert found[1]["grams"]["value"] == pytest.approx(5.0)
    found = advice(db, "latest", *grid(tmp_path, 500, 485, *[500] * 30), terms=("--pue", "1"))["advice"]
    assert [a["kind"] for a in found] == ["idle-gpu", "hour"]


def test_two_grids_are_refused(tmp_path: Path) -> None:
    db = stored(tmp_path / "runs.db", BUSY)
    for other in (("--zone", "FR"), ("--intensity", "30")):
        error = call(db, "latest", *other, *grid(tmp_path, 1, 2)).exception
        assert isinstance(error, ConfigurationError)
        assert "each gives the grid" in str(error)
