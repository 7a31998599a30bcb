"""How runs end, in real processes: in order, by an exception, by a signal, and without a word."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.world import MakeWorld, World, finished, wait_for

BEGIN = """
import atexit, os, pathlib, sys, time
from trainwatt import EnergyTracker
def say(text):
    pathlib.Path(sys.argv[1] + ".new").write_text(text + "\\n")
    os.rename(sys.argv[1] + ".new", sys.argv[1])
"""

WORK_FOR_EVER = """
with EnergyTracker(project="endings") as tracker:
    say(tracker.run_id)
    for epoch in range(10_000):
        with tracker.phase("train", step=epoch):
            tracker.update(samples=8)
            time.sleep(0.05)
"""


def begin(world: World, code: str, name: str = "said") -> tuple[subprocess.Popen[str], str]:
    """Start code that says its run's id; returns once it has."""
    said = world.work / name
    process = world.python(BEGIN + code, str(said))
    return process, wait_for(said)


def run_of(world: World, code: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run code to its end; what the process gave, and its run."""
    ended = world.run_python(BEGIN + code, str(world.work / "said"))
    return ended, world.show()["run"]


def seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


@pytest.mark.parametrize(
    ("last_line", "code", "status", "reason"),
    [
        ("pass", 0, "completed", None),
        ("raise ValueError('no data')", 1, "failed", "ValueError: no data"),
        ("sys.exit(0)", 0, "completed", "sys.exit()"),
        ("sys.exit(3)", 3, "failed", "sys.exit(3)"),
        ("raise KeyboardInterrupt", -signal.SIGINT, "interrupted", "Ctrl-C"),
    ],
)
def test_a_block_ends_as_its_last_line(world: World, last_line: str, code: int, status: str, reason: str | None) -> None:
    ended, run = run_of(world, f"with EnergyTracker():\n    time.sleep(0.1)\n    {last_line}")
    assert (ended.returncode, run["status"], run["end_reason"]) == (code, status, reason), ended.stderr


@pytest.mark.parametrize(
    ("last_line", "code", "status", "reason"),
    [
        ("", 0, "completed", "without stop()"),
        ("raise ValueError('no data')", 1, "failed", "ValueError: no data"),
        ("raise KeyboardInterrupt", -signal.SIGINT, "interrupted", "Ctrl-C"),
        ("atexit.register(lambda: 1 / 0)", 0, "completed", "without stop()"),
    ],
)
def test_an_interpreter_that_ends_without_stop_ends_the_run(world: World, last_line: str, code: int, status: str, reason: str) -> None:
    ended, run = run_of(world, f"tracker = EnergyTracker().start()\ntime.sleep(0.3)\n{last_line}")
    assert (ended.returncode, run["status"]) == (code, status), ended.stderr
    assert reason in run["end_reason"]
    assert run["duration_s"] > 0.25
    assert world.show()["energy"]["total_j"] >= 0.5 * world.total_w * run["duration_s"]


def test_stop_within_an_exit_handler_of_the_user_is_fine(world: World) -> None:
    ended, run = run_of(world, "tracker = EnergyTracker().start()\natexit.register(tracker.stop, 'completed', 'my handler')")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (run["status"], run["end_reason"]) == ("completed", "my handler")


def test_a_tracker_in_a_thread_that_outlives_main_is_ended(world: World) -> None:
    code = """
import threading
def train():
    with EnergyTracker(project="thread"):
        time.sleep(0.4)
threading.Thread(target=train).start()
"""
    ended, run = run_of(world, code)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert run["status"] == "completed"


def test_ctrl_c_ends_a_run_as_interrupted_and_raises_as_ever(world: World) -> None:
    process, run_id = begin(world, WORK_FOR_EVER)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert ended.returncode == -signal.SIGINT
    assert ended.stderr.rstrip().endswith("KeyboardInterrupt")
    view = world.show(run_id)
    assert (view["run"]["status"], view["run"]["end_reason"]) == ("interrupted", "Ctrl-C")
    assert view["phases"][0]["energy_j"] > 0


def assert_vanished(world: World, run_id: str, killed_at: float) -> None:
    """The run is there and interrupted, nothing is broken, and at most two seconds are lost."""
    view = world.show(run_id)
    run = view["run"]
    assert run["status"] == "interrupted"
    assert "vanished" in run["end_reason"]
    assert run["ended_at"] == run["last_seen_at"]
    assert killed_at - 2.0 <= seconds(run["last_seen_at"]) <= killed_at + 0.5
    lifetime_s = killed_at - seconds(run["started_at"])
    assert (view["energy"]["total_j"] or 0.0) >= world.total_w * (lifetime_s - 2.0)
    if lifetime_s > 2.0:
        assert view["phases"][0]["energy_j"] > 0
        assert view["work"]["samples"] > 0


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
    """Whether or not its run is in there yet, the next one is not held up."""
    process = world.python(BEGIN + WORK_FOR_EVER, str(world.work / "said"))
    time.sleep(moment_s)
    process.kill()
    finished(process)
    ended, run = run_of(world, "with EnergyTracker(project='next'):\n    pass")
    assert ended.returncode == 0, ended.stderr
    assert run["project"] == "next"
    assert run["status"] == "completed"
    assert [r["status"] for r in world.runs()[1:]] in ([], ["interrupted"])


def test_os_exit_is_a_run_that_vanished(world: World) -> None:
    ended, run = run_of(world, "with EnergyTracker():\n    time.sleep(0.3)\n    os._exit(5)")
    assert ended.returncode == 5
    assert run["status"] == "interrupted"


def test_a_process_that_lives_is_not_called_vanished(world: World) -> None:
    process, run_id = begin(world, WORK_FOR_EVER)
    try:
        for _ in range(3):
            assert world.show(run_id)["run"]["status"] == "running"
            time.sleep(0.2)
        assert "running" in world.cli("list").stdout
    finally:
        process.kill()
        finished(process)


def test_a_stopped_process_is_running_and_its_counters_bridge_the_pause(world: World) -> None:
    """Case 19, shortened."""
    code = """
with EnergyTracker() as tracker:
    time.sleep(0.8)  # past the calibration
    say(tracker.run_id)
    while not os.path.exists("go"): time.sleep(0.01)
"""
    process, run_id = begin(world, code)
    process.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    assert world.show(run_id)["run"]["status"] == "running"
    process.send_signal(signal.SIGCONT)
    time.sleep(0.2)
    Path(world.work / "go").touch()
    assert finished(process).returncode == 0
    view = world.show(run_id)
    truth = world.total_w * view["run"]["duration_s"]
    assert view["run"]["duration_s"] > 2.5
    assert view["energy"]["low_j"] <= truth <= view["energy"]["high_j"]
    assert view["energy"]["total_j"] == pytest.approx(truth, rel=0.08)
    assert view["energy"]["measured_fraction"] == pytest.approx(1.0)
    assert view["sampler"]["missed"] >= 10
    assert [e["kind"] for e in view["events"]] == ["late"]


START = """
import os, pathlib, sys, time
from trainwatt import EnergyTracker
pathlib.Path(f"ready{sys.argv[1]}").touch()
while not os.path.exists("go"): time.sleep(0.001)
for i in range(int(sys.argv[2])):
    with EnergyTracker(project="many", tags={"who": sys.argv[1]}) as tracker:
        with tracker.phase("train"):
            tracker.update(samples=3)
            time.sleep(float(sys.argv[3]))
"""


def start_together(world: World, processes: int, runs: int, pause_s: float) -> list[subprocess.CompletedProcess[str]]:
    started = [world.python(START, str(i), str(runs), str(pause_s)) for i in range(processes)]
    deadline = time.monotonic() + 60
    while len(list(world.work.glob("ready*"))) < processes:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (world.work / "go").touch()
    return [finished(p) for p in started]


def test_case_51_sixteen_first_starts_on_an_empty_database(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=())
    for ended in start_together(world, 16, 1, 0.05):
        assert (ended.returncode, ended.stderr) == (0, "")
    assert [r["status"] for r in world.runs()] == ["completed"] * 16
    assert sorted(int(r["tags"]["who"]) for r in world.runs()) == list(range(16))


def test_eight_processes_start_and_stop_runs_at_once(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=())
    for ended in start_together(world, 8, 4, 0.02):
        assert (ended.returncode, ended.stderr) == (0, "")
    assert [r["status"] for r in world.runs()] == ["completed"] * 32


def test_two_processes_write_to_one_database_at_once(world: World) -> None:
    for ended in start_together(world, 2, 1, 1.3):
        assert (ended.returncode, ended.stderr) == (0, "")
    runs = world.runs()
    assert len(runs) == 2
    for run in runs:
        view = world.show(run["id"])
        assert view["run"]["status"] == "completed"
        assert view["work"] == {"samples": 3}
        assert view["energy"]["low_j"] <= world.total_w * run["duration_s"] <= view["energy"]["high_j"]
        [phase] = view["phases"]
        assert phase["low_j"] <= world.total_w * phase["duration_s"] <= phase["high_j"]
