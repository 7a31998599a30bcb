"""CodeCarbon's emissions.csv: its energies without PUE, its versions, and rows that cannot be right."""

from __future__ import annotations

import pytest

from tests.fakes.imported import CODECARBON, ROW, Shelf, csv_text
from trainwatt.errors import ConfigurationError

KWH = 3.6e6


def test_a_row_is_a_run_with_its_parts_and_their_ranges(shelf: Shelf) -> None:
    assert shelf.imports(shelf.file("emissions.csv", csv_text([ROW])))["added"] == 1
    run = shelf.only()
    assert (run["run"]["origin"], run["run"]["source"]) == ("imported", "CodeCarbon 2.3.4")
    assert (run["run"]["started_at"], run["run"]["duration_s"]) == ("2024-03-01T11:00:00.000Z", 3600)
    assert run["energy"]["total_j"] == pytest.approx(0.36 * KWH)
    devices = {d["device"]: d for d in run["energy"]["devices"]}
    assert {name: d["energy_j"] / KWH for name, d in devices.items()} == pytest.approx({"gpu": 0.3, "cpu": 0.04, "dram": 0.02})
    assert devices["cpu"]["low_j"] < 0.5 * devices["cpu"]["energy_j"] < 1.9 * devices["cpu"]["energy_j"] < devices["cpu"]["high_j"]
    assert 0.93 < devices["gpu"]["low_j"] / devices["gpu"]["energy_j"] < 0.96
    assert run["energy"]["measured_fraction"] == pytest.approx(0.3 / 0.36)
    assert run["carbon"]["zone"] == "FR"
    assert {line["component"] for line in run["carbon"]["embodied_lines"]} >= {"gpu", "cpu", "dram"}
    assert run["sampler"] is None


def test_pue_is_taken_out_of_the_energy_and_kept_apart(shelf: Shelf) -> None:
    shelf.imports(shelf.file("emissions.csv", csv_text([{**ROW, "pue": 1.2}])))
    run = shelf.only()
    assert run["energy"]["total_j"] == pytest.approx(0.36 * KWH / 1.2)
    assert run["carbon"]["pue"] == 1.2
    kwh, g_per_kwh = run["energy"]["total_j"] * 1.2 / KWH, run["carbon"]["intensity_g_per_kwh"]
    assert run["carbon"]["operational_g"] == pytest.approx(kwh * g_per_kwh)


def test_version_1_has_one_figure_only(shelf: Shelf) -> None:
    columns = [
        name
        for name in CODECARBON
        if name in ["timestamp", "project_name", "duration", "emissions", "country_name", "on_cloud", "energy_consumed"]
    ]
    shelf.imports(shelf.file("emissions.csv", csv_text([ROW], columns)))
    run = shelf.only()
    assert [d["device"] for d in run["energy"]["devices"]] == ["machine"]
    assert run["energy"]["total_j"] == pytest.approx(0.36 * KWH)
    assert run["energy"]["interval_kind"] == "judged"


def test_a_later_version_with_new_columns_in_another_order_is_read_by_name(shelf: Shelf) -> None:
    columns = [*reversed(CODECARBON), "water_consumed", "cpu_utilization_percent", "npu_energy"]
    row = {**ROW, "energy_consumed": 0.5, "npu_energy": 0.14}
    result = shelf.call("import", shelf.file("emissions.csv", csv_text([row], columns)))
    assert "npu_energy" in result.stderr
    other = next(d for d in shelf.only()["energy"]["devices"] if d["device"] == "other")
    assert other["energy_j"] == pytest.approx(0.14 * KWH)


def test_importing_again_changes_nothing_and_a_run_that_has_grown_is_renewed(shelf: Shelf) -> None:
    file = shelf.file("emissions.csv", csv_text([ROW]))
    assert shelf.imports(file)["added"] == 1
    before = shelf.only()
    again = shelf.imports(file)
    assert (again["added"], again["renewed"], again["unchanged"]) == (0, 0, 1)
    assert shelf.only() == before
    later = {**ROW, "timestamp": "2024-03-01T13:00:00", "duration": 7200, "energy_consumed": 0.72, "gpu_energy": 0.66}
    grown = shelf.file("emissions.csv", csv_text([ROW, later]))  # flush() appends rows of the same run
    assert shelf.imports(grown)["renewed"] == 1
    assert shelf.only()["energy"]["total_j"] == pytest.approx(0.72 * KWH)
    assert shelf.imports(file)["unchanged"] == 1
    assert shelf.only()["energy"]["total_j"] == pytest.approx(0.72 * KWH)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"duration": "soon"}, ["duration 'soon'", "not a number"]),
        ({"duration": ""}, ["duration is empty"]),
        ({"energy_consumed": -1}, ["energy_consumed '-1'"]),
        ({"energy_consumed": "nan", "cpu_energy": ""}, ["energy_consumed is empty"]),
        ({"energy_consumed": 0.1}, ["less than its parts"]),
        ({"energy_consumed": 36000, "gpu_energy": 36000}, ["more than 200 kW"]),
        ({"pue": 0.9}, ["pue 0.9", "1 or more"]),
        ({"timestamp": "yesterday"}, ["timestamp 'yesterday'"]),
    ],
)
def test_a_row_that_cannot_be_right_is_left_out_and_named(shelf: Shelf, changes: dict[str, object], words: list[str]) -> None:
    good = {**ROW, "run_id": "good"}
    result = shelf.call("import", shelf.file("emissions.csv", csv_text([{**ROW, **changes}, good])))
    assert result.exit_code == 1
    assert "line 2" in result.stderr
    assert all(word in result.stderr for word in words), result.stderr
    assert len(shelf.runs()) == 1


def test_a_file_without_its_columns_is_refused(shelf: Shelf) -> None:
    with pytest.raises(ConfigurationError, match=r"duration.*versions 1 to 3"):
        shelf.call("import", shelf.file("emissions.csv", csv_text([ROW], [c for c in CODECARBON if c != "duration"])))


def test_a_row_of_another_version_is_named(shelf: Shelf) -> None:
    text = csv_text([ROW]) + "2024-03-01T12:00:00,bert,3600,0.02\n"
    result = shelf.call("import", shelf.file("emissions.csv", text))
    assert (result.exit_code, len(shelf.runs())) == (1, 1)
    assert "line 3: it has 4 cells and the header has" in result.stderr
    assert "another version" in result.stderr


def test_a_state_and_a_cloud_region_name_the_grid(shelf: Shelf) -> None:
    state = {**ROW, "run_id": "a", "country_name": "United States", "country_iso_code": "USA", "region": "california"}
    cloud = {**state, "run_id": "b", "on_cloud": "Y", "cloud_provider": "aws", "cloud_region": "eu-west-1"}
    nowhere = {**ROW, "run_id": "c", "country_name": "Atlantis", "country_iso_code": "ATL"}
    result = shelf.call("import", shelf.file("emissions.csv", csv_text([state, cloud, nowhere])))
    assert "Atlantis" in result.stderr
    zones = {shelf.json("show", entry["run"]["id"])["carbon"]["zone"] for entry in shelf.runs()}
    assert zones == {"US-CA", "aws:eu-west-1", None}
