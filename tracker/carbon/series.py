"""PURE: values over time (grid intensities, prices) as sorted intervals that do not overlap, with their gaps.

A user's series is CSV with a header: `start` and the value's column, and where known `end`, `basis` (lifecycle or direct; one for the
whole file) and `estimated` (yes, no). Times are ISO 8601 with an offset or Z, because a local time is ambiguous when the
clocks go back. A row without an end lasts as long as the rows usually do, and never into the next row: a missing hour stays missing.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from ..errors import ConfigurationError
from .tables.basis import Basis, basis_named

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_LINE = 10_000
"""Characters of a line of CSV. A row has fewer than a hundred; a file with longer lines is something else."""
LONGEST_SHOWN = 60
"""Characters of a wrong value that a message shows."""
MOST_STEPS = 10_000
"""How many different times from a row to the next are counted, for rows without an end. A series has one or a few."""

Span = tuple[int, int]
"""The start and the end of a time, in UTC nanoseconds."""


class Column(NamedTuple):
    """The column that is read, and the range of its plausible values."""

    name: str
    lowest: float
    highest: float
    unit: str


INTENSITY = Column("intensity_g_per_kwh", 0.0, 2000.0, "g/kWh")
"""A grid that burns only lignite in old plants emits about 1,300."""
PRICE = Column("price_per_kwh", -100.0, 1000.0, "a kWh")


class _DisorderError(Exception):
    """A row begins before the one above it."""


class Slot(NamedTuple):
    """A value over an interval of time, start included, end not. `value` is in g/kWh for an intensity. `low` and `high` bound it, if they
    are known (grid/ranged.py)."""

    start_utc_ns: int
    end_utc_ns: int
    value: float
    estimated: bool
    source: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Slots, sorted and not overlapping. `basis` is None if it is not stated. `source` names a live provider or the user's file.
    `derived_from` is the basis on which the source has the values, if these are derived from it."""

    slots: tuple[Slot, ...]
    source: str
    basis: Basis | None = None
    from_provider: bool = False
    derived_from: Basis | None = None

    def between(self, start_utc_ns: int, end_utc_ns: int) -> Iterator[tuple[int, int, Slot | None]]:
        """The time from start to end in pieces (start, end, slot), in order and without gaps; the slot is None if the series has no
        value."""
        at = start_utc_ns
        first = bisect_right(self.slots, start_utc_ns, key=lambda slot: slot.end_utc_ns)
        for index in range(first, len(self.slots)):
            slot = self.slots[index]
            if max(slot.start_utc_ns, at) >= end_utc_ns:
                break
            if slot.start_utc_ns > at:
                yield at, slot.start_utc_ns, None
                at = slot.start_utc_ns
            until = min(slot.end_utc_ns, end_utc_ns)
            yield at, until, slot
            at = until
        if at < end_utc_ns:
            yield at, end_utc_ns, None

    def gaps(self, start_utc_ns: int, end_utc_ns: int) -> list[tuple[int, int]]:
        """The parts of the time from start to end without a value."""
        return [(a, b) for a, b, slot in self.between(start_utc_ns, end_utc_ns) if slot is None]


def series(slots: Iterable[Slot], source: str, basis: Basis | None = None, *, from_provider: bool = False) -> Series:
    """Slots as a sorted series. Raises ConfigurationError if two overlap or one has no length."""
    ordered = tuple(sorted(slots))
    for slot in ordered:
        if slot.end_utc_ns <= slot.start_utc_ns:
            raise ConfigurationError(f"{source}: the interval at {iso(slot.start_utc_ns)} ends before it begins; correct its times")
    for a, b in pairwise(ordered):
        if b.start_utc_ns < a.end_utc_ns:
            raise ConfigurationError(
                f"{source}: the intervals at {iso(a.start_utc_ns)} and {iso(b.start_utc_ns)} overlap: give one value for each time"
            )
    return Series(ordered, source, basis, from_provider)


def read_series(
    text: str | Callable[[], Iterable[str]], source: str, column: Column = INTENSITY, within: Iterable[Span] | None = None
) -> Series:
    """A series from CSV text, or from what returns its lines; `source` names it in results and errors.

    `within`: only the slots that overlap one of these times are kept. A file whose rows are in order of time then needs no more memory than
    these slots do; of another one the lines are asked for twice. Every row is checked in any case. Raises ConfigurationError with the line,
    the value and a remedy.
    """
    lines = text.splitlines if isinstance(text, str) else text
    wanted = None if within is None else _Wanted(within)
    bases: set[Basis] = set()
    try:
        slots = _slots(_rows(lines(), source, column, bases), source, wanted)
    except _DisorderError:
        slots = _slots(sorted(_rows(lines(), source, column, bases), key=lambda row: row.start_utc_ns), source, wanted)
    if len(bases) > 1:
        raise ConfigurationError(
            f"{source} mixes {' and '.join(sorted(bases))} values, which cannot be added: split it into a file for each basis"
        )
    return Series(tuple(slots), source, next(iter(bases), None))


def utc_ns(text: str) -> int:
    """UTC nanoseconds of an ISO 8601 time with an offset. Raises ValueError for any other text."""
    time = datetime.fromisoformat(text.strip())
    if time.tzinfo is None:
        raise ValueError("it has no offset from UTC")
    return (time - EPOCH) // timedelta(microseconds=1) * 1000


