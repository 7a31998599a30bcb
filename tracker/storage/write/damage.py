"""Sets a damaged database aside: it is renamed together with its journals, so that a new one can begin in its place. It is never
overwritten. Standard library only."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import DamagedDatabaseError

JOURNALS = ("-wal", "-shm", "-journal")
LOCK_S = 3.0

FileId = tuple[int, int]
"""Device and inode, which identify a file even after it is renamed."""


def file_id(path: Path) -> FileId | None:
    """The file that is at `path` now; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def set_aside(path: Path, damaged: FileId) -> Path:
    """Rename the database `damaged` at `path` to `NAME.damaged-UTC`, unless another process has done so. Returns its new path.

    Raises DamagedDatabaseError if it cannot be renamed.
    """
    try:
        with _one_at_a_time(path.parent):
            if file_id(path) != damaged:
                aside = find_aside(path, damaged)
                if aside is None:
                    raise FileNotFoundError("it was moved away or deleted")
                return aside
            aside = _free_name(path)
            for journal in JOURNALS:  # first, because a new database would use the journals beside it
                if os.path.exists(f"{path}{journal}"):
                    os.rename(f"{path}{journal}", f"{aside}{journal}")
            os.rename(path, aside)
            return aside
    except OSError as error:
        raise DamagedDatabaseError(
            f"{path} is damaged and could not be set aside: {error.strerror or error}. Move it away, or name another place with "
            "--db, db= or TRAINWATT_DB."
        ) from error


def wording(path: Path, aside: Path) -> str:
    """The warning about a database that was set aside before a run began."""
    return f"{path} is damaged: it is renamed, and a new one is begun. `sqlite3 {aside} .recover` prints what can still be read."


def find_aside(path: Path, damaged: FileId) -> Path | None:
    """The new path of the database `damaged`, which was at `path` and was set aside; None if it was not set aside."""
    try:
        beside = os.listdir(path.parent)
    except OSError:
        return None
    names = (name for name in sorted(beside) if name.startswith(f"{path.name}.damaged-") and not name.endswith(JOURNALS))
    return next((path.with_name(name) for name in names if file_id(path.with_name(name)) == damaged), None)


def _free_name(path: Path) -> Path:
    name = stem = f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    number = 1
    while os.path.lexists(path.with_name(name)):
        number += 1
        name = f"{stem}.{number}"
    return path.with_name(name)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Lock the folder: if several processes find the same damage, only the first renames the file, and none renames the new one."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + LOCK_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:  # the process with the lock is stopped; this one must not hang too
                    raise
                time.sleep(0.01)
            except OSError:  # a network filesystem without such locks; there each host has its own file
                break
        yield
    finally:
        os.close(descriptor)
