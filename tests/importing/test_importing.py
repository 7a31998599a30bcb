"""Imported and estimated runs among the others: their labels, sums and footprints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.imported import ROW, Shelf, csv_text
from trainwatt.errors import ConfigurationError

KWH = 3.6e6
CARD = ("--gpu-hours", "184320", "--gpus-per-host", "8", "--device", "A100 80GB", "--watts", "400", "--intensity", "423.5")


def estimated(shelf: Shelf, *words: str) -> dict[str, object]:
    found: dict[str, object] = shelf.json("estimate", *CARD, "--save", "--project", "llama", "--stage", "data", "--host-kg", "2500", *words)
    return found


def test_a_dry_run_shows_the_runs_and_stores_nothing(shelf: Shelf) -> None:
    result = shelf.call("import", "--dry-run", shelf.file("emissions.csv", csv_text([ROW])))
    assert "bert, 2024-03-01 11:00 UTC, 1 h 00 min, 0.360 kWh (gpu 0.300 kWh" in result.stdout
    assert "nothing was stored" in result.stdout
    assert not (shelf.folder / "runs.db").exists()


def test_a_file_comes_from_a_pipe_too(shelf: Shelf) -> None:
    assert shelf.call("import", "-", stdin=csv_text([ROW]).encode()).stdout == "1 run imported\n"


def test_a_file_that_is_not_there_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.csv cannot be read"):
        shelf.call("import", tmp_path / "none.csv")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        shelf.call("import", tmp_path)


def test_many_rows_are_stored_in_batches(shelf: Shelf) -> None:
    rows = [{**ROW, "run_id": f"run-{i % 450}"} for i in range(500)]
    found = shelf.imports(shelf.file("emissions.csv", csv_text(rows)))
    assert (found["runs"], found["added"], found["unchanged"]) == (500, 450, 50)


def test_a_stored_estimate_has_the_footprint_of_the_estimate(shelf: Shelf) -> None:
    said = estimated(shelf, "--lifetime-years", "5")
    run = shelf.json("show", said["run_id"])
    assert run["carbon"] == said["carbon"]
    assert run["carbon"]["embodied_g"] / 1e6 == pytest.approx(5.03 * 4 / 5, rel=0.01)
    assert (run["run"]["origin"], run["run"]["stage"], run["run"]["device_hours"]) == ("estimated", "data", 184_320)
    assert run["energy"]["measured_fraction"] == 0
    [each] = shelf.json("footprint", said["run_id"], "--intensity", "100", "--pue", "1.2")["footprints"]
    assert each["carbon"]["operational_g"] == pytest.approx(73_728 * 120)
    assert each["carbon"]["embodied_g"] == run["carbon"]["embodied_g"]


def test_saving_an_estimate_twice_stores_it_once(shelf: Shelf) -> None:
    assert estimated(shelf)["run_id"] == estimated(shelf)["run_id"]
    assert len(shelf.runs()) == 1
    estimated(shelf, "--name", "another")
    assert len(shelf.runs()) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--energy-kwh", "1287000", "--zone", "US"),
        ("--energy-kwh", "5", "--zone", "FR", "--basis", "direct"),
        ("--energy-kwh", "5", "--intensity", "80", "--basis", "direct"),
        ("--device", "AMD EPYC 7543", "--hours", "10", "--watts", "200", "--zone", "FR"),
        ("--device", "H100", "--count", "16", "--hours", "24", "--load", "1"),
    ],
)
def test_any_estimate_can_be_stored(shelf: Shelf, words: tuple[str, ...]) -> None:
    said = shelf.json("estimate", *words, "--save")
    run = shelf.json("show", said["run_id"])
    assert run["carbon"] == said["carbon"]
    assert run["energy"]["total_j"] == pytest.approx(said["energy"]["total_j"])
    assert run["energy"]["low_j"] == pytest.approx(said["energy"]["low_j"])
    for form in ("text", "md", "tex"):
        assert "estimate" in shelf.call("footprint", said["run_id"], "--format", form).stdout


def test_estimated_and_imported_runs_are_labelled_and_told_apart_in_every_sum(shelf: Shelf) -> None:
    estimated(shelf)
    shelf.imports(shelf.file("emissions.csv", csv_text([ROW])), "--project", "llama")
    assert [word for line in shelf.call("list").stdout.splitlines() for word in line.split() if word in ("estimated", "imported")][:2] == [
        "estimated",
        "imported",
    ]
    page = shelf.call("list").stdout
    assert "73.7 MWh of it is estimated (1 run), 0.360 kWh of it is imported (1 run)" in page
    [group] = shelf.json("list", "--by", "project")["groups"]
    assert (group["runs_estimated"], group["runs_imported"]) == (1, 1)
    assert (group["estimated_j"], group["imported_j"]) == pytest.approx((73_728 * KWH, 0.36 * KWH))
    total = shelf.json("footprint", "--project", "llama", "--zone", "FR")["total"]["all"]
    assert 0 < total["imported_g"] < total["estimated_g"]
    assert total["imported_g"] + total["estimated_g"] == pytest.approx(total["total_g"])
    assert "estimated and" in shelf.call("footprint", "--project", "llama", "--zone", "FR").stdout
    paper = shelf.call("footprint", "--project", "llama", "--zone", "FR", "--format", "md").stdout
    assert "1 of the runs is an estimate" in paper
    assert "1 of the runs was recorded by CodeCarbon 2.3.4, and imported" in paper
    assert "184322" in paper  # GPU hours


def test_a_run_shows_where_it_comes_from(shelf: Shelf) -> None:
    said = estimated(shelf)
    assert "(73.7–73.7, estimated, GPU)" in shelf.call("show", said["run_id"]).stdout
    imported = shelf.imports(shelf.file("emissions.csv", csv_text([ROW])))["first"][0]["id"]
    page = shelf.call("show", imported).stdout
    assert "imported from CodeCarbon 2.3.4" in page
    assert "nothing of it was measured by trainwatt" in page
    report = shelf.call("report", said["run_id"], "-o", shelf.folder / "page.html")
    assert report.exit_code == 0, report.output
    assert "estimated" in (shelf.folder / "page.html").read_text()


def test_runs_of_older_versions_are_tracked(shelf: Shelf) -> None:
    import sqlite3

    said = estimated(shelf)
    with sqlite3.connect(shelf.folder / "runs.db") as connection:
        connection.execute("UPDATE run SET settings = ?", (json.dumps({"period_s": None}),))
    assert shelf.json("show", said["run_id"])["run"]["origin"] == "tracked"


def test_estimates_of_one_time_are_not_taken_for_runs_on_one_device(shelf: Shelf) -> None:
    for name in ("a", "b"):
        estimated(shelf, "--name", name, "--count", "1024", "--started", "2023-01-01")
    assert shelf.json("list", "--by", "project")["total"]["runs_at_once"] == 0
