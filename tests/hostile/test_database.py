"""A database that is locked, deleted, forbidden or at an unusual place. Damaged databases are in test_damage.py."""

from __future__ import annotations

import inspect
import os
import shutil
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from tests.fakes.processes import begin
from tests.fakes.views import assert_true, device, events, phase_named, tracker_log
from tests.fakes.world import World, finished
from trainwatt import ConfigurationError, EnergyTracker, StoreError
from trainwatt.machine import filesystem
from trainwatt.storage.write.writer import Writer
from trainwatt.tracking.recording import backlog, pace
from trainwatt.tracking.recording.phases import phase_log

LOCKED_S = 12.0

LOOP = """
with EnergyTracker(project="locked") as tracker:
    say(tracker.run_id)
    steps = 0
    while not os.path.exists("go"):
        with tracker.phase("train", step=steps):
            tracker.update(samples=2)
            time.sleep(0.01)
        steps += 1
print(steps)
sys.exit(7)
"""


@pytest.mark.slow
def test_a_database_locked_for_twelve_seconds_loses_nothing(world: World) -> None:
    """This is longer than two commits wait."""
    process, run_id = begin(world, "import logging\nlogging.basicConfig(format='%(message)s')\n" + LOOP)
    lock = sqlite3.connect(world.db, isolation_level=None, timeout=10)
    lock.execute("BEGIN IMMEDIATE")
    time.sleep(LOCKED_S)
    lock.execute("ROLLBACK")
    lock.close()
    (world.work / "go").touch()
    ended = finished(process)
    assert ended.returncode == 7, ended.stderr
    steps = int(ended.stdout)
    assert steps > 100
    view = world.show(run_id)
    assert view["run"]["status"] == "completed"
    train = phase_named(view, "train")
    assert (train["count"], view["work"]) == (steps, {"samples": 2 * steps})
    assert_true(device(view, "package-0"), world.package_w, view["run"]["duration_s"])
    assert [("locked" in e["detail"]) for e in events(view, "store")] == [True]
    assert ["locked" in line or "written again" in line for line in ended.stderr.splitlines()] == [True, True]


def test_thirty_seconds_of_a_thousand_phases_a_second_fit_in_memory() -> None:
    """What waits for a locked database: each try takes in what was stamped meanwhile, and keeps the rows of INDIVIDUAL new phases with
    their energies, here of ten devices. What is more than that is added up in memory."""
    try_s = inspect.signature(Writer.open).parameters["timeout_s"].default + pace.COMMIT_S
    assert 1_000 * try_s <= phase_log.MOST_WAITING
    assert 30 / try_s * phase_log.INDIVIDUAL * 10 <= backlog.KEPT_ROWS


def test_a_removed_folder_leaves_the_training_alone_and_is_said_once(here: World, caplog: pytest.LogCaptureFixture) -> None:
    done = 0
    with EnergyTracker() as tracker:
        time.sleep(0.1)
        shutil.rmtree(here.db.parent)
        for _ in range(230):
            with tracker.phase("train"):
                time.sleep(0.01)
                done += 1
    assert done == 230
    said = tracker_log(caplog)
    assert ["deleted or replaced" in line for line in said] == [True, True]  # once during the run, and once where it is kept
    assert not [r for r in caplog.records if r.exc_info]
    assert not here.db.parent.exists()


FORBIDDEN = """
import os, sys, platformdirs
import trainwatt.tracking.start, trainwatt.sensors.discovery, trainwatt.machine.inventory
from trainwatt import EnergyTracker, StoreError
os.environ["HOME"] = sys.argv[1]
if os.getuid() == 0: os.setuid(65534)
try:
    with EnergyTracker(): print("began")
except StoreError as error:
    print(error)
    sys.exit(7)
"""


def test_a_home_that_cannot_be_written_is_said_before_the_training(world: World, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o555)
    env = world.environ()
    for name in ("TRAINWATT_DB", "XDG_DATA_HOME", "TRAINWATT_SYSFS"):  # the user of this process cannot see the fake tree
        env.pop(name, None)
    ended = world.run_python(FORBIDDEN, str(home), env=env)
    assert (ended.returncode, ended.stderr) == (7, "")
    assert str(home) in ended.stdout
    assert "Permission denied" in ended.stdout
    assert "--db, db= or TRAINWATT_DB" in ended.stdout
    assert list(home.iterdir()) == []


