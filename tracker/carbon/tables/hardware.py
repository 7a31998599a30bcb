"""The emissions of making hardware: a table of rows. The first row that fits a device's name is used.

The inputs are data/embodied_hardware.csv, data/boards.csv (boards whose figure is derived) and a user's own file, whose rows come first. A
row fits if the name has its words and no other that matters (names.py); or if its pattern, a regular expression, is found in the name.
Rows with more words are tried first. In the bundled files each row has its source, year and status. `low_kg` and `high_kg` bound the
published values; they are not a confidence interval. `scope` says what a row is of: the model, its family, or any device of the kind.
`unit` is device, GB, host (a server without its GPUs) or server (a whole server, for comparison: it is never added to GPU rows, because it
contains the boards).
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from ...errors import ConfigurationError
from ...machine.files import read_regular
from ...machine.resources import folder_of, text_of
from ..accounting import Estimate
from . import boards, names, patterns

KINDS = ("gpu", "cpu", "dram", "mainboard", "psu", "chassis", "assembly", "server", "laptop", "desktop", "small-board")
UNITS = ("device", "GB", "host", "server")
SCOPES = ("model", "family", "any")
_NEEDED = ("kind", "name", "embodied_kg")
MOST_ROWS = 1_000
"""Of a user's own file."""
MOST_TDP_W = 100_000.0
"""No device is rated higher: the largest system that is sold as one, a wafer-scale computer, is rated at 23 kW."""
_VENDORS = re.compile(r"\b(NVIDIA|AMD|Google|Intel|GeForce|Instinct|Tesla|SXM)\b|\([^()]*\)", re.IGNORECASE)

Scope = Literal["model", "family", "any"]


class HardwareRow(NamedTuple):
    """One row of the table. `tdp_w` is the rated power, where the row is of one model; `file` is where the row was read."""

    kind: str
    words: str
    pattern: str
    name: str
    unit: str
    footprint_kg: Estimate
    tdp_w: float | None
    memory_gb: float | None
    scope: str
    boundary: str
    basis: str
    year: int | None
    status: str
    source: str
    file: str

    def share(self, share: float) -> HardwareRow:
        """The row of a share of the device."""
        if share == 1.0:
            return self
        tdp_w = None if self.tdp_w is None else self.tdp_w * share
        memory_gb = None if self.memory_gb is None else self.memory_gb * share
        name = f"{share:.3g} of {self.name}"
        return self._replace(name=name, footprint_kg=self.footprint_kg.times(share), tdp_w=tdp_w, memory_gb=memory_gb)

    def fits(self, model: str) -> bool:
        """Whether the row is of a device with this name."""
        if self.words:
            return names.fits(self.words, self.memory_gb, model)
        return patterns.found_in(self.pattern, model)


class HardwareTable:
    """Rows in the order in which they are tried."""

    def __init__(self, rows: Iterable[HardwareRow]) -> None:
        self.rows = tuple(rows)
        self._matched = lru_cache(4096)(self._first)  # many runs have hardware of few names

    def match(self, kind: str, model: str) -> HardwareRow | None:
        """The first row of the kind that fits the name; for an unknown model, the row with the wide range of its class. None: no such
        kind. The row of a partition of a GPU, "A100 MIG 1g.5gb", is its share of the GPU's."""
        return self._matched(kind, model)

    def _first(self, kind: str, model: str) -> HardwareRow | None:
        row = next((row for row in self.rows if row.kind == kind and row.fits(model)), None)
        return row if row is None or kind != "gpu" else row.share(names.slice_share(model))

    def match_host(self, product: str) -> HardwareRow | None:
        """The row of a server without its GPUs that fits the product's name."""
        return next((row for row in self.rows if row.kind == "server" and row.unit == "host" and row.fits(product)), None)

    def near(self, model: str, kinds: Sequence[str] = ("gpu", "cpu")) -> list[str]:
        """Names in the table that resemble an unknown name, best first."""
        names = {_bare(row.name): row.name for row in self.rows if row.kind in kinds and row.scope == "model"}
        from difflib import get_close_matches  # needed only for an unknown name

        return [names[n] for n in get_close_matches(_bare(model), names, n=3, cutoff=0.45)]


def match(kind: str, model: str, own: Path | None = None) -> HardwareRow | None:
    """`HardwareTable.match` on the user's own rows, if any, and the bundled table. Raises ConfigurationError."""
    return table(own).match(kind, model)


def table(own: str | Path | None = None) -> HardwareTable:
    """The bundled rows, after the rows of the user's own file, which add to them or replace them. Raises ConfigurationError."""
    return _bundled() if own is None else _with_bundled(_text(Path(own)), str(Path(own)))


