"""Rows of runs, phases and curves, and what they look like in a file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tests.fakes.footprints import START, footprint
from tests.fakes.stored_rows import device, phase, phase_energy, phase_fold, phase_fold_energy, point, run, segment
from trainwatt.analysis.footprint import view_of
from trainwatt.analysis.tables import COLUMNS, What, rows
from trainwatt.presentation.table_files import FORMATS
from trainwatt.storage.read.details import of_run as reading
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.writer import Writer

NASTY = '=cmd|"/C calc"!A0,\n<script>\t🔥 é' + "x" * 300


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two hosts with four devices each, and a name that is no good."""
    footprint(tmp_path, hosts=("node-a", "node-b"), name=NASTY, group_name="-1", tags=json.dumps({"a": "=1"}))
    return Store.open(str(tmp_path / "run1.db"))


def written(store: Store, what: What, form: str, run_id: str = "run1") -> bytes:
    file = io.BytesIO()
    table = FORMATS[form](file, COLUMNS[what])
    for row in next(rows(store, [run_id], what)):
        table.put(row)
    table.finish()
    return file.getvalue()


def test_a_run_has_the_digits_of_show(store: Store) -> None:
    view: Any = view_of(store, store.load("run1"))
    [row] = next(rows(store, ["run1"], "runs"))
    energy, carbon = view["energy"], view["carbon"]
    assert (row["energy_j"], row["low_j"], row["high_j"]) == (energy["total_j"], energy["low_j"], energy["high_j"])
    assert [row[key] for key in row if key.endswith("_g")] == [carbon[key] for key in row if key.endswith("_g")]
    assert row["total_g"] > 0
    assert (row["samples"], row["tokens"]) == (1000, None)
    assert row["started_utc_ns"] == START
    assert row["started_at"] == view["run"]["started_at"]


@pytest.mark.parametrize("what", ["runs", "curves"])
def test_rows_have_just_the_columns_that_are_announced(store: Store, what: What) -> None:
    for row in next(rows(store, ["run1"], what)):
        assert list(row) == [c.name for c in COLUMNS[what]]


def test_a_curve_adds_up_to_its_device_on_each_host(store: Store) -> None:
    view = view_of(store, store.load("run1"))
    last = {(row["host"], row["device"]): row for row in next(rows(store, ["run1"], "curves"))}
    assert {key: row["energy_j"] for key, row in last.items()} == {
        (d["host"], d["device"]): d["energy_j"] for d in view["energy"]["devices"]
    }
    row = last["node-b", "gpu0"]
    assert row["energy_j"] == row["counter_j"] + row["power_j"] + row["imputed_j"] + row["modelled_j"]
    assert row["utc_ns"] == START + row["t_ns"]


def test_phases_have_the_digits_of_show(tmp_path: Path) -> None:
    path = stored(tmp_path, [0, 10**10])
    writer = Writer.open(Path(path))
    unknown = phase(4, "@validate", resolved=None)
    phases = [phase(2), phase(3), unknown]
    writer.write({"phase": phases, "phase_energy": [phase_energy(2, 3.0), phase_energy(3, 4.0)]})
    writer.close()
    store = Store.open(path)
    first, second, third = found = list(next(rows(store, ["run-1"], "phases")))
    assert set(first) == {c.name for c in COLUMNS["phases"]}
    view = view_of(store, store.load("run-1"))["phases"][0]
    for key in ("count", "duration_s", "energy_j", "unresolved_count", "pending_count"):
        assert first[key] + second[key] == view[key]
    assert (first["phase"], first["count"], first["energy_j"], first["first_started_utc_ns"]) == ("train", 1, 3.0, 2 * 10**9)
    assert (second["number"], second["energy_j"], second["first_started_utc_ns"]) == (2, 4.0, 3 * 10**9)
    assert (third["phase"], third["energy_j"], third["resolved"]) == ("@validate", None, False)
    lines = list(csv.DictReader(io.StringIO(written(store, "phases", "csv", "run-1").decode(), newline="")))
    assert (lines[2]["phase"], lines[2]["energy_j"]) == ("'@validate", "")
    assert pyarrow.parquet.read_table(io.BytesIO(written(store, "phases", "parquet", "run-1"))).to_pylist() == [
        {**row, **dict.fromkeys(("work", "per_unit", "metrics"), "{}")} for row in found
    ]


