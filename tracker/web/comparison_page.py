"""The comparison of runs and groups as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from ..analysis.comparing.compared import Compared, Figure
from ..analysis.over_time.figures import Drawing
from ..analysis.over_time.timeline import stacked
from ..energy.spread.chance import half_width
from ..presentation.report.charts import legend
from ..presentation.report.elements import Child, Html, el, table
from ..presentation.report.names import short_name
from ..presentation.report.side_charts import Dots, Run, colour_of, dots, powers
from ..presentation.words.comparison import mean_headline, name_of, notes, verdict, writer
from ..presentation.words.comparison_table import TITLES, Line, Section, sections
from ..presentation.words.quantities import count
from ..presentation.words.runs import headline
from ..presentation.words.safe_text import clipped

DRAWN = ("energy_per_sample", "energy_per_token", "energy_per_epoch")
"""The figures for the chart of the sides: the first of these that a side has, else the energy of another unit, else the whole energy."""
OF_FLOP = "energy_per_flop"
MOST_CURVES = 20
NAME = 60


def comparison(sides: Sequence[Compared], drawings: Mapping[str, Drawing], left_out: Sequence[str]) -> Html:
    """Sides compared with the first: the verdicts, what limits them, one table, and charts. `drawings`: the runs over time, by id."""
    base, others = sides[0], sides[1:]
    found = sections(sides)
    beside: Child = count(len(others), "side") if len(others) > 1 else short_name(name_of(others[0]))
    return el(
        "main",
        el("h1", beside, " beside ", short_name(name_of(base))),
        el("ul", [el("li", _about(side)) for side in sides], class_="compared"),
        [el("p", verdict(side, base), class_="verdict") for side in others],
        [el("p", note, class_="notice") for note in (*notes(sides), *left_out)],
        [_table(section, sides) if not section.title else _folded(section, sides) for section in found],
        _dots(sides),
        _powers(sides, drawings),
    )


def _about(side: Compared) -> list[Child]:
    ids = [view["run"]["id"] for view in side.views]
    links: list[Child] = []
    for run_id in ids:
        links += [" · " if links else "", el("a", run_id[:8], href=f"/runs/{quote(run_id, safe='')}")]
    if side.name is None:
        run = side.view["run"]
        return [
            el("b", side.label),
            " ",
            el("span", short_name(name_of(side)), class_="text"),
            f" · {run['status']} · {headline(side.view)} · ",
            links,
        ]
    about = f" · {count(len(ids), 'run')} · {mean_headline(side)} · "
    return [el("b", side.label), " ", el("span", short_name(side.name), class_="text"), about, links]


def _table(section: Section, sides: Sequence[Compared]) -> Html:
    base = sides[0].label
    head = ["", base, *(text for side in sides[1:] for text in (side.label, f"{side.label} − {base}"))]
    return el(
        "div", table(head, [_row(line) for line in section.lines], range(1, len(head)), section.title or None, cards=True), class_="sides"
    )


def _row(line: Line) -> list[Child]:
    name: list[Child] = [el("span", line.name, class_="text"), [el("small", remark) for remark in line.remarks]]
    values: list[Child] = [[cell.value, el("small", cell.within)] for cell in line.cells]
    told: list[Child] = [
        [b.ratio or b.difference, " ", el("b", b.verdict), el("small", b.difference if b.ratio else "")] for b in line.beside
    ]
    return [name, values[0], *(cell for pair in zip(values[1:], told, strict=True) for cell in pair)]


def _folded(section: Section, sides: Sequence[Compared]) -> Html:
    return el("details", el("summary", section.title), _table(section, sides))


def _dots(sides: Sequence[Compared]) -> Child:
    """The sides on one scale, each run as a dot; nothing with one run a side, where the table says as much."""
    if all(len(side.views) == 1 for side in sides):
        return None
    others = sorted({f.name for side in sides for f in side.figures if f.name.startswith("energy_per_") and f.name != OF_FLOP})
    name = next(n for n in (*DRAWN, *others, "energy") if any(_figure(side, n) is not None for side in sides))
    figures = [_figure(side, name) for side in sides]
    write = writer([f for f in figures if f is not None])
    title = TITLES.get(name, f"energy per {name.removeprefix('energy_per_')}")
    rows = [
        _of_side(side, number, figure, write(figure.value) if figure else "no value")
        for number, (side, figure) in enumerate(zip(sides, figures, strict=True))
    ]
    said = (
        "Each run is a dot. The line is the range of the mean that the differences between runs leave open. The scale errors of the sensors"
        " are not drawn, because they are in both sides where the devices are the same. The scale does not begin at 0."
    )
    return el("section", el("h2", f"Runs by {title}"), el("p", said, class_="muted"), dots(rows, f"{title} of each run"))


def _figure(side: Compared, name: str) -> Figure | None:
    return next((f for f in side.figures if f.name == name and f.value is not None), None)


def _of_side(side: Compared, number: int, figure: Figure | None, text: str) -> Dots:
    name = f"{side.label} {clipped(name_of(side), NAME)}"
    if figure is None or figure.value is None:
        return Dots(name, text, None, 0.0, (), colour_of(number))
    spread = half_width(figure.values) if len(figure.values) > 1 else 0.0
    return Dots(name, text, figure.value, spread, figure.values, colour_of(number))


def _powers(sides: Sequence[Compared], drawings: Mapping[str, Drawing]) -> Child:
    runs = []
    for number, side in enumerate(sides):
        for view in side.views:
            drawing = drawings.get(view["run"]["id"])
            if drawing is not None and drawing.cuts and drawing.layers:
                name = f"{side.label} {view['run']['id'][:8]}"
                runs.append(Run(name, drawing.cuts, stacked(drawing.layers)[-1], colour_of(number)))
    if not runs:
        return None
    shown = runs[:MOST_CURVES]
    left = f" The first {MOST_CURVES} of {len(runs)} runs are drawn." if len(runs) > len(shown) else ""
    keys = [(colour_of(number), f"{side.label} {clipped(name_of(side), NAME)}", False) for number, side in enumerate(sides)]
    said = f"The power of all devices, each run from its own start.{left}"
    chart = powers(shown, "Power of the runs over time")
    return el("section", el("h2", "Power over time"), el("p", said, class_="muted"), el("figure", chart, legend("side", keys)))
