"""What a process has of its run when the database cannot be written at the end. Standard library only."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import StoreError, StoreGoneError, StoreStalledError
from ..revision import creation
from ..write.statements import Rows, Statement
from ..write.transfer import Origin, insert, merge
from ..write.writer import Writer
from .image import add, blank
from .keep import keep


class Leftover:
    """Collects the commits that could not be made, in their order. Make it while all is well: it reads files of trainwatt's own."""

    def __init__(self, real_path: Path) -> None:
        """`real_path`: of the database, without symbolic links."""
        self._real_path = real_path
        self._schema = creation()
        self._commits: list[sqlite3.Connection] = []
        self.run: sqlite3.Connection | None = None
        """The run as far as it is known, once `keep` or `gather` was called; None if the run is another process's."""

    def add(self, base: Rows, inserts: Rows, updates: Rows, then: Sequence[Statement]) -> None:
        """A commit. `base` has the rows that must be there before."""
        image = blank(self._schema)
        add(image, base, {}, ())
        add(image, inserts, updates, then)
        self._commits.append(image)

    def gather(self, origin: Origin, writer: Writer | None) -> bool:
        """Put the commits together, with what the database has. `writer` is None if it does not answer. Returns whether the run is
        whole."""
        run, copied = blank(self._schema), False
        if writer is not None:
            try:
                insert(run, writer.whole(origin.run_id))
                copied = True
            except (StoreError, sqlite3.Error):
                run = blank(self._schema)
        complete = all(merge(commit, run, origin) for commit in self._commits)
        self.run = run if complete else None
        return copied and complete

    def keep(self, writer: Writer, origin: Origin, error: Exception, environ: Mapping[str, str]) -> Path | None:
        """Write the commits to files, because of `error`. If the database is gone, the whole run is written, with what `writer` still has
        of it. Returns the last file; None if there is no place for it."""
        stalled = isinstance(error, StoreStalledError)
        whole = self.gather(origin, None if stalled else writer) and isinstance(error, StoreGoneError)
        images = [self.run] if whole and self.run is not None else self._commits
        return keep(images, origin._replace(whole=whole), self._real_path, environ, stalled=stalled)