def test_phases_that_are_kept_as_a_sum_are_one_row(tmp_path: Path) -> None:
    """100 instances as a sum, and two more: the rows add up to the phase."""
    path = stored(tmp_path, [0, 10**10])
    writer = Writer.open(Path(path))
    writer.write({"phase": [phase(2), phase(3)], "phase_energy": [phase_energy(2, 3.0), phase_energy(3, 4.0)]})
    writer.write({"phase_fold": [phase_fold()], "phase_fold_energy": [phase_fold_energy(93.0)]})
    writer.close()
    store = Store.open(path)
    rest, first, second = found = list(next(rows(store, ["run-1"], "phases")))
    view = view_of(store, store.load("run-1"))["phases"][0]
    assert [(row["count"], row["number"], row["energy_j"]) for row in found] == [(100, None, 93.0), (1, 101, 3.0), (1, 102, 4.0)]
    for key in ("count", "duration_s", "energy_j", "unresolved_count"):
        assert sum(row[key] for row in found) == pytest.approx(view[key])
    assert rest["low_j"] < 93.0 < rest["high_j"]
    assert set(rest) == set(first) == set(second)


def test_the_time_of_a_point_follows_a_clock_that_was_set(tmp_path: Path) -> None:
    path = stored(tmp_path, [0, 10, 20], anchors=[(5, 1_000_005), (15, 2_000_015)])
    assert [row["utc_ns"] for row in next(rows(Store.open(path), ["run-1"], "curves"))] == [1_000_000, 1_000_010, 2_000_020]


def test_a_curve_is_read_in_pieces_without_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE", 3)
    for count in (1, 3, 7):
        path = stored(tmp_path / str(count), list(range(count)))
        assert [row["t_ns"] for row in next(rows(Store.open(path), ["run-1"], "curves"))] == list(range(count))


def test_rows_come_before_the_whole_curve_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE", 2)
    path = stored(tmp_path, list(range(10)))
    coming = next(rows(Store.open(path), ["run-1"], "curves"))
    next(coming)
    writer = Writer.open(Path(path))
    writer.write({"curve_point": [point(99, 99.0)]})  # no reader is in its way, and the next piece sees it
    writer.close()
    assert [row["t_ns"] for row in coming][-1] == 99


def test_csv_holds_no_formula_and_loses_nothing(store: Store) -> None:
    [row] = csv.DictReader(io.StringIO(written(store, "runs", "csv").decode(), newline=""))
    assert row["name"] == f"'{NASTY}"
    assert row["group"] == "'-1"
    assert json.loads(row["tags"]) == {"a": "=1"}
    assert row["lower_bound"] == "false"
    assert float(row["energy_j"]) == view_of(store, store.load("run1"))["energy"]["total_j"]
    assert row["idle_j"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_cell_begins_as_a_formula_does(tmp_path: Path, start: str) -> None:
    footprint(tmp_path, name=f"{start}1+1")
    [row] = csv.DictReader(io.StringIO(written(Store.open(str(tmp_path / "run1.db")), "runs", "csv").decode(), newline=""))
    assert row["name"] == f"'{start}1+1"


def test_a_negative_number_is_a_number(tmp_path: Path) -> None:
    path = stored(tmp_path, [-5, 1])
    [first, _] = csv.DictReader(io.StringIO(written(Store.open(path), "curves", "csv", "run-1").decode(), newline=""))
    assert first["t_ns"] == "-5"


def test_json_lines_are_exact(store: Store) -> None:
    [row] = [json.loads(text) for text in written(store, "runs", "jsonl").splitlines()]
    assert row["name"] == NASTY
    assert row["tags"] == {"a": "=1"}
    assert row == next(next(rows(store, ["run1"], "runs")))


@pytest.mark.parametrize("what", ["runs", "curves"])
def test_parquet_has_the_same_values(store: Store, what: What) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(written(store, what, "parquet")))
    expected = list(next(rows(store, ["run1"], what)))
    for row in expected:
        row.update({key: json.dumps(value) for key, value in row.items() if isinstance(value, dict)})
    assert table.to_pylist() == expected
    assert table.schema.names == [c.name for c in COLUMNS[what]]


@pytest.mark.parametrize(("form", "lines"), [("csv", 1), ("jsonl", 0)])
def test_a_run_without_points_is_a_heading(tmp_path: Path, form: str, lines: int) -> None:
    path = stored(tmp_path, [])
    assert len(written(Store.open(path), "curves", form, "run-1").splitlines()) == lines


def test_parquet_of_nothing_has_its_columns(tmp_path: Path) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(written(Store.open(stored(tmp_path, [])), "curves", "parquet", "run-1")))
    assert (table.num_rows, table.schema.names) == (0, [c.name for c in COLUMNS["curves"]])


def stored(folder: Path, instants: list[int], anchors: list[tuple[int, int]] | None = None) -> str:
    """A run with one curve that has a point at each of `instants`, and anchors of (monotonic, UTC)."""
    folder.mkdir(exist_ok=True)
    path = folder / "curve.db"
    writer = Writer.open(path)
    writer.write(
        {
            "run": [run()],
            "segment": [segment()],
            "device": [device()],
            "curve_point": [point(t, float(i)) for i, t in enumerate(instants)],
            "clock_anchor": [{"segment_id": "seg-1", "monotonic_ns": t, "utc_ns": utc, "boottime_ns": t} for t, utc in anchors or ()],
        }
    )
    writer.close()
    return str(path)
