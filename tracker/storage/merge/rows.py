"""Makes the rows of processes in one database equal to those in another. What is equal already is not written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, tuple_

from ..engine import insert, without_null
from ..read.rows import chunks_of
from ..schema import CURVE_POINT, DEVICE, FOOTPRINT, GRID_INTENSITY, INVENTORY, METADATA
from ..write.statements import KEYS, replacing
from .combining import Row

AT_ONCE = 100_000
"""About how many points of curves are in memory at once, of each database."""
SEGMENTS_AT_ONCE = 50
_WRITTEN_AT_ONCE = 10_000
_DELETED_AT_ONCE = 100
_OF_SEGMENT = tuple(METADATA.tables[name] for name in KEYS if "segment_id" in METADATA.tables[name].c)


def rows_by_key(connection: Connection, table: Table, column: str, ids: Sequence[str]) -> dict[tuple[Any, ...], Row]:
    """The rows of a table of which a column has one of some values, by primary key."""
    found: dict[tuple[Any, ...], Row] = {}
    for chunk in chunks_of(ids):
        for row in connection.execute(select(table).where(table.c[column].in_(chunk))).mappings():
            values = without_null(dict(row))
            found[tuple(values[key] for key in KEYS[table.name])] = values
    return found


def put(connection: Connection, table: Table, rows: Sequence[Row], *, replaces: bool = True) -> None:
    """Write rows. One that is there already is replaced, or stays as it is."""
    if not rows:
        return
    columns = tuple(rows[0])
    tail = replacing(table.name, columns) if replaces else f"ON CONFLICT ({', '.join(KEYS[table.name])}) DO NOTHING"
    for start in range(0, len(rows), _WRITTEN_AT_ONCE):
        insert(connection, table, columns, rows[start : start + _WRITTEN_AT_ONCE], tail)


def make_equal(source: Connection, target: Connection, segment_ids: Sequence[str], new: frozenset[str]) -> None:
    """Give processes in the target all rows that they have in the source, and no others. Those that are `new` in the target have none
    there."""
    grown = {id_: after for id_ in segment_ids if id_ not in new and (after := _grown(source, target, id_)) is not None}
    for segment_id, after in grown.items():
        for device, t_ns in after.items():
            query = select(CURVE_POINT).where(*_of_curve(segment_id, device), CURVE_POINT.c.t_ns > t_ns)
            put(target, CURVE_POINT, [dict(row) for row in source.execute(query).mappings()])
    for chunk in _chunks(source, segment_ids):
        every = [segment_id for segment_id in chunk if segment_id not in new]
        for table in _OF_SEGMENT:
            known = [segment_id for segment_id in every if table is not CURVE_POINT or segment_id not in grown]
            wanted = [segment_id for segment_id in chunk if table is not CURVE_POINT or segment_id not in grown]
            theirs = rows_by_key(source, table, "segment_id", wanted)
            ours = rows_by_key(target, table, "segment_id", known) if known else {}
            _delete(target, table, [key for key in ours if key not in theirs])
            put(target, table, [row for key, row in theirs.items() if ours.get(key) != row])


def _grown(source: Connection, target: Connection, segment_id: str) -> dict[str, int] | None:
    """The times after which the curves of a process have points that the target lacks, by device. None if this is not all that changed:
    points before were thinned out, or the file that they come from was imported again. Curves only rise, so the number of points and the
    last of them tell. What a run that goes on had before is not read again each time."""
    point, after = CURVE_POINT.c, {}
    counts = select(point.device, func.max(point.t_ns), func.count()).where(point.segment_id == segment_id).group_by(point.device)
    devices = select(DEVICE.c.name).where(DEVICE.c.segment_id == segment_id)
    ours = {str(device): (int(last), int(count)) for device, last, count in target.execute(counts)}
    theirs = {str(name) for name in source.scalars(devices)}
    if not ours or ours.keys() - theirs:
        return None
    for device in theirs:
        t_ns, count = ours.get(device, (-(2**63), 0))
        before = select(func.count()).select_from(CURVE_POINT).where(*_of_curve(segment_id, device), point.t_ns <= t_ns)
        last = select(CURVE_POINT).where(*_of_curve(segment_id, device), point.t_ns == t_ns)
        if source.scalar(before) != count or source.execute(last).first() != target.execute(last).first():
            return None
        after[device] = t_ns
    return after


def _of_curve(segment_id: str, device: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return CURVE_POINT.c.segment_id == segment_id, CURVE_POINT.c.device == device


def add_of_runs(source: Connection, target: Connection, run_ids: Sequence[str]) -> None:
    """Add the hardware and the footprints of runs. A footprint never changes."""
    put(target, INVENTORY, list(rows_by_key(source, INVENTORY, "run_id", run_ids).values()))
    put(target, FOOTPRINT, list(rows_by_key(source, FOOTPRINT, "run_id", run_ids).values()), replaces=False)


def add_intensities(source: Connection, target: Connection) -> None:
    """Add the cached intensities of grids that the target does not have, or that were fetched later."""
    theirs, ours = (_intensities(connection) for connection in (source, target))
    put(target, GRID_INTENSITY, [row for key, row in theirs.items() if key not in ours or _fetched(row) > _fetched(ours[key])])


def _intensities(connection: Connection) -> dict[tuple[Any, ...], Row]:
    rows = connection.execute(select(GRID_INTENSITY)).mappings()
    return {tuple(row[key] for key in KEYS["grid_intensity"]): dict(row) for row in rows}


def _fetched(row: Mapping[str, Any]) -> int:
    return int(row["fetched_utc_ns"])


def _chunks(source: Connection, segment_ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids in lists whose rows have a bounded size together, unless one of them alone has more."""
    chunk: list[str] = []
    points = 0
    segment_id = CURVE_POINT.c.segment_id
    for ids in chunks_of(segment_ids):
        query = select(segment_id, func.count()).where(segment_id.in_(ids)).group_by(segment_id)
        counts: dict[str, int] = {str(name): int(count) for name, count in source.execute(query)}
        for each in ids:
            if chunk and (points + counts.get(each, 0) > AT_ONCE or len(chunk) >= SEGMENTS_AT_ONCE):
                yield chunk
                chunk, points = [], 0
            chunk.append(each)
            points += counts.get(each, 0)
    if chunk:
        yield chunk


def _delete(target: Connection, table: Table, keys: Sequence[tuple[Any, ...]]) -> None:
    columns = tuple_(*(table.c[name] for name in KEYS[table.name]))
    for start in range(0, len(keys), _DELETED_AT_ONCE):
        target.execute(delete(table).where(columns.in_(keys[start : start + _DELETED_AT_ONCE])))
