"""Who may read a database and the files beside it: its owner, and the group of a folder that is meant for one, whatever the umask is."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.users import User
from tests.fakes.world import HANGS_S
from trainwatt.storage.side_files import create
from trainwatt.storage.write.writer import Writer

OWNER, MEMBER, STRANGER, LAB = 61_011, 61_012, 61_013, 61_110


@pytest.fixture(scope="module")
def users() -> Iterator[tuple[User, User, User]]:
    """The owner of a database, another member of the lab, and a user who is none."""
    found = User(OWNER, [LAB]), User(MEMBER, [LAB]), User(STRANGER)
    yield found
    for user in found:
        user.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the owner that everyone can reach."""
    with tempfile.TemporaryDirectory(prefix="trainwatt-modes-") as name:
        os.chown(name, OWNER, OWNER)
        Path(name).chmod(0o755)
        yield Path(name)


LIVE = """
import pathlib, time
from trainwatt import EnergyTracker
with EnergyTracker():
    time.sleep(0.2)
    pathlib.Path({said!r}).touch()
    time.sleep(600)
"""


def live(user: User, db: Path, umask: int) -> int:
    """A run that goes on. Returns its pid."""
    said = db.parent.parent / "begun"
    said.unlink(missing_ok=True)
    pid = user.begin_python(LIVE.format(said=str(said)), umask=umask, TRAINWATT_DB=str(db))
    deadline = time.monotonic() + HANGS_S
    while not said.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return pid


def modes(db: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in db.parent.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder_mode", "umask", "expected"),
    [
        (0o755, 0o077, 0o600),
        (0o775, 0o002, 0o600),  # a common umask makes all folders so
        (0o1777, 0o000, 0o600),
        (0o2755, 0o000, 0o600),  # its group may not write it
        (0o2775, 0o000, 0o660),
        (0o2770, 0o077, 0o660),
    ],
)
def test_a_database_and_its_side_files_are_made_for_the_owner_or_for_the_group(
    users: tuple[User, User, User], folder: Path, folder_mode: int, umask: int, expected: int
) -> None:
    owner, member, stranger = users
    db = folder / "runs" / "runs.db"
    db.parent.mkdir()
    os.chown(db.parent, OWNER, LAB)
    db.parent.chmod(folder_mode)
    folder.chmod(0o777)
    pid = live(owner, db, umask)
    assert modes(db) == dict.fromkeys(("runs.db", "runs.db-shm", "runs.db-wal"), expected)
    read = f"import os; print([os.access({str(db.parent)!r} + '/' + n, os.R_OK) for n in ('runs.db', 'runs.db-wal', 'runs.db-shm')])"
    assert stranger.python(read).out == "[False, False, False]\n"
    of_group = expected == 0o660
    assert member.python(read).out == f"[{of_group}, {of_group}, {of_group}]\n"
    owner.kill(pid, signal.SIGKILL)
    listed = member.cli("list", "--db", str(db))
    assert listed.code == (0 if of_group else 1), listed
    refused = stranger.cli("list", "--db", str(db))
    assert (refused.code, "Traceback" in refused.err) == (1, False), refused
    if of_group:
        assert member.cli("run", "--strict", "--db", str(db), "--", "true").code == 0
        assert set(modes(db).values()) == {expected}
    else:
        strict = member.cli("run", "--strict", "--db", str(db), "--", "true")
        assert (strict.code, f"{db} may not be read by this user: it belongs to user {OWNER}" in strict.err) == (1, True), strict


@pytest.mark.slow
@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_database_that_exists_keeps_its_mode(users: tuple[User, User, User], folder: Path, mode: int) -> None:
    owner, *_ = users
    db = folder / "runs" / "runs.db"
    db.parent.mkdir()
    os.chown(db.parent, OWNER, OWNER)
    folder.chmod(0o777)
    assert owner.cli("run", "--strict", "--db", str(db), "--", "true").code == 0
    db.chmod(mode)
    pid = live(owner, db, 0o077)
    assert modes(db) == dict.fromkeys(("runs.db", "runs.db-shm", "runs.db-wal"), mode)
    owner.kill(pid, signal.SIGTERM)


