"""PURE: the values of a metric over the energy, a line for each run, with those that no other run beats; and all runs as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...analysis.work.sweep import best_first
from ...core.metric import Better
from ..report.charts import WIDE, framed, level_lines, level_texts, short
from ..report.elements import Child, Html, el, table
from ..report.names import short_name
from ..report.scale import ticks
from ..report.side_charts import colour_of
from ..words.quantities import count, energy_unit, format_energy, largest_j, metric_text
from ..words.runs import anchor, title_of

if TYPE_CHECKING:
    from ...analysis.work.sweep import Line, Sweep
    from ...core.contract import EntryJson, OfRunJson, ShowJson

HIGH, SMALL = 260, 120
NAMED = 3
"""Below a small chart, so many of the best runs are named."""
NARROW = 260
"""Pixels of the chart's width on a phone. Numbers that do not overlap there do not on a wider page either."""
WIDE_OF_NUMBER, HIGH_OF_NUMBER = 18, 13


def within_page(view: OfRunJson) -> str:
    """The link to a run of a report."""
    return f"#{anchor(view)}"


def small_sweep(sweep: Sweep, place: Callable[[EntryJson | ShowJson], str]) -> Html:
    """A small chart, and below it the best runs, the best one first. `place` is the address of a run."""
    ranked = best_first(sweep)
    largest = largest_j(line.best.energy_j for line in ranked[:NAMED])
    rows = [
        el(
            "li",
            _key(number),
            " ",
            el("a", short_name(line.view["run"]["name"] or title_of(line.view), 40), href=place(line.view)),
            el("span", f" {metric_text(line.best.value)} after {format_energy(line.best.energy_j, largest)}", class_="figure"),
        )
        for number, line in enumerate(ranked[:NAMED], 1)
    ]
    label = f"{sweep.metric} over energy, {count(len(sweep.lines), 'run')}"
    return el(
        "figure",
        el("figcaption", f"{sweep.metric} over energy; {_direction(sweep)} is better"),
        _chart(ranked, label, SMALL, NAMED),
        el("ol", rows, class_="best", aria_label="The best runs"),
        aria_label=label,
    )


def _direction(sweep: Sweep) -> str:
    return "higher" if sweep.better is Better.HIGHER else "lower"


def sweep_section(sweep: Sweep, place: Callable[[EntryJson | ShowJson], str] = within_page) -> Html:
    """The chart, what its marks mean, and the table. `place` is the address of a run."""
    ranked = sorted(sweep.lines, key=lambda line: (not line.on_front, line.best.energy_j))
    caption = (
        f"{sweep.metric} over the energy that was used by then, a line for each run; {_direction(sweep)} is better. The dot is the best"
        " value of a run, with its number in the table. The dot is large if the run is on the front: at some energy, no other run had got"
        " as far."
    )
    left_out = f"{count(sweep.left_out, 'run')} without this metric is left out." if sweep.left_out == 1 else None
    left_out = f"{count(sweep.left_out, 'run')} without this metric are left out." if sweep.left_out > 1 else left_out
    label = f"{sweep.metric} over energy, {count(len(sweep.lines), 'run')}"
    return el(
        "section",
        el("h2", "What the energy bought"),
        el(
            "figure",
            el("figcaption", caption),
            _chart(ranked, label),
            el("p", left_out, class_="muted") if left_out else None,
            _table(sweep, ranked, place),
            aria_label=label,
        ),
        class_="sweep",
    )


def _table(sweep: Sweep, ranked: Sequence[Line], place: Callable[[EntryJson | ShowJson], str]) -> Html:
    largest = largest_j(line.best.energy_j for line in ranked)
    rows: list[list[Child]] = [
        [
            el("span", _key(number), f" {number} ", el("a", short_name(title_of(line.view)), href=place(line.view))),
            metric_text(line.best.value),
            format_energy(line.best.energy_j, largest),
            "on the front" if line.on_front else "",
        ]
        for number, line in enumerate(ranked, 1)
    ]
    return table(["run", f"best {sweep.metric}", "energy until then", ""], rows, (1, 2), "Runs by what they reached", cards=True)


