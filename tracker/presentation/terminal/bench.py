"""PURE: the result of `trainwatt bench`, for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from ...analysis.comparing.compared import Compared, Figure
from ...analysis.comparing.comparison import compare
from ...analysis.comparing.precision import needed, variation
from ...analysis.comparing.side import Side
from ...analysis.view import SCHEMA_VERSION
from ..words.comparison import mean_headline, mean_text, writer
from ..words.comparison_table import TITLES
from ..words.quantities import count
from ..words.safe_text import lines
from . import comparison

if TYPE_CHECKING:
    from ...core.contract import BenchJson

SUMMARY = ("energy", "duration", "power", "grams")


def to_json(sides: Sequence[Side], groups: Sequence[str]) -> BenchJson:
    """The result for programs."""
    found = compare(sides)
    return {
        "schema_version": SCHEMA_VERSION,
        "commands": [
            {"label": of.label, "command": side.name, "group": group, "runs": list(side.ids), "variation": variation(side)}
            for of, side, group in zip(found, sides, groups, strict=True)
        ],
        "comparison": comparison.to_json(found, ()),
        "runs_needed": {of.label: _needed(of, side, sides[0]) for of, side in zip(found[1:], sides[1:], strict=True)},
    }


def page(sides: Sequence[Side], groups: Sequence[str]) -> RenderableType:
    """What each command used and how much its runs vary, then how they compare."""
    found = compare(sides)
    parts: list[RenderableType] = []
    for of, side, group in zip(found, sides, groups, strict=True):
        parts.append(Text(lines(f"{of.label}  {side.name}"), style="bold"))
        parts.append(Text(lines(f"   {count(len(side.runs), 'run')}: {mean_headline(of)}; group {group}")))
        parts += [*(Text(line) for line in _spread(of)), Text()]
    if len(sides) == 1:
        return Group(*parts[:-1])
    parts += comparison.body(found)
    parts += [Text(), *(Text(_how_many(of, side, sides[0])) for of, side in zip(found[1:], sides[1:], strict=True) if _open(of))]
    return Group(*parts)


def _spread(side: Compared) -> Iterator[str]:
    """The mean of each quantity, how much its runs vary (standard deviation), and the least and the most of them."""
    figures = [f for name in SUMMARY for f in side.figures if f.name == name and f.value]
    rows = [(TITLES[f.name], mean_text(f), *_of_runs(f)) for f in figures]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "   " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _of_runs(figure: Figure) -> tuple[str, str]:
    if len(figure.values) < 2:
        return "one run: how much runs vary is not known", ""
    write = writer([figure])
    return f"± {100 * stdev(figure.values) / fmean(figure.values):.2g} %", f"{write(min(figure.values), False)}–{write(max(figure.values))}"


def _open(side: Compared) -> bool:
    """Whether it is not certain that the energies differ."""
    change = side.figures[0].change
    return change is not None and change.direction == 0


def _needed(of: Compared, side: Side, base: Side) -> int | None:
    return needed(base, side) if _open(of) else None


def _how_many(of: Compared, side: Side, base: Side) -> str:
    if min(len(side.runs), len(base.runs)) < 2:
        return f"{of.label}: one run each says nothing about the differences between runs; give -n 3 or more"
    most = needed(base, side)
    if most is None:
        return f"{of.label}: more runs would not decide: the difference is too small beside the errors of the sensors, or there is none"
    return f"{of.label}: about {most} runs of each command would decide, if they vary as these do"
