"""Parts of queries: the columns that have the names of a record's fields, the runs that fit filters, and ids in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, Table, func, or_, select

from ..schema import RUN, SEGMENT

CHUNK = 500
"""Ids in one statement: both databases limit the number of its parameters."""

Query = Select[*tuple[Any, ...]]
"""A query of any columns; a record's `_make` gives the rows their types."""


def select_fields(table: Table, fields: tuple[str, ...]) -> Query:
    """The columns of `table` that have the names `fields`, in their order."""
    return select(*(table.c[name] for name in fields))


def segments_of(run_id: str) -> Select[tuple[str]]:
    """The ids of a run's segments, for use within a query."""
    return select(SEGMENT.c.id).where(SEGMENT.c.run_id == run_id)


def of_run(table: Table, fields: tuple[str, ...], run_id: str, *order: str) -> Query:
    """The rows of a table whose segments belong to a run, in order of the columns `order`."""
    query = select_fields(table, fields).where(table.c.segment_id.in_(segments_of(run_id)))
    return query.order_by(*(table.c[name] for name in order))


def fitting(query: Select[Any], project: str | None, group: str | None, since_utc_ns: int | None, search: str | None) -> Select[Any]:
    """A query of the table of runs, restricted to those that fit."""
    for column, value in ((RUN.c.project, project), (RUN.c.group_name, group)):
        if value is not None:
            query = query.where(column == value)
    if since_utc_ns is not None:
        query = query.where(RUN.c.started_utc_ns >= since_utc_ns)
    if search:
        looked_in = (RUN.c.id, RUN.c.project, RUN.c.name, RUN.c.group_name, RUN.c.host, RUN.c.command)
        query = query.where(or_(*(func.lower(column).contains(search.lower(), autoescape=True) for column in looked_in)))
    return query


def chunks_of(ids: Iterable[str]) -> list[list[str]]:
    """The ids, each once, in lists that are short enough for a statement."""
    every = list(dict.fromkeys(ids))
    return [every[start : start + CHUNK] for start in range(0, len(every), CHUNK)]
