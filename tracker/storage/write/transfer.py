"""Copies the rows of one run from one database to another, as often as one likes. Standard library only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .compact import ENERGY_TAIL, FOLD_TAIL
from .statements import KEYS, replacing

ENDING = ("status", "end_reason", "ended_utc_ns", "last_seen_utc_ns", "duration_s", "external", "outcome")
"""The columns of a run that its end decides. Its names may have been changed since it began, by a tracker that joined it."""
_SELECTED: Mapping[str, str] = {
    "run": "id = ?",
    "segment": "run_id = ?",
    "inventory": "run_id = ?",
    "footprint": "run_id = ?",
}
_OF_SEGMENT = "segment_id IN (SELECT id FROM segment WHERE run_id = ?)"
_TABLES = tuple(table for table in KEYS if table != "grid_intensity")  # a cache, and of no run
_ADDED = {"phase_fold": FOLD_TAIL, "phase_fold_energy": ENERGY_TAIL}


Tables = Sequence[tuple[str, Sequence[str], Sequence[Sequence[Any]]]]
"""Rows by table: its name, its columns, and the rows with values in the order of these."""


class Origin(NamedTuple):
    """Whose rows a database has that was made because another one could not be written.

    They are those of the process with segment `segment_id` of run `run_id`. `whole`: all rows of the run are there. Otherwise there is
    what the other database lacks, and folds are to be added to those there.
    """

    run_id: str
    segment_id: str
    whole: bool


def rows_of(source: sqlite3.Connection, run_id: str) -> Tables:
    """All rows of a run. Raises sqlite3.Error."""
    found = []
    for table in _TABLES:
        cursor = source.execute(f"SELECT * FROM {table} WHERE {_SELECTED.get(table, _OF_SEGMENT)}", (run_id,))
        found.append((table, [column[0] for column in cursor.description], cursor.fetchall()))
    return found


def insert(target: sqlite3.Connection, tables: Tables) -> None:
    """Put rows into a database of the same schema that has none of them. Raises sqlite3.Error."""
    for table, columns, rows in tables:
        _insert(target, table, columns, rows, "")


def merge(source: sqlite3.Connection, target: sqlite3.Connection, origin: Origin) -> bool:
    """Take the rows of `origin` from `source` into `target`, in the transaction of the caller.

    Returns False if `target` does not have the run and `source` does not have it either: then another process of the run has it. Done once
    more, it changes nothing but the folds of a database that is not `whole`. Raises sqlite3.Error.
    """
    owner = source.execute("SELECT 1 FROM segment WHERE id = ? AND role = 'owner'", (origin.segment_id,)).fetchone() is not None
    segments = {id_ for (id_,) in target.execute("SELECT id FROM segment WHERE run_id = ?", (origin.run_id,))}
    for table in _TABLES:
        columns = _common(source, target, table)
        rows = source.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
        key = "segment_id" if "segment_id" in columns else "id" if table == "segment" else None
        if key is None:
            own, others = (rows, []) if owner else ([], rows)
        else:
            at = columns.index(key)
            if table == "segment":
                if not target.execute("SELECT 1 FROM run WHERE id = ?", (origin.run_id,)).fetchone():
                    return False
                segments.update(row[at] for row in rows)
            own = [row for row in rows if row[at] == origin.segment_id]
            # Phases of a process whose rows are nowhere yet cannot be kept.
            others = [row for row in rows if row[at] != origin.segment_id and row[at] in segments]
        tail = _tail(table, columns, origin.whole)
        _insert(target, table, columns, own, tail)
        _insert(target, table, columns, others, tail if table in _SHARED else "ON CONFLICT DO NOTHING")
    return True


_SHARED = ("phase", "phase_energy", "phase_fold", "phase_fold_energy")
"""Tables in which the process that measures has rows for the phases of other processes."""


def _tail(table: str, columns: Sequence[str], whole: bool) -> str:
    """What happens to a row that is there already."""
    if table in _ADDED and not whole:
        return _ADDED[table]
    if table == "run":
        changes = [f"{c} = excluded.{c}" for c in ENDING if c in columns]
        return f"ON CONFLICT (id) DO UPDATE SET zone = coalesce(run.zone, excluded.zone), {', '.join(changes)}"
    if table == "phase":
        changes = [f"{c} = coalesce(excluded.{c}, phase.{c})" for c in ("end_t_ns", "resolved")]
        return f"ON CONFLICT (segment_id, seq) DO UPDATE SET {', '.join(changes)}"
    return replacing(table, columns)


def _common(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> list[str]:
    """The columns that a table has in both: one of the databases may be older."""
    there = {name for _, name, *_ in target.execute(f"PRAGMA table_info({table})")}
    return [name for _, name, *_ in source.execute(f"PRAGMA table_info({table})") if name in there]


def _insert(target: sqlite3.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]], tail: str) -> None:
    places = ", ".join("?" * len(columns))
    target.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) {tail}", rows)
