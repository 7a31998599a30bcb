"""Processes that are killed, and many that begin at the same time: cases 39, 50 and 51."""

from __future__ import annotations

import random
import signal
import sqlite3
import time

import pytest

from tests.fakes.processes import BEGIN, WORK_FOR_EVER, begin, run_of, seconds, start_together
from tests.fakes.world import MakeWorld, World, finished


def assert_vanished(world: World, run_id: str, killed_at: float) -> None:
    """The run is listed as interrupted, the database is sound, and at most two seconds are lost. The time is left out in which the test
    machine was too busy to let another process go on."""
    lost_s = 2.0 + world.stood_still_s()
    view = world.show(run_id)
    run = view["run"]
    assert run["status"] == "interrupted"
    assert "vanished" in run["end_reason"]
    assert run["ended_at"] == run["last_seen_at"]
    assert killed_at - lost_s <= seconds(run["last_seen_at"]) <= killed_at + 0.5
    lifetime_s = killed_at - seconds(run["started_at"])
    assert (view["energy"]["total_j"] or 0.0) >= world.total_w * (lifetime_s - lost_s)
    if lifetime_s > lost_s:
        assert view["phases"][0]["energy_j"] > 0
        assert view["work"]["samples"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("deadly", [signal.SIGTERM, signal.SIGKILL])
def test_case_39_a_signal_that_kills_loses_at_most_two_seconds(world: World, deadly: signal.Signals) -> None:
    """Six processes on one database, each killed at another moment of its life."""
    moments = [0.0, 0.2, *(random.uniform(0.3, 3.5) for _ in range(4))]
    begun = [(*begin(world, WORK_FOR_EVER, f"said{i}"), moment) for i, moment in enumerate(moments)]
    origin, killed_at = time.monotonic(), {}
    for process, run_id, moment in sorted(begun, key=lambda b: b[2]):
        time.sleep(max(0.0, origin + moment - time.monotonic()))
        killed_at[run_id] = time.time()
        process.send_signal(deadly)
        assert finished(process).returncode == -deadly
    for run_id, when in killed_at.items():
        assert_vanished(world, run_id, when)
    with sqlite3.connect(world.db) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert len(world.runs()) == len(moments)


@pytest.mark.parametrize("delay_s", [0.0, 0.2])
def test_case_50_killed_200_ms_after_the_first_start_is_listed_as_interrupted(world: World, delay_s: float) -> None:
    process, run_id = begin(world, WORK_FOR_EVER)
    time.sleep(delay_s)
    process.kill()
    killed_at = time.time()
    finished(process)
    assert [r["id"] for r in world.runs()] == [run_id]
    assert_vanished(world, run_id, killed_at)
    listed = world.cli("list")
    assert listed.returncode == 0
    assert run_id[:8] in listed.stdout
    assert "interrupted" in listed.stdout


@pytest.mark.parametrize("moment_s", [0.05, 0.15, 0.25, 0.35])
def test_case_39_killed_while_it_starts_leaves_a_database_that_works(world: World, moment_s: float) -> None:
    """Whether or not its run was stored yet, the next run does not have to wait."""
    process = world.python(BEGIN + WORK_FOR_EVER, str(world.work / "said"))
    time.sleep(moment_s)
    process.kill()
    finished(process)
    ended, run = run_of(world, "with EnergyTracker(project='next'):\n    pass")
    assert ended.returncode == 0, ended.stderr
    assert run["project"] == "next"
    assert run["status"] == "completed"
    assert [r["status"] for r in world.runs()[1:]] in ([], ["interrupted"])


@pytest.mark.slow
def test_case_51_sixteen_first_starts_on_an_empty_database(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=())
    for ended in start_together(world, 16, 1, 0.05):
        assert (ended.returncode, ended.stderr) == (0, "")
    assert [r["status"] for r in world.runs()] == ["completed"] * 16
    assert sorted(int(r["tags"]["who"]) for r in world.runs()) == list(range(16))
