"""The queries of runs, of their devices and processes, and of what a list says of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, or_, select

from ...core.clock import Anchor
from ...core.point import Point
from ...core.units import NS_PER_S
from ...core.work import from_part
from ..schema import CLOCK_ANCHOR, DEVICE, EVENT, FOOTPRINT, GRID_INTENSITY, RUN, RUN_STATUS, SEGMENT, WORK
from .checked import LATEST_UTC_NS, checker, damage_within, falls, from_json, sound
from .details.curves import Key, curve_of, ends_of
from .records import Damage, DeviceRow, IntensityRow, RunRow, SegmentRow, WorkRow
from .rows import Query, chunks_of, select_fields
from .several.joints import joined
from .several.lasting import Lived, last_t_ns, lasted_s

_RUN_FIELDS = RunRow._fields[:-1]  # without the damage
_DAMAGED = "what the database has of it is damaged"
_NUMBERS_OF_A_DEVICE = {"included_in_total": 1, "max_power_w": 0.0, "gain": 0.0, "covered_ns": 0}
"""What takes the place of a wrong number of a device, whose energy is then not known: it is missing from the total."""


def select_runs() -> Query:
    """All runs, in the columns that `run_of` takes."""
    return select(*(RUN_STATUS.label(name) if name == "status" else RUN.c[name] for name in _RUN_FIELDS))


def with_ids(run_ids: Sequence[str]) -> Query:
    """The same of some runs."""
    return select_runs().where(RUN.c.id.in_(run_ids))


def run_of(row: Sequence[Any]) -> RunRow:
    """The run in a row of `select_runs`."""
    damage: list[Damage] = []
    values = dict(zip(_RUN_FIELDS, row, strict=True))
    for at, nullable, wrong in checker(RUN, _RUN_FIELDS).wrong(row):
        if wrong.column not in ("tags", "external", "settings"):  # read below
            damage.append(wrong)
            values[wrong.column] = _in_place_of(row[at], nullable and wrong.column != "stage")
    for times in (("last_seen_utc_ns", "ended_utc_ns", "started_utc_ns"), ("started_utc_ns", "last_seen_utc_ns")):
        if not isinstance(values[times[0]], int):  # the next best that is known
            values[times[0]] = next((values[name] for name in times if isinstance(values[name], int)), 0)
    for column in ("tags", "external", "settings"):
        values[column] = from_json("run", column, values[column], damage)
    return RunRow(**values, damage=tuple(damage))


def runs_of(connection: Connection, query: Query) -> list[RunRow]:
    """The runs in the rows of a query of `select_runs`. Those that did not end normally have the duration of their readings."""
    runs = [run_of(row) for row in connection.execute(query)]
    unended = {run.id: run.started_utc_ns for run in runs if run.duration_s is None}
    lasted: dict[str, float] = {}
    for chunk in chunks_of(unended):
        lasted |= durations_of(connection, {run_id: unended[run_id] for run_id in chunk})
    return [run._replace(duration_s=lasted.get(run.id)) if run.duration_s is None else run for run in runs]


def _in_place_of(value: object, may_be_missing: bool) -> object:
    """What stands for a wrong value: its text, or nothing."""
    if may_be_missing or isinstance(value, (int, float)):
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def matching(connection: Connection, ref: str, most: int) -> list[str]:
    """The ids of up to `most` runs that `ref` may name, newest first: one if it is a whole id or "latest"."""
    newest_first = select(RUN.c.id).order_by(RUN.c.started_utc_ns.desc(), RUN.c.id.desc())
    if ref == "latest":  # of those whose time can be true, if there are any
        readable = newest_first.where(RUN.c.started_utc_ns.between(0, LATEST_UTC_NS))
        return [*connection.scalars(readable.limit(1))] or [*connection.scalars(newest_first.limit(1))]
    if not ref or connection.scalar(select(RUN.c.id).where(RUN.c.id == ref)):
        return [ref] if ref else []
    # Not LIKE: SQLite and PostgreSQL treat upper and lower case differently there.
    begins = func.substr(RUN.c.id, 1, len(ref)) == ref
    named = or_(RUN.c.name == ref, RUN.c.project + "/" + RUN.c.name == ref)
    return list(connection.scalars(newest_first.where(or_(begins, named)).limit(most)))


def lengths_of(connection: Connection, run_ids: Sequence[str]) -> dict[str, float]:
    """About how long each run lasted by the wall clock, in seconds; 0 for one that is not there, or whose times cannot be true."""
    query = select(RUN.c.id, RUN.c.last_seen_utc_ns, RUN.c.started_utc_ns).where(RUN.c.id.in_(run_ids))
    whole = ((run_id, ends) for run_id, *ends in connection.execute(query) if all(isinstance(end, int) for end in ends))
    return {**dict.fromkeys(run_ids, 0.0), **{run_id: max(0, last - first) / NS_PER_S for run_id, (last, first) in whole}}


def durations_of(connection: Connection, begun_utc_ns: Mapping[str, int]) -> dict[str, float]:
    """How long runs last that have no duration of their own, in seconds of the monotonic clock of their readings. `begun_utc_ns`: when they
    began, by id."""
    run_ids = list(begun_utc_ns)
    query = select_fields(SEGMENT, SegmentRow._fields).where(SEGMENT.c.run_id.in_(run_ids))
    of_run: dict[str, list[SegmentRow]] = defaultdict(list)
    for row in sound(SEGMENT, SegmentRow._fields, connection.execute(query), []):
        segment = SegmentRow._make(row)
        of_run[segment.run_id].append(segment)
    ends = {key: point.t_ns for key, point in ends_of(connection, run_ids, "max").items() if point is not None}
    newest = _newest_anchors(connection, run_ids)
    found = {run_id: duration_of(begun_utc_ns[run_id], segments, ends, newest) for run_id, segments in of_run.items()}
    return {run_id: seconds for run_id, seconds in found.items() if seconds is not None}


def duration_of(
    begun_utc_ns: int, segments: Iterable[SegmentRow], ends: Mapping[tuple[str, str], int], newest: Mapping[str, Anchor]
) -> float | None:
    """The duration of a run from its processes, the ends of all curves, and the newest anchor of each process."""
    readings: dict[str, list[int]] = defaultdict(list)
    for (segment_id, _), t_ns in ends.items():
        readings[segment_id].append(t_ns)
    every = list(segments)
    owners = [s for s in every if s.role == "owner"] or every
    lived = (
        Lived(
            (s.host, s.boot_id) if s.boot_id else None,
            s.started_utc_ns,
            s.start_t_ns,
            last_t_ns(s.start_t_ns, s.end_t_ns, readings[s.id], newest.get(s.id), s.last_seen_utc_ns),
        )
        for s in owners
    )
    return lasted_s(begun_utc_ns, lived)


def devices_of(connection: Connection, run_ids: Sequence[str]) -> list[DeviceRow]:
    """The devices of runs, with the ends of their curves, which overlap nowhere within a run."""
    read, boots = read_devices(connection, run_ids, segments_of_runs(connection, run_ids))
    return joined(read, boots, lambda row: curve_of(connection, row))


def segments_of_runs(connection: Connection, run_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """The segments of runs, in order of their start. Their values may be wrong."""
    query = select_fields(SEGMENT, SegmentRow._fields).where(SEGMENT.c.run_id.in_(run_ids))
    return connection.execute(query.order_by(SEGMENT.c.started_utc_ns, SEGMENT.c.id)).all()


def read_devices(connection: Connection, run_ids: Sequence[str], segments: Iterable[Row[Any]]) -> tuple[list[DeviceRow], dict[str, str]]:
    """The devices of runs as their processes have read them, and the boot of each segment. `segments`: those of the runs."""
    of_segment = {"run_id": SEGMENT.c.run_id, "host": SEGMENT.c.host, "boot_id": SEGMENT.c.boot_id}
    fields = DeviceRow._fields[:-3]  # without the ends and the damage
    query = (
        select(*(of_segment[name] if name in of_segment else DEVICE.c[name] for name in fields))
        .join_from(DEVICE, SEGMENT, SEGMENT.c.id == DEVICE.c.segment_id)
        .where(SEGMENT.c.run_id.in_(run_ids))
        .order_by(SEGMENT.c.started_utc_ns, DEVICE.c.segment_id, DEVICE.c.name)
    )
    first, last = ends_of(connection, run_ids, "min"), ends_of(connection, run_ids, "max")
    unsound: dict[str, list[Damage]] = defaultdict(list)
    check_segment = checker(SEGMENT, SegmentRow._fields)
    boots: dict[str, str] = {}
    for row in segments:
        boots[row.id] = row.boot_id
        wrong = check_segment.wrong(row)
        if not all(nullable for _, nullable, _ in wrong):  # the segment is left out
            unsound[row.id] += (of_row for _, _, of_row in wrong)
    check, devices = checker(DEVICE, fields), []
    for row in connection.execute(query):
        key = row.segment_id, row.name
        wrong = check.wrong(row)
        damage = [*(found for _, _, found in wrong), *unsound[row.segment_id], *_of_ends(first, last, key)]
        values = dict(zip(fields, row, strict=True))
        if damage:
            for at, nullable, found in wrong:
                values[found.column] = _of_device(found.column, row[at], nullable)
            values |= {"host": _in_place_of(values["host"], may_be_missing=False), "note": _DAMAGED}
        ends = (None, None) if damage else (first.get(key), last.get(key))
        device = DeviceRow(**values, first=ends[0], last=ends[1], damage=tuple(damage))
        devices.append(device._replace(included_in_total=bool(device.included_in_total)))
    return devices, boots


def _of_ends(first: Mapping[Key, Point | None], last: Mapping[Key, Point | None], key: Key) -> Iterator[Damage]:
    """What is wrong with the ends of a curve."""
    if key not in first and key not in last:
        return
    begin, end = first.get(key), last.get(key)
    if begin is None or end is None:
        yield Damage("curve_point", "*", f"an end of the curve of {key[1]}")
    elif falls(begin, end):
        yield Damage("curve_point", "*", f"the curve of {key[1]}, which falls")


def _of_device(column: str, value: object, may_be_missing: bool) -> object:
    """What stands for a wrong value of a device."""
    if column == "kind":
        return "platform"
    return _NUMBERS_OF_A_DEVICE[column] if column in _NUMBERS_OF_A_DEVICE else _in_place_of(value, may_be_missing)


def damage_of(connection: Connection, run_ids: Sequence[str]) -> Iterator[tuple[str, Damage]]:
    """What is wrong with runs apart from their own rows and those of their devices, as far as a list looks at them."""
    for table in (SEGMENT, EVENT, WORK):
        yield from ((run_id, damage) for run_id, damage, _ in damage_within(connection, table, run_ids))


def work_of(connection: Connection, run_ids: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """Run, unit and amount of the work that the processes of runs counted over the whole run, in order of run and unit."""
    run_id, unit = SEGMENT.c.run_id, WORK.c.unit
    query = select(run_id, *(WORK.c[name] for name in WorkRow._fields)).join(SEGMENT, SEGMENT.c.id == WORK.c.segment_id)
    check = checker(WORK, WorkRow._fields)
    for run, *row in connection.execute(query.where(run_id.in_(run_ids), WORK.c.phase == "").order_by(run_id, unit)):
        if not check.wrong(row):
            yield run, *from_part(row[1], row[3])


def ranks_of(connection: Connection, run_ids: Sequence[str]) -> Iterator[tuple[str, tuple[int, bool]]]:
    """The runs that ranks of a job record in, how many, and whether they have joined the run of a command around them."""
    segment = SEGMENT.c
    joined = func.sum(case((segment.role == "joined", 1), else_=0))
    query = select(segment.run_id, func.count(segment.rank.distinct()), joined)
    query = query.where(segment.run_id.in_(run_ids), segment.rank.is_not(None)).group_by(segment.run_id)
    yield from ((run_id, (ranks, bool(joined))) for run_id, ranks, joined in connection.execute(query))


def intensities_of(connection: Connection, zone: str, spans: Iterable[tuple[int, int]]) -> list[IntensityRow]:
    """A zone's cached intensities that overlap one of several times, in order of provider and time."""
    g = GRID_INTENSITY.c
    meets = or_(*(and_(g.end_utc_ns > start_utc_ns, g.start_utc_ns < end_utc_ns) for start_utc_ns, end_utc_ns in spans))
    query = select_fields(GRID_INTENSITY, IntensityRow._fields).where(g.zone == zone, meets).order_by(g.provider, g.start_utc_ns)
    rows = sound(GRID_INTENSITY, IntensityRow._fields, connection.execute(query), [])
    return [(row := IntensityRow._make(values))._replace(estimated=bool(row.estimated)) for values in rows]


