"""How runs end, in real processes: in order, by an exception, by a signal, and without a word."""

from __future__ import annotations

import signal
import time

import pytest

from tests.fakes.processes import WORK_FOR_EVER, begin, run_of, start_together
from tests.fakes.views import assert_within
from tests.fakes.world import MakeWorld, World, finished


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
        assert_within(view["energy"], world.total_w, run["duration_s"])
        [phase] = view["phases"]
        assert_within(phase, world.total_w, phase["duration_s"])
