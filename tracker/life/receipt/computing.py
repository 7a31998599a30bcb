"""The result of a receipt: computed from the files that are in it, when it is made and when it is verified."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...analysis.selection import Filters, fitting
from ...carbon.tables.hardware import table
from ...errors import ConfigurationError
from ...storage.read.store import Store
from ..disclosing.disclosure import disclosure
from ..entries import carbon_of
from ..footprints import gathered
from ..reading import read_life
from ..whole import whole_life
from .archive import HARDWARE, INTENSITIES, LIFE, RUNS, TERMS
from .inputs import Asked, series_from_csv

if TYPE_CHECKING:
    from ...core.contract import ReceiptJson


def computed(folder: Path, say: Callable[[str], None]) -> ReceiptJson:
    """The result, from the files of a receipt in a folder. Raises TrainwattError."""
    hardware, intensities = folder / HARDWARE, folder / INTENSITIES
    name, terms = Asked.read((folder / TERMS).read_text(encoding="utf-8"))
    terms = replace(
        terms,
        hardware=str(hardware) if hardware.exists() else None,
        series=(series_from_csv(intensities.read_text(encoding="utf-8")),) if intensities.exists() else (),
    )
    life = read_life(folder / LIFE)._replace(name=name)
    rows = table(terms.hardware)
    runs = gathered(life, terms, str(folder / RUNS), say, partial(_opened, own_table=terms.hardware is not None))
    whole = whole_life(life, runs.of, runs.found, runs.measured, runs.terms, rows)
    disclosed = disclosure(life, runs.of, runs.found, runs.measured, whole, "", "", runs.terms, rows)
    of_units = [f for f in runs.measured if f["run"]["id"] not in runs.of.stages]
    added = [carbon_of(one, runs.terms, rows) for one in life.added]
    result: ReceiptJson = {**disclosed, "runs": [*runs.found, *of_units], "added": added}
    return cast("ReceiptJson", _without(f"{folder}/", result))


def _without(place: str, value: Any) -> Any:
    """The value without the folder in its texts, which is another one each time: the source of a user's own row may be its file."""
    if isinstance(value, str):
        return value.replace(place, "")
    if isinstance(value, dict):
        return {key: _without(place, item) for key, item in value.items()}
    return [_without(place, item) for item in value] if isinstance(value, list) else value


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
