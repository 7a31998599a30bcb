"""The statements that write rows, from their columns. Standard library only."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby

KEYS: Mapping[str, tuple[str, ...]] = {
    "run": ("id",),
    "segment": ("id",),
    "device": ("segment_id", "name"),
    "sensor_state": ("segment_id", "device", "sensor"),
    "curve_point": ("segment_id", "device", "t_ns"),
    "phase": ("segment_id", "seq"),
    "phase_energy": ("segment_id", "seq", "owner_segment_id", "device"),
    "phase_work": ("segment_id", "seq", "unit"),
    "phase_fold": ("segment_id", "name"),
    "phase_fold_energy": ("segment_id", "name", "owner_segment_id", "device"),
    "work": ("segment_id", "unit", "phase"),
    "metric": ("segment_id", "name"),
    "metric_point": ("segment_id", "name", "seq"),
    "device_use": ("segment_id", "device", "user_segment_id"),
    "activity_point": ("segment_id", "device", "t_ns"),
    "inventory": ("run_id", "host", "kind", "name"),
    "event": ("segment_id", "seq"),
    "clock_anchor": ("segment_id", "monotonic_ns"),
    "finding": ("segment_id", "seq"),
    "grid_intensity": ("provider", "zone", "basis", "start_utc_ns"),
    "footprint": ("id",),
}
"""The primary key of every table. A table comes after the tables that it refers to."""

Rows = Mapping[str, Sequence[Mapping[str, object]]]
"""Rows by table, each a mapping from column to value."""

Statement = tuple[str, Mapping[str, object]]
"""An INSERT, UPDATE or DELETE, and its parameters by name."""


def execute(connection: sqlite3.Connection, rows: Rows, updates: Rows, then: Sequence[Statement] = ()) -> str | None:
    """Do what `Writer.write` describes, in the transaction of the caller. Returns `run` or `segment` if a row of that table that `updates`
    name is missing. Raises sqlite3.Error, ValueError for an unknown table, and UnicodeEncodeError for text that is no valid UTF-8."""
    unknown = (rows.keys() | updates.keys()) - KEYS.keys()
    if unknown:
        raise ValueError(f"no such table: {', '.join(sorted(unknown))}")
    for table in KEYS:
        for columns, batch in groupby(rows.get(table, ()), key=tuple):
            connection.executemany(_upsert(table, columns), map(_values, batch))
    for table in KEYS:
        for columns, batch in groupby(updates.get(table, ()), key=tuple):
            changing = list(batch)
            changed = connection.executemany(_update(table, columns), changing).rowcount
            if changed < len(changing) and table in ("run", "segment"):  # rows of other tables may have been dropped in a long outage
                return table
    for sql, parameters in then:
        connection.execute(sql, parameters)
    return None


def replacing(table: str, columns: Sequence[str]) -> str:
    """The end of an INSERT that replaces the given columns of a row which is there already."""
    keys = KEYS[table]
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in keys)
    return f"ON CONFLICT ({', '.join(keys)}) DO {f'UPDATE SET {changes}' if changes else 'NOTHING'}"


def insert_once(table: str, row: Mapping[str, object]) -> Statement:
    """Insert a row, unless there is one with its key."""
    columns = ", ".join(row)
    return (
        f"INSERT INTO {table} ({columns}) VALUES ({', '.join(f':{c}' for c in row)}) ON CONFLICT ({', '.join(KEYS[table])}) DO NOTHING",
        row,
    )


_MERGED = {("phase", "resolved"): "MIN(:resolved, COALESCE(resolved, 1))"}
"""Columns that several processes write: a phase is resolved if its energy is on all devices."""


@cache
def _upsert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) {replacing(table, columns)}"


@cache
def _update(table: str, columns: tuple[str, ...]) -> str:
    keys = KEYS[table]
    changes = ", ".join(f"{column} = {_MERGED.get((table, column), f':{column}')}" for column in columns if column not in keys)
    return f"UPDATE {table} SET {changes} WHERE {' AND '.join(f'{key} = :{key}' for key in keys)}"


def _values(row: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(row.values())  # by position: looking each column up by its name would double the time
