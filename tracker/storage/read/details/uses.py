"""The query of what the ranks of a run have used of its devices."""

from __future__ import annotations

from sqlalchemy import Connection

from ...schema import DEVICE_USE
from ..checked import sound
from ..records import UseRow
from ..rows import of_runs


def uses_of(connection: Connection, run_id: str) -> list[UseRow]:
    """What the ranks of a run have used, by process that looked and device. Rows that cannot be true are left out."""
    query = of_runs(DEVICE_USE, UseRow._fields, [run_id], *UseRow._fields[:3])
    return list(map(UseRow._make, sound(DEVICE_USE, UseRow._fields, connection.execute(query), [])))
