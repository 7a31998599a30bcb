"""Two users and one database: who reads leaves nothing behind, and nobody locks the owner out."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.users import Ended, User
from tests.fakes.world import HANGS_S

OWNER, READER, LAB = 61_001, 61_002, 61_100


@pytest.fixture(scope="module")
def users() -> Iterator[tuple[User, User]]:
    """The owner of a database, and another user in the same group."""
    found = User(OWNER, [LAB]), User(READER, [LAB])
    yield found
    for user in found:
        user.close()


@pytest.fixture
def owner(users: tuple[User, User]) -> User:
    return users[0]


@pytest.fixture
def reader(users: tuple[User, User]) -> User:
    return users[1]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the owner that everyone can reach: those of pytest are root's only."""
    with tempfile.TemporaryDirectory(prefix="trainwatt-users-") as name:
        os.chown(name, OWNER, OWNER)
        Path(name).chmod(0o755)
        yield Path(name)


def group_folder(folder: Path, mode: int = 0o2775) -> Path:
    os.chown(folder, OWNER, LAB)
    folder.chmod(mode)
    return folder


def beside(db: Path) -> list[str]:
    return sorted(file.name for file in db.parent.iterdir())


def track(user: User, db: Path, name: str = "first", umask: int = 0o022) -> None:
    """A run that is recorded in `db`, and nowhere else."""
    ended = user.cli("run", "--strict", "--name", name, "--db", str(db), "--", "true", umask=umask)
    assert ended.code == 0, ended
    assert "trainwatt: trainwatt show" in ended.err


READS = (
    ["list"],
    ["show"],
    ["list", "--by", "project"],
    ["compare", "one", "two"],
    ["watch"],
    ["export", "-o", "/dev/null", "--format", "csv"],
)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [0o755, 0o777, 0o2775, 0o555])
def test_who_may_only_read_leaves_nothing_behind(owner: User, reader: User, folder: Path, mode: int) -> None:
    """The folder may be closed, or open to the reader: then SQLite itself would make files there."""
    db = folder / "runs.db"
    for name in ("one", "two"):
        track(owner, db, name)
    group_folder(folder, mode)
    db.chmod(0o644)
    for command in READS:
        ended = reader.cli(*command, "--db", str(db))
        assert ended.code == 0, ended
        assert beside(db) == ["runs.db"], command
    assert len(reader.cli("list", "--db", str(db), "--format", "csv").out.splitlines()) == 3
    refused = reader.cli("delete", "one", "--yes", "--db", str(db))
    assert refused.code == 1, refused
    assert "may only be read by this user" in refused.err
    strict = reader.cli("run", "--strict", "--db", str(db), "--", "true")
    assert (strict.code, beside(db)) == (1, ["runs.db"]), strict
    group_folder(folder)
    track(owner, db, "c")
    assert beside(db) == ["runs.db"]


@pytest.mark.slow
def test_an_older_database_that_may_only_be_read_is_read(owner: User, reader: User, folder: Path) -> None:
    """As an earlier version wrote it: without the columns `outcome` and `offset_w`. Nothing is upgraded but a copy."""
    db = folder / "runs.db"
    track(owner, db, "one")
    with sqlite3.connect(db) as older:
        for index in ("segment_running", "run_by_project"):
            older.execute(f"DROP INDEX {index}")
        for table in ("device_use", "activity_point", "metric", "metric_point", "phase_work"):
            older.execute(f"DROP TABLE {table}")
        older.execute("ALTER TABLE run DROP COLUMN outcome")
        older.execute("ALTER TABLE device DROP COLUMN offset_w")
        older.execute("UPDATE alembic_version SET version_num = '0003'")
        older.execute("UPDATE run SET project = 'one'")
    older.close()
    db.chmod(0o644)
    before = db.read_bytes()
    of_life = (
        ["life", "--project", "one"],
        ["report", "one", "--format", "md", "-o", "-"],
        ["advise", "one"],
        ["whatif", "one", "--pue", "1.1"],
    )
    for command in (["list"], ["show", "one"], ["list", "--status", "completed"], *of_life):
        ended = reader.cli(*command, "--db", str(db), TMPDIR=str(folder.parent))
        assert ended.code == 0, ended
        assert command[0] in ("advise", "whatif") or "one" in ended.out
    assert (beside(db), db.read_bytes()) == (["runs.db"], before)
    refused = reader.cli("delete", "one", "--yes", "--db", str(db))
    assert (refused.code, "may only be read by this user" in refused.err) == (1, True), refused
    assert owner.cli("list", "--db", str(db)).code == 0
    assert db.read_bytes() != before  # the owner has upgraded it


