"""Tables as files: CSV, JSON Lines and Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Protocol

from ..errors import ConfigurationError
from .words.safe_text import csv_cell

if TYPE_CHECKING:
    from ..analysis.tables import Column, Row

BATCH = 4_096
"""Rows in one group of a Parquet file. This many rows are held in memory."""


class Table(Protocol):
    """A file to which rows are added."""

    def put(self, row: Row) -> None: ...
    def finish(self) -> None:
        """Write the rest. The file stays open."""
        ...


class CsvTable:
    """CSV in UTF-8, with a header. Text that a spreadsheet would take for a formula gets a single quote in front."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        self._columns, self._file = columns, file
        self._writer = csv.writer(self)
        self._writer.writerow([c.name for c in columns])

    def write(self, text: str) -> None:
        """The csv module calls this with each line."""
        self._file.write(text.encode("utf-8", "replace"))

    def put(self, row: Row) -> None:
        self._writer.writerow([_cell(row[c.name]) for c in self._columns])

    def finish(self) -> None:
        self._file.flush()


def _cell(value: object) -> object:
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_cell(value) if isinstance(value, str) else value


class JsonLines:
    """One JSON object per line. Text is exactly as it was recorded."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        self._file = file

    def put(self, row: Row) -> None:
        self._file.write(json.dumps(row).encode() + b"\n")

    def finish(self) -> None:
        self._file.flush()


class Parquet:
    """A Parquet file. Raises ConfigurationError if pyarrow is not installed."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        self._pa, parquet = _pyarrow()
        kinds = {"text": "string", "map": "string", "int": "int64", "float": "float64", "bool": "bool_"}
        self._schema = self._pa.schema([(c.name, getattr(self._pa, kinds[c.kind])()) for c in columns])
        self._maps = [c.name for c in columns if c.kind == "map"]
        self._writer = parquet.ParquetWriter(file, self._schema)
        self._rows: list[Row] = []

    def put(self, row: Row) -> None:
        self._rows.append({**row, **{name: json.dumps(row[name]) for name in self._maps}})
        if len(self._rows) == BATCH:
            self._write()

    def finish(self) -> None:
        self._write()
        self._writer.close()

    def _write(self) -> None:
        if self._rows:
            self._writer.write_table(self._pa.Table.from_pylist(self._rows, self._schema))
            self._rows.clear()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise ConfigurationError("Parquet needs the package pyarrow: `pip install 'trainwatt[parquet]'`, or take csv or jsonl") from error
    return pyarrow, pyarrow.parquet


FORMATS: Mapping[str, Callable[[IO[bytes], Sequence[Column]], Table]] = {"csv": CsvTable, "jsonl": JsonLines, "parquet": Parquet}
