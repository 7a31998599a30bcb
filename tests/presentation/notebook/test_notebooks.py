"""Runs and summaries in a notebook, and runs as rows of a data frame."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pandas
import pytest

import trainwatt
from tests.fakes.compared import put
from tests.fakes.footprints import START, footprint
from tests.fakes.world import HANGS_S, ROOT
from trainwatt.analysis.footprint import view_of
from trainwatt.analysis.tables import rows
from trainwatt.storage.read.store import Store

NASTY = '<script>alert("1")</script>\x1b[31m‮🔥&amp;\n' + "x" * 300


class Parsed(HTMLParser):
    """The elements of a page and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def db(tmp_path: Path, clean_environ: pytest.MonkeyPatch) -> str:
    """One run whose name, zone and host are no good."""
    footprint(tmp_path, name=NASTY, hosts=("<b>host",), project="digits")
    return str(tmp_path / "run1.db")


def test_a_data_frame_takes_the_rows(db: str) -> None:
    frame = pandas.DataFrame(trainwatt.runs(db))
    with_grams = next(next(rows(Store.open(db), ["run1"], "runs")))
    assert list(frame.columns) == list(with_grams)[: len(frame.columns)]
    assert frame["name"][0] == NASTY
    assert frame["energy_j"][0] == view_of(Store.open(db), Store.open(db).load("run1"))["energy"]["total_j"]
    assert [row["run_id"] for row in trainwatt.runs(db)] == ["run1"]


def test_filters_leave_out_what_does_not_fit(db: str) -> None:
    before, after = (datetime.fromtimestamp(START / 1e9 + s, UTC) for s in (-1, 1))
    for kept in ({"project": "digits"}, {"status": "completed"}, {"since": before}, {"limit": 1}):
        assert len(trainwatt.runs(db, **kept)) == 1
    for gone in ({"project": "other"}, {"status": "running"}, {"since": after}, {"group": "sweep"}):
        assert trainwatt.runs(db, **gone) == []
    with pytest.raises(
        trainwatt.ConfigurationError, match=r"status='done': a run is completed, searched, pruned, failed, interrupted, running"
    ):
        trainwatt.runs(db, status="done")  # type: ignore[arg-type]


def test_no_database_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(trainwatt.StoreError, match="nothing has been tracked"):
        trainwatt.runs(tmp_path / "none.db")


def test_runs_are_a_table_that_shows_names_as_text(db: str) -> None:
    page = Parsed(trainwatt.runs(db)._repr_html_())
    assert page.names == {"table", "thead", "tr", "th", "tbody", "td"}
    assert NASTY.replace("\x1b", "�").replace("‮", "�") in page.text
    assert "no runs" in Parsed(trainwatt.runs(db, project="other")._repr_html_()).text


def test_many_runs_are_cut_short_in_the_table_only(db: str) -> None:
    many = type(trainwatt.runs(db))(trainwatt.runs(db) * 25)
    page = many._repr_html_()
    assert (len(many), page.count("<tr>"), "and 5 more" in page) == (25, 21, True)


def test_a_column_of_energies_has_one_unit(tmp_path: Path, clean_environ: pytest.MonkeyPatch) -> None:
    db = tmp_path / "runs.db"
    put(db, "a", {"gpu0": 2174.0}, phases={"train": 4, "validate": 1})
    put(db, "b", {"gpu0": 7236.0}, at_s=1.0)
    page = Parsed(trainwatt.runs(db)._repr_html_()).text
    assert "0.604 Wh (" in page
    assert "2.01 Wh (" in page
    assert " J" not in page
    summary = str(trainwatt.Summary.load(str(db), "a"))
    assert "4 × 272 J" in summary
    assert "1 × 1087 J" in summary
    assert "1,000 samples, each 2.17 J of the whole run" in summary


def test_a_summary_shows_what_it_prints(db: str) -> None:
    summary = trainwatt.Summary.load(db, "run1")
    page = Parsed(summary._repr_html_())
    assert page.names == {"p", "strong", "table", "thead", "tr", "th", "tbody", "td"}
    assert summary.headline in page.text
    assert "1,000 samples, each" in page.text
    assert "CO2e" in page.text
    assert NASTY.replace("\x1b", "�").replace("‮", "�") in page.text


def test_showing_runs_loads_no_pandas_and_naming_them_no_database() -> None:
    code = "import sys, trainwatt; trainwatt.runs; print({'pandas', 'pyarrow', 'sqlalchemy', 'rich', 'click'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, timeout=HANGS_S, check=True)
    assert ended.stdout == "set()\n"