def times_of(connection: Connection, run_ids: Sequence[str]) -> Iterator[tuple[int, int]]:
    """When runs were measured: the first and the last UTC nanoseconds that their clocks said."""
    run, utc_ns = RUN.c, CLOCK_ANCHOR.c.utc_ns
    said = (
        select(SEGMENT.c.run_id, func.min(utc_ns).label("first"), func.max(utc_ns).label("last"))
        .join(CLOCK_ANCHOR, CLOCK_ANCHOR.c.segment_id == SEGMENT.c.id)
        .where(SEGMENT.c.run_id.in_(run_ids))
        .group_by(SEGMENT.c.run_id)
        .subquery()
    )
    query = select(run.started_utc_ns, run.ended_utc_ns, run.last_seen_utc_ns, said.c.first, said.c.last)
    query = query.outerjoin(said, said.c.run_id == run.id).where(run.id.in_(run_ids))
    for row in connection.execute(query):
        known = [time_ns for time_ns in row if isinstance(time_ns, int)]
        if known:
            yield min(known), max(known)


def newest_footprints_of(connection: Connection, run_ids: Sequence[str]) -> Iterator[tuple[str, tuple[str, int, str]]]:
    """Runs that have footprints, each with the id, the time and the result of the newest."""
    columns, other = FOOTPRINT.c, FOOTPRINT.alias().c
    # The results are long, and a run may have many: only the newest are read.
    newest = select(func.max(other.created_utc_ns)).where(other.run_id == columns.run_id).correlate(FOOTPRINT).scalar_subquery()
    query = select(columns.run_id, columns.id, columns.created_utc_ns, columns.result).where(columns.created_utc_ns == newest)
    for run_id, *footprint in connection.execute(query.where(columns.run_id.in_(run_ids))):
        yield run_id, (footprint[0], footprint[1], footprint[2])


def _newest_anchors(connection: Connection, run_ids: Sequence[str]) -> dict[str, Anchor]:
    anchor, inner = CLOCK_ANCHOR, CLOCK_ANCHOR.alias()
    newest = select(func.max(inner.c.monotonic_ns)).where(inner.c.segment_id == SEGMENT.c.id).correlate(SEGMENT).scalar_subquery()
    query = (
        select_fields(anchor, ("segment_id", *Anchor._fields))
        .join_from(SEGMENT, anchor, (anchor.c.segment_id == SEGMENT.c.id) & (anchor.c.monotonic_ns == newest))
        .where(SEGMENT.c.run_id.in_(run_ids))
    )
    rows = sound(anchor, ("segment_id", *Anchor._fields), connection.execute(query), [])
    return {segment_id: Anchor._make(instants) for segment_id, *instants in rows}
