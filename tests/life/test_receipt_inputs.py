"""A receipt has all that its figures depend on: they come out again on another machine, to the digit."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.life.test_life import HOUR_NS, RUNS, stored, written
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError
from trainwatt.life.receipt.archive import unpacked

OFFLINE = """
import socket, sys

def refuse(*_):
    raise AssertionError("it asked the network")

socket.getaddrinfo = socket.socket.connect = refuse
from trainwatt.cli.main import cli

cli(sys.argv[1:])
"""
SETTINGS = {"zone": "FR"}
INTENSITIES = [("00:00", 50.25), ("02:00", 612.5), ("04:00", 1 / 3), ("06:00", 91.0), ("08:00", 7.0), ("10:00", 33.3), ("12:00", 4.0)]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], standalone_mode=False)


def series(folder: Path, rows: list[tuple[str, float]] | None = None, name: str = "grid.csv") -> Path:
    """Intensities of the hours of the runs; the last row says nothing of its end."""
    file = folder / name
    lines = [f"1970-01-01T{time}Z,{value!r},lifecycle" for time, value in rows or INTENSITIES]
    file.write_text("\n".join(["start,intensity_g_per_kwh,basis", *lines, "2030-01-01T00:00Z,5,lifecycle"]) + "\n")
    return file


def elsewhere(file: Path, folder: Path) -> Any:
    """What `verify` says in another process, with nothing of this machine but the receipt, and without a network."""
    home = folder / "elsewhere"
    home.mkdir()
    (home / "trainwatt.toml").write_text('zone = "PL"\npue = 3.0\n')
    (home / "life.toml").write_text('[model]\nproject = "another"\n')
    variables = {
        "HOME": str(home),
        "TZ": "Pacific/Chatham",
        "TRAINWATT_ZONE": "PL",
        "TRAINWATT_PUE": "4",
        "TRAINWATT_DB": str(home / "no.db"),
    }
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, "verify", str(file), "--json"],
        cwd=home,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def settings_of(**settings: object) -> dict[str, dict[str, Any]]:
    """The same runs with what they have recorded."""
    return {name: {**columns, "settings": json.dumps(settings)} for name, columns in RUNS.items()}


OWN_TABLE = "kind,words,name,embodied_kg,low_kg,high_kg\ngpu,L4,L4,77.125,70,99\n"
ADDED = """
[model]
project = "digits"
[[add]]
stage = "data"
name = "elsewhere"
gpu_hours = [10, 20, 30]
device = "H100"
load = 0.8
zone = "SE"
source = "its accounting"
[inference]
unit = "requests"
per_day = [8, 10, 15]
days = 36.5
runs = ["serve"]
"""


@pytest.mark.parametrize(
    "terms",
    [
        ("--intensity-csv", "grid.csv", "--pue", "1.1"),
        ("--zone", "FR", "--basis", "direct", "--wue", "0.3", "--market-intensity", "12"),
        ("--zone", "SE", "--hardware", "own.csv", "--unmeasured", "0.1"),
        ("--intensity", "99.9", "--lifetime-years", "6", "--lifetime-utilization", "0.7", "--price", "0.2", "--currency", "EUR"),
        (),
    ],
)
@pytest.mark.slow
def test_the_figures_come_out_on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terms: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "America/St_Johns")
    recorded = settings_of(pue=1.37, basis="lifecycle")
    db = stored(tmp_path, at_once=False, work={"requests": 7}, **{name: {**columns, "zone": "DE"} for name, columns in recorded.items()})
    files = [series(tmp_path), tmp_path / "own.csv", Path(written(tmp_path, ADDED)), db]
    files[1].write_text(OWN_TABLE)
    result = call("disclose", "life.toml", *terms, "--receipt", "receipt.zip", "--db", db)
    assert result.exception is None, result.exception
    again = json.loads(call("life", "life.toml", *terms, "--json", "--db", db).stdout)
    for file in files:
        file.unlink()
    said = json.loads(unpacked((tmp_path / "receipt.zip").read_bytes())["result.json"])
    assert said["life"] == again
    factors = [*(run["carbon"] for run in said["runs"]), *said["added"]]
    assert all(a["source"] for carbon in factors for a in carbon["assumptions"])
    found = elsewhere(tmp_path / "receipt.zip", tmp_path)
    assert (found["holds"], found["differences"], found["error"]) == (True, [], None)


def test_a_receipt_has_the_series_that_its_figures_depend_on(tmp_path: Path) -> None:
    """Only the part for the time of the runs, each value to the digit, with the ends that follow from rows that it leaves out."""
    db = stored(tmp_path)
    grid = series(tmp_path)
    result = call("disclose", "--project", "digits", "--intensity-csv", grid, "--receipt", tmp_path / "r.zip", "--db", db)
    assert result.exception is None, result.exception
    files = unpacked((tmp_path / "r.zip").read_bytes())
    rows = list(csv.DictReader(io.StringIO(files["intensities.csv"].decode())))
    assert [float(row["intensity_g_per_kwh"]) for row in rows] == [value for _, value in INTENSITIES]
    assert {row["basis"] for row in rows} == {"lifecycle"}
    assert rows[-1]["end"] == "1970-01-01T14:00:00Z"
    whole = json.loads(files["result.json"])
    grams = [run["carbon"]["operational_g"] for run in whole["runs"]]
    of_rows = [value for _, value in INTENSITIES]
    assert grams == pytest.approx([*of_rows, grams[-1]])  # each run takes a kilowatt-hour in an hour of its own
    footprints = json.loads(call("footprint", "--project", "digits", "--intensity-csv", grid, "--json", "--db", db).stdout)["footprints"]
    assert sorted(f["carbon"]["operational_g"] for f in footprints) == sorted(grams)


def test_an_altered_intensity_is_found(tmp_path: Path) -> None:
    from tests.life.test_receipt import altered, verified

    db = stored(tmp_path)
    arguments = ("--project", "digits", "--intensity-csv", series(tmp_path), "--receipt", tmp_path / "r.zip", "--db", db)
    assert call("disclose", *arguments).exception is None
    for digests_too in (False, True):
        file = altered(tmp_path / "r.zip", "intensities.csv", lambda data: data.replace(b"612.5", b"612.4"), digests_too=digests_too)
        view = verified(file)
        assert not view["holds"]
        assert view["altered"] == ([] if digests_too else ["intensities.csv"])
        assert any(d["figure"].startswith("runs[") and d["figure"].endswith(".carbon.operational_g") for d in view["differences"])


def test_a_series_without_a_value_for_the_runs_replaces_nothing_and_is_said(tmp_path: Path) -> None:
    from tests.life.test_receipt import verified

    db = stored(tmp_path)
    grid = tmp_path / "grid.csv"
    grid.write_text("start,end,intensity_g_per_kwh\n2030-01-01T00:00Z,2030-01-02T00:00Z,5\n")
    arguments = ("--project", "digits", "--intensity-csv", grid, "--receipt", tmp_path / "r.zip", "--form", "json", "--db", db)
    result = call("disclose", *arguments)
    assert result.exception is None, result.exception
    assert f"{grid} has no value for the time of run" in result.stderr
    assert verified(tmp_path / "r.zip")["holds"]
    files = unpacked((tmp_path / "r.zip").read_bytes())
    assert json.loads(files["result.json"])["life"] == json.loads(result.stdout)["life"]


def test_a_receipt_has_the_intensities_that_were_fetched(tmp_path: Path) -> None:
    from tests.life.test_receipt import altered, verified

    db = stored(tmp_path, at_once=False, work=None, **{name: {**columns, "zone": "FR"} for name, columns in RUNS.items()})
    with sqlite3.connect(db) as connection:
        connection.executemany(
            "INSERT INTO grid_intensity VALUES ('electricitymaps', 'FR', 'lifecycle', ?, ?, ?, 0, 1)",
            [(hour * HOUR_NS, (hour + 1) * HOUR_NS, 20.0 + hour) for hour in (*range(16), 10_000)],  # the last is of another project
        )
    connection.close()
    assert call("disclose", "--project", "digits", "--receipt", tmp_path / "r.zip", "--db", db).exception is None
    db.unlink()
    whole = json.loads(unpacked((tmp_path / "r.zip").read_bytes())["result.json"])
    assert [run["carbon"]["operational_g"] for run in whole["runs"]] == pytest.approx([20.0 + 2 * i for i in range(8)])
    assert verified(tmp_path / "r.zip")["holds"]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(unpacked((tmp_path / "r.zip").read_bytes())["runs.db"])
        assert connection.execute("SELECT count(*) FROM grid_intensity").fetchone() == (16,)

    def change(data: bytes) -> bytes:
        connection = sqlite3.connect(":memory:")
        connection.deserialize(data)
        connection.execute("UPDATE grid_intensity SET g_per_kwh = 20.1 WHERE start_utc_ns = 0")
        connection.commit()
        return bytes(connection.serialize())

    view = verified(altered(tmp_path / "r.zip", "runs.db", change, digests_too=True))
    assert "runs[0].carbon.operational_g" in [d["figure"] for d in view["differences"]]


def test_a_life_that_is_named_by_its_file_keeps_its_name(tmp_path: Path) -> None:
    from tests.life.test_receipt import verified

    file = tmp_path / "olmo.toml"
    file.write_text('[[add]]\nstage = "training"\nname = "runs"\noperational_kg = 312000\nsource = "a paper"\n')
    assert call("disclose", file, "--receipt", tmp_path / "r.zip").exception is None
    assert json.loads(unpacked((tmp_path / "r.zip").read_bytes())["result.json"])["name"] == "olmo"
    assert verified(tmp_path / "r.zip")["holds"]


@pytest.mark.parametrize("command", [("life",), ("disclose", "--form", "gpai"), ("disclose", "--receipt", "r.zip")])
def test_a_series_needs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, '[[add]]\nstage = "training"\nname = "runs"\nenergy_kwh = 3\nsource = "a bill"\n')
    series(tmp_path)
    result = call(*command, "--intensity-csv", "grid.csv")
    assert isinstance(result.exception, ConfigurationError)
    assert all(word in str(result.exception) for word in ("--intensity-csv grid.csv", "no run", "--intensity"))
    assert not (tmp_path / "r.zip").exists()


def test_what_has_no_hours_is_said(tmp_path: Path) -> None:
    db = stored(tmp_path, work={"requests": 7})
    result = call("life", written(tmp_path, ADDED), "--intensity-csv", series(tmp_path), "--db", db)
    assert result.exception is None, result.exception
    assert "what was added by hand or is planned has no hours" in result.stderr


def test_a_file_that_can_be_read_only_once_is_refused(tmp_path: Path) -> None:
    """Else the receipt would be that of an empty life."""
    pipe = tmp_path / "life.toml"
    os.mkfifo(pipe)
    writer = Thread(target=lambda: pipe.write_text(ADDED))
    writer.start()
    result = call("disclose", pipe, "--receipt", tmp_path / "r.zip", "--db", stored(tmp_path, work={"requests": 7}))
    writer.join()
    assert isinstance(result.exception, ConfigurationError)
    assert "write it to a file first" in str(result.exception)
    assert not (tmp_path / "r.zip").exists()


@pytest.mark.parametrize("project", ["a\x7fb\x85", 'quo"te\\\n', "😀 é", "\U000e0041"])
def test_a_project_of_any_name_has_a_receipt(tmp_path: Path, project: str) -> None:
    from tests.life.test_receipt import verified

    db = stored(tmp_path)
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE run SET project = ?", (project,))
    connection.close()
    result = call("disclose", "--project", project, "--receipt", tmp_path / "r.zip", "--db", db)
    assert result.exception is None, result.exception
    assert verified(tmp_path / "r.zip")["holds"]
    assert json.loads(unpacked((tmp_path / "r.zip").read_bytes())["result.json"])["name"] == project


def test_a_folder_with_the_files_of_several_hosts_has_a_receipt(tmp_path: Path) -> None:
    """A file that cannot be read is left out, as in lists."""
    from tests.life.test_receipt import verified

    folder = tmp_path / "runs"
    folder.mkdir()
    stored(tmp_path).rename(folder / "a.db")
    (tmp_path / "more").mkdir()
    other = stored(tmp_path / "more")
    with closing(sqlite3.connect(other)) as connection:
        for table in ("run", "segment", "device", "curve_point", "clock_anchor", "inventory"):
            for column in ("id", "run_id", "segment_id"):
                if column in {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}:
                    connection.execute(f"UPDATE {table} SET {column} = {column} || '-b'")
        connection.execute("UPDATE run SET name = name || '-b', started_utc_ns = started_utc_ns + ?", (1000 * HOUR_NS,))
        connection.commit()
    other.rename(folder / "b.db")
    (folder / "broken.db").write_text("no database")
    result = call("disclose", "--project", "digits", "--zone", "FR", "--receipt", tmp_path / "r.zip", "--db", folder)
    assert result.exception is None, result.exception
    assert verified(tmp_path / "r.zip")["holds"]
    whole = json.loads(unpacked((tmp_path / "r.zip").read_bytes())["result.json"])
    assert len(whole["runs"]) == 16
    assert whole["life"]["so_far"]["runs"] == 16
