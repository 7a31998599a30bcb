"""The metrics of a training that a run logs."""

from __future__ import annotations

import threading

from ...core.metric import LONGEST_NAME, MOST_METRICS, Metric, MetricPoint, number_of
from ...errors import TrainwattError
from ...masking.text import scrubbed_name
from ...storage.write.compact import thin_metric
from ...storage.write.statements import Statement
from ...texts import repr_of
from ..recording.rows import Row

MOST_POINTS = 2_000
"""How many values of a metric are kept over time. If there are more, every second one of them is left out, and of those to come."""


class _Series:
    """The values of one metric: what is always kept of them, and those over time. `stride`: every so many values one is kept."""

    def __init__(self, value: float, point: MetricPoint) -> None:
        self.metric = Metric.first(value, point.t_ns)
        self.points = [point]
        self.fresh = [point]
        self.finite = 1
        self.stride = 1
        self.thinned = False

    def add(self, value: float | None, t_ns: int, step: int | None) -> None:
        self.metric = self.metric.extended(value, t_ns)
        if value is None:
            return
        seq, self.finite = self.finite, self.finite + 1
        if seq % self.stride == 0:
            point = MetricPoint(seq, t_ns, step, value)
            self.points.append(point)
            self.fresh.append(point)
        if len(self.points) > MOST_POINTS:
            self.stride *= 2
            self.thinned = True
            self.points, self.fresh = ([p for p in some if p.seq % self.stride == 0] for some in (self.points, self.fresh))


class Metrics:
    """What is kept of the metrics of a process; any thread may log."""

    def __init__(self, segment_id: str) -> None:
        self._segment_id = segment_id
        self._found: dict[str, _Series] = {}
        self._deleting: dict[str, int] = {}
        self._lock = threading.RLock()  # as in WorkDone: the handler of a signal may log too

    def add(self, name: str, given: object, t_ns: int, step: int | None = None) -> None:
        """A metric has a value at an instant. A value that is not finite counts after a finite one only. Raises TrainwattError for what is
        no metric, and what the user's type raises."""
        value = number_of(name, given)
        with self._lock:
            if (known := self._found.get(name)) is not None:
                known.add(value, t_ns, step)
            if known is not None or value is None:
                return
            if (wrong := _wrong_with(name)) is not None:
                raise TrainwattError(f"{repr_of(scrubbed_name(name)[:LONGEST_NAME])}=…: {wrong}")
            if len(self._found) >= MOST_METRICS:
                raise TrainwattError(f"{name}=…: a process logs at most {MOST_METRICS} metrics")
            self._found[name] = _Series(value, MetricPoint(0, t_ns, step, value))

    def rows(self) -> list[Row]:
        """All metrics so far."""
        with self._lock:
            found = {name: of.metric for name, of in self._found.items()}
        return [{"segment_id": self._segment_id, "name": name, **metric._asdict()} for name, metric in found.items()]

    def new_points(self) -> list[Row]:
        """The values over time since the last call."""
        with self._lock:
            found = [(name, point) for name, of in self._found.items() for point in of.fresh]
            for of in self._found.values():
                of.fresh = []
        return [self._row(name, point) for name, point in found]

    def points_again(self) -> list[Row]:
        """All values over time, for a new database."""
        with self._lock:
            found = [(name, point) for name, of in self._found.items() for point in of.points]
        return [self._row(name, point) for name, point in found]

    def smaller(self) -> list[Statement]:
        """Statements that delete the stored values that are not kept any more."""
        with self._lock:
            self._deleting = {name: of.stride for name, of in self._found.items() if of.thinned}
        return [thin_metric(self._segment_id, name, stride) for name, stride in self._deleting.items()]

    def stored(self) -> None:
        """The statements of the last call of `smaller` were executed."""
        with self._lock:
            for name, stride in self._deleting.items():
                of = self._found[name]
                of.thinned = of.stride != stride
        self._deleting = {}

    def _row(self, name: str, point: MetricPoint) -> Row:
        return {"segment_id": self._segment_id, "name": name, **point._asdict()}


def _wrong_with(name: str) -> str | None:
    """Why a metric may not have a name; None if it may."""
    if len(name) > LONGEST_NAME:
        return f"its name has more than {LONGEST_NAME} characters"
    if not name.strip() or not name.isprintable():
        return "its name is empty, or has characters that cannot be shown"
    return "its name looks like a secret" if scrubbed_name(name) != name else None
