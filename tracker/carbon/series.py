"""PURE: values over time (grid intensities, prices) as sorted intervals that do not overlap, with their gaps.

A user's series is CSV with a header: `start` and the value's column, and where known `end`, `basis` (lifecycle or direct; one for the
whole file) and `estimated` (yes, no). Times are ISO 8601 with an offset or Z, because a local time is ambiguous when the
clocks go back. A row without an end lasts as long as the rows usually do, and never into the next row: a missing hour stays missing.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple, Protocol

from ..errors import ConfigurationError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BASES = ("lifecycle", "direct")


class Column(NamedTuple):
    """The column that is read, and the range of its plausible values."""

    name: str
    lowest: float
    highest: float
    unit: str


INTENSITY = Column("intensity_g_per_kwh", 0.0, 2000.0, "g/kWh")
"""A grid that burns only lignite in old plants emits about 1,300."""
PRICE = Column("price_per_kwh", -100.0, 1000.0, "a kWh")


class HasBasis(Protocol):
    """A factor with its basis; None if it is not stated."""

    @property
    def basis(self) -> str | None: ...


class Slot(NamedTuple):
    """A value over an interval of time, start included, end not. `value` is in g/kWh for an intensity."""

    start_utc_ns: int
    end_utc_ns: int
    value: float
    estimated: bool
    source: str


@dataclass(frozen=True, slots=True)
class Series:
    """Slots, sorted and not overlapping. `basis` is None if it is not stated. `source` names a live provider or the user's file."""

    slots: tuple[Slot, ...]
    source: str
    basis: str | None = None
    from_provider: bool = False

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


def series(slots: Iterable[Slot], source: str, basis: str | None = None, *, from_provider: bool = False) -> Series:
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


def read_series(text: str, source: str, column: Column = INTENSITY) -> Series:
    """A series from CSV text; `source` names it in results and errors. Raises ConfigurationError with the line, the value and a remedy."""
    reader = csv.DictReader(text.removeprefix("\ufeff").splitlines(), skipinitialspace=True)
    names = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    for name in ("start", column.name):
        if name not in names:
            raise ConfigurationError(
                f"{source} has no column {name!r} (it has: {', '.join(names) or 'nothing'}): write the header start,end,{column.name}"
            )
    rows = [_row(row, f"{source}, line {reader.line_num}", column) for row in reader]
    if not rows:
        raise ConfigurationError(f"{source} has no rows: give one for each interval, as in 2026-03-29T01:00Z,2026-03-29T02:00Z,212")
    bases = sorted({row.basis for row in rows if row.basis})
    if len(bases) > 1:
        raise ConfigurationError(f"{source} mixes {' and '.join(bases)} values, which cannot be added: split it into a file for each basis")
    return Series(tuple(_slots(sorted(rows), source)), source, bases[0] if bases else None)


def require_same_basis(figures: Iterable[HasBasis]) -> str | None:
    """The common basis of all figures that state one. Raises ConfigurationError if life-cycle and direct figures are mixed."""
    found = sorted({f.basis for f in figures if f.basis is not None})
    if len(found) > 1:
        raise ConfigurationError(
            f"intensities on different bases ({' and '.join(found)}) cannot be added or compared: a life-cycle figure counts fuel supply"
            " and construction too; choose factors of one basis, as in figure(zone, basis='lifecycle')"
        )
    return found[0] if found else None


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
    basis: str | None
    where: str


def _row(row: dict[str, str | None], where: str, column: Column) -> _Row:
    cells = {name: (text or "").strip() for name, text in row.items() if name is not None and not isinstance(text, list)}
    if None in row:
        raise ConfigurationError(f"{where} has more cells than the header: write decimals with a point, and no comma within a cell")
    start, end = _time(cells["start"], where), _time(cells["end"], where) if cells.get("end") else None
    if end is not None and end <= start:
        raise ConfigurationError(f"{where}: it ends ({cells['end']}) before it begins ({cells['start']}); correct its times")
    text = cells[column.name]
    try:
        value = float(text)
    except ValueError:
        raise ConfigurationError(f"{where}: {column.name}={text!r} is not a number; leave the row out if the value is not known") from None
    if not (math.isfinite(value) and column.lowest <= value <= column.highest):
        raise ConfigurationError(
            f"{where}: {column.name}={text} cannot be true: give a number from {column.lowest:g} to {column.highest:g} {column.unit}"
        )
    basis, estimated = cells.get("basis", "").lower() or None, cells.get("estimated", "").lower()
    if basis is not None and basis not in BASES:
        raise ConfigurationError(f"{where}: basis={basis!r} is none of {', '.join(BASES)}; leave it empty where it is not known")
    if estimated not in ("", "yes", "no", "true", "false", "1", "0"):
        raise ConfigurationError(f"{where}: estimated={estimated!r}: write yes or no")
    return _Row(start, end, value, estimated in ("yes", "true", "1"), basis, where)


def _time(text: str, where: str) -> int:
    try:
        return utc_ns(text)
    except ValueError as error:
        why = "has no offset from UTC" if "offset" in str(error) else "is not an ISO 8601 time"
        raise ConfigurationError(f"{where}: the time {text!r} {why}: write it as 2026-03-29T01:00Z or 2026-03-29T03:00+02:00") from None


def _slots(rows: list[_Row], source: str) -> Iterator[Slot]:
    steps = [b.start_utc_ns - a.start_utc_ns for a, b in pairwise(rows)]
    for a, b in pairwise(rows):
        if b.start_utc_ns < (a.end_utc_ns or a.start_utc_ns + 1):
            raise ConfigurationError(f"{b.where}: it overlaps {a.where.rpartition(', ')[2]}; give one value for each time")
    usual = sorted(steps)[(len(steps) - 1) // 2] if steps else None  # the lower median
    for row, step in zip(rows, [*steps, None], strict=True):
        end = row.end_utc_ns
        if end is None:
            if usual is None:
                raise ConfigurationError(f"{row.where}: a single row does not say how long it holds: give it an end")
            end = row.start_utc_ns + (usual if step is None else min(usual, step))
        yield Slot(row.start_utc_ns, end, row.value, row.estimated, source)
