"""The queries of the metrics that the processes of a run have logged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from ....core.metric import Metric, MetricPoint
from ...schema import METRIC, METRIC_POINT, SEGMENT
from ..checked import sound
from ..rows import of_runs


def metrics_of(connection: Connection, run_id: str) -> dict[tuple[str, str], Metric]:
    """The metrics of a run by (segment id, name). Rows that cannot be true are left out."""
    fields = ("segment_id", "name", *Metric._fields)
    rows = sound(METRIC, fields, connection.execute(of_runs(METRIC, fields, [run_id], "segment_id", "name")), [])
    return {(segment_id, name): Metric._make(values) for segment_id, name, *values in rows}


def of_name(connection: Connection, run_ids: Sequence[str], name: str) -> Iterator[tuple[str, Metric]]:
    """The runs that have logged a metric, each process of a run apart, in the order in which these began."""
    fields = ("run_id", "segment_id", "name", *Metric._fields)
    query = select(SEGMENT.c.run_id, *(METRIC.c[field] for field in fields[1:])).join(SEGMENT, SEGMENT.c.id == METRIC.c.segment_id)
    query = query.where(SEGMENT.c.run_id.in_(run_ids), METRIC.c.name == name)
    for run_id, _, _, *values in sound(
        METRIC, fields, connection.execute(query.order_by(SEGMENT.c.started_utc_ns, SEGMENT.c.id)).all(), []
    ):
        yield run_id, Metric._make(values)


def names_in(connection: Connection, run_ids: Sequence[str]) -> list[str]:
    """The names of the metrics that runs have logged, in order."""
    query = select(METRIC.c.name).distinct().join(SEGMENT, SEGMENT.c.id == METRIC.c.segment_id)
    found = connection.scalars(query.where(SEGMENT.c.run_id.in_(run_ids)).order_by(METRIC.c.name))
    return [name for name in found if isinstance(name, str)]


def metric_points_of(connection: Connection, run_ids: Sequence[str]) -> dict[tuple[str, str], list[MetricPoint]]:
    """The values of the metrics of runs over time, by (segment id, name), in order. Rows that cannot be true are left out."""
    fields = ("segment_id", "name", *MetricPoint._fields)
    query = of_runs(METRIC_POINT, fields, run_ids, "segment_id", "name", "seq")
    found: dict[tuple[str, str], list[MetricPoint]] = defaultdict(list)
    for segment_id, name, *values in sound(METRIC_POINT, fields, connection.execute(query), []):
        found[segment_id, name].append(MetricPoint._make(values))
    return dict(found)
