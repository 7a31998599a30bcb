"""PURE: compared sides as a table: a row for each quantity, a column for each side, and its difference from the baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ...analysis.comparing.compared import Compared, Figure, Missing, Reason
from .comparison import difference, percent, writer
from .comparison_facts import missing_text, remark_text
from .safe_text import clipped

TITLES = {"energy": "energy", "duration": "time", "power": "mean power", "grams": "CO2e"}
NO_VALUE = "–"
UNCLEAR = "unclear"
VERDICTS = {1: "more", -1: "less", 0: UNCLEAR}


class Cell(NamedTuple):
    """A figure of one side: its value, and the range without its unit; "" if it is exact."""

    value: str
    within: str


class Beside(NamedTuple):
    """How far a side is from the baseline: as a ratio, in the unit of the quantity, and whether that is certain. Each may be ""."""

    ratio: str
    difference: str
    verdict: str


class Line(NamedTuple):
    """One quantity. `cells` has a cell for each side, and `beside` what is said of all sides but the first. `remarks` say what the values
    belong to, and why one is missing."""

    name: str
    figures: tuple[Figure | None, ...]
    cells: tuple[Cell, ...]
    beside: tuple[Beside, ...]
    remarks: tuple[str, ...]


class Section(NamedTuple):
    """Lines of one kind. The first section, of the runs as a whole, has no title."""

    title: str
    lines: tuple[Line, ...]


def sections(sides: Sequence[Compared]) -> list[Section]:
    """The runs as a whole, their devices, and their phases."""
    whole = tuple(
        _line(TITLES.get(name, f"energy per {name.removeprefix('energy_per_')}"), name, sides, lambda side: side.figures)
        for name in _names(sides, lambda side: side.figures)
    )
    devices = tuple(_line(clipped(name, 60), name, sides, lambda side: side.devices) for name in _names(sides, lambda side: side.devices))
    return [s for s in (Section("", whole), Section("devices", devices), Section("phases", tuple(_phases(sides)))) if s.lines]


def _names(sides: Sequence[Compared], of: Callable[[Compared], Sequence[Figure]]) -> list[str]:
    return list(dict.fromkeys(figure.name for side in sides for figure in of(side)))


def _phases(sides: Sequence[Compared]) -> Iterator[Line]:
    """The energy of each phase, and of one instance if the sides have different numbers of them."""
    for name in _names(sides, lambda side: side.phases):
        line = _line(clipped(name, 60), name, sides, lambda side: side.phases)
        yield line
        if len({remark_text(f) for f in line.figures if f is not None and f.value is not None}) > 1:
            yield _line(f"{clipped(name, 50)}, each time", name, sides, lambda side: side.each)


def _line(title: str, name: str, sides: Sequence[Compared], of: Callable[[Compared], Sequence[Figure]]) -> Line:
    figures = tuple(next((f for f in of(side) if f.name == name), None) for side in sides)
    write = writer([f for f in figures if f is not None])
    cells, beside = [], []
    for figure in figures:
        if figure is None or figure.value is None:
            cells.append(Cell(NO_VALUE, ""))
        elif figure.low == figure.high:
            cells.append(Cell(write(figure.value), ""))
        else:
            cells.append(Cell(write(figure.value), f"{write(figure.low, False)}–{write(figure.high, False)}"))
    for figure in figures[1:]:
        change = None if figure is None else figure.change
        if change is None:
            beside.append(Beside("", "", ""))
        else:
            beside.append(
                Beside(percent(change), difference(change, write), VERDICTS[change.direction] if change.difference else "the same")
            )
    return Line(title, figures, tuple(cells), tuple(beside), tuple(_remarks(figures, sides)))


def _remarks(figures: Sequence[Figure | None], sides: Sequence[Compared]) -> Iterator[str]:
    """What is said of the values, once if it is the same for all sides, else with the labels of its sides."""
    of: dict[str, list[str]] = {}
    for side, figure in zip(sides, figures, strict=True):
        if figure is not None and figure.value is not None:
            text = remark_text(figure)
        else:
            text = missing_text(figure.missing if figure is not None and figure.missing is not None else Missing(Reason.NOT_IN_RUN))
        if text:
            of.setdefault(text, []).append(side.label)
    for text, labels in of.items():
        yield text if len(labels) == len(sides) else f"{', '.join(labels)}: {text}"
