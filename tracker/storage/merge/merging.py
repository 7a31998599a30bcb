"""Takes the runs of one database into another.

Each run is taken in whole or not at all, and only if something in it is new. So a merge that is done again changes nothing, and one that
was ended in between goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError

from ...errors import StoreError
from ...texts import error_text
from ..engine import faults_of, lock_runs, read, reading, rereading, writing
from ..read.rows import chunks_of
from ..schema import FOOTPRINT, RUN, SEGMENT
from .combining import Row, combined, progress
from .rows import add_intensities, add_of_runs, make_equal, put, rows_by_key

RUNS_AT_ONCE = 50
"""Runs in one transaction."""
SEGMENTS_OF_RUNS_AT_ONCE = 200
"""Processes of these runs, unless one run has more."""


class Place(NamedTuple):
    """An open database: its engine, and its place as `locate` returns it. That of a source raises StoreError itself."""

    engine: Engine
    place: str


class Failure(NamedTuple):
    """A run that could not be taken in, and why."""

    run_id: str
    reason: str


@dataclass(slots=True)
class Taken:
    """How many runs were `added`, `renewed` because they have grown, and left as they were; and those that could not be taken in."""

    added: int = 0
    renewed: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)


class _State(NamedTuple):
    """What one database says of some runs: their rows, those of their segments, and the ids of their footprints."""

    runs: dict[str, Row]
    segments: dict[str, dict[str, Row]]
    footprints: dict[str, frozenset[str]]


class Merge:
    """The runs of `source` that are to be taken into `target`, or those of `run_ids`."""

    def __init__(self, source: Place, target: Place, run_ids: Iterable[str] | None = None) -> None:
        self.taken = Taken()
        self._source, self._target = source, target
        self._run_ids = None if run_ids is None else list(run_ids)

    def batches(self) -> list[list[str]]:
        """The runs in which something is new, in the order of their beginning, in lists for `take`. Raises StoreError."""
        ids = read(self._source.engine, self._source.place, self._ids)
        every: list[tuple[str, int]] = []
        for chunk in chunks_of(ids):
            theirs, ours = (read(of.engine, of.place, partial(_state, run_ids=chunk)) for of in (self._source, self._target))
            news = [run_id for run_id in chunk if run_id in theirs.runs and _is_new(run_id, theirs, ours)]
            self.taken.unchanged += len(theirs.runs) - len(news)
            every += [(run_id, len(theirs.segments[run_id])) for run_id in news]
        return list(_batches(every))

    def take(self, batch: Sequence[str]) -> None:
        """Take runs in. One that is damaged is left out, and is in `taken.failed`. Raises StoreError if the databases cannot be used."""
        try:
            self._transact(batch)
        except (StoreError, SQLAlchemyError) as error:
            if not _of_the_rows(error):
                raise
            if len(batch) > 1:
                for run_id in batch:
                    self.take([run_id])
            else:
                self.taken.failed.append(Failure(batch[0], _reason(error)))

    def take_intensities(self) -> None:
        """Take the cached intensities of grids in. Raises StoreError."""
        with faults_of(self._target.place), writing(self._target.engine) as ours:
            read(self._source.engine, self._source.place, lambda theirs: add_intensities(theirs, ours))

    def _ids(self, connection: Connection) -> list[str]:
        query = select(RUN.c.id).order_by(RUN.c.started_utc_ns, RUN.c.id)
        if self._run_ids is None:
            return list(connection.scalars(query))
        chunks = chunks_of(self._run_ids)
        return [str(run_id) for chunk in chunks for run_id in connection.scalars(query.where(RUN.c.id.in_(chunk)))]

    def _transact(self, batch: Sequence[str]) -> None:
        def attempt() -> Taken:
            # The inner one ends first: if the source was written to while it was read, nothing is kept, and it is read again.
            with faults_of(self._target.place), writing(self._target.engine) as ours, reading(self._source.engine) as theirs:
                return _take(theirs, ours, batch)

        taken = rereading(attempt)
        self.taken.added += taken.added
        self.taken.renewed += taken.renewed
        self.taken.unchanged += taken.unchanged


class _DamagedRunError(StoreError):
    """A value in the row of a run cannot be what its column holds."""


class _News(NamedTuple):
    """What is to be written of a run: its row, the segments whose rows come from the source, and those of them that are new."""

    run: Row
    segments: dict[str, Row]
    new: frozenset[str]


def _take(source: Connection, target: Connection, batch: Sequence[str]) -> Taken:
    taken, theirs = Taken(), _state(source, batch)
    known = set(rows_by_key(target, RUN, "id", batch))
    put(target, RUN, [row for run_id, row in sorted(theirs.runs.items()) if (run_id,) not in known], replaces=False)
    lock_runs(target, sorted(theirs.runs))  # two nodes may bring their parts of one run at the same time
    ours = _state(target, batch)
    news = {run_id: found for run_id in theirs.runs if (found := _news(run_id, theirs, ours, added=(run_id,) not in known)) is not None}
    for run_id, found in news.items():
        if found.run != ours.runs[run_id]:
            put(target, RUN, [found.run])
        put(target, SEGMENT, list(found.segments.values()))
    segments = [segment_id for found in news.values() for segment_id in found.segments]
    make_equal(source, target, segments, frozenset().union(*(found.new for found in news.values())))
    add_of_runs(source, target, list(news))
    taken.added = sum((run_id,) not in known for run_id in news)
    taken.renewed, taken.unchanged = len(news) - taken.added, len(theirs.runs) - len(news)
    return taken


def _news(run_id: str, theirs: _State, ours: _State, *, added: bool = False) -> _News | None:
    """What is new in a run of the source; None if the target has all of it. `added`: its row in the target was made just now."""
    own, there = theirs.segments[run_id], ours.segments[run_id]
    row, before = theirs.runs[run_id], ours.runs.get(run_id)
    others = [segment for segment_id, segment in there.items() if segment_id not in own]
    try:
        run = combined(row, None if added and not others else before, others)
    except TypeError as error:
        raise _DamagedRunError(f"a time of the run is damaged ({error_text(error)})") from None
    taken = {id_: s for id_, s in own.items() if id_ not in there or progress(s) >= progress(there[id_])}
    newer = any(id_ not in there or progress(s) > progress(there[id_]) or s != there[id_] for id_, s in taken.items())
    if not (added or newer or run != before or theirs.footprints[run_id] - ours.footprints[run_id]):
        return None
    return _News(run, taken if newer else {}, frozenset(taken.keys() - there.keys()))


def _is_new(run_id: str, theirs: _State, ours: _State) -> bool:
    try:
        return _news(run_id, theirs, ours) is not None
    except _DamagedRunError:  # `take` says so
        return True


def _state(connection: Connection, run_ids: Sequence[str]) -> _State:
    segments: dict[str, dict[str, Row]] = {run_id: {} for run_id in run_ids}
    for row in rows_by_key(connection, SEGMENT, "run_id", run_ids).values():
        segments[row["run_id"]][row["id"]] = row
    footprints: dict[str, set[str]] = {run_id: set() for run_id in run_ids}
    for chunk in chunks_of(run_ids):
        for run_id, id_ in connection.execute(select(FOOTPRINT.c.run_id, FOOTPRINT.c.id).where(FOOTPRINT.c.run_id.in_(chunk))):
            footprints[run_id].add(id_)
    runs: Mapping[tuple[Any, ...], Row] = rows_by_key(connection, RUN, "id", run_ids)
    return _State({row["id"]: row for row in runs.values()}, segments, {run_id: frozenset(ids) for run_id, ids in footprints.items()})


def _batches(runs: Iterable[tuple[str, int]]) -> Iterator[list[str]]:
    """Runs, each with the number of its segments, in lists of a bounded size."""
    batch: list[str] = []
    segments = 0
    for run_id, count in runs:
        if batch and (len(batch) >= RUNS_AT_ONCE or segments + count > SEGMENTS_OF_RUNS_AT_ONCE):
            yield batch
            batch, segments = [], 0
        batch.append(run_id)
        segments += count
    if batch:
        yield batch


def _of_the_rows(error: BaseException) -> bool:
    """Whether an error is about the values of rows, such as a text in a column of numbers."""
    cause = error if isinstance(error, SQLAlchemyError) else error.__cause__
    return isinstance(error, _DamagedRunError) or isinstance(cause, (DataError, IntegrityError)) or type(cause) is StatementError


def _reason(error: BaseException) -> str:
    if isinstance(error, _DamagedRunError):
        return str(error)
    cause = error.__cause__ if isinstance(error, StoreError) and error.__cause__ is not None else error
    return " ".join(error_text(getattr(cause, "orig", None) or cause).split())
