"""Workers, children, copies and second trackers; forks and pools of multiprocessing are in cases/test_forked.py."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.fakes.views import assert_true, assert_within, device, events, happened, phase_named, rows, tracker_log
from tests.fakes.world import World, finished
from trainwatt import EnergyTracker


def run_script(world: World, code: str) -> subprocess.CompletedProcess[str]:
    """A file that spawned workers can import."""
    (world.work / "train.py").write_text(code)
    return finished(world.popen([sys.executable, "train.py"]))


def assert_whole(world: World, view: dict[str, Any]) -> None:
    """A run with all of its energy and without events."""
    assert (view["run"]["status"], happened(view)) == ("completed", [])
    assert_within(view["energy"], world.total_w, view["run"]["duration_s"])


LOADERS = """
import sys, time
import torch
from torch.utils.data import DataLoader, Dataset
from trainwatt import EnergyTracker

class Images(Dataset):
    def __init__(self, tracker):
        self.tracker = tracker
    def __len__(self):
        return 64
    def __getitem__(self, i):
        with self.tracker.phase("in a worker"):
            self.tracker.update(samples=1000)
            return torch.full((3,), float(i))

if __name__ == "__main__":
    total = 0.0
    with EnergyTracker(project="loaders") as tracker:
        for context in ("fork", "spawn"):
            with tracker.phase(context):
                loader = DataLoader(Images(tracker), batch_size=8, num_workers=1, multiprocessing_context=context)
                for batch in tracker.wrap(loader):
                    total += batch[:, 0].sum().item()
    print(total)
    sys.exit(7)
"""


@pytest.mark.slow
def test_workers_of_data_loaders_measure_nothing_and_their_batches_are_counted(world: World) -> None:
    """The workers are forked or spawned, and the data set holds the tracker."""
    ended = run_script(world, LOADERS)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "4032.0\n", "")
    assert len(world.runs()) == 1
    view = world.show()
    assert_whole(world, view)
    assert [(p["name"], p["count"], p["work"]) for p in view["phases"]] == [("fork", 1, {"samples": 64}), ("spawn", 1, {"samples": 64})]


SPAWNED = """
import multiprocessing, sys, time
from trainwatt import EnergyTracker

def work(tracker, queue):
    with tracker.phase("before it is started"):
        pass
    first = tracker.run_id
    with tracker:
        with tracker.phase("in the worker"):
            time.sleep(0.2)
    queue.put((first, tracker.run_id))

if __name__ == "__main__":
    spawn = multiprocessing.get_context("spawn")
    with EnergyTracker(project="sent", gpus=[], tags={"lr": "0.1"}) as tracker:
        queue = spawn.Queue()
        process = spawn.Process(target=work, args=(tracker, queue))
        process.start()
        first, own = queue.get(timeout=300)
        process.join()
    assert first is None and own != tracker.run_id
    sys.exit(process.exitcode)
"""


def test_a_tracker_sent_to_a_spawned_worker_has_the_settings_and_does_not_run(world: World) -> None:
    ended = run_script(world, SPAWNED)
    assert (ended.returncode, ended.stderr) == (0, "")
    runs = world.runs()
    assert [(r["project"], r["status"], r["tags"]) for r in runs] == [("sent", "completed", {"lr": "0.1"})] * 2
    assert [[p["name"] for p in world.show(r["id"])["phases"]] for r in runs] == [["in the worker"], []]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))], ids=["copy", "deepcopy", "pickle"])
def test_a_copy_of_a_running_tracker_is_another_one(here: World, copied: Any) -> None:
    with EnergyTracker(project="copied") as tracker:
        other = copied(tracker)
        with other.phase("nothing"):
            other.update(samples=3)
        assert other.run_id is None
        other.stop()
        time.sleep(0.05)
    with other:
        pass
    assert other.run_id != tracker.run_id
    assert [(r["project"], r["status"]) for r in here.runs()] == [("copied", "completed")] * 2
    assert here.show(str(tracker.run_id))["phases"] == []


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))], ids=["deepcopy", "pickle"])
def test_a_phase_copied_with_its_tracker_is_the_copys(here: World, copied: Any) -> None:
    """As where an object of the user's has both."""
    tracker = EnergyTracker(project="copied")
    others, phase = copied((tracker, tracker.phase("train")))
    with others, phase:
        pass
    assert [p["name"] for p in here.show()["phases"]] == ["train"]


