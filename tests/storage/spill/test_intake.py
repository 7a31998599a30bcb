"""Runs that wait for a database are taken in: each once, whole, and by its owner only."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import stored_rows as rows
from tests.fakes.world import ROOT
from trainwatt.errors import StoreError, StoreGoneError, StoreStalledError
from trainwatt.storage.read.store import Store
from trainwatt.storage.revision import head
from trainwatt.storage.spill.intake import take_in
from trainwatt.storage.spill.leftover import Leftover
from trainwatt.storage.spill.places import beside, folders, waiting
from trainwatt.storage.write.compact import add_to_fold
from trainwatt.storage.write.statements import Statement
from trainwatt.storage.write.transfer import Origin
from trainwatt.storage.write.writer import Writer

FULL = StoreError("full")
GONE = StoreGoneError("gone")
STALLED = StoreStalledError("stalled", in_doubt=True)
ORIGIN = Origin("run-1", "seg-1", whole=False)
FIRST: dict[str, Sequence[Any]] = {"run": [rows.run()], "segment": [rows.segment()], "device": [rows.device()]}


def fold(count: int) -> list[Statement]:
    """So many phases, one joule each, that were added up."""
    return add_to_fold(rows.phase_fold(count=count), [rows.phase_fold_energy(float(count))])


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "TMPDIR": str(tmp_path / "tmp")}


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    """A database with the beginning of a run."""
    writer = Writer.open(tmp_path / "runs.db")
    writer.write({**FIRST, "curve_point": [rows.point(10, 0.0)], "phase": [rows.phase(1, resolved=None)]}, {}, fold(10))
    return writer


def commit(seen_ns: int, count: int, *seqs: int, status: str = "running") -> tuple[Any, Any, list[Statement]]:
    """What one commit adds: inserts, updates, and statements."""
    inserts = {"curve_point": [rows.point(seen_ns, float(seen_ns))], "phase_energy": [rows.phase_energy(seq, 7.0) for seq in seqs]}
    updates = {
        "segment": [{"id": "seg-1", "last_seen_utc_ns": seen_ns, "status": status}],
        "run": [{"id": "run-1", "last_seen_utc_ns": seen_ns, "status": status, "duration_s": 4.5}],
        "phase": [{"segment_id": "seg-1", "seq": seq, "resolved": 1} for seq in seqs],
    }
    return inserts, updates, fold(count)


def kept(path: Path, environ: dict[str, str], error: Exception, *commits: tuple[Any, Any, list[Statement]], writer: Writer) -> Path:
    """Keep commits beside the database."""
    leftover = Leftover(path)
    for inserts, updates, then in commits:
        leftover.add({**FIRST, "phase": [rows.phase(1)]}, inserts, updates, then)
    file = leftover.keep(writer, ORIGIN, error, environ)
    assert file is not None
    return file


def count_of(path: Path) -> tuple[int, float]:
    """The phases that were added up, and their energy."""
    with closing(sqlite3.connect(path)) as connection:
        ((count, energy_j),) = connection.execute(
            "SELECT f.count, e.energy_j FROM phase_fold f JOIN phase_fold_energy e USING (segment_id)"
        )
    return count, energy_j


def assert_whole(path: Path, count: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT status, duration_s FROM run").fetchall() == [("completed", 4.5)]
        assert connection.execute("SELECT seq, resolved FROM phase").fetchall() == [(1, 1)]
        assert connection.execute("SELECT energy_j FROM phase_energy").fetchall() == [(7.0,)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert count_of(path) == (count, float(count))


def test_what_is_missing_is_added_once(tmp_path: Path, writer: Writer, environ: dict[str, str]) -> None:
    file = kept(writer.real_path, environ, FULL, commit(3_000, 5, 1, status="completed"), writer=writer)
    writer.close()
    assert file.parent == beside(writer.real_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert Store.open(str(file)).load("run-1").run.status == "completed"  # it is a database itself
    content = file.read_bytes()
    [said] = take_in(writer.path, environ)
    assert "run-1" in said
    assert_whole(writer.path, 15)
    assert not file.parent.exists()
    file.parent.mkdir(0o700)
    file.write_bytes(content)  # as if it could not be deleted
    assert take_in(writer.path, environ) == []
    assert_whole(writer.path, 15)
    assert not file.exists()


@pytest.mark.parametrize("landed", [False, True], ids=["was not made", "was made"])
def test_a_commit_in_doubt_counts_once(tmp_path: Path, writer: Writer, environ: dict[str, str], landed: bool) -> None:
    doubtful, last = commit(3_000, 5, 1), commit(4_000, 2, status="completed")
    kept(writer.real_path, environ, STALLED, doubtful, last, writer=writer)
    if landed:
        writer.write(*doubtful)
    writer.close()
    assert len(take_in(writer.path, environ)) == 1
    assert_whole(writer.path, 17)


def test_the_same_run_in_two_places_counts_once(tmp_path: Path, writer: Writer, environ: dict[str, str]) -> None:
    """A place that seemed not to answer may have written its files nevertheless."""
    last = kept(writer.real_path, environ, STALLED, commit(3_000, 5, 1), commit(4_000, 2, status="completed"), writer=writer)
    again = folders(writer.real_path, environ)[0]
    again.mkdir(0o700)
    for file in last.parent.iterdir():
        (again / file.name).write_bytes(file.read_bytes())
    writer.close()
    assert len(waiting(writer.real_path, environ)) == 2
    take_in(writer.path, environ)
    assert_whole(writer.path, 17)
    assert waiting(writer.real_path, environ) == []


def test_a_database_that_is_gone_gets_all_that_is_known(tmp_path: Path, writer: Writer, environ: dict[str, str]) -> None:
    for name in os.listdir(tmp_path):
        (tmp_path / name).unlink()
    kept(writer.real_path, environ, GONE, commit(3_000, 5, 1, status="completed"), writer=writer)
    writer.close()
    take_in(writer.path, environ)
    assert_whole(writer.path, 15)


def test_a_database_that_comes_back_has_nothing_twice(tmp_path: Path, writer: Writer, environ: dict[str, str]) -> None:
    (tmp_path / "away").mkdir()
    for name in ("runs.db", "runs.db-wal", "runs.db-shm"):
        (tmp_path / name).rename(tmp_path / "away" / name)
    kept(writer.real_path, environ, GONE, commit(3_000, 5, 1, status="completed"), writer=writer)
    for file in (tmp_path / "away").iterdir():
        file.rename(tmp_path / file.name)
    writer.close()
    take_in(writer.path, environ)
    assert_whole(writer.path, 15)


KILLED = """
import os, pathlib, sys
from trainwatt.storage.spill import intake
real = pathlib.Path.unlink
pathlib.Path.unlink = lambda path, *_: os.kill(os.getpid(), 9) if path.name.endswith(sys.argv[2]) else real(path)
intake.take_in(pathlib.Path(sys.argv[1]), os.environ)
"""


@pytest.mark.parametrize("at", [".0.db", ".1.db"])
def test_kill_9_after_the_commit_and_before_the_files_are_deleted(writer: Writer, environ: dict[str, str], at: str) -> None:
    kept(writer.real_path, environ, STALLED, commit(3_000, 5, 1), commit(4_000, 2, status="completed"), writer=writer)
    writer.close()
    command = [sys.executable, "-c", KILLED, str(writer.path), at]
    assert subprocess.run(command, env=os.environ | environ, cwd=ROOT, check=False).returncode == -9
    assert waiting(writer.real_path, environ)
    assert take_in(writer.path, environ) == []
    assert_whole(writer.path, 17)
    assert waiting(writer.real_path, environ) == []


def test_eight_commands_at_once_take_it_in_once(writer: Writer, environ: dict[str, str]) -> None:
    kept(writer.real_path, environ, STALLED, commit(3_000, 5, 1), commit(4_000, 2, status="completed"), writer=writer)
    writer.close()
    code = (
        "import os, pathlib, sys; from trainwatt.storage.spill.intake import take_in; print(take_in(pathlib.Path(sys.argv[1]), os.environ))"
    )
    command = [sys.executable, "-c", code, str(writer.path)]
    started = [
        subprocess.Popen(command, env=os.environ | environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    ended = [process.communicate() for process in started]
    assert [err for _, err in ended if err] == []
    assert sum("run-1" in out for out, _ in ended) == 1
    assert_whole(writer.path, 17)


@pytest.mark.parametrize("whose", ["of another user", "writable for others", "a link"])
def test_files_that_others_may_have_made_are_left_alone(tmp_path: Path, writer: Writer, environ: dict[str, str], whose: str) -> None:
    file = kept(writer.real_path, environ, FULL, commit(3_000, 5, 1, status="completed"), writer=writer)
    writer.close()
    if whose == "of another user":
        os.chown(file, 65534, 65534)
    elif whose == "a link":
        file.rename(tmp_path / "elsewhere.db")
        file.symlink_to(tmp_path / "elsewhere.db")
    else:
        file.parent.chmod(0o777)
    before = writer.path.read_bytes()
    assert take_in(writer.path, environ) == []
    assert writer.path.read_bytes() == before
    assert file.exists()


def test_a_damaged_file_is_said_once_and_kept(writer: Writer, environ: dict[str, str]) -> None:
    file = kept(writer.real_path, environ, FULL, commit(3_000, 5, 1, status="completed"), writer=writer)
    writer.close()
    content = bytearray(file.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    file.write_bytes(content)
    [said] = take_in(writer.path, environ)
    assert "cannot be read" in said
    assert file.with_name(f"{file.name}.unreadable").read_bytes() == content
    assert take_in(writer.path, environ) == []


def test_what_a_newer_version_wrote_waits_for_it(writer: Writer, environ: dict[str, str]) -> None:
    file = kept(writer.real_path, environ, FULL, commit(3_000, 5, 1, status="completed"), writer=writer)
    writer.close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (f"{int(head()) + 1:04}",))
    [said] = take_in(writer.path, environ)
    assert "newer trainwatt" in said
    assert file.exists()


def test_a_process_that_joined_waits_for_the_run(tmp_path: Path, environ: dict[str, str]) -> None:
    """The database is new. Whichever file comes first, both processes are in it."""
    path = tmp_path / "runs.db"
    closed = Writer.open(tmp_path / "other.db")
    joined = Leftover(path)
    of_joined = rows.segment("aaa", role="joined", last_seen_utc_ns=7)
    joined.add({"segment": [of_joined], "phase": [rows.phase(1, segment_id="aaa", resolved=None)]}, {}, {}, [])
    joined.keep(closed, Origin("run-1", "aaa", whole=False), FULL, environ)
    assert take_in(path, environ) == []
    owner = Leftover(path)
    inserts = {"phase_energy": [rows.phase_energy(1, 7.0, segment_id="aaa")]}
    owner.add({**FIRST, "phase": [rows.phase(1, segment_id="aaa")]}, inserts, {}, [])
    owner.keep(closed, ORIGIN, FULL, environ)
    closed.close()
    assert len(take_in(path, environ)) == 2
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT id FROM segment ORDER BY id").fetchall() == [("aaa",), ("seg-1",)]
        assert connection.execute("SELECT segment_id FROM phase").fetchall() == [("aaa",)]


def test_a_file_without_serialize_is_the_same(tmp_path: Path) -> None:
    """SQLite before 3.36 cannot give a database as bytes."""
    from trainwatt.storage.spill.image import save

    class Older(sqlite3.Connection):
        serialize = None  # type: ignore[assignment]

    image = sqlite3.connect(":memory:", factory=Older)
    image.execute("CREATE TABLE t (x)")
    image.execute("INSERT INTO t VALUES (5)")
    image.commit()
    [file] = save([image], tmp_path / "folder", "name")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT x FROM t").fetchall() == [(5,)]


def test_where_nothing_waits_nothing_is_opened(tmp_path: Path, environ: dict[str, str]) -> None:
    assert take_in(tmp_path / "none" / "runs.db", environ) == []
    assert list(tmp_path.iterdir()) == []


def test_relative_folders_in_variables_are_not_used(tmp_path: Path) -> None:
    """They would be others for the next command."""
    found = folders(tmp_path / "runs.db", {"XDG_STATE_HOME": "state", "TMPDIR": "."})
    assert found == folders(tmp_path / "runs.db", {})
    assert all(folder.is_absolute() for folder in found)
