"""The units of work that a run has done, in total and in each phase."""

from __future__ import annotations

import threading

from ...masking.text import scrubbed_name
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
            amounts = dict(self._amounts)
        shown: dict[tuple[str, str], int] = {}
        for (unit, phase), amount in amounts.items():  # the names of two phases may be the same without their secrets
            key = unit, scrubbed_name(phase)
            shown[key] = shown.get(key, 0) + amount
        return rows.work_rows(self._segment_id, shown)
