"""The queries that put stored runs together. Several runs take as many queries as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, or_

from ...core.clock import Anchor
from ..schema import CLOCK_ANCHOR, EVENT, FINDING, INVENTORY, RUN, SEGMENT, WORK
from .checked import checker, from_json
from .details.activity import activity_of
from .details.curves import curve_of
from .load import duration_of, read_devices, run_of, segments_of_runs, select_runs
from .phases.sums import Found, Known, Owners, add_damage, sums_of
from .records import Damage, DeviceRow, EventRow, FindingRow, InventoryRow, PhaseSum, SegmentRow, StoredRun, WorkRow
from .rows import of_runs, select_fields
from .several.joints import joined
from .several.twice import read_twice

MOST_CONTINUED = 50
"""Segments of which only the new anchors are read: both databases limit the size of a query."""


def stored_runs(
    connection: Connection, run_ids: Sequence[str], before: StoredRun | None = None, *, phases: bool = True
) -> dict[str, StoredRun]:
    """Everything about runs except the inner points of their curves, by run; without those that are not there. There are at most CHUNK.

    `before` is what an earlier call returned of one of them. What cannot have changed since is taken from it. If `phases` is false, nothing
    is known of these but what is wrong with them.
    """
    runs = {run.id: run for run in map(run_of, connection.execute(select_runs().where(RUN.c.id.in_(run_ids))))}
    if not runs:
        return {}
    ids, damage = list(runs), defaultdict[str, list[Damage]](list)
    read = segments_of_runs(connection, ids)
    owners: dict[str, str] = {row.id: row.run_id for row in read}
    segments = _by_run(SEGMENT, SegmentRow._fields, ((row.run_id, row) for row in read), damage)
    inventory = select_fields(INVENTORY, ("run_id", *InventoryRow._fields)).where(INVENTORY.c.run_id.in_(ids))
    inventory = inventory.order_by(INVENTORY.c.host, INVENTORY.c.kind, INVENTORY.c.name)
    rows = ((run_id, row) for run_id, *row in connection.execute(inventory))
    pieces = {run_id: list(map(InventoryRow._make, of)) for run_id, of in _by_run(INVENTORY, InventoryRow._fields, rows, damage).items()}

    def parts(table: Table, fields: tuple[str, ...], *order: str) -> dict[str, list[Sequence[Any]]]:
        found = connection.execute(of_runs(table, fields, ids, *order))
        return _by_run(table, fields, ((owners[row.segment_id], row) for row in found), damage)

    as_read, boots = read_devices(connection, ids, read)
    devices, of_run = defaultdict[str, list[DeviceRow]](list), defaultdict[str, list[DeviceRow]](list)
    for device in as_read:
        of_run[device.run_id].append(device)
    for device in joined(as_read, boots, lambda row: curve_of(connection, row)):
        devices[device.run_id].append(device)
    anchors = _anchors(connection, ids, owners, before.anchors if before else {}, damage)
    known = {run_id: Known((), read_twice(of_run[run_id], boots)) for run_id in ids}
    if before is not None and before.run.id in known:
        known[before.run.id] = known[before.run.id]._replace(phases=before.phases)
    sums: dict[str, tuple[PhaseSum, ...]] = {}
    if phases:
        sums = sums_of(connection, owners, known, damage)
    else:
        add_damage(connection, ids, owners, damage)
    work = parts(WORK, WorkRow._fields, "unit", "phase", "segment_id")
    events = parts(EVENT, EventRow._fields, "utc_ns", "segment_id", "seq")
    findings = parts(FINDING, FindingRow._fields, "segment_id", "seq")
    activity = activity_of(connection, ids, owners, damage)
    stored: dict[str, StoredRun] = {}
    for run_id, run in runs.items():
        processes = tuple(map(SegmentRow._make, segments.get(run_id, ())))
        detailed = [
            piece._replace(detail=from_json("inventory", "detail", piece.detail, damage[run_id])) for piece in pieces.get(run_id, ())
        ]
        if run.duration_s is None:
            ends = {(device.segment_id, device.name): device.last.t_ns for device in devices[run_id] if device.last}
            newest = {segment_id: found[-1] for segment_id, found in anchors[run_id].items()}
            run = run._replace(duration_s=duration_of(run.started_utc_ns, processes, ends, newest))
        of_devices = (wrong for device in devices[run_id] for wrong in device.damage)
        stored[run_id] = StoredRun(
            run=run,
            segments=processes,
            devices=tuple(devices[run_id]),
            phases=sums.get(run_id, ()),
            work=tuple(WorkRow.of(*row) for row in work.get(run_id, ())),
            events=tuple(map(EventRow._make, events.get(run_id, ()))),
            findings=tuple(map(FindingRow._make, findings.get(run_id, ()))),
            inventory=tuple(detailed),
            anchors=anchors[run_id],
            activity=activity[run_id],
            damage=tuple(dict.fromkeys((*run.damage, *damage[run_id], *of_devices))),
        )
    return stored


def anchors_of(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[str, tuple[Anchor, ...]]]:
    """The anchors of runs by run and segment, in order."""
    owners = {row.id: row.run_id for row in segments_of_runs(connection, run_ids)}
    return _anchors(connection, run_ids, owners, {}, defaultdict(list))


def _anchors(
    connection: Connection, run_ids: Sequence[str], owners: Owners, before: Mapping[str, Sequence[Anchor]], damage: Found
) -> dict[str, dict[str, tuple[Anchor, ...]]]:
    """The anchors of runs by segment, in order. For the segments that have the most, those of `before` are not read again."""
    most = sorted(before, key=lambda segment_id: len(before[segment_id]))[-MOST_CONTINUED:]
    anchors: dict[str, list[Anchor]] = defaultdict(list, {segment_id: list(before[segment_id]) for segment_id in most})
    fields = ("segment_id", *Anchor._fields)
    query = of_runs(CLOCK_ANCHOR, fields, run_ids, "segment_id", "monotonic_ns")
    for segment_id in most:
        newest_ns = before[segment_id][-1].monotonic_ns
        query = query.where(or_(CLOCK_ANCHOR.c.segment_id != segment_id, CLOCK_ANCHOR.c.monotonic_ns > newest_ns))
    rows = ((owners[row.segment_id], row) for row in connection.execute(query))
    for found in _by_run(CLOCK_ANCHOR, fields, rows, damage).values():
        for segment_id, *instants in found:
            anchors[segment_id].append(Anchor._make(instants))
    of_run: dict[str, dict[str, tuple[Anchor, ...]]] = {run_id: {} for run_id in run_ids}
    for segment_id, of_segment in anchors.items():
        if segment_id in owners:
            of_run[owners[segment_id]][segment_id] = tuple(of_segment)
    return of_run


def _by_run(
    table: Table, fields: tuple[str, ...], rows: Iterator[tuple[str, Sequence[Any]]], damage: Found
) -> dict[str, list[Sequence[Any]]]:
    """Rows with their runs as the rows of each run that can be used, cleaned. What is wrong is added to the damage of the run."""
    check, found = checker(table, fields), defaultdict[str, list[Sequence[Any]]](list)
    for run_id, row in rows:
        cleaned = check.cleaned(row, damage[run_id])
        if cleaned is not None:
            found[run_id].append(cleaned)
    return found
