"""A damaged database is reported and set aside as it is, and it is never overwritten."""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.long_run import LongRun, swinging
from tests.fakes.processes import begin, start_together
from tests.fakes.stored_rows import run
from tests.fakes.views import assert_true, device, events, phase_named, tracker_log
from tests.fakes.world import TRAINWATT, MakeWorld, World, finished, wait_for
from trainwatt.errors import DamagedDatabaseError
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.damage import file_id, set_aside
from trainwatt.storage.write.writer import Writer

SCHEMA, CONTENT = 100, 4096
"""Bytes to damage from: behind SQLite's header, or behind the first page, with the schema whole."""

RUN = "with EnergyTracker(project='next') as tracker:\n    with tracker.phase('train'):\n        time.sleep(0.2)\nprint('trained')"


def filled(path: Path) -> None:
    """A database with a run in it."""
    writer = Writer.open(path)
    writer.write({"run": [run(f"run-{i}", command="x" * 500) for i in range(50)]})
    writer.close()


def damage(path: Path, begin: int) -> bytes:
    """Overwrite the file from that byte to its end. Returns its new content."""
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(begin)
        file.write(random.Random(7).randbytes(size - begin))
    return path.read_bytes()


def aside(path: Path) -> list[Path]:
    """The files that were set aside, without their journals."""
    return [p for p in path.parent.glob(f"{path.name}.damaged-*") if not p.name.endswith(("-wal", "-shm", "-journal"))]


@pytest.mark.parametrize("begin", [SCHEMA, CONTENT], ids=["first page", "in the middle"])
def test_a_damaged_database_is_set_aside_at_the_start_and_said_once(world: World, begin: int) -> None:
    filled(world.db)
    damaged = damage(world.db, begin)
    code = "import time\nfrom trainwatt import EnergyTracker\n" + RUN
    ended = world.run_python(code)
    assert (ended.returncode, ended.stdout) == (0, "trained\n"), ended.stderr
    [kept] = aside(world.db)
    assert kept.read_bytes() == damaged
    [line] = ended.stderr.splitlines()
    assert str(kept) in line
    assert "damaged" in line
    assert [(r["project"], r["status"]) for r in world.runs()] == [("next", "completed")]
    assert world.run_python(code).stderr == ""
    assert len(world.runs()) == 2


def test_what_was_set_aside_before_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "runs.db"
    contents = set()
    for _ in range(3):  # perhaps all within one second
        filled(path)
        with open(path, "ab") as file:
            file.write(os.urandom(4096))
        contents.add(damage(path, SCHEMA))
        Writer.open(path).close()
        path.unlink()
    assert len(contents) == 1  # the bytes at the end count as damage, too
    assert [p.read_bytes() for p in aside(path)[:3]] == [*contents] * 3
    assert len(tracker_log(caplog)) == 3


