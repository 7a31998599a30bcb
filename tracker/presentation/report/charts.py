"""PURE: charts as inline SVG: power over time stacked by device, the grid's intensity below it, energy by period, and bars with ranges.

The width of a chart is that of the page; its height is fixed. Its marks are therefore drawn in a box that is stretched. Its words are
outside that box, so that they are not stretched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ...analysis.over_time.busy import Lane
from ...analysis.over_time.timeline import Layer, Span, Step, stacked
from ..words.quantities import energy_unit, watts_tick
from .elements import Child, Html, el
from .names import breaking
from .scale import ticks, time_text, time_ticks

WIDE = 1000
POWER_HIGH, GRID_HIGH, COLUMNS_HIGH, BUSY_HIGH = 260, 110, 200, 80
COLUMN_WIDE, COLUMN_NAMES = 60, 6
STRIP_HIGH = 8
BELOW = 26
_SHADES = {"gpu": 4, "cpu": 3, "dram": 2, "platform": 1}
PHASE_COLOURS = 6


class Bar(NamedTuple):
    """A figure with its range, as a bar from 0. `colour` is a class of the style sheet. There is no bar where `value` is None."""

    name: str
    text: str
    value: float | None
    low: float | None = None
    high: float | None = None
    colour: str = "plain"
    note: str = ""


class Column(NamedTuple):
    """The joules of a period: a figure for each colour, and the range of their sum where it is known."""

    name: str
    parts: Sequence[float]
    low: float | None = None
    high: float | None = None


class Part(NamedTuple):
    """A part of a whole."""

    name: str
    value: float
    colour: str


def colours(layers: Sequence[Layer]) -> list[str]:
    """A class of the style sheet for each layer: a hue for each kind, and a shade for each layer of a kind."""
    seen: dict[str, int] = {}
    found = []
    for layer in layers:
        index = seen[layer.kind] = seen.get(layer.kind, -1) + 1
        found.append(f"{layer.kind}-{index % _SHADES[layer.kind]}")
    return found


def phase_colours(bands: Iterable[Span]) -> dict[str, str]:
    """A class of the style sheet for each phase, in order of their first appearance."""
    return {name: f"phase-{i % PHASE_COLOURS}" for i, name in enumerate(dict.fromkeys(b.name for b in bands))}


def power(cuts: Sequence[float], layers: Sequence[Layer], bands: Sequence[Span], label: str) -> Html:
    """Power over time, stacked by device, its phases as bands behind it and as a strip along the top."""
    tops = stacked(layers)
    highest = max(tops[-1], default=0.0)
    levels = ticks(highest)
    room = POWER_HIGH - STRIP_HIGH - 6
    scale = room / levels[-1]
    hue = phase_colours(bands)
    marks: list[Child] = []
    for band in bands:
        x, width = across(band.start_s, cuts), across(band.end_s, cuts) - across(band.start_s, cuts)
        box = {"x": short(x), "width": short(width), "class_": hue[band.name]}
        marks.append(el("rect", **{**box, "y": 0, "height": POWER_HIGH, "class_": f"band {hue[band.name]}"}))
        marks.append(el("rect", **{**box, "y": 0, "height": STRIP_HIGH, "class_": f"strip {hue[band.name]}"}))
    marks += level_lines(levels, scale, POWER_HIGH)
    # Each layer is drawn from its upper edge down to the axis, the top layer first. The next layer covers the rest, so no edge is drawn
    # twice.
    for layer, top, colour in reversed(list(zip(layers, tops, colours(layers), strict=True))):
        path = _area(top, cuts, POWER_HIGH, scale)
        marks.append(el("path", d=path, class_=f"layer {colour}"))
        if layer.modelled:
            marks.append(el("path", d=path, class_="modelled"))
    texts = [*level_texts([(y, watts_tick(y)) for y in levels], scale, POWER_HIGH), *time_texts(cuts, POWER_HIGH)]
    return framed("power", POWER_HIGH, marks, texts, label)


def grid(cuts: Sequence[float], steps: Sequence[Step], label: str) -> Html:
    """The grid's intensity over the same time; values that a provider estimated are paler."""
    levels = ticks(max(step.g_per_kwh for step in steps), 2)
    scale = (GRID_HIGH - 4) / levels[-1]
    marks: list[Child] = list(level_lines(levels, scale, GRID_HIGH))
    for step in steps:
        x, high = across(step.start_s, cuts), step.g_per_kwh * scale
        box = {"x": short(x), "y": short(GRID_HIGH - high), "width": short(across(step.end_s, cuts) - x), "height": short(high)}
        marks.append(el("rect", **box, class_="grid estimated" if step.estimated else "grid"))
    texts = [*level_texts([(y, f"{y:g}") for y in levels], scale, GRID_HIGH), *time_texts(cuts, GRID_HIGH)]
    return framed("grid", GRID_HIGH, marks, texts, label)


