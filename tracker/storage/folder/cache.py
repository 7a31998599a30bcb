"""The file in the user's cache folder that has the runs of all files of a folder, and what it remembers of them.

Everything in it is in the files too, so it may be deleted at any time. It is for its user only: not everyone who may read it may read all
of the files.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tempfile
import time
import weakref
from binascii import crc32
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from ..read_only import stamp_of
from ..revision import head
from ..side_files import JOURNAL, WAL, beside
from ..spill.places import is_own
from ..write.writer import Writer

_OWN_TABLES = (
    "CREATE TABLE IF NOT EXISTS folder_file (name TEXT PRIMARY KEY, stamp TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS folder_run (name TEXT NOT NULL, run_id TEXT NOT NULL, PRIMARY KEY (name, run_id))",
)


class Cache:
    """The cached runs of a folder."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Open it, or begin a new one. Where none can be kept, it is in a temporary folder for as long as this object lives."""
        real = os.path.realpath(folder)
        name = f"{crc32(os.fsencode(real)):08x}-{head()}.db"  # a newer schema has a cache of its own
        kept = _kept_in(environ)
        if kept is None:
            parent = Path(tempfile.mkdtemp(prefix="trainwatt-"))
            weakref.finalize(self, rmtree, parent, ignore_errors=True)
        else:
            parent = kept
        self.path = parent / name
        if not self._is_of(real):
            for ending in ("", WAL, "-shm", JOURNAL):
                with suppress(OSError):
                    os.unlink(f"{self.path}{ending}")
            writer = Writer.open(self.path)
            writer.write({}, None, [(sql, {}) for sql in (*_OWN_TABLES, "CREATE TABLE folder (path TEXT)")])
            writer.write({}, None, [("INSERT INTO folder VALUES (:path)", {"path": os.fsencode(real)})])
            writer.close()

    def _is_of(self, real: str) -> bool:
        """Whether the file is the cache of this folder: it may be of another one with the same name, or damaged."""
        try:
            connection = sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)
            try:
                return bool(connection.execute("SELECT path FROM folder").fetchone()[0] == os.fsencode(real))
            finally:
                connection.close()
        except (sqlite3.Error, TypeError):
            return False

    @contextmanager
    def locked(self) -> Iterator[sqlite3.Connection]:
        """A connection to what is remembered of the files, while no other process changes the cache."""
        descriptor = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            connection = sqlite3.connect(self.path, isolation_level=None)
            try:
                yield connection
            finally:
                connection.close()
        finally:
            os.close(descriptor)


SETTLED_NS = 5_000_000_000
"""A commit is written to the log first, and can be read a little later, after the disk has it. So the stamp of a file that was written so
recently may be newer than what was read, and the file is read again."""


def stamp_text(file: Path) -> str:
    """What changes when a database is written. Empty if it was written so recently that what is read may still change."""
    stamps = [stamp_of(beside(file, ending)) for ending in ("", WAL, JOURNAL)]
    newest_ns = max((stamp[-1] for stamp in stamps if stamp is not None), default=0)
    return "" if 0 <= time.time_ns() - newest_ns < SETTLED_NS else repr(stamps)


def _kept_in(environ: Mapping[str, str]) -> Path | None:
    """The user's folder for caches, made; None if there is none that nobody else may write."""
    base = environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if not os.path.isabs(base):
        return None
    folder = Path(base, "trainwatt", "folders")
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError:
        return None
    return folder if is_own(folder) and os.access(folder, os.W_OK) else None
