"""A database that cannot be written until the end: the total is true, and the next command has the whole run."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.processes import BEGIN, begin
from tests.fakes.views import assert_true, device, events, phase_named, tracker_log
from tests.fakes.world import TRAINWATT, MakeWorld, World, finished, wait_for
from trainwatt import EnergyTracker
from trainwatt.storage.write.writer import Writer


@pytest.fixture
def small(world: World) -> Iterator[World]:
    """A machine whose database is on a disk of 1.5 MB."""
    world.db.parent.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "none", str(world.db.parent)], check=True)
    yield world
    subprocess.run(["umount", str(world.db.parent)], check=True)


FILL = "dd if=/dev/zero of={}/fill bs=1k 2>/dev/null"


def taken_in(world: World) -> None:
    """The next command takes the run in, and says so once."""
    ended = world.call("list")
    assert ended.returncode == 0
    listed = world.call("list")
    assert (listed.returncode, listed.stderr) == (0, ""), listed.stderr


def spilled(world: World) -> list[Path]:
    """The files that wait."""
    return sorted([*world.root.glob("state/trainwatt/spill/*/*.db"), *world.db.parent.glob("*.spilled-*/*.db")])


def test_a_full_disk_costs_a_command_nothing(small: World) -> None:
    ended = small.cli("run", "--", "sh", "-c", f"sleep 0.5; {FILL.format(small.db.parent)}; sleep 0.5; exit 3")
    assert ended.returncode == 3
    said = ended.stderr.splitlines()
    assert ["is kept in" in line for line in said].count(True) == 1, said
    assert "100 % measured, GPU+CPU+DRAM" in said[-3]
    assert said[-2].endswith("failed (exit code 3)")
    [file] = spilled(small)
    assert file.is_relative_to(small.root / "state")
    waits = small.cli("list")
    assert str(file) in waits.stderr
    assert "full" in waits.stderr
    (small.db.parent / "fill").unlink()
    taken_in(small)
    assert spilled(small) == []
    view = small.show()
    assert (view["run"]["status"], view["run"]["end_reason"]) == ("failed", "exit code 3")
    assert_true(device(view, "gpu0"), small.gpus_w[0], view["run"]["duration_s"])
    assert_true(device(view, "package-0"), small.package_w, view["run"]["duration_s"])
    assert [e for e in events(view, "store") if "at its end" in e["detail"]]


RANKED = """
with EnergyTracker(project="full") as tracker:
    say(tracker.run_id)
    while not os.path.exists("go"): time.sleep(0.01)
    with tracker.phase("late"):
        tracker.update(samples=3)
        time.sleep(0.3)
