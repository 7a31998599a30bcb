"""`trainwatt export`: where the rows go, and what is left behind when they cannot."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.fakes.footprints import footprint
from tests.fakes.stored_rows import point
from tests.fakes.world import TRAINWATT, MakeWorld, World, finished
from trainwatt.analysis.tables import COLUMNS
from trainwatt.storage.write.writer import Writer


@pytest.fixture
def filled(make_world: MakeWorld) -> World:
    """A machine with one stored run."""
    world = make_world()
    world.db.parent.mkdir(parents=True, exist_ok=True)
    footprint(world.db.parent, name="first", project="digits")
    os.replace(world.db.parent / "run1.db", world.db)
    return world


def exported(world: World, *arguments: str) -> None:
    ended = world.call("export", *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_the_file_has_the_digits_of_show_json(filled: World, tmp_path: Path) -> None:
    exported(filled, "-o", str(tmp_path / "runs.csv"))
    [row] = csv.DictReader((tmp_path / "runs.csv").open(newline=""))
    view = json.loads(filled.call("show", "--json").stdout)
    for column, value in {
        "energy_j": view["energy"]["total_j"],
        "low_j": view["energy"]["low_j"],
        "total_g": view["carbon"]["total_g"],
    }.items():
        assert row[column] == repr(value)


def test_rows_go_to_stdout_and_no_bar_into_a_pipe(filled: World) -> None:
    ended = filled.cli("export", "latest", "--what", "curves", "--format", "jsonl")
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {row["device"] for row in rows} == {"gpu0", "gpu1", "package-0", "dram"}
    assert len(rows) == 8


def test_the_ending_of_the_file_says_the_format(filled: World, tmp_path: Path) -> None:
    exported(filled, "--what", "curves", "-o", str(tmp_path / "c.parquet"))
    assert pyarrow.parquet.read_table(tmp_path / "c.parquet").num_rows == 8
    exported(filled, "-o", str(tmp_path / "r.jsonl"))
    assert json.loads((tmp_path / "r.jsonl").read_text())["run_id"] == "run1"
    exported(filled, "-o", str(tmp_path / "r.jsonl"), "--format", "csv")
    assert (tmp_path / "r.jsonl").read_text().startswith("run_id,")
    ended = filled.call("export", "-o", str(tmp_path / "r.xlsx"))
    assert (ended.returncode, list(tmp_path.glob("*.xlsx"))) == (2, [])
    assert ".xlsx is none of the formats there are; end it with .csv, .jsonl, .parquet" in ended.stderr
    ended = filled.call("export", "-o", "nowhere/r.csv")
    assert ended.returncode == 2
    assert "there is no folder nowhere; make it" in ended.stderr


def test_filters_choose_runs(filled: World, tmp_path: Path) -> None:
    exported(filled, "--project", "digits", "--status", "completed", "-o", str(tmp_path / "r.csv"))
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 2
    ended = filled.call("export", "--project", "other", "-o", str(tmp_path / "n.csv"))
    assert (ended.returncode, ended.stderr) == (0, "no runs match\n")
    assert (tmp_path / "n.csv").read_text() == ",".join(c.name for c in COLUMNS["runs"]) + "\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run1", "--project", "digits"], 2, "not both"),
        (["--format", "parquet"], 2, "-o runs.parquet"),
        (["--since", "soon", "-o", "x.csv"], 2, "--since soon"),
        (["nothing"], 3, "no run 'nothing'"),
        (["-o", "missing/x.csv"], 2, "-o missing/x.csv: there is no folder missing; make it"),
        (["-o", "."], 2, "it is a folder"),
        (["-o", "/dev/full"], 1, "No space left"),
    ],
)
def test_what_cannot_be_is_said(filled: World, arguments: list[str], code: int, words: str) -> None:
    before = sorted(filled.work.iterdir())
    ended = filled.call("export", *arguments)
    assert ended.returncode == code
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert sorted(filled.work.iterdir()) == before


@pytest.mark.slow
def test_a_failure_half_way_leaves_the_old_file(filled: World, tmp_path: Path) -> None:
    """The file grows too large for a limit of the process (as on a full disk), under which the database can be read."""
    writer = Writer.open(filled.db)
    writer.write({"curve_point": [point(10**9 * i + 1, float(i), segment_id="on-node-a") for i in range(3000)]})
    writer.close()
    target = tmp_path / "curves.csv"
    target.write_text("old\n")
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "sys.argv = ['trainwatt', *sys.argv[1:]]\n"
        "from trainwatt.cli.main import main; main()"
    )
    for form in ("csv", "jsonl", "parquet"):
        ended = finished(filled.python(code, "export", "--what", "curves", "--format", form, "-o", str(target)))
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == f"trainwatt: {target} cannot be written: File too large; name another place with -o\n"
        assert [(p.name, p.read_text()) for p in tmp_path.glob("curves*")] == [("curves.csv", "old\n")]


def test_parquet_without_its_package_names_the_mend(filled: World, tmp_path: Path) -> None:
    code = "import sys; sys.modules['pyarrow'] = None; sys.argv = ['trainwatt', *sys.argv[1:]]\nfrom trainwatt.cli.main import main; main()"
    ended = finished(filled.python(code, "export", "-o", str(tmp_path / "r.parquet")))
    assert ended.returncode == 2
    assert ended.stderr == "trainwatt: Parquet needs the package pyarrow: `pip install 'trainwatt[parquet]'`, or take csv or jsonl\n"
    assert list(tmp_path.glob("r*")) == []


def test_a_full_stdout_is_a_failure_and_a_closed_one_is_none(filled: World) -> None:
    with open("/dev/full", "wb") as full:
        ended = finished(filled.popen([*TRAINWATT, "export"], stdout=full))
    assert (ended.returncode, ended.stderr) == (
        1,
        "trainwatt: stdout cannot be written: No space left on device; name another place with -o\n",
    )
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = finished(filled.popen([*TRAINWATT, "export", "--what", "curves"], stdout=writing))
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")
