"""Rows that wait for the database."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from .rows import Row

KEPT_ROWS = 50_000
"""The most rows of one table that are kept while the database cannot be written: over an hour of points of ten devices."""


class Backlog:
    """The rows of each table that are not written yet. If there are too many, the oldest are dropped."""

    def __init__(self) -> None:
        self.rows: defaultdict[str, deque[Row]] = defaultdict(lambda: deque(maxlen=KEPT_ROWS))
        self._dropping: set[str] = set()

    def add(self, table: str, rows: Sequence[Row]) -> bool:
        """Keep rows until they are written. Returns True the first time that rows of this table are dropped."""
        kept = self.rows[table]
        first = len(kept) + len(rows) > KEPT_ROWS and table not in self._dropping
        if first:
            self._dropping.add(table)
        kept.extend(rows)
        return first

    def clear(self) -> None:
        """Remove all rows: they are written."""
        self.rows.clear()