def test_a_program_that_only_reads_sets_nothing_aside(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    filled(path)
    damaged = damage(path, SCHEMA)
    with pytest.raises(DamagedDatabaseError, match=r"next run renames it.*\.recover"):
        Store.open(str(path))
    assert path.read_bytes() == damaged


def test_only_the_damaged_file_itself_is_set_aside(tmp_path: Path) -> None:
    """A second process that met the same damage must not rename the new database of the first."""
    path = tmp_path / "runs.db"
    filled(path)
    damaged = file_id(path)
    assert damaged is not None
    for journal in ("-wal", "-journal"):
        (tmp_path / f"runs.db{journal}").write_text(journal)
    first = set_aside(path, damaged)
    for journal in ("-wal", "-journal"):
        assert Path(f"{first}{journal}").read_text() == journal
    assert len(os.listdir(tmp_path)) == 3
    filled(path)
    begun = path.read_bytes()
    assert set_aside(path, damaged) == first
    assert path.read_bytes() == begun
    assert aside(path) == [first]
    first.unlink()
    with pytest.raises(DamagedDatabaseError, match="moved away or deleted"):
        set_aside(path, damaged)


def test_eight_processes_that_meet_it_at_once_begin_one_new_database(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=())
    filled(world.db)
    damaged = damage(world.db, SCHEMA)
    for ended in start_together(world, 8, 1, 0.05):
        assert ended.returncode == 0, ended.stderr
    assert [p.read_bytes() for p in aside(world.db)] == [damaged]
    assert [r["status"] for r in world.runs()] == ["completed"] * 8


LOOP = """
with EnergyTracker(project="long") as tracker:
    with tracker.phase("before"):
        time.sleep(0.3)
    tracker.update(samples=5)
    with tracker.phase("open"):
        say(tracker.run_id)
        while not os.path.exists("go"): time.sleep(0.01)
    with tracker.phase("after"):
        tracker.update(samples=7)
        time.sleep(float(sys.argv[2]))
print("trained")
"""


def damage_now(path: Path) -> None:
    """All but the schema, under the eyes of whoever writes to it: what it remembers of the pages is out of date, too."""
    other = sqlite3.connect(path, isolation_level=None, timeout=10)
    other.execute("INSERT INTO grid_intensity VALUES ('p', 'z', 'b', 1, 2, 3.0, 0, 4)")
    assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    damage(path, CONTENT)
    other.close()


@pytest.mark.slow
def test_a_run_whose_last_commit_meets_the_damage_has_all_of_its_energy_in_a_new_database(world: World) -> None:
    process, run_id = begin(world, LOOP.replace("sys.argv[2]", "0"))
    time.sleep(2.5)  # until the first phase is stored
    damage_now(world.db)
    (world.work / "go").touch()
    ended = finished(process)
    assert (ended.returncode, ended.stdout) == (0, "trained\n"), ended.stderr
    [kept] = aside(world.db)
    assert [str(kept) in line for line in ended.stderr.splitlines()] == [True], ended.stderr
    assert "Traceback" not in ended.stderr
    view = world.show(run_id)
    assert view["run"]["status"] == "completed"
    assert_true(device(view, "package-0"), world.package_w, view["run"]["duration_s"])
    assert_true(device(view, "gpu0"), world.gpus_w[0], view["run"]["duration_s"])
    assert view["work"] == {"samples": 12}
    assert [str(kept) in e["detail"] for e in events(view, "store")] == [True]
    assert phase_named(view, "open")["count"] == 1
    assert_true(phase_named(view, "open"), world.total_w, phase_named(view, "open")["duration_s"])
    assert phase_named(view, "after")["count"] == 1
    with sqlite3.connect(world.db) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT count(*) FROM inventory").fetchone()[0] > 0


@pytest.mark.slow
def test_every_run_of_a_damaged_database_goes_on_in_the_new_one(make_world: MakeWorld) -> None:
    """It does not matter which process meets the damage first."""
    world = make_world(gpus_w=())
    begun = [begin(world, LOOP.replace("sys.argv[2]", "1.2"), f"said{i}") for i in range(2)]
    time.sleep(0.5)
    damage_now(world.db)
    (world.work / "go").touch()
    for process, run_id in begun:
        ended = finished(process)
        assert (ended.returncode, ended.stdout) == (0, "trained\n"), ended.stderr
        assert len(ended.stderr.splitlines()) == 1, ended.stderr
        view = world.show(run_id)
        assert view["run"]["status"] == "completed"
        assert_true(device(view, "package-0"), world.package_w, view["run"]["duration_s"])
        assert view["work"] == {"samples": 12}
        assert len(events(view, "store")) == 1
        for name in ("open", "after"):
            assert phase_named(view, name)["count"] == 1
            assert_true(phase_named(view, name), world.total_w, phase_named(view, name)["duration_s"])
    assert len(aside(world.db)) == 1


@pytest.mark.slow
def test_a_tracked_command_and_the_tracker_inside_go_on_together(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=())
    code = "import os, pathlib, time\nfrom trainwatt import EnergyTracker\n" + LOOP.replace("sys.argv[2]", "2.2").replace(
        "say(tracker.run_id)", 'pathlib.Path("said").write_text("said\\n")'
    )
    process = world.popen([*TRAINWATT, "run", "--", sys.executable, "-c", code])
    wait_for(world.work / "said")
    time.sleep(0.5)
    damage_now(world.db)
    (world.work / "go").touch()
    ended = finished(process)
    assert (ended.returncode, ended.stdout) == (0, "trained\n"), ended.stderr
    assert len(aside(world.db)) == 1
    view = world.show()
    assert view["run"]["status"] == "completed"
    assert_true(device(view, "package-0"), world.package_w, view["run"]["duration_s"])
    assert phase_named(view, "after")["energy_j"] > 0
    assert view["work"] == {"samples": 12}


def test_a_long_run_keeps_its_beginning_where_its_database_is_replaced(tmp_path: Path) -> None:
    """The curves no longer have their first points in memory."""
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 2), aside=False)
    run.move(60)
    before = run.stored()[0].devices
    run.recorder._begin_anew(DamagedDatabaseError("a page is broken"))
    run.move(30)
    run.end()
    stored, _ = run.stored()
    for old, new in zip(before, stored.devices, strict=True):
        assert old.first is not None
        assert new.first is not None
        assert new.last is not None
        assert (new.first.t_ns, new.first.counter_j) == (old.first.t_ns, old.first.counter_j)
        assert new.last.t_ns - new.first.t_ns == pytest.approx(90e9, rel=1e-3)
