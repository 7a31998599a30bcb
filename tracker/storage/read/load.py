"""The queries that put a stored run together."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Connection, Executable, Select, Table, Text, bindparam, case, func, literal, select

from ...core.clock import Anchor
from ...core.point import Point
from ...energy.intervals import JOULES
from .. import schema
from .records import (
    DeviceRow,
    EventRow,
    FindingRow,
    InventoryRow,
    PhaseDeviceSum,
    PhaseSum,
    RunRow,
    SegmentRow,
    StoredRun,
    WorkRow,
)

Record = TypeVar("Record")
Row = Mapping[Any, Any]


def run_of(row: Row) -> RunRow:
    """The run in a row of the table `run`."""
    return _record(RunRow, row, tags=_json(row["tags"]), external=_json(row["external"]), settings=_json(row["settings"]))


def stored_run(connection: Connection, run_id: str) -> StoredRun | None:
    """Everything about a run but the inner points of its curves, or None where there is no such run."""
    runs = _rows(connection, select(schema.RUN).where(schema.RUN.c.id == run_id))
    if not runs:
        return None
    segments = select(schema.SEGMENT).where(schema.SEGMENT.c.run_id == run_id)
    segments = segments.order_by(schema.SEGMENT.c.started_utc_ns, schema.SEGMENT.c.id)
    inventory = select(schema.INVENTORY).where(schema.INVENTORY.c.run_id == run_id)
    inventory = inventory.order_by(schema.INVENTORY.c.host, schema.INVENTORY.c.kind, schema.INVENTORY.c.name)
    work = _of_run(schema.WORK, run_id, "unit", "phase", "segment_id")
    events = _of_run(schema.EVENT, run_id, "utc_ns", "segment_id", "seq")
    findings = _of_run(schema.FINDING, run_id, "segment_id", "seq")
    return StoredRun(
        run=run_of(runs[0]),
        segments=tuple(_record(SegmentRow, row) for row in _rows(connection, segments)),
        devices=tuple(devices_of(connection, [run_id])),
        phases=_phases(connection, run_id),
        work=tuple(_record(WorkRow, row) for row in _rows(connection, work)),
        events=tuple(_record(EventRow, row) for row in _rows(connection, events)),
        findings=tuple(_record(FindingRow, row) for row in _rows(connection, findings)),
        inventory=tuple(_record(InventoryRow, row, detail=_json(row["detail"])) for row in _rows(connection, inventory)),
        anchors=_anchors(connection, run_id),
    )


def devices_of(connection: Connection, run_ids: Sequence[str]) -> list[DeviceRow]:
    """The devices of runs, with the ends of their curves."""
    query = (
        select(schema.DEVICE, schema.SEGMENT.c.run_id, schema.SEGMENT.c.host)
        .join(schema.SEGMENT, schema.SEGMENT.c.id == schema.DEVICE.c.segment_id)
        .where(schema.SEGMENT.c.run_id.in_(run_ids))
        .order_by(schema.SEGMENT.c.started_utc_ns, schema.DEVICE.c.segment_id, schema.DEVICE.c.name)
    )
    first, last = _curve_ends(connection, run_ids, "min"), _curve_ends(connection, run_ids, "max")
    devices = []
    for row in _rows(connection, query):
        key = row["segment_id"], row["name"]
        included = bool(row["included_in_total"])
        devices.append(_record(DeviceRow, row, included_in_total=included, first=first.get(key), last=last.get(key)))
    return devices


def work_of(connection: Connection, run_ids: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """Run, unit and amount of what runs counted in all."""
    run_id, unit = schema.SEGMENT.c.run_id, schema.WORK.c.unit
    query = (
        select(run_id, unit, func.sum(schema.WORK.c.amount))
        .join(schema.SEGMENT, schema.SEGMENT.c.id == schema.WORK.c.segment_id)
        .where(run_id.in_(run_ids), schema.WORK.c.phase == "")
        .group_by(run_id, unit)
        .order_by(run_id, unit)
    )
    for run, name, amount in connection.execute(query):
        yield run, name, int(amount)  # a Decimal on PostgreSQL


def points_of(connection: Connection, run_id: str) -> dict[tuple[str, str], list[Point]]:
    """The energy curves of a run by (segment id, device), each in order of time."""
    device = schema.DEVICE.c
    devices = select(device.segment_id, device.name).join(schema.SEGMENT, schema.SEGMENT.c.id == device.segment_id)
    devices = devices.where(schema.SEGMENT.c.run_id == run_id).order_by(device.segment_id, device.name)
    point = schema.CURVE_POINT.c
    # One curve a query, which the primary key has in order; a run of a week has tens of thousands of points, so no mappings either.
    of_one = select(*(point[name] for name in Point._fields)).order_by(point.t_ns)
    curves = {}
    for segment_id, device in connection.execute(devices).all():
        found = connection.execute(of_one.where(point.segment_id == segment_id, point.device == device))
        curves[segment_id, device] = list(map(Point._make, found.all()))
    return {key: points for key, points in curves.items() if points}


def outline_of(connection: Connection, devices: Iterable[DeviceRow], pieces: int) -> dict[tuple[str, str], list[Point]]:
    """Of each curve its ends and the points at which about `pieces` equal parts of its time begin: enough to draw it small."""
    point, inner = schema.CURVE_POINT, schema.CURVE_POINT.alias()
    segment, name = bindparam("segment", type_=Text), bindparam("name", type_=Text)
    start, span = bindparam("start", type_=BigInteger), bindparam("span", type_=BigInteger)
    part = select(literal(1, BigInteger).label("i")).cte("part", recursive=True)
    part = part.union_all(select(part.c.i + 1).where(part.c.i < pieces - 1))
    # One query a curve: a week of ten devices in 600 pieces are 6,000 points, each found in the primary key.
    latest = (
        select(func.max(inner.c.t_ns))
        .where(inner.c.segment_id == segment, inner.c.device == name, inner.c.t_ns <= start + span * part.c.i // pieces)
        .correlate(part)
        .scalar_subquery()
    )
    query = (
        select(*(point.c[column] for column in Point._fields))
        .select_from(part)
        .join(point, (point.c.segment_id == segment) & (point.c.device == name) & (point.c.t_ns == latest))
        .order_by(part.c.i)
    )
    curves = {}
    for d in devices:
        if d.first is None or d.last is None:
            continue
        at = {"segment": d.segment_id, "name": d.name, "start": d.first.t_ns, "span": d.last.t_ns - d.first.t_ns}
        found = map(Point._make, connection.execute(query, at).all())
        curves[d.segment_id, d.name] = list(dict.fromkeys([d.first, *found, d.last]))
    return curves


def _curve_ends(connection: Connection, run_ids: Sequence[str], which: Literal["min", "max"]) -> dict[tuple[str, str], Point]:
    device, point, inner = schema.DEVICE, schema.CURVE_POINT, schema.CURVE_POINT.alias()
    # One end a device, each found in the primary key: the points in between are never read. The outer join keeps SQLite from
    # starting with the points, of which it would read all.
    end = (
        select(getattr(func, which)(inner.c.t_ns))
        .where(inner.c.segment_id == device.c.segment_id, inner.c.device == device.c.name)
        .correlate(device)
        .scalar_subquery()
    )
    query = (
        select(point)
        .select_from(device)
        .join(schema.SEGMENT, schema.SEGMENT.c.id == device.c.segment_id)
        .outerjoin(point, (point.c.segment_id == device.c.segment_id) & (point.c.device == device.c.name) & (point.c.t_ns == end))
        .where(schema.SEGMENT.c.run_id.in_(run_ids))
    )
    return {(row["segment_id"], row["device"]): _point(row) for row in _rows(connection, query) if row["t_ns"] is not None}


def _phases(connection: Connection, run_id: str) -> tuple[PhaseSum, ...]:
    """By segment and name; what is folded is added to what is kept one by one."""
    phase, energy, fold, fold_energy = schema.PHASE.c, schema.PHASE_ENERGY.c, schema.PHASE_FOLD.c, schema.PHASE_FOLD_ENERGY.c
    of_device = ("segment_id", "name", "owner_segment_id", "device")
    key = phase.segment_id, phase.name, energy.owner_segment_id, energy.device
    joules = (
        select(*key, *(func.sum(energy[name]).label(name) for name in JOULES))
        .select_from(schema.PHASE)
        .join(schema.PHASE_ENERGY, (energy.segment_id == phase.segment_id) & (energy.seq == phase.seq))
        .where(phase.run_id == run_id)
        .group_by(*reversed(key))  # what differs most first: the sorting is half of the time
    )
    folded_joules = select(*(fold_energy[name] for name in (*of_device, *JOULES)))
    devices: dict[tuple[str, str], list[PhaseDeviceSum]] = defaultdict(list)
    for row in _rows(connection, _added_up(joules, folded_joules.where(fold_energy.segment_id.in_(_segments(run_id))), of_device, JOULES)):
        devices[row["segment_id"], row["name"]].append(_record(PhaseDeviceSum, row))
    counts = (
        select(
            phase.segment_id,
            phase.name,
            func.min(phase.start_utc_ns).label("first_start_utc_ns"),
            func.count().label("instances"),
            func.coalesce(func.sum(phase.end_t_ns - phase.start_t_ns), 0).label("duration_ns"),
            _count(phase.end_t_ns.is_(None)).label("open"),
            _count(phase.resolved == 0).label("unresolved"),
            _count(phase.resolved.is_(None)).label("pending"),
            _count(phase.synchronized == 1).label("synchronized"),
            _count(phase.exact == 1).label("exact"),
        )
        .where(phase.run_id == run_id)
        .group_by(phase.segment_id, phase.name)
    )
    nothing = literal(0)
    folded_counts = select(
        *(fold.segment_id, fold.name, fold.first_start_utc_ns, fold.count, fold.duration_ns),
        *(nothing, fold.unresolved, nothing, fold.synchronized, fold.exact),
    ).where(fold.segment_id.in_(_segments(run_id)))
    by_name = _added_up(counts, folded_counts, ("segment_id", "name"), _COUNTS, first="first_start_utc_ns")
    return tuple(
        _record(
            PhaseSum,
            {name: int(value) if name in _COUNTS else value for name, value in row.items()},  # from Decimals on PostgreSQL
            duration_s=int(row["duration_ns"]) / 1e9,
            devices=tuple(devices[row["segment_id"], row["name"]]),
        )
        for row in _rows(connection, by_name)
    )


def _added_up(
    kept: Select[*tuple[Any, ...]], folded: Select[*tuple[Any, ...]], keys: Sequence[str], numbers: Sequence[str], first: str | None = None
) -> Executable:
    """The rows of both, whose columns are alike, as one a key: `numbers` added, of `first` the least; in order of it and of the keys."""
    both = kept.union_all(folded).subquery().c
    key = [both[name] for name in keys]
    least = [] if first is None else [func.min(both[first]).label(first)]
    return select(*key, *least, *(func.sum(both[name]).label(name) for name in numbers)).group_by(*key).order_by(*least, *key)


def _anchors(connection: Connection, run_id: str) -> dict[str, tuple[Anchor, ...]]:
    anchors: dict[str, list[Anchor]] = defaultdict(list)
    for row in connection.execute(_of_run(schema.CLOCK_ANCHOR, run_id, "segment_id", "monotonic_ns")):
        anchors[row[0]].append(Anchor._make(row[1:]))
    return {segment_id: tuple(found) for segment_id, found in anchors.items()}


_COUNTS = ("instances", "duration_ns", "open", "unresolved", "pending", "synchronized", "exact")


def _of_run(table: Table, run_id: str, *order: str) -> Select[Any]:
    """The rows of a table whose segments belong to a run."""
    return select(table).where(table.c.segment_id.in_(_segments(run_id))).order_by(*(table.c[name] for name in order))


def _segments(run_id: str) -> Select[Any]:
    return select(schema.SEGMENT.c.id).where(schema.SEGMENT.c.run_id == run_id)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _rows(connection: Connection, query: Executable) -> Sequence[Row]:
    return connection.execute(query).mappings().all()


def _record(kind: type[Record], row: Row, **given: object) -> Record:
    names = (name for name in kind._fields if name not in given)  # type: ignore[attr-defined]
    return kind(**{name: row[name] for name in names}, **given)


def _point(row: Row) -> Point:
    return Point(*(row[name] for name in Point._fields))


def _json(text: str) -> dict[str, Any]:
    value = json.loads(text)
    return value if isinstance(value, dict) else {"value": value}
