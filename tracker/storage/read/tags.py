"""The runs that have tags. A database has the tags of a run as JSON text, which both databases read differently: the text leaves out the
runs that cannot fit, and the others are read one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select

from ..schema import RUN
from .checked import from_json
from .rows import Query

Tag = tuple[str, str | None]
"""A name and a value that a run has; None for any value."""


def have(tags: Mapping[str, Any], wanted: Sequence[Tag]) -> bool:
    """Whether a run with `tags` has all that are wanted. A number is written as Python writes it."""
    return all(name in tags and (value is None or str(tags[name]) == value) for name, value in wanted)


def perhaps(query: Select[Any], wanted: Sequence[Tag]) -> Select[Any]:
    """A query of the table of runs, without most of those that have not the tags."""
    for text in (text for tag in wanted for text in tag if text is not None and text.isascii()):
        query = query.where(RUN.c.tags.contains(json.dumps(text)[1:-1], autoescape=True))  # other letters may be written in two ways
    return query


def tagged(connection: Connection, query: Query, wanted: Sequence[Tag]) -> Iterator[str]:
    """The ids of the runs with the tags, in the order of a query of the table of runs."""
    for run_id, text in connection.execute(perhaps(query, wanted).with_only_columns(RUN.c.id, RUN.c.tags)):
        if have(from_json("run", "tags", text, []), wanted):
            yield run_id
