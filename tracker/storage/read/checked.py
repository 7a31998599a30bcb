"""Whether the values of a row can be what their columns hold. This is where rows become typed values.

Other programs, a failing disk or a newer trainwatt may have written to a database, and SQLite stores any value in any column. A value that
cannot be true never becomes a number: where it may be missing it counts as missing, and otherwise its row is left out. Either way it is
noted as damage of the run, which is shown with the rest of what is known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, NoReturn

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Double, Table, Text, cast, or_, select

from ...core.metric import EXTREMES
from ...core.point import Point
from ...core.run import Stage, Status
from ...core.sensing import Availability
from ...texts import repr_of, storable
from ..schema import CURVE_POINT, SEGMENT
from .records import Damage

LATEST_UTC_NS = 7_258_118_400 * 10**9
"""The beginning of the year 2200. Later times, and those before 1970, are of no clock."""
_LONGEST_NS = 2**62  # 146 years: no machine runs for as long
_MOST, _MOST_INTEGER = 2**53, 2**31 - 1
_MOST_J = 1e18  # a gigawatt for thirty years
_ROUNDING_J = 1e-3  # sums of joules may be below 0 by as much
LONGEST_SHOWN = 60
DEEPEST = 20
"""How many levels of lists and objects stored JSON may have. trainwatt itself writes at most three."""

CHOICES: dict[str, frozenset[str]] = {
    "run.status": frozenset(Status),
    "run.stage": frozenset(Stage),
    "segment.status": frozenset(Status),
    "segment.role": frozenset(("owner", "joined")),
    "device.kind": frozenset(("gpu", "cpu", "dram", "platform")),
    "finding.availability": frozenset(Availability),
}
"""The columns that have one of some words. The kind of an event is not one: a later version may have more of them."""
_FLAGS = ("included_in_total", "synchronized", "exact", "resolved", "estimated")
_SIGNED = ("step", "residual", "value", *EXTREMES)
_ADDED = ("phase_energy", "phase_fold_energy")
"""Where edges may be negative: what a phase adds to others of its name may close a gap between them."""
_DOUBLES = {"j": (-_ROUNDING_J, _MOST_J), "j2": (-_ROUNDING_J, _MOST_J**2), "w": (0.0, 1e12), "s": (0.0, 1e10)}
_OTHER_DOUBLES = (0.0, 1e12)
"""The ranges of numbers by the unit in their name."""

Bounds = tuple[float, float] | None
"""The lowest and the highest value of a number; None for a text."""
_KEYS: dict[str, dict[str, Bounds]] = {
    "settings": {
        "intensity_g_per_kwh": (0.0, 2000.0),
        "pue": (1.0, 10.0),
        "ranks_here": (0, 2**24),
        "hardware": None,
        "basis": None,
        **{
            "origin": None,
            "flops_precision": None,
            "source": None,
            "content": None,
            "currency": None,
            "budget": None,
            "on_budget": None,
            "device_hours": (0.0, 1e12),
            "price_per_kwh": (-100.0, 1000.0),
        },
        **{"wue_l_per_kwh": (0.0, 1e3), "market_intensity_g_per_kwh": (0.0, 2000.0)},
        **{"lifetime_years": (0.0, 1e3), "lifetime_utilization": (0.0, 1.0)},
    },
    "detail": {
        **{"sockets": (1, 2**12), "logical_cpus": (1, 2**16), "allowed_cpus": (0.0, 2**16), "bytes": (0, 2**47), "gpus": (0, 2**16)},
        **{"model": None, "uuid": None, "vendor": None},
    },
}
"""What is computed with in the JSON of two columns: the settings of a run, and the details of its hardware."""


def _range_of(column: Column[Any]) -> Bounds:
    name = column.name
    if isinstance(column.type, Text):
        return None
    if name in _SIGNED:
        return (-math.inf, math.inf) if isinstance(column.type, Double) else (-(2**63), 2**63)
    if name in ("edge_low_j", "edge_high_j") and column.table.name in _ADDED:
        return -_MOST_J, _MOST_J
    if isinstance(column.type, Double):
        return _DOUBLES.get(name.rpartition("_")[2], _OTHER_DOUBLES)
    if not isinstance(column.type, BigInteger):
        return 0, 1 if name in _FLAGS else _MOST_INTEGER
    if name.endswith("utc_ns"):
        return 0, LATEST_UTC_NS
    if name.endswith("t_ns"):
        return -_LONGEST_NS, _LONGEST_NS
    return (0, _LONGEST_NS) if name.endswith("_ns") or name == "amount" else (0, _MOST)


def _accepts(column: Column[Any]) -> Callable[[object], bool]:
    choices, bounds = CHOICES.get(f"{column.table.name}.{column.name}"), _range_of(column)
    if choices is not None:
        return lambda value: isinstance(value, str) and value in choices
    if bounds is None:
        return lambda value: isinstance(value, str)
    low, high = bounds
    types: tuple[type, ...] = (float, int) if isinstance(column.type, Double) else (int,)
    return lambda value: type(value) in types and low <= value <= high and math.isfinite(value)  # type: ignore[operator, arg-type]


class Checker:
    """Checks rows of a table that have the columns `fields`, in that order."""

    def __init__(self, table: Table, fields: Sequence[str]) -> None:
        self._table = table.name
        columns = [(i, table.c[name]) for i, name in enumerate(fields) if name in table.c]
        self._checks = [(i, column.name, bool(column.nullable), _accepts(column)) for i, column in columns]

    def wrong(self, row: Sequence[object]) -> list[tuple[int, bool, Damage]]:
        """The values that cannot be true: their places, whether each may be missing, and what they are."""
        return [
            (i, nullable, Damage(self._table, name, repr_of(row[i], LONGEST_SHOWN)))
            for i, name, nullable, accepts in self._checks
            if not (accepts(row[i]) or (nullable and row[i] is None))
        ]

    def cleaned(self, row: Sequence[Any], damage: list[Damage]) -> Sequence[Any] | None:
        """The row with nothing in place of wrong values; None if one of them may not be missing. They are added to `damage`."""
        wrong = self.wrong(row)
        if not wrong:
            return row
        damage += [found for _, _, found in wrong]
        if not all(nullable for _, nullable, _ in wrong):
            return None
        values = list(row)
        for i, _, _ in wrong:
            values[i] = None
        return values


@cache
def checker(table: Table, fields: tuple[str, ...]) -> Checker:
    """The checker of a table, made once."""
    return Checker(table, fields)


def sound(table: Table, fields: tuple[str, ...], rows: Iterable[Sequence[Any]], damage: list[Damage]) -> list[Sequence[Any]]:
    """The rows that can be used, cleaned. What is wrong is added to `damage`."""
    check = checker(table, fields)
    cleaned = (check.cleaned(row, damage) for row in rows)
    return [row for row in cleaned if row is not None]


def sound_points(rows: Sequence[Any]) -> list[Point]:
    """The points of a curve whose values can be true."""
    try:
        # A curve may have a hundred thousand points. What is no number cannot be added, and a number that is not finite makes the sum so.
        usual = math.isfinite(sum(map(sum, rows))) and all(type(row[0]) is int for row in rows)
        usual = usual and (not rows or (min(map(min, rows)) >= -_ROUNDING_J and max(map(max, rows)) <= _LONGEST_NS))
    except (TypeError, OverflowError):
        usual = False
    if not usual:
        check = checker(CURVE_POINT, Point._fields)
        rows = [row for row in rows if not check.wrong(row)]
    return list(map(Point._make, rows))


def suspicious(connection: Connection, table: Table) -> ColumnElement[bool]:
    """The condition that a row has a value that may be wrong. Some of these rows turn out to be sound: they are to be checked one by one.

    It finds all wrong numbers and words, and in SQLite also what is no text, but not text that is not UTF-8.
    """
    return _suspicious(table, connection.dialect.name == "sqlite")


@cache
def _suspicious(table: Table, sqlite: bool) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = []
    for column in table.c:
        bounds, choices = _range_of(column), CHOICES.get(f"{table.name}.{column.name}")
        if column.name in _SIGNED:
            continue
        if choices is not None:
            conditions.append(column.not_in(choices))
        elif bounds is not None:
            conditions.append(~column.between(*bounds))
            if sqlite and not isinstance(column.type, Double):
                conditions.append(column != cast(column, BigInteger))  # a fraction
        elif sqlite:
            conditions.append(column > "\U0010ffff")  # a blob is greater than any text
    return or_(*conditions)


def damage_within(connection: Connection, table: Table, run_ids: Sequence[str]) -> list[tuple[str, Damage, Any]]:
    """What is wrong in a table whose rows belong to the segments of runs: the run, the value and the row."""
    names = tuple(column.name for column in table.c)
    query = select(*table.c, SEGMENT.c.run_id.label("of_run")).where(SEGMENT.c.run_id.in_(run_ids), suspicious(connection, table))
    query = query if table is SEGMENT else query.join_from(table, SEGMENT, table.c.segment_id == SEGMENT.c.id)
    check = checker(table, names)
    return [(row.of_run, damage, row) for row in connection.execute(query) for _, _, damage in check.wrong(row)]


def from_json(table: str, column: str, text: object, damage: list[Damage]) -> dict[str, Any]:
    """A JSON object; any other JSON value becomes the only value of an object, under the key "value".

    What is not JSON, and numbers that cannot be true, are left out and added to `damage`.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)  # type: ignore[arg-type]
        found = _storable(value if isinstance(value, dict) else {"value": value})
    except (TypeError, ValueError, RecursionError):
        damage.append(Damage(table, column, repr_of(text, LONGEST_SHOWN)))
        return {}
    assert isinstance(found, dict)
    keys = _KEYS.get(column, {})
    wrong = [key for key, value in found.items() if key in keys and not _is_plausible(value, keys[key])]
    damage += [Damage(table, f"{column}.{key}", repr_of(found.pop(key), LONGEST_SHOWN)) for key in wrong]
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _storable(value: object, level: int = 0) -> object:
    """The value with valid UTF-8 in every text. Raises ValueError for an infinite number, and for more levels than anyone needs."""
    if level > DEEPEST or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): _storable(each, level + 1) for key, each in value.items()}
    return [_storable(each, level + 1) for each in value] if isinstance(value, list) else value


def _is_plausible(value: object, bounds: Bounds) -> bool:
    if value is None:
        return True
    if bounds is None:
        return isinstance(value, str)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bounds[0] <= value <= bounds[1]


def falls(first: Point, last: Point) -> bool:
    """Whether a curve has less energy at its end than at its beginning, which no curve has."""
    return last.energy_j < first.energy_j - max(_ROUNDING_J, 1e-9 * first.energy_j) or last.t_ns < first.t_ns