print(tracker.summary().headline)
"""


@pytest.mark.slow
def test_two_ranks_on_one_full_disk_keep_a_run_each(small: World) -> None:
    started = [begin(small, RANKED, f"said{i}") for i in range(2)]
    subprocess.run(["sh", "-c", FILL.format(small.db.parent)], check=False)
    (small.work / "go").touch()
    for process, _ in started:
        ended = finished(process)
        assert ended.returncode == 0, ended.stderr
        assert "100 % measured" in ended.stdout
        assert "Traceback" not in ended.stderr
    assert len(spilled(small)) == 2
    (small.db.parent / "fill").unlink()
    taken_in(small)
    for _, run_id in started:
        view = small.show(run_id)
        assert view["run"]["status"] == "completed"
        assert (phase_named(view, "late")["count"], view["work"]) == (1, {"samples": 3})
        assert_true(device(view, "gpu0"), small.gpus_w[0], view["run"]["duration_s"])


@pytest.mark.slow
def test_a_deleted_database_comes_back_with_all_that_the_run_had_in_it(here: World, caplog: pytest.LogCaptureFixture) -> None:
    with EnergyTracker() as tracker:
        with tracker.phase("before"):
            time.sleep(0.3)
        time.sleep(2.2)  # until it is stored
        for file in here.db.parent.iterdir():
            file.unlink()
        with tracker.phase("after"):
            tracker.update(samples=1)
            time.sleep(0.3)
    assert [("is kept in" in line) for line in tracker_log(caplog)].count(True) == 1
    known = tracker.summary().to_dict()
    assert not here.db.exists()
    taken_in(here)
    for view in (known, here.show(str(tracker.run_id))):
        assert view["run"]["status"] == "completed"
        assert [phase_named(view, name)["count"] for name in ("before", "after")] == [1, 1]
        assert_true(phase_named(view, "before"), here.total_w, phase_named(view, "before")["duration_s"])
        assert_true(device(view, "gpu0"), here.gpus_w[0], view["run"]["duration_s"])
        assert view["work"] == {"samples": 1}


def test_a_database_that_another_process_replaced_has_its_run_too(here: World) -> None:
    with EnergyTracker(project="mine") as tracker:
        time.sleep(0.2)
        for file in here.db.parent.iterdir():
            file.unlink()
        Writer.open(here.db).close()
        time.sleep(0.2)
    assert here.call("list", "--json").stdout.count('"project": "mine"') == 1
    view = here.show(str(tracker.run_id))
    assert view["run"]["status"] == "completed"
    assert_true(device(view, "gpu0"), here.gpus_w[0], view["run"]["duration_s"])


def test_a_folder_that_is_gone_is_not_made_by_the_run_but_by_the_next_command(here: World) -> None:
    with EnergyTracker() as tracker:
        time.sleep(0.2)
        shutil.rmtree(here.db.parent)
    assert not here.db.parent.exists()
    [file] = spilled(here)
    assert file.is_relative_to(here.root / "state")
    taken_in(here)
    assert here.show(str(tracker.run_id))["run"]["status"] == "completed"


def test_a_run_that_begins_takes_in_what_waits(here: World) -> None:
    with EnergyTracker(project="first"):
        time.sleep(0.1)
        for file in here.db.parent.iterdir():
            file.unlink()
    with EnergyTracker(project="second"):
        deadline = time.monotonic() + 60
        while spilled(here) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert {r["project"]: r["status"] for r in here.runs()} == {"first": "completed", "second": "completed"}


def test_a_command_that_is_interrupted_while_its_database_is_gone(world: World) -> None:
    process = world.popen([*TRAINWATT, "run", "--", "sh", "-c", "echo $$ > ready.new; mv ready.new ready; exec sleep 60"])
    wait_for(world.work / "ready")
    shutil.rmtree(world.db.parent)
    process.terminate()
    ended = finished(process)
    assert ended.returncode == -15
    assert "interrupted (SIGTERM)" in ended.stderr
    taken_in(world)
    run = world.show()["run"]
    assert (run["status"], run["end_reason"]) == ("interrupted", "SIGTERM")


INSIDE = """
with EnergyTracker() as tracker:
    with tracker.phase("early"): time.sleep(0.3)
    time.sleep(2.5)
    say("stored")
    while not os.path.exists("go"): time.sleep(0.01)
    with tracker.phase("late"): time.sleep(0.3)
    tracker.update(samples=4)
"""


@pytest.mark.slow
def test_a_tracker_inside_a_command_and_the_command_come_back_together(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=())
    process = world.popen([*TRAINWATT, "run", "--", sys.executable, "-c", BEGIN + INSIDE, str(world.work / "said")])
    wait_for(world.work / "said")
    for file in world.db.parent.iterdir():
        file.unlink()
    (world.work / "go").touch()
    ended = finished(process)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    assert len(spilled(world)) == 2
    world.call("list")
    assert spilled(world) == []
    view = world.show()
    assert (view["run"]["status"], view["work"]) == ("completed", {"samples": 4})
    assert_true(device(view, "package-0"), world.package_w, view["run"]["duration_s"])
    assert_true(phase_named(view, "early"), world.total_w, phase_named(view, "early")["duration_s"])
    assert phase_named(view, "late")["count"] == 1


def test_a_run_that_nothing_can_keep_is_said(small: World, tmp_path: Path) -> None:
    """Neither the state folder nor that for temporary files is a folder."""
    (tmp_path / "file").touch()
    env = small.environ(XDG_STATE_HOME=str(tmp_path / "file"), TMPDIR=str(tmp_path / "file"))
    ended = small.cli("run", "--", "sh", "-c", f"sleep 0.3; {FILL.format(small.db.parent)}; sleep 0.3; exit 3", env=env)
    assert ended.returncode == 3
    assert "could not be kept" in ended.stderr
    assert "100 % measured, GPU+CPU+DRAM" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_file_itself_can_be_shown(here: World) -> None:
    with EnergyTracker(project="mine") as tracker:
        time.sleep(0.1)
        for file in here.db.parent.iterdir():
            file.unlink()
    [file] = spilled(here)
    assert f"run {tracker.run_id}" in here.call("show", "--db", str(file)).stdout
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        assert connection.execute("SELECT place FROM spill").fetchall() == [(os.fsencode(here.db),)]