TRACK = """
import pathlib, time
from trainwatt import EnergyTracker
with EnergyTracker(name="live") as tracker:
    with tracker.phase("train"):
        time.sleep(0.2)
    pathlib.Path({said!r}).touch()
    time.sleep(600)
"""


def live(user: User, folder: Path, db: Path, umask: int = 0o022) -> int:
    """A run that goes on."""
    said = folder / f"begun-{user.uid}"
    pid = user.begin_python(TRACK.format(said=str(said)), umask=umask, TRAINWATT_DB=str(db))
    deadline = time.monotonic() + HANGS_S
    while not said.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    said.unlink()
    return pid


@pytest.mark.slow
@pytest.mark.parametrize("mode", [0o755, 0o2775])
def test_a_run_under_way_and_one_that_was_killed_are_read_by_another_user(owner: User, reader: User, folder: Path, mode: int) -> None:
    db = folder / "runs.db"
    track(owner, db)
    group_folder(folder, mode)
    db.chmod(0o644)
    pid = live(owner, folder, db)
    for _ in range(3):
        shown = reader.cli("list", "--db", str(db))
        assert shown.code == 0, shown
        assert "live" in shown.out
        time.sleep(0.4)
    files = beside(db)
    assert files == ["runs.db", "runs.db-shm", "runs.db-wal"]
    assert {(folder / name).stat().st_uid for name in files} == {OWNER}
    owner.kill(pid, signal.SIGKILL)
    killed = reader.cli("list", "--db", str(db))
    assert (killed.code, beside(db)) == (0, files), killed
    assert "interrupted" in killed.out  # only in memory: this user may not write it down
    (folder / "runs.db-shm").unlink()  # as a copy of the folder without it
    without = reader.cli("show", "live", "--db", str(db))
    assert without.code == 0, without
    assert beside(db) == ["runs.db", "runs.db-wal"]
    track(owner, db, "after")
    assert beside(db) == ["runs.db"]
    assert reader.cli("list", "--db", str(db), "--format", "csv").out.count("\n") == 4


