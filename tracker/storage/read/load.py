"""The queries that put a stored run together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, or_, select

from ...core.clock import Anchor
from ..schema import CLOCK_ANCHOR, DEVICE, EVENT, FINDING, INVENTORY, RUN, RUN_STATUS, SEGMENT, WORK
from .curves import ends_of
from .phases import sums_of
from .records import DeviceRow, EventRow, FindingRow, InventoryRow, RunRow, SegmentRow, StoredRun, WorkRow
from .rows import Query, from_json, of_run, select_fields

MOST_CONTINUED = 50
"""Segments of which only the new anchors are read: both databases limit the size of a query."""


def select_runs() -> Query:
    """All runs, in the columns that `run_of` takes."""
    return select(*(RUN_STATUS.label(name) if name == "status" else RUN.c[name] for name in RunRow._fields))


def run_of(row: Iterable[Any]) -> RunRow:
    """The run in a row of `select_runs`."""
    run = RunRow._make(row)
    return run._replace(tags=from_json(run.tags), external=from_json(run.external), settings=from_json(run.settings))


def stored_run(connection: Connection, run_id: str, before: StoredRun | None = None) -> StoredRun | None:
    """Everything about a run except the inner points of its curves; None if there is no such run.

    `before` is what an earlier call returned. What cannot have changed since is taken from it.
    """
    run = connection.execute(select_runs().where(RUN.c.id == run_id)).first()
    if run is None:
        return None
    segments = select_fields(SEGMENT, SegmentRow._fields).where(SEGMENT.c.run_id == run_id)
    inventory = select_fields(INVENTORY, InventoryRow._fields).where(INVENTORY.c.run_id == run_id)
    pieces = map(InventoryRow._make, connection.execute(inventory.order_by(INVENTORY.c.host, INVENTORY.c.kind, INVENTORY.c.name)))
    work = of_run(WORK, WorkRow._fields, run_id, "unit", "phase", "segment_id")
    events = of_run(EVENT, EventRow._fields, run_id, "utc_ns", "segment_id", "seq")
    findings = of_run(FINDING, FindingRow._fields, run_id, "segment_id", "seq")
    return StoredRun(
        run=run_of(run),
        segments=tuple(map(SegmentRow._make, connection.execute(segments.order_by(SEGMENT.c.started_utc_ns, SEGMENT.c.id)))),
        devices=tuple(devices_of(connection, [run_id])),
        phases=sums_of(connection, run_id, before.phases if before else ()),
        work=tuple(map(WorkRow._make, connection.execute(work))),
        events=tuple(map(EventRow._make, connection.execute(events))),
        findings=tuple(map(FindingRow._make, connection.execute(findings))),
        inventory=tuple(piece._replace(detail=from_json(piece.detail)) for piece in pieces),
        anchors=_anchors(connection, run_id, before.anchors if before else {}),
    )


def devices_of(connection: Connection, run_ids: Sequence[str]) -> list[DeviceRow]:
    """The devices of runs, with the ends of their curves."""
    of_segment = {"run_id": SEGMENT.c.run_id, "host": SEGMENT.c.host}
    fields = DeviceRow._fields[:-2]  # without the ends
    query = (
        select(*(of_segment[name] if name in of_segment else DEVICE.c[name] for name in fields))
        .join_from(DEVICE, SEGMENT, SEGMENT.c.id == DEVICE.c.segment_id)
        .where(SEGMENT.c.run_id.in_(run_ids))
        .order_by(SEGMENT.c.started_utc_ns, DEVICE.c.segment_id, DEVICE.c.name)
    )
    first, last = ends_of(connection, run_ids, "min"), ends_of(connection, run_ids, "max")
    devices = []
    for row in connection.execute(query):
        key = row.segment_id, row.name
        device = DeviceRow._make((*row, first.get(key), last.get(key)))
        devices.append(device._replace(included_in_total=bool(device.included_in_total)))
    return devices


def work_of(connection: Connection, run_ids: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """Run, unit and amount of the work that whole runs counted."""
    run_id, unit = SEGMENT.c.run_id, WORK.c.unit
    query = (
        select(run_id, unit, func.sum(WORK.c.amount))
        .join(SEGMENT, SEGMENT.c.id == WORK.c.segment_id)
        .where(run_id.in_(run_ids), WORK.c.phase == "")
        .group_by(run_id, unit)
        .order_by(run_id, unit)
    )
    for run, name, amount in connection.execute(query):
        yield run, name, int(amount)  # a Decimal on PostgreSQL


def joined_ranks_of(connection: Connection, run_ids: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The runs that ranks of a job have joined, and how many."""
    segment = SEGMENT.c
    joined = (segment.run_id.in_(run_ids), segment.role == "joined", segment.rank.is_not(None))
    query = select(segment.run_id, func.count(segment.rank.distinct())).where(*joined).group_by(segment.run_id)
    yield from ((run_id, ranks) for run_id, ranks in connection.execute(query))


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


def _anchors(connection: Connection, run_id: str, before: Mapping[str, Sequence[Anchor]]) -> dict[str, tuple[Anchor, ...]]:
    """The anchors by segment, in order. For the segments that have the most, those of `before` are not read again."""
    most = sorted(before, key=lambda segment_id: len(before[segment_id]))[-MOST_CONTINUED:]
    anchors: dict[str, list[Anchor]] = defaultdict(list, {segment_id: list(before[segment_id]) for segment_id in most})
    query = of_run(CLOCK_ANCHOR, ("segment_id", *Anchor._fields), run_id, "segment_id", "monotonic_ns")
    for segment_id in most:
        newest_ns = before[segment_id][-1].monotonic_ns
        query = query.where(or_(CLOCK_ANCHOR.c.segment_id != segment_id, CLOCK_ANCHOR.c.monotonic_ns > newest_ns))
    for segment_id, *instants in connection.execute(query):
        anchors[segment_id].append(Anchor._make(instants))
    return {segment_id: tuple(found) for segment_id, found in anchors.items()}
