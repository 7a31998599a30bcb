"""The queries of what the ranks of a run have used of its devices, and of the metrics that they have logged."""

from __future__ import annotations

from sqlalchemy import Connection

from ...core.metric import Metric
from ..schema import DEVICE_USE, METRIC
from .checked import sound
from .records import UseRow
from .rows import of_runs


def uses_of(connection: Connection, run_id: str) -> list[UseRow]:
    """What the ranks of a run have used, by process that looked and device. Rows that cannot be true are left out."""
    query = of_runs(DEVICE_USE, UseRow._fields, [run_id], *UseRow._fields[:3])
    return list(map(UseRow._make, sound(DEVICE_USE, UseRow._fields, connection.execute(query), [])))


def metrics_of(connection: Connection, run_id: str) -> dict[tuple[str, str], Metric]:
    """The metrics of a run by (segment id, name). Rows that cannot be true are left out."""
    fields = ("segment_id", "name", *Metric._fields)
    rows = sound(METRIC, fields, connection.execute(of_runs(METRIC, fields, [run_id], "segment_id", "name")), [])
    return {(segment_id, name): Metric._make(values) for segment_id, name, *values in rows}
