"""PURE: the instances of phases as HTML: their energy as columns, the metrics below on the same axis, and all figures as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..report.charts import WIDE, Column, columns, framed, level_lines, level_texts, short
from ..report.elements import Child, Html, details, el, table
from ..words.quantities import metric_text
from .columns import as_sum_text, columns_of, metrics_of, overlap_text, step_of

if TYPE_CHECKING:
    from ...core.contract import InstanceJson, InstancesPartJson

MOST_PHASES = 3
MOST_DRAWN = 60
"""Of a phase, so many newest instances are drawn and listed: more have no room."""
MOST_LINES = 3
LINE_HIGH = 90


def instances_section(part: InstancesPartJson, per: str | None = None, *, running: bool = False) -> Html | None:
    """The phases that took place more than once, those with the most energy first. None if there are none. `running`: whether the run goes
    on."""
    energies: dict[str, float] = {}
    for i in part["instances"]:
        energies[i["name"]] = energies.get(i["name"], 0.0) + (i["energy_j"] or 0.0)
    several = [name for name in energies if sum(i["name"] == name and i["energy_j"] is not None for i in part["instances"]) > 1]
    shown = sorted(several, key=lambda name: -energies[name])[:MOST_PHASES]
    if not shown:
        return None
    drawn: set[str] = set()
    return el("section", el("h2", "Phase by phase"), [_figure(part, name, per, drawn, running=running) for name in shown])


def _figure(part: InstancesPartJson, name: str, per: str | None, known: set[str], *, running: bool) -> Html:
    """A phase. Metrics that are `known` are drawn with another one already."""
    every = [i for i in part["instances"] if i["name"] == name]
    drawn = every[-MOST_DRAWN:]
    said = [overlap_text(every), as_sum_text(part, name), f"The newest {MOST_DRAWN} are shown." if len(every) > MOST_DRAWN else None]
    rows = [Column(step_of(i), [i["energy_j"] or 0.0], i["low_j"], i["high_j"]) for i in drawn]
    listed = columns_of(drawn, per, running=running)
    right = [number for number, column in enumerate(listed) if column.right]
    cells = [list(line) for line in zip(*(column.cells for column in listed), strict=True)]
    metrics = [metric for metric in metrics_of(drawn) if metric not in known][:MOST_LINES]
    known.update(metrics)
    unit = "step" if any(i["step"] is not None for i in drawn) else "number"
    return el(
        "figure",
        el("h3", name, class_="text"),
        el("figcaption", f"Energy of each instance, by {unit}; the thin lines are the ranges."),
        columns(rows, ["gpu-0"], f"Energy of each instance of {name}"),
        [_metric(drawn, metric) for metric in metrics],
        [el("p", text, class_="muted") for text in said if text],
        details(f"{name} as a table", table([column.head for column in listed], cells, right, cards=True)),
        aria_label=f"Instances of {name}",
    )


def _metric(instances: Sequence[InstanceJson], name: str) -> Child:
    """The values of a metric, each above the column of its instance."""
    known = [((n + 0.5) / len(instances) * WIDE, i["metrics"][name]) for n, i in enumerate(instances) if name in i["metrics"]]
    low, high = min(value for _, value in known), max(value for _, value in known)
    size = high - low or abs(high) or 1.0
    scale = (LINE_HIGH - 12) / size
    path = "L".join(f"{short(x)} {short(LINE_HIGH - 6 - (value - low) * scale)}" for x, value in known)
    dots = [
        el("circle", cx=f"{100 * x / WIDE:.2f}%", cy=short(LINE_HIGH - 6 - (value - low) * scale), r=3, class_="dot cpu-0")
        for x, value in known
    ]
    levels = list(dict.fromkeys((low, high)))
    marks = [*level_lines([(6 + (v - low) * scale) for v in levels], 1.0, LINE_HIGH), el("path", d=f"M{path}", class_="lane cpu-0")]
    texts = [*dots, *level_texts([(6 + (v - low) * scale, metric_text(v)) for v in levels], 1.0, LINE_HIGH)]
    label = f"{name}: {metric_text(known[0][1])} at first, {metric_text(known[-1][1])} at last"
    return [el("p", label, class_="muted text"), framed("metric", LINE_HIGH, marks, texts, label)]
