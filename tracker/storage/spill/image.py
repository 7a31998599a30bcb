"""A run as a database in memory: it needs no disk, so that it can be made when none answers. Standard library only."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from ..write.encoding import as_utf8
from ..write.statements import Rows, Statement, execute
from ..write.transfer import Origin
from .places import ENDING, is_own

_TABLE = "CREATE TABLE spill (run_id TEXT NOT NULL, segment_id TEXT NOT NULL, whole INTEGER NOT NULL, place BLOB NOT NULL)"
"""Says whose rows a file has, and for which database: the bytes of its path without symbolic links."""


def blank(schema: Sequence[str]) -> sqlite3.Connection:
    """An empty database in memory. `schema`: the statements that make its tables (see `revision.creation`). Any thread may use it."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for statement in schema:
        connection.execute(statement)
    return connection


def add(image: sqlite3.Connection, rows: Rows, updates: Rows, then: Sequence[Statement]) -> None:
    """Write rows into a database in memory, as `Writer.write` does. An update of a row that is not there is left out."""
    execute(image, as_utf8(rows), {})
    for table, own in updates.items():
        if own:
            execute(image, {}, as_utf8({table: own}))
    execute(image, {}, {}, as_utf8(list(then)))


def label(image: sqlite3.Connection, origin: Origin, real_path: Path) -> None:
    """Say in a database in memory whose rows it has."""
    image.execute(_TABLE)
    image.execute("INSERT INTO spill VALUES (?, ?, ?, ?)", (origin.run_id, origin.segment_id, int(origin.whole), os.fsencode(real_path)))


def label_of(connection: sqlite3.Connection) -> tuple[Origin, Path]:
    """Whose rows a database has, and the path of the database that they are for. Raises sqlite3.Error."""
    run_id, segment_id, whole, place = connection.execute("SELECT run_id, segment_id, whole, place FROM spill").fetchone()
    return Origin(run_id, segment_id, bool(whole)), Path(os.fsdecode(place))


def save(images: Sequence[sqlite3.Connection], folder: Path, name: str) -> list[Path]:
    """Write databases in memory to files in a folder, which is made: each whole or not at all, and in order. Raises OSError."""
    _make(folder)
    files = [folder / f"{name}.{number}{ENDING}" for number in range(len(images))]
    for image, file in zip(images, files, strict=True):
        part = file.with_suffix(".part")
        try:
            _write(image, part)
            os.replace(part, file)
        except BaseException:  # raised again; no part of a file stays
            with suppress(OSError):
                part.unlink()
            with suppress(OSError):  # it has other files
                folder.rmdir()
            raise
    with suppress(OSError):  # not every filesystem can do it
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return files


def _write(image: sqlite3.Connection, part: Path) -> None:
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        serialize = getattr(image, "serialize", None)
        if serialize is not None:
            left = memoryview(serialize())
            while left:
                left = left[os.write(descriptor, left) :]
        else:  # SQLite before 3.36
            with closing(sqlite3.connect(part)) as file:
                image.backup(file)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(folder: Path) -> None:
    """Make a folder for this user only, and its parents. Raises OSError."""
    missing = [folder]
    while not os.path.lexists(missing[-1].parent):
        missing.append(missing[-1].parent)
    for one in reversed(missing):
        with suppress(FileExistsError):
            one.mkdir(0o700)
    if not is_own(folder):
        raise PermissionError(f"{folder} belongs to another user, or others may write it")
