"""The metrics of a training that a run logs."""

from __future__ import annotations

import threading
from typing import Any

from ...core.metric import LONGEST_NAME, MOST_METRICS, Metric, number_of
from ...errors import TrainwattError
from ...masking.text import scrubbed_name
from ...texts import repr_of


class Metrics:
    """What is kept of the metrics of a process; any thread may log."""

    def __init__(self) -> None:
        self._found: dict[str, Metric] = {}
        self._lock = threading.RLock()  # as in WorkDone: the handler of a signal may log too

    def add(self, name: str, given: object, t_ns: int) -> None:
        """A metric has a value at an instant. A value that is not finite counts after a finite one only. Raises TrainwattError for what is
        no metric, and what the user's type raises."""
        value = number_of(name, given)
        with self._lock:
            if (known := self._found.get(name)) is not None:
                self._found[name] = known.extended(value, t_ns)
            if known is not None or value is None:
                return
            if (wrong := _wrong_with(name)) is not None:
                raise TrainwattError(f"{repr_of(scrubbed_name(name)[:LONGEST_NAME])}=…: {wrong}")
            if len(self._found) >= MOST_METRICS:
                raise TrainwattError(f"{name}=…: a process logs at most {MOST_METRICS} metrics")
            self._found[name] = Metric.first(value, t_ns)

    def rows(self, segment_id: str) -> list[dict[str, Any]]:
        """All metrics so far."""
        with self._lock:
            found = dict(self._found)
        return [{"segment_id": segment_id, "name": name, **metric._asdict()} for name, metric in found.items()]


def _wrong_with(name: str) -> str | None:
    """Why a metric may not have a name; None if it may."""
    if len(name) > LONGEST_NAME:
        return f"its name has more than {LONGEST_NAME} characters"
    if not name.strip() or not name.isprintable():
        return "its name is empty, or has characters that cannot be shown"
    return "its name looks like a secret" if scrubbed_name(name) != name else None
