"""`trainwatt report`: what it writes, where, and what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.browser.runs import hour
from tests.fakes.compared import put
from tests.fakes.world import HANGS_S, TRAINWATT, World, finished
from tests.life.test_life import stored
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError, RunNotFoundError, TrainwattError
from trainwatt.presentation.life.rows import BY_STAGE
from trainwatt.presentation.words.masses import format_mass
from trainwatt.presentation.words.quantities import format_energy
from trainwatt.presentation.words.runs import OUTSIDE, headline


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two runs of an hour, which no test changes."""
    path = tmp_path_factory.mktemp("stored") / "runs.db"
    hour(path, "aaa111", name="first")
    return str(hour(path, "bbb222", name="second", status="failed", end_reason="ValueError"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["report", *arguments], standalone_mode=False)


def written(*arguments: str) -> str:
    result = call(*arguments)
    assert result.exception is None, result.exception
    assert result.stderr == ""
    return result.stdout


def test_it_writes_one_page_named_after_the_run_and_prints_its_path(db: str, folder: Path) -> None:
    assert written("aaa", "--db", db) == "trainwatt-aaa111.html\n"
    assert [p.name for p in folder.iterdir()] == ["trainwatt-aaa111.html"]
    text = (folder / "trainwatt-aaa111.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert text.endswith("</html>\n")


def test_the_ending_of_the_file_says_the_format(db: str, folder: Path) -> None:
    assert written("aaa", "--db", db, "-o", "a.md") == "a.md\n"
    assert (folder / "a.md").read_text().startswith("# ")
    written("aaa", "--db", db, "-o", "a.json")
    assert json.loads((folder / "a.json").read_text())["runs"][0]["run"]["id"] == "aaa111"
    assert ".pdf is none of the formats there are; end it with .html, .md, .json" in str(call("aaa", "--db", db, "-o", "a.pdf").exception)
    assert not (folder / "a.pdf").exists()


def test_a_device_that_is_not_in_the_total_is_marked_in_show_and_on_the_page(tmp_path: Path) -> None:
    place = tmp_path / "runs.db"
    put(place, "aaa", {"package-0": 100.0, "psys": 150.0})
    shown = CliRunner().invoke(cli, ["show", "aaa", "--db", str(place)]).output
    for text in (shown, written("aaa", "-o", "-", "--db", str(place))):
        assert re.search(r"psys ?\*", text)
        assert OUTSIDE in text


def test_its_grams_are_on_the_terms_that_are_given(db: str, folder: Path) -> None:
    terms = ("--zone", "PL", "--pue", "1.5", "--lifetime-years", "6")
    [view] = json.loads(written("aaa", *terms, "--format", "json", "-o", "-", "--db", db))["runs"]
    [same] = json.loads(CliRunner().invoke(cli, ["footprint", "aaa", *terms, "--json", "--db", db]).stdout)["footprints"]
    assert view["carbon"] == same["carbon"]
    assert view["carbon"]["zone"] == "PL"
    page = written("aaa", *terms, "-o", "-", "--db", db)
    assert "PL" in page
    assert "PUE 1.5" in page


def test_what_stands_beside_the_grams_is_in_it(db: str, folder: Path) -> None:
    asked = ("--wue", "1.8", "--price", "0.25", "--currency", "EUR", "--market-intensity", "20", "--unmeasured", "typical")
    for form in ("html", "md"):
        text = written("aaa", *asked, "--format", form, "-o", "-", "--db", db)
        for words in ("water: ", "EUR at 0.25 a kWh", "operational as bought, at 20 g/kWh", "not measured: fans"):
            assert words in text


def test_its_grid_is_the_series_that_is_given(db: str, folder: Path) -> None:
    Path("grid.csv").write_text("start,end,intensity_g_per_kwh\n2026-01-01T00:00Z,2027-01-01T00:00Z,123\n")
    page = written("aaa", "--intensity-csv", "grid.csv", "-o", "-", "--db", db)
    assert page.count('class="grid"') == 1
    assert "123" in page


def test_a_series_of_another_time_is_said_not_to_be_used(db: str, folder: Path) -> None:
    Path("grid.csv").write_text("start,end,intensity_g_per_kwh\n2020-01-01T00:00Z,2021-01-01T00:00Z,123\n")
    for form in ("html", "md", "json"):
        result = call("aaa", "--intensity-csv", "grid.csv", "--format", form, "-o", "-", "--db", db)
        assert result.exception is None
        assert result.stderr == "trainwatt: grid.csv has no value for the time of run aaa111, and is not used for it\n"


def test_what_is_modelled_has_no_statistical_interval(db: str, folder: Path, tmp_path: Path) -> None:
    """Of the run of the other tests only the memory is modelled."""
    sure, judged = "holds the true value with 95 % confidence", "a judged bound, not a statistical interval"
    part = written("aaa", "-o", "-", "--db", db)
    assert f"The range of the measured part {sure}; the range of the modelled part is {judged}." in part
    measured = written("ccc", "-o", "-", "--db", str(hour(tmp_path / "measured.db", "ccc333", powers={"gpu0": 300.0})))
    assert f"The range {sure}. It covers these components only." in measured
    assert judged not in measured
    modelled = written("ddd", "-o", "-", "--db", str(hour(tmp_path / "modelled.db", "ddd444", powers={"dram": 20.0})))
    assert f"The range is that of a model: {judged}. It covers these components only." in modelled
    assert sure not in modelled


def test_terms_that_cannot_be_write_nothing(db: str, folder: Path) -> None:
    result = call("aaa", "--zone", "Atlantis", "--db", db)
    assert isinstance(result.exception, ConfigurationError)
    assert "Atlantis" in str(result.exception)
    assert list(folder.iterdir()) == []


def test_several_runs_and_one_named_twice_are_one_file(db: str, folder: Path) -> None:
    assert written("aaa", "bbb222", "aaa111", "--db", db) == "trainwatt-aaa111-and-1-more.html\n"
    assert (folder / "trainwatt-aaa111-and-1-more.html").read_text(encoding="utf-8").count('<article aria-label="Run') == 2


def test_several_runs_are_added_up_by_stage(folder: Path) -> None:
    """As `life` adds them up: two runs at the same time on one GPU count once. One run, and runs without a stage, have no such part."""
    db = str(stored(folder.parent, at_once=True, other={"project": "other", "stage": "training"}))
    of_project = json.loads(CliRunner().invoke(cli, ["life", "--project", "digits", "--json", "--db", db]).stdout)
    energy = format_energy(of_project["so_far"]["energy_j"])
    assert energy == "1.00 kWh"
    page, md = (written("--project", "digits", "--db", db, "--format", form, "-o", "-") for form in ("html", "md"))
    assert all(BY_STAGE in text and energy in text and "interrupted" in text for text in (page, md))
    assert "| experimentation (2 runs" in md
    assert "digits: ≥" in md
    assert "2 runs: ≥" in written("prepare", "other", "--db", db, "--format", "md", "-o", "-")
    assert "second." in page[page.index("The model is the result of run") :][:60]
    for form in ("html", "md"):
        assert BY_STAGE not in written("prepare", "--db", db, "--format", form, "-o", "-")
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE run SET stage = NULL")
    connection.close()
    assert BY_STAGE not in written("--project", "digits", "--db", db, "-o", "-")


def test_the_part_by_stage_is_on_the_terms_of_the_report(folder: Path) -> None:
    db = str(stored(folder.parent))
    terms = ("--intensity", "100", "--pue", "1.25")
    whole = json.loads(CliRunner().invoke(cli, ["life", "--project", "digits", *terms, "--json", "--db", db]).stdout)["so_far"]
    text = written("--project", "digits", *terms, "--db", db, "--format", "md", "-o", "-")
    assert f"digits: {format_mass(whole['total_g'], whole['total_low_g'], whole['total_high_g'])}" in text


def test_without_a_name_it_is_the_latest(db: str, folder: Path) -> None:
    assert written("--db", db) == "trainwatt-bbb222.html\n"


def test_every_format_has_the_figures_of_show(db: str, folder: Path) -> None:
    shown = CliRunner().invoke(cli, ["show", "aaa", "--json", "--db", db], standalone_mode=False).stdout
    view = json.loads(shown)
    assert json.loads(written("aaa", "--format", "json", "-o", "-", "--db", db)) == {"schema_version": 1, "runs": [view]}
    assert f"**{headline(view)}**" in written("aaa", "--format", "md", "-o", "-", "--db", db)
    large, rest = headline(view).split(" (", 1)
    assert f"<b>{large}</b> ({rest}" in written("aaa", "-o", "-", "--db", db)
    assert list(folder.iterdir()) == []
    assert written("aaa", "--format", "md", "--db", db) == "trainwatt-aaa111.md\n"


def test_a_file_that_is_there_is_replaced_and_a_link_stays_a_link(db: str, folder: Path) -> None:
    (folder / "real.html").write_text("old")
    (folder / "link.html").symlink_to("real.html")
    assert written("aaa", "-o", "link.html", "--db", db) == "link.html\n"
    assert (folder / "link.html").is_symlink()
    assert (folder / "real.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(list(folder.iterdir())) == 2


def test_a_device_is_written_to_and_not_replaced(db: str, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE, cwd=folder) as reader:
        written("aaa", "-o", "pipe", "--db", db)
        assert reader.stdout is not None
        assert reader.stdout.read().startswith(b"<!doctype html>")
    assert (folder / "pipe").is_fifo()


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (("zzz",), RunNotFoundError, "no run 'zzz'"),
        (("aaa", "-o", "there"), ConfigurationError, "-o there: it is a folder; name a file in it, as in there/report.html"),
        (("aaa", "-o", "nowhere/report.html"), ConfigurationError, "-o nowhere/report.html: there is no folder nowhere"),
        (("aaa", "-o", "/proc/report.html"), TrainwattError, "/proc/report.html cannot be written: "),
        (("aaa", "-o", "n" * 300), TrainwattError, "cannot be written: File name too long"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_left(
    db: str, folder: Path, arguments: tuple[str, ...], kind: type[Exception], said: str
) -> None:
    (folder / "there").mkdir()
    error = call(*arguments, "--db", db).exception
    assert type(error) is kind
    assert said in str(error)
    assert [p.name for p in folder.iterdir()] == ["there"]
    assert list((folder / "there").iterdir()) == []


def test_a_full_disk_leaves_the_old_file_as_it_was(db: str, folder: Path) -> None:
    """A limit on the size of files stands in for the disk."""
    (folder / "report.html").write_text("old")
    code = (
        "import resource, signal, runpy, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)); sys.argv[0] = 'trainwatt';"
        "runpy.run_module('trainwatt', run_name='__main__')"
    )
    command = [sys.executable, "-c", code, "report", "aaa", "-o", "report.html", "--db", db]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=HANGS_S)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "report.html cannot be written: File too large; name another place with -o" in ended.stderr
    assert [(p.name, p.read_text()) for p in folder.iterdir()] == [("report.html", "old")]


def test_exit_codes_are_those_of_every_command(db: str, folder: Path) -> None:
    for arguments, code in ((("zzz",), 3), (("aaa", "-o", "."), 2), (("aaa", "--format", "pdf"), 2), (("aaa", "-o", "/proc/x.html"), 1)):
        ended = subprocess.run([*TRAINWATT, "report", *arguments, "--db", db], capture_output=True, text=True, timeout=HANGS_S)
        assert (ended.returncode, ended.stdout) == (code, ""), arguments
        assert "Traceback" not in ended.stderr


def test_stdout_is_utf_8_whatever_the_terminal_speaks(db: str, folder: Path) -> None:
    command = [*TRAINWATT, "report", "aaa", "-o", "-", "--db", db]
    ended = subprocess.run(command, capture_output=True, timeout=HANGS_S, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert "–" in ended.stdout.decode("utf-8")


@pytest.mark.slow
def test_a_run_in_progress_has_a_page_too(world: World) -> None:
    """A tracker in another process, still open while the report is written."""
    code = (
        "import sys, time\nfrom trainwatt import EnergyTracker\nwith EnergyTracker(project='digits') as tracker:\n"
        "    with tracker.phase('train'):\n        time.sleep(2.5)\n        print('now', flush=True)\n        sys.stdin.read()\n"
    )
    process = world.python(code, stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    ended = world.call("report", "-o", "live.html")
    text = (world.work / "live.html").read_text(encoding="utf-8")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "live.html\n", "")
    assert "This run has not ended. It was last seen at" in text
    assert text.count('class="layer ') == 3
    assert 'class="strip ' in text
    assert finished(process, "").returncode == 0