def busy(cuts: Sequence[float], lanes: Sequence[Lane], label: str) -> Html:
    """How busy the devices were over the same time: the first lane as an area, the others as lines."""
    scale = BUSY_HIGH - 4
    marks: list[Child] = list(level_lines((0.0, 0.5, 1.0), scale, BUSY_HIGH))
    for i, lane in enumerate(lanes):
        tops = [share or 0.0 for share in lane.shares]
        path = _area(tops, cuts, BUSY_HIGH, scale) if i == 0 else _steps(tops, cuts, BUSY_HIGH, scale)
        marks.append(el("path", d=path, class_=f"{'busy' if i == 0 else 'lane'} {lane.kind}-0"))
    texts = [*level_texts([(y, f"{100 * y:.0f} %") for y in (0.0, 0.5, 1.0)], scale, BUSY_HIGH), *time_texts(cuts, BUSY_HIGH)]
    return framed("grid", BUSY_HIGH, marks, texts, label)


def columns(rows: Sequence[Column], colours: Sequence[str], label: str) -> Html:
    """Energy by period, its parts stacked in the order of their colours, each with the range of the whole."""
    top = max(max(sum(row.parts), row.high or 0.0) for row in rows)
    size, symbol = energy_unit(top)
    levels = ticks(top / size)
    scale = (COLUMNS_HIGH - 6) / levels[-1] / size
    slot = WIDE / len(rows)
    width = min(0.8 * slot, COLUMN_WIDE)
    marks: list[Child] = list(level_lines(levels, scale * size, COLUMNS_HIGH))
    for i, row in enumerate(rows):
        middle, at = (i + 0.5) * slot, 0.0
        for part, colour in zip(row.parts, colours, strict=True):
            if part > 0:
                box = {"x": short(middle - width / 2), "y": short(COLUMNS_HIGH - (at + part) * scale), "width": short(width)}
                marks.append(el("rect", **box, height=short(part * scale), class_=f"column {colour}"))
            at += part
        if row.low is not None and row.high is not None and row.high > row.low:
            low, high = (short(COLUMNS_HIGH - joules * scale) for joules in (row.low, row.high))
            marks.append(el("line", x1=short(middle), x2=short(middle), y1=low, y2=high, class_="range"))
    every = -(-len(rows) // COLUMN_NAMES)
    names = [
        el(
            "text",
            row.name,
            x=f"{100 * (i + 0.5) / len(rows):.2f}%",
            y=COLUMNS_HIGH + 18,
            class_="middle spare" if i // every % 2 else "middle",
        )
        for i, row in enumerate(rows)
    ]
    texts = [*level_texts([(y, "0" if y == 0 else f"{y:g} {symbol}") for y in levels], scale * size, COLUMNS_HIGH), *names[::every]]
    return framed("columns", COLUMNS_HIGH, marks, texts, label)


def framed(kind: str, high: int, marks: Iterable[Child], texts: Iterable[Child], label: str) -> Html:
    """A chart: its marks in the box that is stretched, and its words outside that box."""
    box = el(
        "svg", *marks, class_="marks", viewbox=f"0 0 {WIDE} {high}", preserveaspectratio="none", width="100%", height=high
    )  # fmt: skip
    cursor = el("line", class_="cursor", x1="0", x2="0", y1=0, y2=high, visibility="hidden")
    chart = el("svg", box, cursor, *texts, class_="chart", width="100%", height=high + BELOW, role="img", aria_label=label)
    return el("div", chart, class_=f"plot {kind}")


def level_lines(levels: Sequence[float], scale: float, high: int) -> list[Html]:
    """A line across the chart at each level."""
    return [
        el("line", x1=0, x2=WIDE, y1=short(high - y * scale), y2=short(high - y * scale), class_="axis" if y == 0 else "level")
        for y in levels
    ]


def level_texts(levels: Sequence[tuple[float, str]], scale: float, high: int) -> list[Html]:
    """The words at the left of the levels."""
    return [el("text", text, x=-8, y=short(high - y * scale + 4), class_="left") for y, text in levels]


def time_texts(cuts: Sequence[float], high: int) -> list[Html]:
    """The words below the axis of time."""
    at = time_ticks(cuts[0], cuts[-1])
    step = at[1] - at[0] if len(at) > 1 else None
    return [
        el("text", time_text(t, step), x=f"{short(across(t, cuts) / WIDE * 100)}%", y=high + 18, class_=_side(across(t, cuts))) for t in at
    ]


def _side(x: float) -> str:
    """How a word at `x` is aligned, so that it stays within the chart."""
    return "first" if x < 20 else "last" if x > WIDE - 20 else "middle"


def _area(tops: Sequence[float], cuts: Sequence[float], high: int, scale: float) -> str:
    """Steps from the left to the right, down to the axis."""
    return f"{_steps(tops, cuts, high, scale)}V{high}Z"


def _steps(tops: Sequence[float], cuts: Sequence[float], high: int, scale: float) -> str:
    """Steps from the axis at the left to the right end."""
    parts = [f"M0 {high}"]
    last = ""
    for watts, (a, _) in zip(tops, pairwise(cuts), strict=True):
        y = short(high - watts * scale)
        if y != last:
            parts.append(f"H{short(across(a, cuts))}V{y}")
            last = y
    return f"{''.join(parts)}H{WIDE}"


def across(seconds: float, cuts: Sequence[float]) -> float:
    """Across the box, never beyond it."""
    return min(1.0, max(0.0, (seconds - cuts[0]) / (cuts[-1] - cuts[0]))) * WIDE


def short(value: float) -> str:
    """A tenth of a unit is finer than a screen shows."""
    return f"{value:.1f}".removesuffix(".0")


# ---- bars


def bars(rows: Sequence[Bar], label: str) -> Html:
    """Bars below each other, on one scale from 0, each with its name, its figure and its range."""
    top = max((max(b.high or 0.0, b.value or 0.0) for b in rows), default=0.0) or 1.0
    return el("ul", [_bar(b, top) for b in rows], class_="bars", role="list", aria_label=label)


def _bar(bar: Bar, top: float) -> Html:
    def percent(value: float) -> str:
        return f"{100 * value / top:.2f}%"

    marks: list[Child] = [el("rect", x=0, y=3, width="100%", height=8, rx=2, class_="track")]
    if bar.value is not None:
        marks.append(el("rect", x=0, y=3, width=percent(bar.value), height=8, rx=2, class_=f"bar {bar.colour}"))
    if bar.low is not None and bar.high is not None and bar.high > bar.low:
        low, high = percent(bar.low), percent(bar.high)
        marks.append(el("line", x1=low, x2=high, y1=7, y2=7, class_="range"))
        marks += [el("line", x1=at, x2=at, y1=2, y2=12, class_="range") for at in (low, high)]
    name = [el("span", breaking(bar.name), class_="text"), el("small", bar.note) if bar.note else None]
    words = [el("span", name, class_="name"), el("span", bar.text, class_="figure")]
    return el("li", el("div", words, class_="words"), el("svg", marks, width="100%", height=14, aria_hidden="true"))


def shares(rows: Sequence[tuple[str, str, Sequence[Part]]], label: str) -> Html:
    """A bar for each row, divided into its parts. A row has a name, words and parts."""
    return el("ul", [_share(*row) for row in rows], class_="bars", role="list", aria_label=label)


def _share(name: str, text: str, parts: Sequence[Part]) -> Html:
    whole = sum(p.value for p in parts) or 1.0
    marks: list[Child] = []
    at = 0.0
    for part in parts:
        if part.value > 0:
            box: Mapping[str, object] = {"x": f"{100 * at / whole:.2f}%", "width": f"{100 * part.value / whole:.2f}%", "y": 2, "height": 10}
            marks.append(el("rect", **box, class_=f"part {part.colour}"))
            marks.append(el("rect", **box, class_="modelled") if part.colour in ("imputed", "model") else None)
            at += part.value
    words = [el("span", breaking(name), class_="name text"), el("span", text, class_="figure")]
    return el("li", el("div", words, class_="words"), el("svg", marks, width="100%", height=14, aria_hidden="true"))


def legend(of: str, entries: Iterable[tuple[str, str, bool]]) -> Html:
    """What the colours of `of` mean. An entry is a class of the style sheet, a name, and whether the colour is striped."""
    return el(
        "ul",
        [el("li", of)],
        [
            el(
                "li",
                el(
                    "svg",
                    el("rect", width=12, height=12, rx=2, class_=f"key {colour}"),
                    el("rect", width=12, height=12, rx=2, class_="modelled") if striped else None,
                    width=12,
                    height=12,
                    aria_hidden="true",
                ),
                el("span", breaking(name), class_="text"),
            )
            for colour, name, striped in entries
        ],
        class_="legend",
        role="list",
    )


_STRIPE = el("rect", width=4, height=2, class_="stripe")
_PATTERN = el("pattern", _STRIPE, id="stripes", width=4, height=4, patternunits="userSpaceOnUse")
STRIPES = el("svg", el("defs", _PATTERN), width=0, height=0, aria_hidden="true", class_="defs")
"""The stripes of modelled figures. A page needs this once."""
