"""The queries of the metrics that the processes of a run have logged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from ....core.metric import Metric, MetricPoint
from ...schema import METRIC, METRIC_POINT
from ..checked import sound
from ..rows import of_runs


def metrics_of(connection: Connection, run_id: str) -> dict[tuple[str, str], Metric]:
    """The metrics of a run by (segment id, name). Rows that cannot be true are left out."""
    fields = ("segment_id", "name", *Metric._fields)
    rows = sound(METRIC, fields, connection.execute(of_runs(METRIC, fields, [run_id], "segment_id", "name")), [])
    return {(segment_id, name): Metric._make(values) for segment_id, name, *values in rows}


def metric_points_of(connection: Connection, run_ids: Sequence[str]) -> dict[tuple[str, str], list[MetricPoint]]:
    """The values of the metrics of runs over time, by (segment id, name), in order. Rows that cannot be true are left out."""
    fields = ("segment_id", "name", *MetricPoint._fields)
    query = of_runs(METRIC_POINT, fields, run_ids, "segment_id", "name", "seq")
    found: dict[tuple[str, str], list[MetricPoint]] = defaultdict(list)
    for segment_id, name, *values in sound(METRIC_POINT, fields, connection.execute(query), []):
        found[segment_id, name].append(MetricPoint._make(values))
    return dict(found)