HOMELESS = """
import os, pwd, sys
from trainwatt import ConfigurationError, EnergyTracker
os.environ.pop("HOME", None)
os.environ.pop("XDG_DATA_HOME", None)
if sys.argv[1] == "stranger":
    def unknown(uid): raise KeyError(uid)
    pwd.getpwuid = unknown  # as in a container whose user has a number and no name
try:
    print(EnergyTracker()._config.db)
    from trainwatt.storage.place import locate
    print(locate(None, {}, None))
except ConfigurationError as error:
    print(error)
    sys.exit(7)
"""


def test_without_HOME_the_data_folder_is_the_users_own(world: World) -> None:
    env = {k: v for k, v in world.environ().items() if k not in ("HOME", "TRAINWATT_DB")}
    ended = world.run_python(HOMELESS, "known", env=env)
    assert ended.returncode == 0, ended.stderr
    assert os.path.isabs(ended.stdout.splitlines()[-1])


def test_a_user_without_any_home_is_asked_for_a_place(world: World) -> None:
    env = {k: v for k, v in world.environ().items() if k not in ("HOME", "TRAINWATT_DB")}
    ended = world.run_python(HOMELESS, "stranger", env=env)
    assert ended.returncode == 7, ended.stderr
    assert "--db, db= or TRAINWATT_DB" in ended.stdout
    assert list(world.work.iterdir()) == []  # above all, no folder named ~


def test_places_that_are_no_files(here: World, tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    os.symlink(tmp_path / "loop", tmp_path / "loop")
    os.mkfifo(tmp_path / "fifo")
    odd: list[Path | str] = [tmp_path / "s", "/dev/null", tmp_path / "fifo", tmp_path / "loop", tmp_path / ("x" * 300), f"{tmp_path}/a\0b"]
    for db in odd:
        with pytest.raises(StoreError, match="--db"):
            EnergyTracker(db=db).start()
    listener.close()
    with pytest.raises(ConfigurationError, match="whole path"):
        EnergyTracker(db="~nobody-of-that-name/runs.db").start()
    folder = tmp_path / "folder"
    folder.mkdir()
    with EnergyTracker(db=folder) as tracker:
        pass
    assert tracker.path == folder / "runs.db"


def test_a_relative_place_stays_where_it_was_when_the_training_changes_folder(
    here: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with EnergyTracker(db="mine.db") as tracker:
        (here.work / "sub").mkdir()
        monkeypatch.chdir(here.work / "sub")
        time.sleep(0.2)
    assert tracker.path == here.work / "mine.db"
    assert tracker.summary().to_dict()["run"]["status"] == "completed"
    assert tracker_log(caplog) == []


def test_a_run_on_a_network_filesystem_has_a_file_of_its_host_and_no_shared_memory(
    here: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mountinfo").write_text(f"22 1 0:9 / {tmp_path} rw - nfs4 server:/home rw\n")
    monkeypatch.setattr(filesystem, "MOUNTINFO", tmp_path / "mountinfo")
    monkeypatch.setattr("platform.node", lambda: "node-a")
    folder = tmp_path / "shared"
    folder.mkdir()
    with EnergyTracker(db=folder) as tracker:
        with tracker.phase("train"):
            time.sleep(0.3)
        assert tracker.summary().to_dict()["run"]["status"] == "running"
        assert [p.name for p in folder.iterdir() if not p.name.endswith("-journal")] == ["runs-node-a.db"]
    assert tracker.summary().to_dict()["phases"][0]["energy_j"] > 0


def test_a_file_that_may_only_be_read_is_said_before_the_training(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unprivileged user cannot write the file. Modes do not stop root, so SQLite's read-only mode takes their place."""
    Writer.open(here.db).close()
    connect = sqlite3.connect

    def readonly(path: Path, **options: object) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite3, "connect", readonly)
    with pytest.raises(StoreError, match=r"readonly database.*Make the file and its folder writable.*--db"):
        EnergyTracker().start()