def test_a_tracker_made_before_a_fork_and_started_after_it_is_the_childs_own(world: World) -> None:
    code = """
import os, sys, time
from trainwatt import EnergyTracker
tracker = EnergyTracker(project="made at import")
pid = os.fork()
if pid == 0:
    with tracker:
        assert tracker._begun.recorder._record.surroundings._shared._tree_pid == os.getpid()
        with tracker.phase("child"):
            time.sleep(0.4)
    os._exit(7)
assert tracker.run_id is None
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    ended = world.run_python(code)
    assert (ended.returncode, ended.stderr) == (7, "")
    view = world.show()
    assert_whole(world, view)
    assert view["run"]["command"]
    assert_true(phase_named(view, "child"), world.total_w, phase_named(view, "child")["duration_s"])


def test_subprocesses_of_a_run_with_trackers_of_their_own_are_runs_of_their_own(world: World) -> None:
    """There is no `trainwatt run` around them. Each has the energy of the machine in its time, and reports that the others have it too."""
    code = """
import subprocess, sys, time
from trainwatt import EnergyTracker
inner = "import time\\nfrom trainwatt import EnergyTracker\\nwith EnergyTracker(project='inner'): time.sleep(0.4)\\nraise SystemExit(7)"
with EnergyTracker(project="outer") as tracker:
    codes = [p.wait() for p in [subprocess.Popen([sys.executable, "-c", inner], preexec_fn=f) for f in (None, lambda: None)]]
    time.sleep(0.1)
assert codes == [7, 7], codes
"""
    ended = world.run_python(code)
    assert (ended.returncode, ended.stderr) == (0, "")
    runs = world.runs()
    assert sorted(r["project"] for r in runs) == ["inner", "inner", "outer"]
    for run in runs:
        view = world.show(run["id"])
        assert {e["kind"] for e in happened(view)} == {"overlap"}  # each reports that the others used the same devices
        assert_whole(world, {**view, "events": []})


def test_trackers_within_one_another_say_that_they_count_the_same_joules(here: World, caplog: pytest.LogCaptureFixture) -> None:
    with EnergyTracker(project="outer") as outer:
        time.sleep(0.2)
        for _ in range(3):
            with EnergyTracker(project="inner") as inner:
                time.sleep(0.1)
    with EnergyTracker(project="alone") as alone:
        pass
    view = outer.summary().to_dict()
    assert_true(device(view, "package-0"), here.package_w, view["run"]["duration_s"])
    assert [e["device"] for e in events(view, "overlap")] == [None]  # once, though there were three
    [said] = events(inner.summary().to_dict(), "overlap")
    assert str(outer.run_id) in said["detail"]
    assert "do not add them up" in said["detail"]

    assert len(tracker_log(caplog)) == 3
    assert events(alone.summary().to_dict(), "overlap") == []


def test_a_tracker_that_joined_a_run_overlaps_with_nothing(world: World) -> None:
    """Two trackers in one command: the joules belong to the command and are counted once."""
    code = """
from trainwatt import EnergyTracker
with EnergyTracker() as a, EnergyTracker() as b:
    with a.phase("a"), b.phase("b"):
        pass
"""
    ended = world.cli("run", "--", sys.executable, "-c", code)
    assert ended.returncode == 0
    assert "measures too" not in ended.stderr
    assert rows(world, "SELECT count(*) FROM event WHERE kind = 'overlap'") == [(0,)]
    assert sorted(p["name"] for p in world.show()["phases"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("thread", "status"),
    [("lambda: sys.exit(3)", ("completed", None)), ("tracked", ("failed", "sys.exit(3)"))],
    ids=["beside the run", "within it"],
)
def test_sys_exit_in_a_thread_ends_that_thread_only(world: World, thread: str, status: tuple[str, str | None]) -> None:
    code = f"""
import sys, threading, time
from trainwatt import EnergyTracker
def tracked():
    with EnergyTracker(project="thread"):
        time.sleep(0.1)
        sys.exit(3)
def main():
    thread = threading.Thread(target={thread})
    thread.start()
    thread.join()
    time.sleep(0.1)
if {thread == "tracked"}:
    main()
else:
    with EnergyTracker():
        main()
sys.exit(7)
"""
    ended = world.run_python(code)
    assert (ended.returncode, ended.stderr) == (7, "")
    run = world.show()["run"]
    assert (run["status"], run["end_reason"]) == status


def test_a_daemon_thread_that_never_ends_does_not_hold_up_the_end(world: World) -> None:
    code = """
import sys, threading, time
from trainwatt import EnergyTracker
under_way = threading.Event()
def train():
    with EnergyTracker() as tracker:
        step = 0
        while True:
            with tracker.phase("train", step=step):
                time.sleep(0.01)
            step += 1
            if step == 10:
                under_way.set()
threading.Thread(target=train, daemon=True).start()
under_way.wait(60)
sys.exit(7)
"""
    ended = world.run_python(code)
    assert (ended.returncode, ended.stderr) == (7, "")
    view = world.show()
    assert view["run"]["status"] == "completed"
    assert "without stop()" in view["run"]["end_reason"]
    assert phase_named(view, "train")["count"] > 5
