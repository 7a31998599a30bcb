"""The reading side: lists, finds, loads and deletes stored runs, in a SQLite file or on a PostgreSQL server."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine, delete, func, insert, select

from ...core.clock import Anchor
from ...core.run import Status
from ...errors import AmbiguousRunError, RunNotFoundError, StoreError
from ..engine import faults_of, make_engine, read, state, writing
from ..place import is_server, masked
from ..revision import State
from ..schema import FOOTPRINT, GRID_INTENSITY, RUN, RUN_STATUS
from ..side_files import exists
from . import load, whole
from .details.of_run import OfRun
from .records import Damage, DeviceRow, IntensityRow, RunRow, SegmentRow, StoredRun
from .rows import batches, chunks_of, fitting, ordered
from .tags import Tag, tagged
from .vanished import Here, Vanished, vanished_of, write_down

AT_ONCE_S = 30 * 86_400.0
"""Runs of which everything is read at once last for as long together. Each minute of them has an anchor."""
_SHOWN = 5  # how many of the matches an error lists

Row = TypeVar("Row", RunRow, SegmentRow)
T = TypeVar("T")


class Store(OfRun):
    """A database of runs, open for reading. Every method raises StoreError if the database cannot be used."""

    def __init__(self, engine: Engine, place: str) -> None:
        """Use `Store.open`."""
        self.place = place
        self._engine = engine
        weakref.finalize(self, engine.dispose)
        # Runs that are known to be over, where this could not be written: in a read-only file.
        self._unwritten = Vanished({}, {})

    @classmethod
    def open(cls, place: str) -> Store:
        """Open the database at `place` (a file or a SQLAlchemy URL, as `locate` returns it). An older one is
        upgraded, or a copy of it if this user may not write it.

        Raises StoreError if there is no database yet, NotADatabaseError and NewerSchemaError.
        """
        nothing = StoreError(
            f"no database at {masked(place)} yet: nothing has been tracked. Track a run, or name another place with "
            "--db, db= or TRAINWATT_DB."
        )
        if not is_server(place) and not exists(place):
            raise nothing
        engine = make_engine(place, keeps=True)
        found = read(engine, place, lambda connection: state(connection, place))
        if found is State.EMPTY:
            raise nothing
        if found is State.OLDER:
            from .older import upgraded

            engine = upgraded(engine, place)
        return cls(engine, place)

    def list_runs(
        self,
        *,
        project: str | None = None,
        since_utc_ns: int | None = None,
        status: str | None = None,
        limit: int | None = None,
        group: str | None = None,
        search: str | None = None,
        sort: str = "-started",
        offset: int = 0,
        stage: str | None = None,
        tags: Sequence[Tag] = (),
    ) -> list[RunRow]:
        """The runs that fit every given filter. `since_utc_ns` is the earliest start; `search` is text that an id, a project, a name, a
        group, a host or a command must contain. `sort` is one of SORTS; with a "-" before it, the greatest comes first."""
        query = ordered(fitting(load.select_runs(), project, group, since_utc_ns, search, stage), sort)
        # The database cannot filter by a status that could not be written.
        in_memory = bool(self._unwritten.runs)
        if not in_memory:
            query = query.where(RUN_STATUS.in_([status])) if status is not None else query
            query = query if tags else query.limit(limit).offset(offset)
        if tags:
            ids = self._read(lambda connection: list(tagged(connection, query, tags)))
            ids = ids if in_memory else ids[offset:][:limit]
            found = self._read(lambda c: {run.id: run for chunk in chunks_of(ids) for run in load.runs_of(c, load.with_ids(chunk))})
            runs = [self._with_ending(found[run_id]) for run_id in ids if run_id in found]
        else:
            runs = self._read(lambda connection: [self._with_ending(run) for run in load.runs_of(connection, query)])
        if in_memory:
            runs = [run for run in runs if status in (None, run.status)][offset:][:limit]
        return runs

    def count_runs(
        self,
        *,
        project: str | None = None,
        group: str | None = None,
        status: str | None = None,
        search: str | None = None,
        since_utc_ns: int | None = None,
        stage: str | None = None,
        tags: Sequence[Tag] = (),
    ) -> int:
        """How many runs `list_runs` finds without a limit."""
        if self._unwritten.runs and status is not None:
            every = self.list_runs(
                project=project, group=group, status=status, search=search, since_utc_ns=since_utc_ns, stage=stage, tags=tags
            )
            return len(every)
        query = fitting(select(func.count()).select_from(RUN), project, group, since_utc_ns, search, stage)
        fits = query.where(RUN_STATUS.in_([status])) if status is not None else query
        if tags:
            return self._read(lambda connection: sum(1 for _ in tagged(connection, fits, tags)))
        return self._read(lambda connection: int(connection.execute(fits).scalar_one()))

    def projects(self) -> list[str]:
        """The names of all projects, in order."""
        query = select(RUN.c.project).distinct().order_by(RUN.c.project)
        return self._read(lambda connection: [name for name in connection.scalars(query) if isinstance(name, str)])

    def groups(self, project: str | None = None) -> list[str]:
        """The names of all groups, or of those of a project, in order."""
        every = select(RUN.c.group_name).distinct().where(RUN.c.group_name.is_not(None))
        query = fitting(every.order_by(RUN.c.group_name), project, None, None, None)
        return self._read(lambda connection: [name for name in connection.scalars(query) if isinstance(name, str)])

    def newest_groups(self, most: int, fewest: int = 2) -> list[tuple[str, str]]:
        """The project and the name of the groups with at least `fewest` runs of one project; the one with the newest run is the first."""
        begun = func.max(RUN.c.started_utc_ns)
        query = select(RUN.c.project, RUN.c.group_name).where(RUN.c.group_name.is_not(None)).group_by(RUN.c.project, RUN.c.group_name)
        query = query.having(func.count() >= fewest).order_by(begun.desc(), RUN.c.project, RUN.c.group_name).limit(most)
        rows = self._read(lambda connection: list(connection.execute(query)))
        return [(project, group) for project, group in rows if isinstance(project, str) and isinstance(group, str)]

    def find(self, ref: str) -> str:
        """The id of the run that `ref` names: "latest", an id or the beginning of one, a name, or "project/name".

        Raises RunNotFoundError, and AmbiguousRunError if more than one run matches.
        """
        if not (matches := self._read(lambda connection: load.matching(connection, ref, _SHOWN + 1))):
            raise RunNotFoundError(f"no run {ref!r} in {masked(self.place)}. `trainwatt list` shows the runs there are.")
        if len(matches) > 1:
            shown = ", ".join(matches[:_SHOWN]) + (", …" if len(matches) > _SHOWN else "")
            how = "begins with" if all(run_id.startswith(ref) for run_id in matches) else "is called"
            raise AmbiguousRunError(f"more than one run {how} {ref!r}: {shown}. Give more of the id.")
        return str(matches[0])

    def load(self, run_id: str, before: StoredRun | None = None) -> StoredRun:
        """Everything about a run except the inner points of its curves. `run_id` is a full id. Raises RunNotFoundError. `before` is the run
        as it was loaded earlier. What cannot have changed since is taken from it, and not read again."""
        return self._loaded([run_id], before)[0]

    def load_all(self, run_ids: Iterable[str], *, phases: bool = True) -> Iterator[list[StoredRun]]:
        """Everything about several runs, as `load` has it, in order, some of them at a time: these take as many queries as one. Without
        the sums of their `phases` it takes less time. Raises RunNotFoundError."""
        for ids in chunks_of(run_ids):
            lasted_s = self._read(partial(load.lengths_of, run_ids=ids))
            yield from (self._loaded(some, phases=phases) for some in batches(ids, lasted_s, AT_ONCE_S))

    def _loaded(self, run_ids: Sequence[str], before: StoredRun | None = None, *, phases: bool = True) -> list[StoredRun]:
        found = self._read(lambda connection: whole.stored_runs(connection, run_ids, before, phases=phases))
        for run_id in run_ids:
            if run_id not in found:
                raise RunNotFoundError(f"no run {run_id!r} in {masked(self.place)}. `trainwatt list` shows the runs there are.")
        return [
            stored._replace(run=self._with_ending(stored.run), segments=tuple(map(self._with_ending, stored.segments)))
            for stored in map(found.__getitem__, run_ids)
        ]

    def devices(self, run_ids: Iterable[str]) -> dict[str, list[DeviceRow]]:
        """The devices of several runs with the ends of their curves, by run: all that a list of totals needs."""
        found: dict[str, list[DeviceRow]] = {run_id: [] for run_id in run_ids}
        for device in self._read(lambda c: [row for chunk in chunks_of(found) for row in load.devices_of(c, chunk)]):
            found[device.run_id].append(device)
        return found

    def work(self, run_ids: Iterable[str]) -> dict[str, dict[str, int]]:
        """The work of several runs by run and unit, each over the whole run."""
        found: dict[str, dict[str, int]] = {run_id: {} for run_id in run_ids}
        for run_id, unit, amount in self._read(lambda c: [row for chunk in chunks_of(found) for row in load.work_of(c, chunk)]):
            found[run_id][unit] = found[run_id].get(unit, 0) + amount
        return found

    def damage(self, run_ids: Iterable[str]) -> dict[str, list[Damage]]:
        """What cannot be true in the rows of several runs, apart from that of `list_runs` and `devices`, by run."""
        found: dict[str, list[Damage]] = {run_id: [] for run_id in run_ids}
        for run_id, damage in self._read(lambda c: [row for chunk in chunks_of(found) for row in load.damage_of(c, chunk)]):
            found[run_id].append(damage)
        return found

    def ranks(self, run_ids: Iterable[str]) -> dict[str, tuple[int, bool]]:
        """How many ranks record in each of several runs, and whether in that of a command around them."""
        return self._read(lambda c: dict(row for chunk in chunks_of(run_ids) for row in load.ranks_of(c, chunk)))

    def times(self, run_ids: Iterable[str]) -> list[tuple[int, int]]:
        """When runs were measured: the first and the last UTC nanoseconds that their clocks said."""
        return self._read(lambda c: [times for chunk in chunks_of(run_ids) for times in load.times_of(c, chunk)])

    def anchors(self, run_ids: Iterable[str]) -> dict[str, dict[str, tuple[Anchor, ...]]]:
        """The anchors of the clocks of several runs, by run and segment, oldest first."""
        chunks = chunks_of(run_ids)
        return self._read(lambda connection: {k: v for chunk in chunks for k, v in whole.anchors_of(connection, chunk).items()})

    def delete(self, run_ids: Iterable[str]) -> int:
        """Delete runs with everything that belongs to them, all or none. Returns how many runs were deleted."""
        with self._writing() as connection:
            return sum(connection.execute(delete(RUN).where(RUN.c.id.in_(chunk))).rowcount for chunk in chunks_of(run_ids))

    def add_footprints(self, footprints: Sequence[Mapping[str, object]]) -> None:
        """Keep footprints, as rows of that table, as they were computed; they are never changed. `inputs` and `result` are JSON."""
        with self._writing() as connection:
            if footprints:
                connection.execute(insert(FOOTPRINT), [dict(row) for row in footprints])

    def footprint(self, run_id: str, ref: str) -> str:
        """The result, as JSON, of the run's footprint whose id begins with `ref`. Raises RunNotFoundError."""
        begins = func.substr(FOOTPRINT.c.id, 1, len(ref)) == ref
        query = select(FOOTPRINT.c.result).where(FOOTPRINT.c.run_id == run_id, begins).limit(2)
        found = self._read(lambda connection: list(connection.scalars(query)))
        if len(found) != 1:
            how = "more than one footprint" if found else "no footprint"
            raise RunNotFoundError(f"run {run_id} has {how} {ref!r}; `trainwatt footprint {run_id}` computes one and prints its id")
        return str(found[0])

    def newest_footprints(self, run_ids: Iterable[str]) -> dict[str, tuple[str, int, str]]:
        """The id, the time (UTC nanoseconds) and the result, as JSON, of the newest footprint of each run, by run."""
        return self._read(lambda c: {k: v for chunk in chunks_of(run_ids) for k, v in load.newest_footprints_of(c, chunk)})

    def cache_intensities(self, values: Sequence[Mapping[str, object]]) -> None:
        """Keep a provider's intensities, as rows of grid_intensity. A newer value replaces the older one of the same interval."""
        keys = ("provider", "zone", "basis", "start_utc_ns")
        with self._writing() as connection:
            for value in values:
                connection.execute(delete(GRID_INTENSITY).where(*(GRID_INTENSITY.c[key] == value[key] for key in keys)))
                connection.execute(insert(GRID_INTENSITY).values(dict(value)))

    def cached_intensities(self, zone: str, start_utc_ns: int, end_utc_ns: int) -> list[IntensityRow]:
        """A zone's cached intensities that overlap the time from start to end, in order of provider and time."""
        return self.intensities(zone, [(start_utc_ns, end_utc_ns)])

    def intensities(self, zone: str, spans: Sequence[tuple[int, int]]) -> list[IntensityRow]:
        """A zone's cached intensities that overlap one of several times, from start to end, in order of provider and time."""
        return self._read(lambda connection: load.intensities_of(connection, zone, spans))

    def mark_vanished(self, here: Here) -> list[str]:
        """Mark runs of this machine as interrupted whose process is gone although they say "running". Returns their ids. Where the database
        cannot be written, only this store object returns them as interrupted."""
        vanished = self._read(lambda connection: vanished_of(connection, here))
        if vanished.segments:
            try:
                with self._writing() as connection:
                    # Judged again under the lock: a run may have ended normally in the meantime.
                    vanished = vanished_of(connection, here)
                    write_down(connection, vanished)
            except StoreError:
                self._unwritten = vanished
        return list(vanished.runs)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def _read(self, question: Callable[[Connection], T]) -> T:
        return read(self._engine, self.place, question)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with faults_of(self.place), writing(self._engine if is_server(self.place) else make_engine(self.place, writes=True)) as connection:
            yield connection

    def _with_ending(self, row: Row) -> Row:
        endings = self._unwritten.runs if isinstance(row, RunRow) else self._unwritten.segments
        ending = endings.get(row.id)
        if ending is None or row.status != Status.RUNNING:
            return row
        return row._replace(status=Status.INTERRUPTED.value, end_reason=ending.reason, ended_utc_ns=ending.ended_utc_ns)
