"""PURE: charts of compared sides as inline SVG: each run as a dot with the interval of the mean, and the power of all runs over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..words.quantities import watts_tick
from .charts import POWER_HIGH, across, framed, level_lines, level_texts, short, time_texts
from .elements import Child, Html, el
from .names import breaking
from .scale import ticks

SIDE_COLOURS = 6
DOT_HIGH = 26


class Dots(NamedTuple):
    """One side: its mean, how far that may be off to either side, and the value of each run. `mean` is None if a value is missing."""

    name: str
    text: str
    mean: float | None
    spread: float
    values: Sequence[float]
    colour: str


class Run(NamedTuple):
    """The total power of a run: watts between neighbouring cuts, in seconds since its start."""

    name: str
    cuts: Sequence[float]
    watts: Sequence[float]
    colour: str


def colour_of(number: int) -> str:
    """A class of the style sheet for a side."""
    return f"phase-{number % SIDE_COLOURS}"


def dots(rows: Sequence[Dots], label: str) -> Html:
    """The sides below each other, on one scale that need not begin at 0, because differences between sides are small."""
    known = [value for row in rows if row.mean is not None for value in (row.mean - row.spread, row.mean + row.spread, *row.values)]
    if not known:
        return el("p", "Nothing to draw: no side has this figure.")
    low, high = min(known), max(known)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - room, high + room

    def at(value: float) -> str:
        return f"{100 * (value - low) / (high - low):.2f}%"

    def row_of(row: Dots) -> Html:
        marks: list[Child] = [el("line", x1=0, x2="100%", y1=13, y2=13, class_="level")]
        if row.mean is not None:
            marks += [el("circle", cx=at(value), cy=13, r=4, class_=f"dot {row.colour}") for value in row.values]
            ends = at(row.mean - row.spread), at(row.mean + row.spread)
            marks.append(el("line", x1=ends[0], x2=ends[1], y1=13, y2=13, class_="range"))
            marks += [el("line", x1=end, x2=end, y1=8, y2=18, class_="range") for end in ends]
            marks.append(el("line", x1=at(row.mean), x2=at(row.mean), y1=4, y2=22, class_="range mean"))
        words = [el("span", breaking(row.name), class_="name text"), el("span", row.text, class_="figure")]
        return el("li", el("div", words, class_="words"), el("svg", marks, width="100%", height=DOT_HIGH, aria_hidden="true"))

    return el("ul", [row_of(row) for row in rows], class_="bars", role="list", aria_label=label)


def powers(runs: Sequence[Run], label: str) -> Html:
    """The total power of all runs, laid over each other, each from its own start."""
    end_s = max(run.cuts[-1] for run in runs)
    cuts = (min(0.0, *(run.cuts[0] for run in runs)), end_s)
    levels = ticks(max(max(run.watts, default=0.0) for run in runs))
    scale = (POWER_HIGH - 6) / levels[-1]
    marks: list[Child] = list(level_lines(levels, scale, POWER_HIGH))
    for run in runs:
        line = [
            f"{'L' if i else 'M'}{short(across(a, cuts))} {short(POWER_HIGH - watts * scale)}H{short(across(b, cuts))}"
            for i, (watts, (a, b)) in enumerate(zip(run.watts, pairwise(run.cuts), strict=True))
        ]
        marks.append(el("path", el("title", run.name), d="".join(line), class_=f"over {run.colour}"))
    texts = [*level_texts([(y, watts_tick(y)) for y in levels], scale, POWER_HIGH), *time_texts(cuts, POWER_HIGH)]
    return framed("power", POWER_HIGH, marks, texts, label)
