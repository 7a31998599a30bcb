"""PURE: the values of a metric over the energy, a line for each run, with those that no other run beats; and all runs as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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

HIGH = 260


def sweep_section(sweep: Sweep) -> Html:
    """The chart, what its marks mean, and the table."""
    ranked = sorted(enumerate(sweep.lines, 1), key=lambda line: (not line[1].on_front, line[1].best.energy_j))
    direction = "higher" if sweep.better is Better.HIGHER else "lower"
    caption = (
        f"{sweep.metric} over the energy that was used by then, a line for each run; {direction} is better. The dot is the best value of a"
        " run, with its number in the table. The dot is large if the run is on the front: at some energy, no other run had got as far."
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
            _chart(sweep, label),
            el("p", left_out, class_="muted") if left_out else None,
            _table(sweep, ranked),
            aria_label=label,
        ),
        class_="sweep",
    )


def _table(sweep: Sweep, ranked: Sequence[tuple[int, Line]]) -> Html:
    largest = largest_j(line.best.energy_j for _, line in ranked)
    rows: list[list[Child]] = [
        [
            str(number),
            el("a", short_name(title_of(line.view)), href=f"#{anchor(line.view)}"),
            metric_text(line.best.value),
            format_energy(line.best.energy_j, largest),
            "on the front" if line.on_front else "",
        ]
        for number, line in ranked
    ]
    return table(["", "run", f"best {sweep.metric}", "energy until then", ""], rows, (0, 2, 3), "Runs by what they reached", cards=True)


def _chart(sweep: Sweep, label: str) -> Html:
    values = [of for line in sweep.lines for of in line.values]
    size, symbol = energy_unit(max(of.energy_j for of in values))
    xs = ticks(max(of.energy_j for of in values) / size)
    low, high = min(of.value for of in values), max(of.value for of in values)
    scale = (HIGH - 24) / (high - low or abs(high) or 1.0)

    def x_of(energy_j: float) -> float:
        return energy_j / size / xs[-1]

    def y_of(value: float) -> float:
        return HIGH - 10 - (value - low) * scale

    marks: list[Child] = [*level_lines([0.0], 1.0, HIGH)]
    dots: list[Child] = []
    for number, line in enumerate(sweep.lines, 1):
        path = "L".join(f"{short(x_of(of.energy_j) * WIDE)} {short(y_of(of.value))}" for of in line.values)
        marks.append(el("path", d=f"M{path}", class_=f"over {colour_of(number)}"))
        at = f"{100 * x_of(line.best.energy_j):.2f}%"
        y = y_of(line.best.value)
        dots.append(el("circle", cx=at, cy=short(y), r=6 if line.on_front else 3, class_=f"dot {colour_of(number)}"))
        dots.append(el("text", str(number), x=at, y=short(y - 9), class_="middle strong" if line.on_front else "middle"))
    texts = [
        *level_texts([(HIGH - y_of(v), metric_text(v)) for v in dict.fromkeys((low, high))], 1.0, HIGH),
        *(_tick(x, xs, symbol) for x in xs),
        *dots,
    ]
    return framed("sweep", HIGH, marks, texts, label)


def _tick(x: float, xs: Sequence[float], symbol: str) -> Html:
    side, unit = ("last", f" {symbol}") if x == xs[-1] else ("first" if x == 0 else "middle", "")
    return el("text", f"{x:g}{unit}", x=f"{100 * x / xs[-1]:.2f}%", y=HIGH + 18, class_=side)
