"""PURE: small charts: power over the last minutes, a share that is used, and bars that are divided into parts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile, groupby
from typing import NamedTuple

from ..report.charts import short
from ..report.elements import Child, Html, el
from ..words.quantities import watts_text

WIDE, HIGH = 300, 40
LEAST_VALUES = 3
"""With fewer values there is no line to draw."""


class Row(NamedTuple):
    """A bar: its name, its figure, and the values of its parts, each with a class of the style sheet."""

    name: Child
    text: Child
    parts: Sequence[tuple[float, str]]


def sparkline(watts: Sequence[float | None], piece_s: float) -> Html | None:
    """Power over the last minutes, from 0 up, each value the mean of `piece_s`; gaps where it is not known. It begins with the first value
    that is known. None if too little is known."""
    values = list(dropwhile(lambda value: value is None, watts))
    known = [value for value in values if value is not None]
    if len(known) < LEAST_VALUES:
        return None
    top, step = max(known) or 1.0, WIDE / (len(values) - 1)
    areas, lines = [], []
    for is_known, of in groupby(enumerate(values), key=lambda pair: pair[1] is not None):
        points = [(short(i * step), short(HIGH - 1 - (HIGH - 3) * (value or 0.0) / top)) for i, value in of]
        if is_known and len(points) > 1:
            line = "L".join(f"{x} {y}" for x, y in points)
            lines.append(f"M{line}")
            areas.append(f"M{points[0][0]} {HIGH}L{line}L{points[-1][0]} {HIGH}Z")
    said = f"last {_time(len(values) * piece_s)}"
    label = f"Power over the {said}: {watts_text(min(known))} to {watts_text(max(known))}"
    chart = el(
        "svg",
        el("path", d="".join(areas), class_="under"),
        el("path", d="".join(lines), class_="spark"),
        viewbox=f"0 0 {WIDE} {HIGH}",
        preserveaspectratio="none",
        width="100%",
        height=HIGH,
        role="img",
        aria_label=label,
    )
    return el("div", chart, el("small", f"{said}, up to {watts_text(max(known))}"), class_="sparkline")


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * 60 else f"{seconds / 60:.0f} min"


def used_bar(share: float, colour: str) -> Html:
    """How much of a whole is used. The figure stands beside it."""
    marks = [
        el("rect", x=0, y=0, width="100%", height=6, rx=3, class_="track"),
        el("rect", x=0, y=0, width=f"{100 * min(1.0, max(0.0, share)):.1f}%", height=6, rx=3, class_=colour),
    ]
    return el("svg", marks, width="100%", height=6, aria_hidden="true", class_="used")


def parted_bars(rows: Sequence[Row], label: str) -> Html:
    """Bars below each other, on one scale from 0, each divided into its parts."""
    top = max((sum(value for value, _ in row.parts) for row in rows), default=0.0) or 1.0
    return el("ul", [_parted(row, top) for row in rows], class_="bars", role="list", aria_label=label)


def _parted(row: Row, top: float) -> Html:
    marks: list[Child] = [el("rect", x=0, y=2, width="100%", height=10, rx=2, class_="track")]
    at = 0.0
    for value, colour in row.parts:
        if value > 0:
            marks.append(el("rect", x=f"{100 * at / top:.2f}%", y=2, width=f"{100 * value / top:.2f}%", height=10, class_=f"part {colour}"))
            at += value
    words = [el("span", row.name, class_="name"), el("span", row.text, class_="figure")]
    return el("li", el("div", words, class_="words"), el("svg", marks, width="100%", height=14, aria_hidden="true"))
