"""Stores runs that the tracker did not measure. Storing one again changes nothing, unless its file has grown since."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..core.run import CONTENT_KEY
from ..storage.write.statements import Statement
from ..storage.write.writer import Writer
from .record import Record, rows_of

BATCH = 200
"""Runs in one transaction."""


@dataclass(slots=True)
class Kept:
    """How many runs were `added`, `renewed` because they have grown, and left as they were because they are stored already."""

    added: int = 0
    renewed: int = 0
    unchanged: int = 0


def keep(writer: Writer, records: Iterable[Record]) -> Kept:
    """Store records. Of several with one identity, the one that lasts longest counts. Raises StoreError."""
    kept = Kept()
    for batch in _batches(records):
        longest: dict[str, Record] = {}
        for record in batch:
            if record.id not in longest or record.duration_s >= longest[record.id].duration_s:
                longest[record.id] = record
        stored = _stored(writer, list(longest))
        for run_id, record in longest.items():
            before = stored.get(run_id)
            if before is not None and (before[0] == record.content or before[1] > record.duration_s):
                kept.unchanged += 1
                continue
            writer.write(rows_of(record), None, [] if before is None else list(_leftovers(record)))
            kept.added += before is None
            kept.renewed += before is not None
    return kept


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    yield batch


def _stored(writer: Writer, ids: list[str]) -> dict[str, tuple[str | None, float]]:
    """The content and the duration of the runs that are stored already, by id."""
    marks = ", ".join("?" * len(ids))
    found = writer.query(f"SELECT id, settings, duration_s FROM run WHERE id IN ({marks})", ids) if ids else []
    return {run_id: (json.loads(settings).get(CONTENT_KEY), duration_s or 0.0) for run_id, settings, duration_s in found}


def _leftovers(record: Record) -> Iterator[Statement]:
    """What an earlier version of a record has, and the new one has not: points and devices."""
    segment_id = f"{record.id}-s"
    for part in record.parts:
        times = ", ".join(str(point.t_ns) for point in part.points) or "NULL"
        where = {"segment_id": segment_id, "device": part.name}
        yield f"DELETE FROM curve_point WHERE segment_id = :segment_id AND device = :device AND t_ns NOT IN ({times})", where
    names = {f"d{i}": part.name for i, part in enumerate(record.parts)}
    among = ", ".join(f":{key}" for key in names)
    for table, column in (("curve_point", "device"), ("device", "name")):
        yield f"DELETE FROM {table} WHERE segment_id = :segment_id AND {column} NOT IN ({among})", {"segment_id": segment_id, **names}
