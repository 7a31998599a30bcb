"""Connections that only read, and that leave no file behind in the database's folder. Standard library only.

SQLite's own read-only mode makes `-wal` and `-shm` beside a database in WAL mode, and cannot remove them. So:

- Where a writer is at work, or was killed, its files are there. They are used as they are, and none is made.
- Where there are none, nobody writes. The file is read without locks. A writer may begin in the meantime: it writes to the file itself only
  when it moves its log there, and `unchanged` says afterwards if one did.
- Where files are left that SQLite must repair first, this is done in place by a user who may write, and in a private copy by another.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .faults import is_unwritable
from .side_files import JOURNAL, SHM, TRIES, TRY_S, WAL, beside, may_write

TICK_NS = 20_000_000
"""The times of files advance in steps of at most 10 ms (the kernel's tick), so a file written so recently may change without a new time."""

Stamp = tuple[int, ...] | None
"""What changes when a file is written or replaced; None without a file."""


class ReadConnection(sqlite3.Connection):
    """A connection that only reads. `unlocked`: the file and its stamp, if it is read without locks. `folder`: of a private copy."""

    unlocked: tuple[Path, Stamp] | None = None
    folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def unchanged(self) -> bool:
        """Whether all that was read so far is one state of the database."""
        return self.unlocked is None or stamp_of(self.unlocked[0]) == self.unlocked[1]

    def close(self) -> None:
        """Close the connection, and delete the private copy."""
        super().close()
        if self.folder is not None:
            self.folder.cleanup()


def connect_to_read(path: Path, timeout_s: float, *, network: bool) -> ReadConnection:
    """A connection to the database at `path`. `network`: it is on a network filesystem, where only locks tell that a file changes.

    Raises sqlite3.Error.
    """
    for _ in range(TRIES):
        stamp = _settled(path)
        if not network and not os.path.exists(beside(path, WAL)) and not os.path.exists(beside(path, JOURNAL)):
            connection = opened(path, "ro&immutable=1", timeout_s)
            connection.unlocked = path, stamp
            return connection
        try:
            return _beside_a_writer(path, timeout_s)
        except sqlite3.OperationalError as error:
            if not is_unwritable(error):
                raise
            time.sleep(TRY_S)  # the writer may have ended just now
    if may_write(path) and may_write(path.parent):
        return opened(path, "rw", timeout_s)
    return _copy(path, timeout_s)


def opened(path: Path, mode: str, timeout_s: float) -> ReadConnection:
    """A connection in one of SQLite's modes, with options of its URI after it. Raises sqlite3.Error."""
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False, factory=ReadConnection)
    connection.text_factory = _text_or_bytes
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # SQLite opens the file only now
    except BaseException:  # raised again; the connection does not stay open
        connection.close()
        raise
    return connection


def _text_or_bytes(stored: bytes) -> str | bytes:
    """A stored text. One that is not UTF-8 stays what it is: the reader of its row sees that it is no text."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _settled(path: Path) -> Stamp:
    """The stamp of a file, once a later change is certain to change it."""
    stamp = stamp_of(path)
    for _ in range(TRIES):
        if stamp is None or not 0 <= time.time_ns() - stamp[-1] < TICK_NS:
            break
        time.sleep(TRY_S)
        stamp = stamp_of(path)
    return stamp


def _beside_a_writer(path: Path, timeout_s: float) -> ReadConnection:
    wal, shm = beside(path, WAL), beside(path, SHM)
    before = _is_mine(wal)
    try:
        # Otherwise SQLite would make the file if it were removed just now. All connections of a process share the file: those of a user who
        # may write it must not be the first to open it for reading only.
        return opened(path, "ro" if may_write(shm) else "ro&readonly_shm=1", timeout_s)
    finally:
        if not before and _is_mine(wal) and not may_write(path):
            with suppress(OSError):
                wal.unlink()  # this connection has just made it, because the writer ended; no writer could use it


def _is_mine(wal: Path) -> bool:
    """Whether there is an empty log that belongs to this user."""
    try:
        found = wal.stat()
    except OSError:
        return False
    return found.st_size == 0 and found.st_uid == os.geteuid()


def _copy(path: Path, timeout_s: float) -> ReadConnection:
    """A connection to a private copy, which SQLite may repair."""
    folder = tempfile.TemporaryDirectory(prefix="trainwatt-")
    try:
        copy = Path(folder.name, "runs.db")
        for _ in range(TRIES):
            before = [_settled(beside(path, ending)) for ending in ("", WAL, JOURNAL)]
            for ending, stamp in zip(("", WAL, JOURNAL), before, strict=True):
                beside(copy, ending).unlink(missing_ok=True)
                if stamp is not None and (stamp[2] or not ending):
                    shutil.copyfile(beside(path, ending), beside(copy, ending))
            if before == [stamp_of(beside(path, ending)) for ending in ("", WAL, JOURNAL)]:
                break
        connection = opened(copy, "rw", timeout_s)
    except OSError as error:
        folder.cleanup()
        fault: Any = sqlite3.OperationalError(f"unable to read the database file: {error.strerror}")
        fault.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise fault from error
    except BaseException:  # raised again; the copy does not stay
        folder.cleanup()
        raise
    connection.folder = folder
    return connection