READ_FOR_EVER = """
import pathlib, time
from trainwatt.storage.read.store import Store
store = Store.open({db!r})
connection = store._engine.connect()
connection.exec_driver_sql("SELECT * FROM run").fetchall()
pathlib.Path({said!r}).touch()
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_run_under_way_is_read_through_a_link(owner: User, reader: User, folder: Path, link: str) -> None:
    """The files beside the database are beside the real one."""
    real, links = folder / "real", folder / "links"
    for made in (real, links):
        made.mkdir()
        os.chown(made, OWNER, OWNER)
    db, through = real / "runs.db", links / "here.db" if link == "file" else links / "here" / "runs.db"
    (links / ("here.db" if link == "file" else "here")).symlink_to(db if link == "file" else real)
    track(owner, db)
    db.chmod(0o644)
    pid = live(owner, folder, through)
    assert "live" in reader.cli("list", "--db", str(through)).out
    owner.kill(pid, signal.SIGKILL)
    assert "live" in reader.cli("list", "--db", str(through)).out
    assert "interrupted" in owner.cli("list", "--db", str(through)).out
    assert beside(db) == ["runs.db"]


@pytest.mark.slow
def test_pages_that_another_user_serves_follow_a_run_and_leave_nothing_behind(owner: User, reader: User, folder: Path) -> None:
    db = group_folder(folder) / "runs.db"
    track(owner, db)
    db.chmod(0o644)
    server = reader.begin("serve", "--port", "0", "--db", str(db))
    deadline = time.monotonic() + HANGS_S
    while not (link := re.search(r"(http://\S+/)\?token=(\S+)", reader.said(server))):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    def page(path: str = "runs") -> str:
        with urllib.request.urlopen(
            urllib.request.Request(link[1] + path, headers={"Authorization": f"Bearer {link[2]}"}), timeout=HANGS_S
        ) as found:
            return str(found.read(), "utf-8")

    assert "Nothing trains now" in page("")
    assert "live" not in page()
    assert beside(db) == ["runs.db"]
    pid = live(owner, folder, db)
    assert "Nothing trains now" not in page("")
    assert "live" in page()
    owner.kill(pid, signal.SIGKILL)
    assert "Nothing trains now" in page("")
    assert "interrupted" in page()
    track(owner, db, "after")
    assert "after" in page("")
    assert "after" in page()
    assert beside(db) == ["runs.db"]
    reader.kill(server, signal.SIGKILL)
    track(owner, db)


@pytest.mark.slow
def test_a_reader_that_is_killed_in_the_middle_leaves_nothing(owner: User, reader: User, folder: Path) -> None:
    db = group_folder(folder) / "runs.db"
    track(owner, db)
    db.chmod(0o644)
    said = folder / "said"
    for signal_ in (signal.SIGKILL, signal.SIGTERM):
        pid = reader.begin_python(READ_FOR_EVER.format(db=str(db), said=str(said)))
        deadline = time.monotonic() + HANGS_S
        while not said.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        track(owner, db)  # while it reads
        reader.kill(pid, signal_)
        said.unlink()
        assert beside(db) == ["runs.db"]
    track(owner, db)


def as_older_versions_did(reader: User, db: Path) -> None:
    """The files that SQLite leaves where a user reads who may not write."""
    ended = reader.python(
        f"import os, sqlite3\nsqlite3.connect('file:{db}?mode=ro', uri=True).execute('SELECT * FROM run').fetchall()\nos._exit(0)"
    )
    assert ended.code == 0, ended
    assert {(file.name, file.stat().st_uid) for file in db.parent.iterdir()} == {
        ("runs.db", OWNER),
        ("runs.db-shm", READER),
        ("runs.db-wal", READER),
    }


@pytest.mark.slow
def test_the_files_that_another_reader_left_do_not_lock_the_owner_out(owner: User, reader: User, folder: Path) -> None:
    db = group_folder(folder) / "runs.db"
    track(owner, db)
    db.chmod(0o644)
    as_older_versions_did(reader, db)
    assert reader.cli("list", "--db", str(db)).code == 0
    with_them = owner.cli("list", "--db", str(db))
    assert with_them.code == 0, with_them
    track(owner, db, "second")
    assert beside(db) == ["runs.db"]
    as_older_versions_did(reader, db)
    assert owner.cli("delete", "second", "--yes", "--db", str(db)).code == 0
    assert beside(db) == ["runs.db"]


@pytest.mark.slow
def test_files_of_another_user_that_are_in_use_or_cannot_be_removed_are_named(owner: User, reader: User, folder: Path) -> None:
    db = group_folder(folder) / "runs.db"
    track(owner, db)
    db.chmod(0o644)
    os.chown(folder, READER, LAB)
    folder.chmod(0o1777)  # only its own owner may remove a file
    as_older_versions_did(reader, db)
    os.chown(folder, 0, 0)
    refused = owner.cli("run", "--strict", "--db", str(db), "--", "true")
    assert refused.code == 1
    assert f"runs.db-wal beside it belongs to user {READER}, and it cannot be replaced" in refused.err
    assert "--db, db= or TRAINWATT_DB" in refused.err
    for name in ("runs.db-wal", "runs.db-shm"):
        (folder / name).unlink()

    group_folder(folder)
    said = folder / "said"
    code = f"import sqlite3, pathlib, time\nc = sqlite3.connect('file:{db}?mode=ro', uri=True)\nc.execute('SELECT * FROM run').fetchall()\n"
    pid = reader.begin_python(f"{code}pathlib.Path({str(said)!r}).touch()\ntime.sleep(600)")
    deadline = time.monotonic() + HANGS_S
    while not said.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    refused = owner.cli("run", "--strict", "--db", str(db), "--", "true")
    reader.kill(pid, signal.SIGKILL)
    assert (refused.code, "another process uses it" in refused.err) == (1, True), refused
    track(owner, db)


@pytest.mark.slow
@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_the_database_of_a_group_folder_is_writable_for_the_group_with_its_side_files(
    owner: User, reader: User, folder: Path, umask: int
) -> None:
    db = group_folder(folder) / "deep" / "er" / "runs.db"  # the folders between are made
    pid = live(owner, folder, db, umask)
    for name in ("runs.db", "runs.db-wal", "runs.db-shm"):
        found = (db.parent / name).stat()
        assert (stat.S_IMODE(found.st_mode) & 0o660, found.st_gid) == (0o660, LAB), name
    for made in (db.parent, db.parent.parent):
        assert made.stat().st_mode & 0o2070 == 0o2070
    track(reader, db, "second", umask=umask)
    owner.kill(pid, signal.SIGTERM)
    track(reader, db, "third", umask=umask)
    pid = live(reader, folder, db, umask)
    track(owner, db, "fourth", umask=umask)
    reader.kill(pid, signal.SIGKILL)
    track(owner, db, "fifth", umask=umask)
    assert beside(db) == ["runs.db"]


@pytest.mark.slow
def test_the_first_runs_of_two_users_may_begin_at_the_same_instant(owner: User, reader: User, folder: Path) -> None:
    group_folder(folder)
    for number in range(4):
        db = folder / f"new{number}" / "runs.db"
        begun = [(user, user.begin("run", "--strict", "--db", str(db), "--", "true")) for user in (owner, reader)]
        for user, pid in begun:
            ended = user.wait(pid)
            assert ended.code == 0, ended
        assert owner.cli("list", "--db", str(db), "--format", "csv").out.count("\n") == 3


@pytest.mark.slow
def test_a_group_folder_without_the_setgid_bit_gives_the_side_files_to_the_group_too(owner: User, reader: User, folder: Path) -> None:
    """The database belongs to the group, and its folder is open to the group; new files belong to the group of who makes them."""
    db = folder / "runs.db"
    track(owner, db)
    os.chown(db, OWNER, LAB)
    db.chmod(0o664)
    group_folder(folder, 0o775)
    pid = live(reader, folder, db)
    assert {(folder / name).stat().st_gid for name in ("runs.db-wal", "runs.db-shm")} == {LAB}
    track(owner, db, "b")
    reader.kill(pid, signal.SIGKILL)
    track(owner, db, "c")


@pytest.mark.slow
def test_a_private_folder_stays_private(owner: User, reader: User, folder: Path) -> None:
    db = folder / "mine" / "runs.db"
    track(owner, db, umask=0o077)
    assert stat.S_IMODE(db.stat().st_mode) == 0o600
    hidden = reader.cli("list", "--db", str(db))
    assert hidden.code == 1
    assert "cannot be read: Permission denied" in hidden.err
    assert "nothing has been tracked" not in hidden.err


def test_an_unreadable_file_is_said(owner: User, reader: User, folder: Path) -> None:
    db = folder / "runs.db"
    track(owner, db)
    db.chmod(0o600)
    refused = reader.cli("list", "--db", str(db))
    assert refused.code == 1
    assert "cannot be used: unable to" in refused.err
    assert "Traceback" not in refused.err


def test_what_is_read_while_a_run_begins_and_ends_is_of_one_state(folder: Path) -> None:
    """Without a writer the file is read without locks. If it changes, the question is asked again."""
    from trainwatt.storage.engine import make_engine, read
    from trainwatt.storage.write.writer import Writer

    db = folder / "runs.db"
    Writer.open(db).close()
    asked = []

    def question(connection: object) -> int:
        asked.append(1)
        if len(asked) <= 2:
            other = sqlite3.connect(db)
            other.execute("CREATE TABLE IF NOT EXISTS t (x)")
            other.execute("INSERT INTO t VALUES (1)")
            other.commit()
            other.close()
            if len(asked) == 2:
                raise KeyError("two states")
        return int(connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one())  # type: ignore[attr-defined]

    assert read(make_engine(str(db)), str(db), question) == 2
    assert len(asked) == 3


def test_a_journal_that_a_killed_writer_left_is_repaired_in_place_or_in_a_copy(owner: User, reader: User, folder: Path) -> None:
    """As on a network filesystem: the rollback journal of a transaction that was cut short."""
    db = folder / "runs.db"
    track(owner, db)
    other = sqlite3.connect(db, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("PRAGMA cache_size = 1")
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE junk (x)")
    other.executemany("INSERT INTO junk VALUES (?)", [("y" * 3000,)] * 100)
    other.execute("UPDATE run SET project = 'never committed'")
    for name in ("runs.db", "runs.db-journal"):
        shutil.copyfile(folder / name, folder / f"copy-{name}")
    other.execute("ROLLBACK")
    other.close()
    for name in ("runs.db", "runs.db-journal"):
        (folder / f"copy-{name}").replace(folder / name)
        os.chown(folder / name, OWNER, OWNER)
        (folder / name).chmod(0o644)
    for user, left in ((reader, ["runs.db", "runs.db-journal"]), (owner, ["runs.db"])):
        shown: Ended = user.cli("list", "--db", str(db))
        assert shown.code == 0, shown
        assert "never committed" not in shown.out
        assert beside(db) == left


@pytest.mark.parametrize("place", ["another user's", "no folder", "a closed folder", "newer", "read-only", "in a file"])
def test_a_database_that_cannot_be_used_does_not_stop_the_command(owner: User, reader: User, folder: Path, place: str) -> None:
    db = folder / "runs.db"
    if place == "another user's":
        track(owner, db)
    elif place == "no folder":
        db = folder / "deep" / "er" / "runs.db"  # which the reader may not make
    elif place == "a closed folder":
        db.mkdir(0o700)
        db = db / "runs.db"
    elif place == "read-only":
        db = group_folder(folder) / "runs.db"
        track(reader, db)
        db.chmod(0o444)
    elif place == "in a file":
        db.write_text("not a folder")
        db = db / "runs.db"
    elif place == "newer":
        track(owner, db)
        other = sqlite3.connect(db)
        other.execute("UPDATE alembic_version SET version_num = '9999'")
        other.commit()
        other.close()
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, READER, READER)
        ended = reader.cli("run", "--db", str(db), "--", "sh", "-c", "echo $TRAINWATT_RUN_DB; exit 7", XDG_DATA_HOME=home)
        kept = Path(home, "trainwatt", "runs.db")
        assert (ended.code, ended.out) == (7, f"{kept}\n"), ended  # trackers inside join the run there
        said = ended.err.splitlines()
        assert str(db) in said[0]
        assert said[1] == f"trainwatt: the command runs all the same, and is recorded in {kept}; with --strict it would not start"
        assert said[-1].endswith(f" --db {kept}")
        shown = reader.cli(*said[-1].removeprefix("trainwatt: trainwatt ").split(), "--json")
        view = json.loads(shown.out)
        assert (view["run"]["status"], view["run"]["end_reason"]) == ("failed", "exit code 7")
        [event] = [event for event in view["events"] if event["kind"] == "store"]
        assert event["detail"].startswith(f"the run is recorded in {kept} instead: ")
        assert str(db) in event["detail"]
        strict = reader.cli("run", "--strict", "--db", str(db), "--", "sh", "-c", "echo started", XDG_DATA_HOME=home)
        assert (strict.code, strict.out) == (1, ""), strict
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("last", ["a temporary folder", "nothing"])
def test_without_a_data_folder_a_temporary_one_is_used_and_else_nothing(owner: User, reader: User, folder: Path, last: str) -> None:
    nowhere, temporary = str(folder / "closed"), folder / "tmp"
    Path(nowhere).mkdir(0o755)
    temporary.mkdir()
    temporary.chmod(0o1777)
    code = f"""
