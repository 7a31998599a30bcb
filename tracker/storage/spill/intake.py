"""Takes the runs into a database that wait for it because it could not be written. Standard library only."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from urllib.parse import quote

from ...errors import StoreError
from ..revision import head
from ..write.transfer import Origin, merge
from ..write.writer import Writer
from .image import label_of
from .places import waiting

UNREADABLE = ".unreadable"


def take_in(path: Path, environ: Mapping[str, str]) -> list[str]:
    """Take in the runs that wait for the database at `path`. The files of each are deleted once its rows are on the disk.

    Returns texts for the user: a line for each run, and for what cannot be taken in now and waits on.
    """
    said: list[str] = []
    real_path = Path(os.path.realpath(path))
    groups = waiting(real_path, environ)
    if not groups:
        return said
    try:
        with closing(Writer.open(path)) as writer:
            writer.query("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
            while left := [group for group in groups if not _taken(group, writer, real_path, said)]:
                if len(left) == len(groups):
                    break
                groups = left  # now that others are there: the run of a process that joined it
    except (StoreError, OSError) as error:
        files = ", ".join(str(group[-1]) for group in groups)
        said.append(f"{files} waits until the database can be written: {error}")
    return said


def _taken(group: Sequence[Path], writer: Writer, real_path: Path, said: list[str]) -> bool:
    """Take in the files of one process. False if they belong to a run that the database does not have yet. Raises StoreError."""
    with ExitStack() as stack:
        sources, whose = [], None
        for file in group:
            try:
                source = stack.enter_context(closing(_opened(file)))
                whose, place = label_of(source)
                if (found := source.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                    raise ValueError(found)
                revision = str(source.execute("SELECT version_num FROM alembic_version").fetchone()[0])
            except FileNotFoundError:  # another command has just taken it in
                return True
            except (sqlite3.Error, OSError, TypeError, ValueError) as error:
                said.append(f"{file} cannot be read ({error}): it is renamed to {file.name}{UNREADABLE}")
                os.replace(file, f"{file}{UNREADABLE}")
                continue
            if revision > head():
                said.append(f"{file} was written by a newer trainwatt, which takes it in")
                return True
            if place == real_path:
                sources.append(source)
        if whose is None or not sources:
            return True
        new = writer.transact(lambda target: _merge(sources, target, whose))
    if new is None:
        return False
    for file in group:  # in their order: see `_merge`
        with suppress(OSError):
            file.unlink()
    with suppress(OSError):
        group[0].parent.rmdir()
    if new:
        said.append(f"run {whose.run_id}, which could not be written to the database when it ended, is taken in from {group[-1]}")
    return True


def _merge(sources: Sequence[sqlite3.Connection], target: sqlite3.Connection, whose: Origin) -> bool | None:
    """Take rows in, in the transaction of the caller. Returns whether there were new ones; None if the run is not there yet.

    Each commit of a process changes when its segment was last seen. So the database tells which of the files it has already: from an
    earlier try that ended before the files were deleted, or because a commit was made that had not seemed to be.
    """
    seen_utc_ns = "SELECT last_seen_utc_ns FROM segment WHERE id = ?"
    known = target.execute(seen_utc_ns, (whose.segment_id,)).fetchone()
    seen = [source.execute(seen_utc_ns, (whose.segment_id,)).fetchone() for source in sources]
    if known is not None and known in seen:
        sources = sources[seen.index(known) + 1 :]
    for source in sources:
        if not merge(source, target, whose):
            return None
    return bool(sources)


def _opened(file: Path) -> sqlite3.Connection:
    """The database in a file, for reading. Raises sqlite3.Error and FileNotFoundError."""
    os.stat(file)
    uri = f"file:{quote(os.fsencode(file))}?mode=ro&immutable=1"
    return sqlite3.connect(uri, uri=True, isolation_level=None)
