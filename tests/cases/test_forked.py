"""Children of a tracked process sample nothing, and end without a change to the run of their parent (case 28)."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.fakes.views import assert_within, happened
from tests.fakes.world import World, finished

PARENT = """
import multiprocessing, os, sys, threading, time
from trainwatt import EnergyTracker

def wait(pid):
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 7, code
"""

CHILD_ENDS = {
    "exit": "os._exit(7)",
    "sys_exit": "sys.exit(7)",
    "exception": "sys.excepthook = lambda *_: None; atexit = __import__('atexit'); atexit.register(os._exit, 7); raise ValueError",
    "stop": "tracker.stop('failed', 'by the child'); os._exit(7)",
    "collect": "import gc; del tracker; gc.collect(); sys.exit(7)",
}


def run_parent(world: World, code: str) -> Any:
    ended = world.run_python(PARENT + code)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return world.show()


def assert_whole(world: World, view: dict[str, Any]) -> None:
    """There is one run, that of the parent, with all of its energy."""
    assert (view["run"]["status"], view["run"]["end_reason"]) == ("completed", None)
    assert len(world.runs()) == 1
    assert happened(view) == []
    assert_within(view["energy"], world.total_w, view["run"]["duration_s"])
    assert view["energy"]["measured_fraction"] == pytest.approx(1.0)


@pytest.mark.parametrize("how", CHILD_ENDS)
def test_case_28_the_child_of_a_fork_samples_nothing_and_breaks_nothing(world: World, how: str) -> None:
    code = f"""
with EnergyTracker() as tracker:
    with tracker.phase("train"):
        time.sleep(0.4)
        pid = os.fork()
        if pid == 0:
            assert threading.active_count() == 1
            with tracker.phase("in the child"):
                tracker.update(samples=1000)
                time.sleep(0.1)
            {CHILD_ENDS[how]}
        wait(pid)
        tracker.update(samples=5)
        time.sleep(0.5)
"""
    view = run_parent(world, code)
    assert_whole(world, view)
    assert [(p["name"], p["count"]) for p in view["phases"]] == [("train", 1)]
    assert view["work"] == {"samples": 5}


def test_case_28_a_child_that_leaves_the_with_block_does_not_end_the_run(world: World) -> None:
    code = """
with EnergyTracker() as tracker:
    pid = os.fork()
    if pid:
        wait(pid)
        time.sleep(0.3)
if not pid:
    os._exit(7)
"""
    assert_whole(world, run_parent(world, code))


def test_case_28_a_child_may_track_a_run_of_its_own(world: World) -> None:
    code = """
with EnergyTracker(project="parent", gpus=[]) as tracker:
    pid = os.fork()
    if pid == 0:
        with EnergyTracker(project="child", gpus=[]) as own:
            time.sleep(0.3)
        tracker.start()  # and the parent's tracker is free for another run here
        tracker.stop()
        os._exit(7)
    wait(pid)
    time.sleep(0.2)
"""
    ended = world.run_python(PARENT + code)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert sorted((r["project"], r["status"]) for r in world.runs()) == [
        ("child", "completed"),
        ("parent", "completed"),
        ("parent", "completed"),
    ]


def test_case_28_many_forks_while_the_tracker_writes(world: World) -> None:
    code = """
with EnergyTracker() as tracker:
    for i in range(60):
        with tracker.phase("fork"):
            pid = os.fork()
            if pid == 0:
                os._exit(7)
            wait(pid)
            time.sleep(0.02)
"""
    view = run_parent(world, code)
    assert_whole(world, view)
    assert view["phases"][0]["count"] == 60


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_case_28_worker_processes_of_every_kind_leave_the_run_alone(world: World, method: str) -> None:
    script = world.work / "script.py"
    script.write_text(
        f"""
import multiprocessing, threading, time
from trainwatt import EnergyTracker

def double(x):
    assert not [t for t in threading.enumerate() if t.name.startswith("trainwatt")]
    time.sleep(0.02)
    return 2 * x

if __name__ == "__main__":
    with EnergyTracker() as tracker:
        with tracker.phase("load"):
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                result = pool.map(double, range(10))
                pool.close()
                pool.join()
        time.sleep(0.3)
    print(sum(result))
"""
    )
    ended = world.run_python("import runpy; runpy.run_path('script.py', run_name='__main__')") if method == "fork" else _script(world)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "90\n", "")
    view = world.show()
    assert_whole(world, view)
    assert view["phases"][0]["energy_j"] > 0


def _script(world: World) -> Any:
    return finished(world.popen([sys.executable, "script.py"]))