def iso(time_utc_ns: int) -> str:
    """ "2026-03-29T01:00:00Z"."""
    return (EPOCH + timedelta(microseconds=time_utc_ns // 1000)).replace(tzinfo=None).isoformat() + "Z"


class _Row(NamedTuple):
    start_utc_ns: int
    end_utc_ns: int | None
    value: float
    estimated: bool
    line: int


class _Wanted:
    """Times, in order and joined where they overlap."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start_ns, end_ns in sorted(spans):
            if self._ends and start_ns <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end_ns)
            else:
                self._starts.append(start_ns)
                self._ends.append(end_ns)

    def meets(self, start_ns: int, end_ns: int) -> bool:
        """Whether one of them overlaps the time from start to end."""
        at = bisect_right(self._ends, start_ns)
        return at < len(self._starts) and self._starts[at] < end_ns


def _rows(lines: Iterable[str], source: str, column: Column, bases: set[Basis]) -> Iterator[_Row]:
    """The rows, checked one by one. Each basis that they state is added to `bases`."""
    reader = csv.reader(_bounded(lines, source), skipinitialspace=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        for name in ("start", column.name):
            if name not in names:
                has = ", ".join(names)[:LONGEST_SHOWN] or "nothing"
                raise ConfigurationError(f"{source} has no column {name!r} (it has: {has}): write the header start,end,{column.name}")
        places = {name: place for place, name in enumerate(names)}
        for cells in reader:
            if cells:
                yield _row(cells, places, len(names), column, bases, f"{source}, line {reader.line_num}", reader.line_num)
    except csv.Error as error:
        raise ConfigurationError(
            f"{source}, line {reader.line_num}: it is not CSV ({error}); write one row a line, without quotes"
        ) from None


def _bounded(lines: Iterable[str], source: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            raise ConfigurationError(f"{source}, line {number} has more than {LONGEST_LINE:,} characters: it is not a series of values")
        yield line.removeprefix("\ufeff") if number == 1 else line


def _row(cells: list[str], places: dict[str, int], width: int, column: Column, bases: set[Basis], where: str, line: int) -> _Row:
    def cell(name: str) -> str:
        place = places.get(name, len(cells))
        return cells[place].strip() if place < len(cells) else ""

    if len(cells) > width:
        raise ConfigurationError(f"{where} has more cells than the header: write decimals with a point, and no comma within a cell")
    start = _time(cell("start"), where)
    end = _time(text, where) if (text := cell("end")) else None
    if end is not None and end <= start:
        raise ConfigurationError(f"{where}: it ends ({text}) before it begins ({cell('start')}); correct its times")
    text = cell(column.name)
    try:
        value = float(text)
    except ValueError:
        raise ConfigurationError(
            f"{where}: {column.name}={text[:LONGEST_SHOWN]!r} is not a number; leave the row out if the value is not known"
        ) from None
    if not (math.isfinite(value) and column.lowest <= value <= column.highest):
        raise ConfigurationError(
            f"{where}: {column.name}={text[:LONGEST_SHOWN]} cannot be true: give a number from {column.lowest:g} to {column.highest:g}"
            f" {column.unit}"
        )
    text, estimated = cell("basis"), cell("estimated").lower()
    if text:
        basis = basis_named(text)
        if basis is None:
            known = ", ".join(Basis)
            raise ConfigurationError(f"{where}: basis={text[:LONGEST_SHOWN]!r} is none of {known}; leave it empty where it is not known")
        bases.add(basis)
    if estimated not in ("", "yes", "no", "true", "false", "1", "0"):
        raise ConfigurationError(f"{where}: estimated={estimated[:LONGEST_SHOWN]!r}: write yes or no")
    return _Row(start, end, value, estimated in ("yes", "true", "1"), line)


def _time(text: str, where: str) -> int:
    try:
        return utc_ns(text)
    except ValueError as error:
        why = "has no offset from UTC" if "offset" in str(error) else "is not an ISO 8601 time"
        raise ConfigurationError(
            f"{where}: the time {text[:LONGEST_SHOWN]!r} {why}: write it as 2026-03-29T01:00Z or 2026-03-29T03:00+02:00"
        ) from None


def _slots(rows: Iterable[_Row], source: str, wanted: _Wanted | None) -> list[Slot]:
    """The wanted slots of rows that come in order of time. Raises _DisorderError if they do not."""
    steps = Counter[int]()
    kept: list[tuple[_Row, int | None]] = []  # with the time until the next row
    before: _Row | None = None
    for row in rows:
        if before is not None:
            step = row.start_utc_ns - before.start_utc_ns
            if step < 0:
                raise _DisorderError
            if row.start_utc_ns < (before.end_utc_ns or before.start_utc_ns + 1):
                raise ConfigurationError(f"{source}, line {row.line}: it overlaps line {before.line}; give one value for each time")
            if step in steps or len(steps) < MOST_STEPS:
                steps[step] += 1
            if wanted is None or wanted.meets(before.start_utc_ns, before.end_utc_ns or row.start_utc_ns):
                kept.append((before, step))
        before = row
    if before is None:
        raise ConfigurationError(f"{source} has no rows: give one for each interval, as in 2026-03-29T01:00Z,2026-03-29T02:00Z,212")
    kept.append((before, None))
    usual, slots = _lower_median(steps), []
    for row, until_next in kept:
        end = row.end_utc_ns
        if end is None:
            if usual is None:
                raise ConfigurationError(f"{source}, line {row.line}: a single row does not say how long it holds: give it an end")
            end = row.start_utc_ns + (usual if until_next is None else min(usual, until_next))
        if wanted is None or wanted.meets(row.start_utc_ns, end):
            slots.append(Slot(row.start_utc_ns, end, row.value, row.estimated, source))
    return slots


def _lower_median(counts: Counter[int]) -> int | None:
    """The lower median of numbers that are counted; None if there are none."""
    rest = (counts.total() + 1) // 2
    for number in sorted(counts):
        rest -= counts[number]
        if rest <= 0:
            return number
    return None
