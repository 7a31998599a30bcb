"""The units of work that a run has done, in total and in each phase."""

from __future__ import annotations

import threading

from . import rows
from .rows import Row


class WorkDone:
    """Adds up samples and tokens; any thread may add."""

    def __init__(self, segment_id: str) -> None:
        self._segment_id = segment_id
        self._amounts: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def add(self, unit: str, phase: str, amount: int) -> None:
        """Count work done, in the whole run and in the current phase."""
        with self._lock:
            for name in dict.fromkeys(("", phase)):
                self._amounts[unit, name] = self._amounts.get((unit, name), 0) + amount

    def rows(self) -> list[Row]:
        """All amounts so far."""
        with self._lock:
            return rows.work_rows(self._segment_id, self._amounts)
