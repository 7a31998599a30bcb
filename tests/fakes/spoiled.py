"""A database of real runs in which single values of one run are replaced by bytes that no reader expects."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner, Result

from tests.golden import BASE, FAILED, WIDE, database
from trainwatt.cli.main import cli
from trainwatt.storage.migrate import migrate

VICTIM, SOUND = BASE, (WIDE, FAILED)
"""The run whose values are replaced, and two others."""
NASTY: dict[str, str] = {
    "blob": "x'ff00fe'",
    "not UTF-8": "CAST(x'66ff66' AS TEXT)",
    "text": "'abc'",
    "infinity": "9e999",
    "minus infinity": "-9e999",
    "huge": "1e300",
    "largest integer": "9223372036854775807",
    "smallest integer": "-9223372036854775808",
    "negative": "-5",
    "half": "0.5",
    "nothing": "''",
    "cut JSON": "'{\"a\": '",
    "deep JSON": f"'{'[' * 3000}'",
    "deep but closed JSON": f"'{'[' * 400}{']' * 400}'",
    "infinite JSON": '\'{"a": 1e999, "pue": NaN}\'',
    "JSON of other types": """'{"pue": "x", "ranks_here": [], "intensity_g_per_kwh": -1, "hardware": 5, "bytes": "x", "sockets": {}}'""",
    "lone surrogate": '\'{"a": "\\ud800"}\'',
}
"""SQL expressions."""
OF_RUN = {
    "run": "id = :run",
    "inventory": "run_id = :run",
    "phase": "run_id = :run",
    "segment": "run_id = :run",
}
KEYS = {("run", "id"), ("segment", "id"), ("segment", "run_id"), ("phase", "run_id"), ("inventory", "run_id"), ("footprint", "run_id")}
"""A row with another key belongs to no run, or to another one."""


class Cell(NamedTuple):
    """A column, and what its value is replaced by in all rows of the run, or in one of them."""

    table: str
    column: str
    nasty: str
    every: bool


def cells() -> Iterator[Cell]:
    """All that can be replaced."""
    from trainwatt.storage.schema import METADATA

    for table in METADATA.sorted_tables:
        for column in table.columns:
            if table.name in ("sensor_state", "grid_intensity", "footprint") or (table.name, column.name) in KEYS:
                continue
            for nasty in NASTY:
                yield Cell(table.name, column.name, nasty, every=False)


class Spoiled:
    """A database below `folder`, made anew for each cell."""

    def __init__(self, folder: Path) -> None:
        (folder / "sound").mkdir()
        (folder / "spoiled").mkdir()
        self._sound = database(folder / "sound")
        migrate(str(self._sound))
        self.db = folder / "spoiled" / "runs.db"
        shutil.copy(self._sound, self.db)
        self.before = {run_id: self.json("show", run_id) for run_id in (VICTIM, *SOUND)}
        self.listed = self.json("list")["runs"]

    def spoil(self, cell: Cell) -> int:
        """Replace a value. Returns how many rows were changed."""
        of_run = OF_RUN.get(cell.table, "segment_id IN (SELECT id FROM segment WHERE run_id = :run)")
        one = "" if cell.every else f" AND rowid = (SELECT max(rowid) FROM {cell.table} WHERE {of_run})"
        shutil.copy(self._sound, self.db)
        with closing(sqlite3.connect(self.db)) as connection, connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            statement = f"UPDATE OR IGNORE {cell.table} SET {cell.column} = {NASTY[cell.nasty]} WHERE {of_run}{one}"
            return connection.execute(statement, {"run": VICTIM}).rowcount

    def call(self, *command: str) -> Result:
        """What a command prints."""
        return CliRunner().invoke(cli, [*command, "--db", str(self.db)], env={"COLUMNS": "200"}, standalone_mode=False)

    def json(self, *command: str) -> Any:
        """The JSON that a command prints, which must be valid."""
        result = self.call(*command, "--json")
        assert result.exception is None, (command, result.exception)
        return json.loads(result.stdout, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")