@cache
def _bundled() -> HardwareTable:
    data, place = folder_of(__package__, "data"), "the bundled table"
    rows = list(_rows(text_of(data / "embodied_hardware.csv").splitlines(), place))
    rows += [_row(cells, place, 0) for cells in boards.cells(text_of(data / "boards.csv").splitlines())]
    return HardwareTable(sorted(rows, key=lambda row: -names.detail(row.words) if row.words else 0))  # the others keep their order, behind


@lru_cache(4)
def _with_bundled(text: str, place: str) -> HardwareTable:
    """The rows of a file that has this text, before the bundled ones: many runs ask for one table."""
    try:
        return HardwareTable((*_rows(io.StringIO(text, newline=""), place), *_bundled().rows))
    except csv.Error as error:
        raise _unreadable(place, error) from None


def _text(path: Path) -> str:
    try:
        return read_regular(path).content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(str(path), error) from None


def _unreadable(place: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(f"the hardware file {place} cannot be read: {error}; name a CSV file in UTF-8")


def _rows(lines: Iterable[str], place: str) -> Iterator[HardwareRow]:
    reader = csv.DictReader(lines)
    columns = reader.fieldnames or ()
    missing = [name for name in _NEEDED if name not in columns]
    if not {"words", "pattern"} & set(columns):
        missing.append("words")
    if missing:
        raise ConfigurationError(
            f"{place} has no column {', '.join(missing)}: its first line must name at least kind,words,name,embodied_kg"
            " (`trainwatt hardware --json` shows all columns)"
        )
    for number, cells in enumerate(reader):
        if number >= MOST_ROWS:
            raise ConfigurationError(f"{place} has more than {MOST_ROWS:,} rows; keep those of your hardware")
        yield _row({k: (v or "").strip() for k, v in cells.items() if k is not None and not isinstance(v, list)}, place, reader.line_num)


def _row(cells: dict[str, str], place: str, line: int) -> HardwareRow:
    def fail(what: str, mend: str) -> ConfigurationError:
        return ConfigurationError(f"{place}, line {line}: {what}; {mend}")

    def number(column: str) -> float | None:
        text = cells.get(column, "")
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            raise fail(f"{column} is {text!r}", "write a number that is not negative, with a point, or nothing")
        return value

    def one_of(column: str, known: Sequence[str], default: str) -> str:
        value = cells.get(column) or default
        if value not in known:
            raise fail(f"{column} is {value!r}", f"known are {', '.join(known)}")
        return value

    words, pattern = cells.get("words", ""), cells.get("pattern", "")
    if not (words or pattern) or not cells["name"]:
        raise fail("words or name is empty", "the words are those of the device's name, as in H100 PCIe, and the name is yours")
    try:
        if pattern:
            patterns.made(pattern)
    except patterns.PatternError as error:
        raise fail(f"pattern {pattern!r}: {error}", "give the words of the device's name in a column `words` instead, as in H100") from None
    central = number("embodied_kg")
    if central is None:
        raise fail("embodied_kg is empty", "write the kilograms of CO2e that making one unit emitted")
    low, high = number("low_kg"), number("high_kg")
    footprint = Estimate(central, central if low is None else low, central if high is None else high)
    if not footprint.low <= footprint.central <= footprint.high:
        raise fail(
            f"low_kg {footprint.low:g}, embodied_kg {central:g} and high_kg {footprint.high:g} are out of order", "low ≤ embodied ≤ high"
        )
    year, tdp_w = number("year"), number("tdp_w")
    if tdp_w is not None and tdp_w > MOST_TDP_W:
        raise fail(f"tdp_w is {tdp_w:g}", f"no device is rated above {MOST_TDP_W:,.0f} W: write watts")
    kind = one_of("kind", KINDS, "")
    unit = one_of("unit", UNITS, "GB" if kind == "dram" else "device")
    if kind == "dram" and unit != "GB":
        raise fail(f"unit is {unit!r} for dram", "memory is counted in GB: write unit GB, and the kilograms of one gigabyte")
    return HardwareRow(
        kind=kind,
        words=words,
        pattern=pattern,
        name=cells["name"],
        unit=unit,
        footprint_kg=footprint,
        tdp_w=tdp_w,
        memory_gb=number("memory_gb"),
        scope=one_of("scope", SCOPES, "model"),
        boundary=cells.get("boundary", ""),
        basis=cells.get("basis", ""),
        year=None if year is None else int(year),
        status=cells.get("status") or "given",
        source=cells.get("source") or place,
        file=place,
    )


def _bare(name: str) -> str:
    return " ".join(_VENDORS.sub(" ", name).lower().split())
