"""The writer: which database it makes at a place, and what a write leaves in it."""

from __future__ import annotations

import ast
import multiprocessing
import os
import re
import signal
import sqlite3
import subprocess
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from tests.fakes.stored_rows import device, point, run, segment
from tests.fakes.world import ROOT
from trainwatt.errors import NewerSchemaError, NotADatabaseError, StoreBusyError, StoreError
from trainwatt.machine import filesystem
from trainwatt.storage import revision
from trainwatt.storage.place import file_in
from trainwatt.storage.write.statements import Rows
from trainwatt.storage.write.writer import Writer


def test_import_is_light() -> None:
    code = "import sys, trainwatt.storage.write.writer; print({'sqlalchemy', 'alembic', 'platformdirs', 'ctypes'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_creates_folders_and_file(tmp_path: Path) -> None:
    writer = Writer.open(tmp_path / "a" / "b" / "runs.db")
    writer.write({"run": [run()]})
    assert writer.query("SELECT id FROM run WHERE host = ?", ["node-a"]) == [("run-1",)]
    assert writer.query("PRAGMA synchronous") == [(1,)]
    assert writer.query("PRAGMA foreign_keys") == [(1,)]
    assert writer.query("SELECT version_num FROM alembic_version") == [(revision.head(),)]
    writer.close()


def test_folder_holds_the_file(tmp_path: Path) -> None:
    assert Writer.open(tmp_path).path == tmp_path / file_in(tmp_path).name


@pytest.mark.parametrize(("kind", "journal"), [("ext4", "wal"), ("nfs4", "delete")])
def test_journal_fits_the_filesystem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, journal: str) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(f"22 1 0:1 / / rw - {kind} none rw\n")
    monkeypatch.setattr(filesystem, "MOUNTINFO", mountinfo)
    assert Writer.open(tmp_path / "runs.db").query("PRAGMA journal_mode") == [(journal,)]


def test_write_is_idempotent_and_updates(tmp_path: Path) -> None:
    writer = Writer.open(tmp_path / "runs.db")
    rows: Rows = {"curve_point": [point(1, 0.0), point(2, 5.0)], "device": [device()], "segment": [segment()], "run": [run()]}
    writer.write(rows)
    writer.write(rows)
    writer.write({"curve_point": [point(2, 6.0)], "run": [run(status="completed")]})
    assert writer.query("SELECT t_ns, counter_j FROM curve_point ORDER BY t_ns") == [(1, 0.0), (2, 6.0)]
    assert writer.query("SELECT status FROM run") == [("completed",)]


def test_updates_change_only_their_columns(tmp_path: Path) -> None:
    writer = Writer.open(tmp_path / "runs.db")
    changes: list[dict[str, object]] = [{"id": "run-1", "last_seen_utc_ns": 9}, {"id": "run-1", "status": "failed"}]
    writer.write({"run": [run(name="first")]}, {"run": changes})
    assert writer.query("SELECT name, last_seen_utc_ns, status FROM run") == [("first", 9, "failed")]
    with pytest.raises(StoreError, match="deleted while it was running"):
        writer.write({"run": [run("run-3")]}, {"run": [{"id": "run-2", "last_seen_utc_ns": 9}]})
    assert writer.query("SELECT id FROM run") == [("run-1",)]


def test_failed_write_leaves_nothing_and_may_be_repeated(tmp_path: Path) -> None:
    writer = Writer.open(tmp_path / "runs.db")
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        writer.write({"run": [run()], "segment": [segment(run_id="another")]})
    assert writer.query("SELECT * FROM run") == []
    with pytest.raises(OverflowError):
        writer.write({"run": [run(), run("run-2", started_utc_ns=2**70)]})
    assert writer.query("SELECT * FROM run") == []
    with pytest.raises(ValueError, match="no such table: runs"):
        writer.write({"runs": [run()]})
    writer.write({"run": [run()], "segment": [segment()]})
    assert writer.query("SELECT id FROM segment") == [("seg-1",)]