WATCH = """
import os, time
print("watching", flush=True)
seen, end = set(), time.monotonic() + 600
while time.monotonic() < end and not os.path.exists({stop!r}):
    for folder, _, names in os.walk({folder!r}):
        for name in names:
            try:
                os.close(os.open(os.path.join(folder, name), os.O_RDONLY))
                seen.add(name)
            except OSError:
                pass
print(sorted(seen - {{"stop"}}))
"""


@pytest.mark.slow
def test_at_no_moment_may_another_user_read_them(users: tuple[User, User, User], folder: Path) -> None:
    """Another user tries to open them all the time, while runs begin and end without any umask."""
    owner, _, stranger = users
    stop = folder / "stop"
    watcher = stranger.begin_python(WATCH.format(folder=str(folder), stop=str(stop)))
    while "watching" not in stranger.said(watcher):
        time.sleep(0.01)
    for number in range(4):
        db = folder / f"new{number}" / "runs.db"
        assert owner.cli("run", "--strict", "--db", str(db), "--", "true", umask=0).code == 0
        assert modes(db) == {"runs.db": 0o600}
        assert stat.S_IMODE(db.parent.stat().st_mode) == 0o755
    stop.touch()
    assert stranger.wait(watcher).out.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_what_is_written_on_demand_has_the_mode_of_the_umask(users: tuple[User, User, User], folder: Path) -> None:
    owner, *_ = users
    db = folder / "runs.db"
    assert owner.cli("run", "--strict", "--db", str(db), "--", "true").code == 0
    for umask, mode in ((0o022, 0o644), (0o077, 0o600)):
        for command in (["report", "latest", "-o", str(folder / "report.html")], ["export", "-o", str(folder / "runs.csv")]):
            assert owner.cli(*command, "--db", str(db), umask=umask).code == 0
            assert stat.S_IMODE(Path(command[-1]).stat().st_mode) == mode


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_link_to_a_file_that_does_not_exist_yet_is_followed(tmp_path: Path) -> None:
    link, real = tmp_path / "link.db", tmp_path / "real.db"
    link.symlink_to(real)
    Writer.open(link).close()
    assert (mode_of(real), link.is_symlink()) == (0o600, True)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("when", ["at the start", "while it is open"])
def test_what_replaces_a_damaged_database_has_its_mode(tmp_path: Path, when: str) -> None:
    """Who could read the runs can still read them."""
    path = tmp_path / "runs.db"
    writer = Writer.open(path)
    path.chmod(0o644)
    if when == "at the start":
        writer.close()
        path.write_bytes(path.read_bytes()[:100] + random.Random(7).randbytes(100_000))
        Writer.open(path).close()
    else:
        writer.begin_anew()
        writer.close()
    [aside] = [file for file in tmp_path.glob("runs.db.damaged-*") if not file.name.endswith(("-wal", "-shm"))]
    assert mode_of(path) == mode_of(aside) == 0o644
    with sqlite3.connect(path) as fresh:
        assert fresh.execute("SELECT count(*) FROM run").fetchone() == (0,)
    fresh.close()


def test_a_group_that_a_file_cannot_have_gets_no_rights(tmp_path: Path) -> None:
    like = tmp_path / "like"
    like.touch()
    like.chmod(0o664)
    os.chown(like, -1, LAB)
    create(tmp_path / "mine", like)
    assert (mode_of(tmp_path / "mine"), (tmp_path / "mine").stat().st_gid) == (0o664, LAB)
    pid = os.fork()
    if pid == 0:  # a user who is not in the group
        tmp_path.chmod(0o777)
        os.setgroups([])
        os.setgid(STRANGER)
        os.setuid(STRANGER)
        try:
            descriptor = os.open(tmp_path, os.O_RDONLY)
            os.fchdir(descriptor)
            create(Path("theirs"), Path("like"))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    theirs = tmp_path / "theirs"
    assert not theirs.exists() or mode_of(theirs) == 0o604


def test_a_file_that_exists_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("kept")
    path.chmod(0o640)
    create(path)
    create(path, like=Path(shutil.__file__))
    assert (path.read_text(), mode_of(path)) == ("kept", 0o640)
    create(tmp_path / "no" / "folder")
