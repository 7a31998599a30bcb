"""Parts of queries: the columns that have the names of a record's fields, the runs that fit filters, and ids in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, or_, select

from ..schema import RUN, RUN_STATUS, SEGMENT

CHUNK = 500
"""Ids in one statement: both databases limit the number of its parameters."""

Query = Select[*tuple[Any, ...]]
"""A query of any columns; a record's `_make` gives the rows their types."""

SORTS: Mapping[str, ColumnElement[Any]] = {
    "started": RUN.c.started_utc_ns,
    "duration": RUN.c.duration_s,
    "project": RUN.c.project,
    "name": RUN.c.name,
    "status": RUN_STATUS,
}
"""The columns by which runs can be sorted."""
_NULLABLE = ("duration", "name")


def select_fields(table: Table, fields: tuple[str, ...]) -> Query:
    """The columns of `table` that have the names `fields`, in their order."""
    return select(*(table.c[name] for name in fields))


def segments_of(run_ids: Sequence[str]) -> Select[tuple[str]]:
    """The ids of the segments of runs, for use within a query."""
    return select(SEGMENT.c.id).where(SEGMENT.c.run_id.in_(run_ids))


def of_runs(table: Table, fields: tuple[str, ...], run_ids: Sequence[str], *order: str) -> Query:
    """The rows of a table whose segments belong to runs, in order of the columns `order`."""
    query = select_fields(table, fields).where(table.c.segment_id.in_(segments_of(run_ids)))
    return query.order_by(*(table.c[name] for name in order))


def fitting(
    query: Select[Any],
    project: str | None,
    group: str | None,
    since_utc_ns: int | None,
    search: str | None,
    stage: str | None = None,
) -> Select[Any]:
    """A query of the table of runs, restricted to those that fit."""
    for column, value in ((RUN.c.project, project), (RUN.c.group_name, group), (RUN.c.stage, stage)):
        if value is not None:
            query = query.where(column == value)
    if since_utc_ns is not None:
        query = query.where(RUN.c.started_utc_ns >= since_utc_ns)
    if search:
        looked_in = (RUN.c.id, RUN.c.project, RUN.c.name, RUN.c.group_name, RUN.c.host, RUN.c.command)
        query = query.where(or_(*(func.lower(column).contains(search.lower(), autoescape=True) for column in looked_in)))
    return query


def ordered(query: Query, sort: str) -> Query:
    """A query of the table of runs, in the order `sort`: one of SORTS; with a "-" before it, the greatest comes first."""
    name, descending = sort.lstrip("-"), sort.startswith("-")
    column = SORTS[name]
    order = column.desc() if descending else column.asc()
    # Where a value can be missing, the databases differ in its place. Where none can, the index serves only an order that does not say it.
    order = order.nulls_last() if name in _NULLABLE else order
    return query.order_by(order, RUN.c.id.desc() if descending else RUN.c.id)


def chunks_of(ids: Iterable[str]) -> list[list[str]]:
    """The ids, each once, in lists that are short enough for a statement."""
    every = list(dict.fromkeys(ids))
    return [every[start : start + CHUNK] for start in range(0, len(every), CHUNK)]


def batches(ids: Iterable[str], size_of: Mapping[str, float], most: float) -> Iterator[list[str]]:
    """The ids in lists whose sizes add up to `most` at the most. One that is larger is alone."""
    batch: list[str] = []
    size = 0.0
    for each in ids:
        if batch and size + size_of[each] > most:
            yield batch
            batch, size = [], 0.0
        batch.append(each)
        size += size_of[each]
    if batch:
        yield batch
