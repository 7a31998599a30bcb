"""PURE: lines, numbers and times of other tools' files. A value that cannot be right is refused with its line, its reason and a remedy."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from ..core.units import NS_PER_S
from ..errors import ConfigurationError

LONGEST_LINE = 65_536
"""Characters of a line. A row of these files has a few hundred."""
LONGEST_SHOWN = 60
"""Characters of a wrong value that a message shows."""
MOST_COLUMNS = 500
LATEST_UTC_NS = 7_258_118_400 * NS_PER_S
"""The beginning of the year 2200: a later time is not believed when a run is read."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MISSING = {"", "n/a", "[n/a]", "nan", "none", "unknown", "[unknown error]", "[not supported]", "not supported", "[gpu requires reset]"}


class RowError(ConfigurationError):
    """A row that cannot be used. The other rows of the file can be."""


class Refused(NamedTuple):
    """A row that was left out, and why."""

    why: str


class TableRow(NamedTuple):
    """A row of a table: the number of its line, and its cells by column."""

    line: int
    cells: Mapping[str, str]

    def text(self, *columns: str) -> str | None:
        """The first of these columns that has a value; None if none has one."""
        return next((cell for column in columns if (cell := self.cells.get(column, "").strip()).lower() not in _MISSING), None)

    def number(self, column: str, lowest: float, highest: float, unit: str) -> float | None:
        """A number within bounds; None if there is none. Raises RowError."""
        text = self.text(column)
        return None if text is None else number(text, f"line {self.line}: {column}", lowest, highest, unit)


def is_missing(text: str) -> bool:
    """Whether a cell says that there is no value."""
    return text.strip().lower() in _MISSING


def shown(text: str) -> str:
    """A value as a message quotes it."""
    return repr(text[:LONGEST_SHOWN] + ("…" if len(text) > LONGEST_SHOWN else ""))


def number(text: str, name: str, lowest: float, highest: float, unit: str) -> float:
    """A number within bounds. Raises RowError."""
    try:
        value = float(text)
    except ValueError:
        raise RowError(f"{name} {shown(text)}: it is not a number; correct the file, or leave the row out") from None
    if not (math.isfinite(value) and lowest <= value <= highest):
        raise RowError(f"{name} {shown(text)}: it must be from {lowest:g} to {highest:g} {unit}; correct the file, or leave the row out")
    return value


def utc_ns(text: str, name: str, after_ns: int | None = None) -> int:
    """A time as UTC nanoseconds. One without an offset is in the local time of this machine, as these tools write it.

    When clocks go back, a local time occurs twice: it is the second one if the first one would be before `after_ns`. Raises RowError.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace("/", "-"))
        found = _ns(moment)
        if after_ns is not None and found < after_ns and moment.tzinfo is None:
            found = _ns(moment.replace(fold=1))
        if not 0 <= found <= LATEST_UTC_NS:
            raise RowError(f"{name} {shown(text)}: it is not between 1970 and 2200; correct the file, or leave the row out")
        return found
    except RowError:
        raise
    except (ValueError, OverflowError, OSError):
        raise RowError(
            f"{name} {shown(text)}: it is not a time such as 2026-11-01T14:05:00; correct the file, or leave the row out"
        ) from None


def _ns(moment: datetime) -> int:
    since = moment.astimezone(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000


_ELAPSED = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)(?:\.\d+)?")


def elapsed_s(text: str, name: str) -> float:
    """Seconds of "1-02:03:04", as Slurm writes a duration. Raises RowError."""
    match = _ELAPSED.fullmatch(text.strip())
    if match is None:
        raise RowError(f"{name} {shown(text)}: it is not a duration such as 1-02:03:04; correct the file, or leave the row out")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60.0 + seconds


def table(lines: Iterable[str], source: str, delimiter: str = ",") -> tuple[list[str], Iterator[TableRow | Refused]]:
    """The columns of a table, and its rows. A repeated header is passed over. Raises ConfigurationError."""
    numbered = _Numbered(lines, source)
    reader = csv.reader(
        numbered, delimiter=delimiter, skipinitialspace=True, quoting=csv.QUOTE_NONE if delimiter == "|" else csv.QUOTE_MINIMAL
    )
    header = next((row for row in reader if any(cell.strip() for cell in row)), [])
    columns = [cell.strip() for cell in header]
    if len(columns) > MOST_COLUMNS:
        raise ConfigurationError(f"{source}: its first line has {len(columns):,} columns; name a file that one of the tools wrote")
    return columns, _rows(reader, numbered, columns, source)


class _Numbered:
    """Lines, and the number of the one that was read last."""

    def __init__(self, lines: Iterable[str], source: str) -> None:
        self._lines, self._source, self.line = iter(lines), source, 0

    def __iter__(self) -> _Numbered:
        return self

    def __next__(self) -> str:
        text = next(self._lines)
        self.line += 1
        if len(text) > LONGEST_LINE:
            raise ConfigurationError(
                f"{self._source}, line {self.line}: it has more than {LONGEST_LINE:,} characters; name a file that one of the tools wrote"
            )
        return text.replace("\0", "")


def _rows(reader: Iterator[list[str]], numbered: _Numbered, columns: Sequence[str], source: str) -> Iterator[TableRow | Refused]:
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Refused(f"{source}, line {numbered.line}: it cannot be read as a row ({error}); correct the file")
            continue
        if cells is None:
            return
        stripped = [cell.strip() for cell in cells]
        if not any(stripped) or stripped == list(columns):
            continue
        if len(stripped) < len(columns) or any(stripped[len(columns) :]):
            yield Refused(
                f"{source}, line {numbered.line}: it has {len(stripped)} cells and the header has {len(columns)} columns; it was cut off,"
                " or is of another version of the tool; correct it, or put rows of each version into a file of their own"
            )
            continue
        yield TableRow(numbered.line, dict(zip(columns, stripped, strict=False)))
