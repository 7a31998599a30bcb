"""The questions about what happened within runs."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from ....core.activity import ActivityPoint
from ....core.metric import Metric, MetricPoint
from ....core.point import Point
from ..phases import instances
from ..phases.records import OpenPhase, PhaseInstance, PhaseTime
from ..records import StoredRun, UseRow
from ..rows import chunks_of
from . import curves
from .activity import points_of_activity
from .metrics import metric_points_of, metrics_of, names_in, of_name
from .uses import uses_of

PIECE = 5_000
"""Points read in one transaction. None is open for long, so that SQLite can move the writer's log into the database in between."""

T = TypeVar("T")


class OfRun:
    """A database that answers questions about a run. Every method raises StoreError if it cannot be used."""

    @abstractmethod
    def _read(self, question: Callable[[Connection], T]) -> T:
        """Ask the database something, in a transaction of its own."""

    def uses(self, run_id: str) -> list[UseRow]:
        """What the ranks of a run have used of its devices."""
        return self._read(lambda connection: uses_of(connection, run_id))

    def metrics(self, run_id: str) -> dict[tuple[str, str], Metric]:
        """The metrics that the processes of a run have logged, by (segment id, name)."""
        return self._read(lambda connection: metrics_of(connection, run_id))

    def metric(self, run_ids: Sequence[str], name: str) -> dict[str, list[Metric]]:
        """A metric of those of several runs that have logged it, by run: of each process, in the order in which they began."""
        found: dict[str, list[Metric]] = defaultdict(list)
        for run_id, metric in self._read(lambda c: [row for chunk in chunks_of(run_ids) for row in of_name(c, chunk, name)]):
            found[run_id].append(metric)
        return dict(found)

    def metric_names(self, run_ids: Sequence[str]) -> list[str]:
        """The names of the metrics that several runs have logged, in order."""
        return sorted(set(self._read(lambda c: [name for chunk in chunks_of(run_ids) for name in names_in(c, chunk)])))

    def metric_points(self, run_ids: Sequence[str]) -> dict[tuple[str, str], list[MetricPoint]]:
        """The values of the metrics of a few runs over time, by (segment id, name), in order."""
        return self._read(lambda connection: metric_points_of(connection, run_ids))

    def activity(self, run_id: str, newest: int | None = None) -> dict[tuple[str, str], list[ActivityPoint]]:
        """What the devices of a run did, by (segment id, device): points in order of time, all or the `newest`."""
        return self._read(lambda connection: points_of_activity(connection, run_id, newest))

    def points(self, run_id: str) -> dict[tuple[str, str], list[Point]]:
        """The energy curves of a run by (segment id, device), each in order of time."""
        return self._read(lambda connection: curves.points_of(connection, run_id))

    def points_after(self, segment_id: str, device: str, after_t_ns: int) -> Iterator[Point]:
        """The points of one curve that come after an instant of its monotonic clock, in order."""
        while True:
            ask = partial(curves.points_after, segment_id=segment_id, device=device, after_t_ns=after_t_ns, limit=PIECE)
            found, more_after_t_ns = self._read(ask)
            yield from found
            if more_after_t_ns is None:
                return
            after_t_ns = more_after_t_ns

    def outline(self, stored: StoredRun, pieces: int) -> dict[tuple[str, str], list[Point]]:
        """The curves of a run by (segment id, device), in few points: the ends, and where about `pieces` equal parts of the time begin."""
        return self._read(lambda connection: curves.outline_of(connection, stored.devices, pieces))

    def open_phases(self, run_id: str, newest: int) -> list[OpenPhase]:
        """The phases that have not ended, by segment and start, each with the energies of up to `newest` ended instances of its name."""
        return self._read(lambda connection: instances.open_phases(connection, run_id, newest))

    def phase_times(self, run_id: str) -> list[PhaseTime]:
        """The instances that are kept one by one, by segment and start. Folded instances have no times of their own."""
        return self._read(lambda connection: instances.times_of(connection, run_id))

    def instances(self, run_ids: Sequence[str]) -> dict[str, list[PhaseInstance]]:
        """The instances of phases of a few runs that are kept one by one, by run and start, with their energy and their work."""
        return self._read(lambda connection: instances.instances_of(connection, run_ids))
