"""Every status of a run, wherever a run is shown."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.fakes.world import World
from trainwatt import EnergyTracker, runs
from trainwatt.analysis.comparing.compared import Limit
from trainwatt.core.run import STORED_AS, Status
from trainwatt.presentation.report.style import CSS
from trainwatt.presentation.terminal.run import STATUS_STYLE
from trainwatt.presentation.words.comparison_facts import _LIMITS
from trainwatt.storage.read.store import Store
from trainwatt.web.projects import OUTCOMES, WASTED


def test_every_status_has_its_words_and_colours() -> None:
    assert set(STATUS_STYLE) == set(OUTCOMES) == set(Status)
    for status in Status:
        assert f".{status}" in CSS
    assert {Limit[status.name] for status in set(Status) - {Status.COMPLETED}} <= set(_LIMITS)
    assert not set(WASTED) & {Status.SEARCHED, Status.PRUNED}  # neither is a failure


class TrialPruned(Exception):
    __module__ = "optuna.exceptions"


class Own(TrialPruned):
    __module__ = "my_study"


@pytest.fixture
def study(here: World) -> World:
    """A pruned trial, a search, and a trial that completed."""
    for error in (TrialPruned("at epoch 3"), Own("at epoch 4"), ExceptionGroup("all", [TrialPruned("at epoch 5")])):
        with pytest.raises(type(error)), EnergyTracker(name="trial"):
            raise error
    EnergyTracker(name="search").start().stop("searched")
    with EnergyTracker(name="trial"):
        pass
    return here


def test_pruned_and_searched_runs_are_told_from_others(study: World) -> None:
    assert [(r["status"], r["end_reason"]) for r in study.runs()] == [
        ("completed", None),
        ("searched", None),
        ("pruned", "ExceptionGroup: all (1 sub-exception)"),
        ("pruned", "Own: at epoch 4"),
        ("pruned", "TrialPruned: at epoch 3"),
    ]
    listed = json.loads(study.call("list", "--status", "pruned", "--json").stdout)["runs"]
    assert [r["run"]["status"] for r in listed] == ["pruned"] * 3
    assert len(runs(status="searched")) == 1
    store = Store.open(str(study.db))
    assert [run.status for run in store.list_runs(sort="status", limit=2)] == ["completed", "pruned"]
    ids = {r["status"]: r["id"] for r in study.runs()}
    assert "pruned" in study.call("show", ids["pruned"]).stdout
    report = study.work / "report.html"
    for status, words in (("pruned", "This run was pruned"), ("searched", "This run is only a search for settings")):
        assert study.call("report", ids[status], "-o", str(report)).returncode == 0
        assert words in report.read_text()
    compared = study.call("compare", ids["completed"], ids["pruned"], ids["searched"]).stdout
    assert "was pruned" in compared
    assert "only a search" in compared
    methods = study.call("footprint", *ids.values(), "--format", "md").stdout
    assert "1 completed, 1 searched, 1 pruned" in methods
    assert "All totals include the searched and pruned runs." in methods


def test_a_database_of_an_earlier_version_reads_and_takes_the_new_statuses(study: World, tmp_path: Path) -> None:
    older = tmp_path / "older.db"
    with sqlite3.connect(study.db) as source, sqlite3.connect(older) as copy:
        source.backup(copy)
        for index in ("segment_running", "run_by_project"):
            copy.execute(f"DROP INDEX {index}")
        copy.execute("ALTER TABLE run DROP COLUMN outcome")
        copy.execute("ALTER TABLE device DROP COLUMN offset_w")
        for table in ("device_use", "activity_point", "metric", "metric_point", "phase_work"):
            copy.execute(f"DROP TABLE {table}")
        copy.execute("UPDATE alembic_version SET version_num = '0003'")
    copy.close()
    before = {run.id: run.status for run in Store.open(str(older)).list_runs()}
    assert set(before.values()) == {"completed"}  # what the column `status` has for the new ones
    EnergyTracker(db=older).start().stop("pruned")
    [new] = [run for run in Store.open(str(older)).list_runs() if run.id not in before]
    assert new.status == "pruned"
    assert STORED_AS[Status(new.status)] == "completed"