import sys, tempfile
tempfile.tempdir = {str(temporary) if last == "a temporary folder" else nowhere!r}
sys.argv = ["trainwatt", "run", "--", "sh", "-c", "echo trained; exit 3"]
from trainwatt.cli.main import main
main()
"""
    ended = reader.python(code, TRAINWATT_DB=f"{nowhere}/runs.db", XDG_DATA_HOME=nowhere)
    assert (ended.code, ended.out) == (3, "trained\n"), ended
    if last == "nothing":
        assert "the command runs all the same, and nothing is measured" in ended.err
        assert "trainwatt show" not in ended.err
    else:
        [kept] = temporary.glob("trainwatt-*/runs.db")
        assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
        assert f"recorded in {kept}" in ended.err
    assert list(Path(nowhere).iterdir()) == []


def test_a_tracker_in_python_says_it_before_the_training(owner: User, reader: User, folder: Path) -> None:
    """As for any setting that does not fit: the training has not begun."""
    db = folder / "runs.db"
    track(owner, db)
    db.chmod(0o644)
    folder.chmod(0o777)
    code = "from trainwatt import EnergyTracker, StoreError\n"
    code += "try: EnergyTracker().start()\nexcept StoreError as error: print(error); raise SystemExit(7)"
    ended = reader.python(code, TRAINWATT_DB=str(db))
    assert (ended.code, beside(db)) == (7, ["runs.db"]), ended
    assert f"{db} may only be read by this user: it belongs to user {OWNER}." in ended.out
