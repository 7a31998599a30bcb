"""The result of a receipt: computed from the files that are in it, when it is made and when it is verified."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...analysis.selection import Filters, fitting
from ...carbon.accounting import Estimate
from ...carbon.tables.basis import Basis
from ...carbon.tables.hardware import table
from ...carbon.terms import Terms, check
from ...errors import ConfigurationError
from ...storage.read.store import Store
from ..disclosing import disclosure
from ..footprints import gathered
from ..reading import read_life
from ..whole import whole_life
from .archive import HARDWARE, LIFE, RUNS, TERMS

if TYPE_CHECKING:
    from ...core.contract import DisclosureJson

_BASES = ("basis", "intensity_basis")
_TEXTS = ("zone", "currency")
_NOT_KEPT = ("series", "prices", "hardware")
_KEPT = tuple(f.name for f in fields(Terms) if f.name not in _NOT_KEPT)
"""The terms that a receipt has."""


def terms_as_json(terms: Terms) -> str:
    """The terms of the command line; series and prices over time are not among them."""
    default = Terms()
    return json.dumps({name: value for name in _KEPT if (value := getattr(terms, name)) != getattr(default, name)}, indent=2) + "\n"


def terms_from_json(text: str) -> Terms:
    """The terms of a receipt. Raises ConfigurationError."""
    try:
        found: dict[str, Any] = json.loads(text)
        terms = replace(Terms(), **{name: _term(name, value) for name, value in found.items()})
        check(terms)
    except (ValueError, TypeError, AttributeError, RecursionError, ConfigurationError):
        raise ConfigurationError(f"{TERMS} of the receipt is damaged") from None
    return terms


def _term(name: str, value: Any) -> Any:
    """The value of a term. Raises ValueError, or TypeError, for one that it cannot have."""
    if name not in _KEPT:
        raise ValueError(f"{name} is no such term")
    if value is None:
        return None
    if name in _BASES:
        return Basis(value)
    if name == "unmeasured":
        return Estimate(*map(_number, value))
    if name in _TEXTS or name == "allow_suspect":
        if not isinstance(value, str if name in _TEXTS else bool):
            raise ValueError(f"{name} has the wrong type")
        return value
    return _number(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("it is no number")
    return value


def computed(folder: Path, say: Callable[[str], None]) -> DisclosureJson:
    """The result, from the files of a receipt in a folder. Raises TrainwattError."""
    hardware = folder / HARDWARE
    terms = terms_from_json((folder / TERMS).read_text(encoding="utf-8"))
    terms = replace(terms, hardware=str(hardware) if hardware.exists() else None)
    life = read_life(folder / LIFE)
    rows = table(terms.hardware)
    runs = gathered(life, terms, str(folder / RUNS), say, partial(_opened, own_table=terms.hardware is not None))
    whole = whole_life(life, runs.of, runs.found, runs.measured, runs.terms, rows)
    return disclosure(life, runs.of, runs.found, whole, "", "", runs.terms, rows)


def _opened(place: str | None, *, own_table: bool) -> Store:
    """The runs of a receipt, as they are: nothing is marked as vanished, and no setting of this machine is read. Raises
    ConfigurationError for runs whose figures would depend on a file of this machine, and StoreError."""
    assert place is not None
    with closing(sqlite3.connect(place)) as connection:
        made = [sql or "" for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE type NOT IN ('index')")]
    if any(not re.match(r"CREATE TABLE\b", sql) for sql in made):  # a view may compute for ever
        raise ConfigurationError(f"{RUNS} of the receipt has more than tables")
    store = Store.open(place)
    for run in fitting(store, Filters()):
        if not own_table and (file := run.settings.get("hardware")) is not None:
            raise ConfigurationError(
                f"run {run.id[:8]} was recorded with a table of hardware of its own, {file}, which a receipt has only if it is named: give"
                f" --hardware {file}"
            )
    return store
