"""Which run a rank records in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.stored_rows import run, segment
from trainwatt.machine.launch import Launch
from trainwatt.machine.process import this_process
from trainwatt.storage.write.writer import Writer
from trainwatt.tracking.sharing import logical
from trainwatt.tracking.sharing.logical import FRESH_NS, LATE_NS, claim

NOW = 10**18
ME = this_process()


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Writer:
    logical._begun.clear()
    return Writer.open(tmp_path / "runs.db")


def first_of(writer: Writer, launch: Launch) -> str:
    """The id of the first run of a launch."""
    found = claim(writer, launch, 0, ME, NOW)
    logical._begun.clear()
    return found.run_id


def store(writer: Writer, run_id: str, status: str, *segments: dict[str, Any]) -> None:
    here = {"boot_id": ME.boot_id, "pid_namespace": ME.pid_namespace, "pid": ME.pid, "start_ticks": ME.start_ticks}
    rows = [segment(f"{run_id}-{i}", run_id, **{**here, "last_seen_utc_ns": NOW, **s}) for i, s in enumerate(segments)]
    writer.write({"run": [run(run_id, status=status)], "segment": rows})


LAUNCH = Launch("key", lasting=False, restarted=False)
DEAD = {"pid": 2**22 - 1, "start_ticks": 1}
LONG_AGO = {"last_seen_utc_ns": NOW - LATE_NS - 1}


@pytest.mark.parametrize(
    ("launch", "rank", "status", "segments", "same", "over"),
    [
        (LAUNCH, 1, "running", [{"rank": 0}], True, False),
        (LAUNCH, 1, "running", [{"rank": 0, **DEAD, **LONG_AGO}], False, False),  # killed; this is another launch
        (LAUNCH, 1, "running", [{"rank": 0, "boot_id": "b2", "pid": 1}], True, False),  # another node, seen just now
        (LAUNCH, 1, "running", [{"rank": 0, "boot_id": "b2", "last_seen_utc_ns": NOW - FRESH_NS - 1}], False, False),
        (LAUNCH, 1, "completed", [{"rank": 0, "status": "completed"}], True, True),  # late
        (LAUNCH, 1, "completed", [{"rank": 1, "status": "completed"}], False, False),  # the next one
        (LAUNCH, 1, "completed", [{"rank": 0, "status": "completed", **LONG_AGO}], False, False),
        (LAUNCH._replace(lasting=True), 0, "interrupted", [{"rank": 0, "status": "interrupted", **LONG_AGO}], True, True),  # requeued
        (LAUNCH._replace(lasting=True), 0, "completed", [{"rank": 0, "status": "completed", **LONG_AGO}], False, False),
        (LAUNCH._replace(restarted=True), 0, "failed", [{"rank": 0, "status": "failed", **LONG_AGO}], True, True),
    ],
)
def test_the_run_of_a_launch(
    writer: Writer, launch: Launch, rank: int, status: str, segments: list[dict[str, Any]], same: bool, over: bool
) -> None:
    run_id = first_of(writer, launch)
    store(writer, run_id, status, *segments)
    found = claim(writer, launch, rank, ME, NOW)
    assert (found.run_id == run_id, found.exists, found.over) == (same, same, over)


@pytest.mark.parametrize(("rank", "age_ns", "same"), [(1, 0, True), (1, FRESH_NS, False), (None, 0, False)])
def test_a_run_whose_first_rank_is_not_written_yet_is_the_run_of_the_next_one(
    writer: Writer, rank: int | None, age_ns: int, same: bool
) -> None:
    """The run is written just before its first process. A rank that looked in between had a run of its own. A process that is no rank is
    another training."""
    run_id = first_of(writer, LAUNCH)
    writer.write({"run": [run(run_id, status="running", last_seen_utc_ns=NOW - age_ns)]})
    found = claim(writer, LAUNCH, rank, ME, NOW)
    assert (found.run_id == run_id, found.exists) == (same, same)


def test_the_second_tracker_of_a_process_is_the_second_of_the_others_too(writer: Writer) -> None:
    first, second = (claim(writer, LAUNCH, 0, ME, NOW).run_id for _ in range(2))
    assert first != second
    logical._begun.clear()  # as in another process
    assert [claim(writer, LAUNCH, 1, ME, NOW).run_id for _ in range(2)] == [first, second]


def test_launches_have_runs_of_their_own(writer: Writer) -> None:
    assert first_of(writer, LAUNCH) != first_of(writer, LAUNCH._replace(key="other"))