def _key(number: int) -> Html:
    return el("svg", el("circle", cx=6, cy=6, r=5, class_=f"dot {colour_of(number)}"), width=12, height=12, aria_hidden="true")


def _chart(ranked: Sequence[Line], label: str, high_px: int = HIGH, named: int | None = None) -> Html:
    """The chart. Only the first `named` runs have their numbers in it; all, if it is None."""
    values = [of for line in ranked for of in line.values]
    size, symbol = energy_unit(max(of.energy_j for of in values))
    xs = ticks(max(of.energy_j for of in values) / size, *([2] if high_px < HIGH else []))
    low, high = min(of.value for of in values), max(of.value for of in values)
    scale = (high_px - 24) / (high - low or abs(high) or 1.0)

    def x_of(energy_j: float) -> float:
        return energy_j / size / xs[-1]

    def y_of(value: float) -> float:
        return high_px - 10 - (value - low) * scale

    marks: list[Child] = [*level_lines([0.0], 1.0, high_px)]
    lines: list[Child] = []
    dots: list[Child] = []
    numbers: list[Child] = []
    at = [(x_of(line.best.energy_j), y_of(line.best.value)) for line in ranked]
    heights = numbers_at(at[:named], high_px)
    for number, (line, (x, y)) in enumerate(zip(ranked, at, strict=True), 1):
        path = "L".join(f"{short(x_of(of.energy_j) * WIDE)} {short(y_of(of.value))}" for of in line.values)
        marks.append(el("path", d=f"M{path}", class_=f"over {colour_of(number)}"))
        across = f"{100 * x:.2f}%"
        dots.append(el("circle", cx=across, cy=short(y), r=6 if line.on_front else 3, class_=f"dot {colour_of(number)}"))
        if number > len(heights):
            continue
        number_y = heights[number - 1]
        if abs(number_y - y) > HIGH_OF_NUMBER:
            end = number_y + (HIGH_OF_NUMBER / 2 if number_y < y else -HIGH_OF_NUMBER / 2)
            lines.append(el("line", x1=across, x2=across, y1=short(y), y2=short(end), class_="axis"))
        numbers.append(el("text", str(number), x=across, y=short(number_y + 4), class_="middle strong" if line.on_front else "middle"))
    texts = [
        *level_texts([(high_px - y_of(v), metric_text(v)) for v in dict.fromkeys((low, high))], 1.0, high_px),
        *(_tick(x, xs, symbol, high_px) for x in xs),
        *lines,
        *dots,
        *numbers,
    ]
    return framed("sweep", high_px, marks, texts, label)


def numbers_at(dots: Sequence[tuple[float, float]], high_px: int = HIGH) -> list[float]:
    """The height of the middle of the number of each dot, near the dot, so that no number covers another one or a dot.

    A dot is at a part of the width and a height in pixels. Runs that reach the same place have their numbers below each other. Where there
    is no room left, numbers do overlap.
    """
    taken = list(dots)
    found: list[float] = []
    for x, y in dots:
        near = sorted(
            (y + sign * (HIGH_OF_NUMBER + HIGH_OF_NUMBER * step) for step in range(high_px // HIGH_OF_NUMBER) for sign in (-1, 1)),
            key=lambda height: (abs(height - y), height),
        )
        inside = [height for height in near if -HIGH_OF_NUMBER <= height <= high_px - HIGH_OF_NUMBER / 2]
        free = (h for h in inside if not any(abs(x - a) * NARROW < WIDE_OF_NUMBER and abs(h - b) < HIGH_OF_NUMBER for a, b in taken))
        height = next(free, inside[0])
        taken.append((x, height))
        found.append(height)
    return found


def _tick(x: float, xs: Sequence[float], symbol: str, high_px: int) -> Html:
    side, unit = ("last", f" {symbol}") if x == xs[-1] else ("first" if x == 0 else "middle", "")
    return el("text", f"{x:g}{unit}", x=f"{100 * x / xs[-1]:.2f}%", y=high_px + 18, class_=side)
