"""Queries whose rows are records: the columns are selected by the names of the record's fields."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Select, Table, select

from ..schema import SEGMENT

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


def from_json(text: Any) -> dict[str, Any]:
    """A JSON object; any other JSON value becomes the only value of an object, under the key "value"."""
    value = json.loads(text)
    return value if isinstance(value, dict) else {"value": value}
