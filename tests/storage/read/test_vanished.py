"""Runs that say they are running, and are over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.here import Here
from tests.fakes.stored_rows import run, segment
from trainwatt.storage.read.store import Store
from trainwatt.storage.read.vanished import DIED, RESTARTED

ALIVE = Here(alive=((4_711, 99),))
DEAD = Here(alive=())


@pytest.mark.parametrize(
    ("here", "reason"),
    [
        (ALIVE, None),
        (DEAD, DIED),
        (Here(alive=((4_711, 100),)), DIED),  # the pid was given to another process
        (Here(alive=((4_711, 99),), boot_id="boot-2"), RESTARTED),
        (Here(alive=(), boot_id="boot-2", pid_namespace="1"), RESTARTED),
        (Here(alive=(), host="node-b"), None),
        (Here(alive=(), host="node-b", boot_id="boot-2"), None),
        (Here(alive=(), pid_namespace="1"), None),
        (Here(alive=(), boot_id=""), None),
    ],
)
def test_what_is_known_from_here(place: str, load: Any, here: Here, reason: str | None) -> None:
    load({"run": [run()], "segment": [segment()]})
    store = Store.open(place)
    assert store.mark_vanished(here) == (["run-1"] if reason else [])
    stored = Store.open(place).load("run-1")  # another store: it is written down
    expected = ("interrupted", reason) if reason else ("running", None)
    assert (stored.run.status, stored.run.end_reason) == expected
    assert (stored.segments[0].status, stored.segments[0].end_reason) == expected
    assert stored.run.ended_utc_ns == (2_000 if reason else None)
    assert stored.segments[0].ended_utc_ns == (1_900 if reason else None)
    assert store.mark_vanished(here) == []


def test_ended_runs_stay_as_they_are(place: str, load: Any) -> None:
    load({"run": [run(status="failed", end_reason="boom")], "segment": [segment(status="failed"), segment("seg-2", role="joined")]})
    store = Store.open(place)
    assert store.mark_vanished(DEAD) == []
    stored = store.load("run-1")
    assert (stored.run.status, stored.run.end_reason) == ("failed", "boom")
    assert {row.id: row.status for row in stored.segments} == {"seg-1": "failed", "seg-2": "interrupted"}


def test_a_run_lives_as_long_as_one_owner_may(place: str, load: Any) -> None:
    elsewhere = segment("seg-2", host="node-b", boot_id="boot-b")
    load({"run": [run()], "segment": [segment(), elsewhere]})
    store = Store.open(place)
    assert store.mark_vanished(DEAD) == []
    assert store.load("run-1").run.status == "running"
    assert store.mark_vanished(Here(alive=(), host="node-b", boot_id="boot-b")) == ["run-1"]
    assert store.load("run-1").run.status == "interrupted"


def test_a_living_rank_does_not_keep_the_owner_alive(place: str, load: Any) -> None:
    load({"run": [run()], "segment": [segment(), segment("seg-2", role="joined", pid=5)]})
    store = Store.open(place)
    assert store.mark_vanished(Here(alive=((5, 99),))) == ["run-1"]
    assert {row.id: row.status for row in store.load("run-1").segments} == {"seg-1": "interrupted", "seg-2": "running"}