def test_locked_database_is_busy_then_free(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    writer = Writer.open(path, timeout_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError, match="another process"):
        writer.write({"run": [run()]})
    Writer.open(path, timeout_s=0.05).close()  # opening a current database takes no lock
    other.execute("COMMIT")
    writer.write({"run": [run()]})
    assert writer.query("SELECT id FROM run") == [("run-1",)]


def test_creation_waits_no_longer_than_told(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreBusyError):
        Writer.open(tmp_path / "runs.db", timeout_s=0.05)


def test_full_disk_is_a_store_error(tmp_path: Path) -> None:
    writer = Writer.open(tmp_path / "runs.db")
    writer.write({"run": [run()]})
    writer.query("PRAGMA max_page_count = 1")  # no less than it has now
    with pytest.raises(StoreError, match="full"):
        writer.write({"run": [run(f"run-{i}", command="x" * 9_000) for i in range(99)]})
    writer.query("PRAGMA max_page_count = 1000000")
    writer.write({"run": [run("run-2")]})
    assert writer.query("SELECT count(*) FROM run") == [(2,)]


def test_deleted_file_is_noticed(tmp_path: Path) -> None:
    writer = Writer.open(tmp_path / "runs.db")
    (tmp_path / "runs.db").rename(tmp_path / "away.db")
    with pytest.raises(StoreError, match="deleted or replaced"):
        writer.write({"run": [run()]})
    (tmp_path / "away.db").rename(tmp_path / "runs.db")
    writer.write({"run": [run()]})


@pytest.mark.parametrize("content", [b"hello", b"x" * 100_000, b"SQLite format 3\0" + b"\xff" * 5_000])
def test_other_files_are_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"weights\.pt") as caught:
        Writer.open(path)
    assert path.read_bytes() == content
    if not content.startswith(b"SQLite"):
        assert isinstance(caught.value, NotADatabaseError)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE run (id INTEGER)",
        "CREATE TABLE alembic_version (version_num TEXT)",
        "CREATE TABLE run (id); CREATE TABLE segment (id); CREATE TABLE alembic_version (version_num TEXT);"
        "INSERT INTO alembic_version VALUES ('ae1027a6acf8')",
    ],
)
def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "theirs.db"
    other = sqlite3.connect(path)
    other.executescript(sql)
    other.close()
    before = path.read_bytes()
    with pytest.raises(NotADatabaseError, match="another program"):
        Writer.open(path)
    assert path.read_bytes() == before


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    Writer.open(tmp_path / "runs.db").close()
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(NewerSchemaError, match="0999"):
        Writer.open(tmp_path / "runs.db")


def test_unreachable_places(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be reached"):
        Writer.open(tmp_path / "file" / "runs.db")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotADatabaseError, match="not a regular file"):
        Writer.open(tmp_path / "pipe")


def test_unwritable_folder(tmp_path: Path) -> None:
    folder = Path("/proc/self/fdinfo")  # not even root can make a file here
    with pytest.raises(StoreError, match="writable"):
        Writer.open(folder / "runs.db")


def _first_start(path: str, number: int, together: Barrier) -> None:
    together.wait()
    writer = Writer.open(Path(path), timeout_s=30)
    writer.write({"run": [run(f"run-{number}")]})
    writer.close()


def test_sixteen_processes_start_on_an_empty_path(tmp_path: Path) -> None:
    path = tmp_path / "new" / "runs.db"
    fork = multiprocessing.get_context("fork")
    together = fork.Barrier(16)
    workers = [fork.Process(target=_first_start, args=(str(path), number, together)) for number in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 16
    assert Writer.open(path).query("SELECT count(*) FROM run") == [(16,)]


def _commit_for_ever(path: str, ready: int) -> None:
    writer = Writer.open(Path(path))
    number = 0
    while True:
        number += 1
        writer.write({"run": [run(f"run-{number}")]})
        os.write(ready, f"{number}\n".encode())


def test_what_was_committed_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    read_end, write_end = os.pipe()
    worker = multiprocessing.get_context("fork").Process(target=_commit_for_ever, args=(str(path), write_end))
    worker.start()
    os.close(write_end)
    with os.fdopen(read_end) as lines:
        committed = [int(next(lines)) for _ in range(200)]
        assert worker.pid
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        committed += [int(line) for line in lines]
    writer = Writer.open(path)
    stored = {id_ for (id_,) in writer.query("SELECT id FROM run")}
    assert {f"run-{number}" for number in committed} <= stored
    assert len(stored) <= len(committed) + 1
    assert writer.query("PRAGMA integrity_check") == [("ok",)]


def test_forked_child_leaves_the_parents_connection_alone(tmp_path: Path) -> None:
    writer = Writer.open(tmp_path / "runs.db")
    writer.write({"run": [run()]})
    connection = writer._connection
    references = sys.getrefcount(connection)
    child = os.fork()
    if child == 0:
        writer.abandon()
        os._exit(0 if sys.getrefcount(connection) == references + 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    writer.write({"run": [run("run-2")]})
    assert (tmp_path / "runs.db-wal").exists()


def test_no_statement_has_numbered_placeholders() -> None:
    """Python 3.12.0 to 3.12.3 warn of `?1` with a sequence. With `-W error`, no commit succeeded there."""
    for file in sorted([*(ROOT / "tracker" / "storage").rglob("*.py"), *(ROOT / "tracker" / "tracking").rglob("*.py")]):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.search(r"\?\d", node.value), (file, node.value)
            if isinstance(node, ast.JoinedStr):
                assert not re.search(r"\?\{", ast.unparse(node)), (file, ast.unparse(node))
