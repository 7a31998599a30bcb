"""Trackers that start at the same instant: each run says that the others count the same joules, once."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path

import pytest

from tests.fakes.stored_rows import device, run, segment
from tests.fakes.views import events
from tests.fakes.world import World, finished
from trainwatt import EnergyTracker
from trainwatt.core.clock import Anchor
from trainwatt.machine.process import this_process
from trainwatt.storage.write.writer import Writer
from trainwatt.tracking import start
from trainwatt.tracking.sharing.others import Neighbours

S = 10**9


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_that_start_at_the_same_instant_are_told_of_each_other(here: World, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has found its sensors before any of them counts as begun: the worst instant."""
    together, ending = threading.Barrier(threads), threading.Barrier(threads)
    begin = start.begin

    def begin_together(*arguments: object) -> object:
        begun = begin(*arguments)  # type: ignore[arg-type]
        together.wait(60)
        return begun

    monkeypatch.setattr(start, "begin", begin_together)
    trackers = [EnergyTracker(project=f"t{i}") for i in range(threads)]

    def train(tracker: EnergyTracker) -> None:
        with tracker:
            ending.wait(60)

    started = [threading.Thread(target=train, args=(tracker,)) for tracker in trackers]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    for tracker in trackers:
        [said] = events(tracker.summary().to_dict(), "overlap")
        assert any(str(other.run_id) in said["detail"] for other in trackers if other is not tracker)


def test_a_tracker_that_is_alone_says_nothing_and_a_restart_is_no_overlap(here: World) -> None:
    tracker = EnergyTracker()
    for _ in range(2):
        with tracker:
            pass
        assert events(tracker.summary().to_dict(), "overlap") == []


def test_trackers_made_in_other_threads_do_not_disturb_a_start(here: World) -> None:
    """Nothing iterates over a collection that another thread changes."""
    made: list[weakref.ref[EnergyTracker]] = []
    over = threading.Event()

    def make() -> None:
        while not over.is_set():
            made.append(weakref.ref(EnergyTracker()))

    maker = threading.Thread(target=make)
    maker.start()
    try:
        for _ in range(5):
            with EnergyTracker():
                pass
    finally:
        over.set()
        maker.join()
    assert made
    assert sum(reference() is not None for reference in made) < len(made)  # they are not kept alive


BESIDE = """
import pathlib, sys, time
from trainwatt import EnergyTracker
import trainwatt.tracking.start, trainwatt.sensors.discovery
def meet(name):
    pathlib.Path(name + sys.argv[1]).touch()
    while len(list(pathlib.Path().glob(name + "*"))) < 3: time.sleep(0.001)
meet("ready")
with EnergyTracker():
    meet("begun")
"""


def test_processes_that_start_at_the_same_instant_are_told_of_each_other(world: World) -> None:
    for ended in [finished(process) for process in [world.python(BESIDE, str(i)) for i in range(3)]]:
        assert (ended.returncode, ended.stderr) == (0, "")
    ids = {run["id"] for run in world.runs()}
    assert len(ids) == 3
    for run_id in ids:
        said = " ".join(event["detail"] for event in events(world.show(run_id), "overlap"))
        assert all(said.count(other) == 1 for other in ids - {run_id}), said


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"start_t_ns": 90 * S, "started_utc_ns": 90 * S, "last_seen_utc_ns": 109 * S}, True),  # began first and was written later
        ({"start_t_ns": 90 * S, "end_t_ns": 105 * S, "status": "completed"}, True),
        ({"start_t_ns": 90 * S, "end_t_ns": 99 * S, "status": "completed", "last_seen_utc_ns": 200 * S}, False),  # a stepped wall clock
        ({"start_t_ns": 90 * S, "last_seen_utc_ns": 95 * S}, False),  # it was killed
    ],
)
def test_a_run_that_was_written_after_the_first_look_is_found_at_the_end(tmp_path: Path, other: dict[str, object], said: bool) -> None:
    writer = Writer.open(tmp_path / "runs.db")
    me = this_process()._replace(boot_id="boot-1", pid=1)
    writer.write({"run": [run("mine")], "segment": [segment("own", "mine")], "device": [device("package-0", "own")]})
    neighbours = Neighbours("mine", me, Anchor(100 * S, 100 * S, 100 * S))
    assert neighbours.already_there(writer, 0) == []
    writer.write({"run": [run("other")], "segment": [segment("seg", "other", **other)], "device": [device("package-0", "seg")]})
    found = neighbours.met(writer, 0)
    assert ["run other measured this machine" in event.detail for event in found] == ([True] if said else [])
    assert neighbours.met(writer, 0) == []  # each is said once
    writer.close()


@pytest.mark.parametrize("namespace", ["here", "another"])
def test_a_run_that_began_just_before_and_has_written_nothing_since_is_found_while_it_lives(tmp_path: Path, namespace: str) -> None:
    """Of a process in another namespace, only what it writes tells that it lives."""
    writer = Writer.open(tmp_path / "runs.db")
    alive = this_process()
    me = alive._replace(boot_id="boot-1", pid=1)
    writer.write({"run": [run("mine")], "segment": [segment("own", "mine")], "device": [device("package-0", "own")]})
    neighbours = Neighbours("mine", me, Anchor(100 * S, 100 * S, 100 * S))
    its = {"pid": alive.pid, "start_ticks": alive.start_ticks, "pid_namespace": alive.pid_namespace if namespace == "here" else "another"}
    other = segment("seg", "other", start_t_ns=99 * S, started_utc_ns=99 * S, last_seen_utc_ns=99 * S, **its)
    writer.write({"run": [run("other")], "segment": [other], "device": [device("package-0", "seg")]})
    assert len(neighbours.met(writer, 0)) == (namespace == "here")
    writer.close()
