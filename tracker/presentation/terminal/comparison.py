"""PURE: compared runs for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.text import Text

from ...analysis.comparing.compared import Compared, Figure
from ...analysis.comparing.gates import Judged
from ...analysis.view import SCHEMA_VERSION
from ..words.comparison import mean_headline, name_of, notes, says, verdict
from ..words.comparison_facts import apart_text, missing_text, note_text, remark_text, unjudged_text
from ..words.comparison_table import Line, sections
from ..words.quantities import count, format_duration
from ..words.runs import headline
from ..words.safe_text import clean, lines, markdown
from .elision import elided

SIDE_CELLS, NAME_CELLS = 40, 20

if TYPE_CHECKING:
    from ...core.contract import ChangeJson, ComparedJson, CompareJson, FigureJson, GateJson
    from ...energy.difference import Change


def to_json(runs: Sequence[Compared], judged: Sequence[Judged]) -> CompareJson:
    """The comparison for programs: quantities in J, s, W and g, and the verdicts, also in words."""
    return {
        "schema_version": SCHEMA_VERSION,
        "baseline": runs[0].view["run"]["id"],
        "runs": [_compared(run, runs[0] if number else None) for number, run in enumerate(runs)],
        "gates": [_gate(j, runs) for j in judged],
    }


def _compared(run: Compared, base: Compared | None) -> ComparedJson:
    return {
        "label": run.label,
        "name": run.name,
        "runs": [view["run"]["id"] for view in run.views],
        "run": run.view["run"],
        "energy": run.view["energy"],
        "work": run.view["work"],
        "carbon": run.view["carbon"],
        "carbon_missing": run.view["carbon_missing"],
        "verdict": None if base is None else verdict(run, base),
        "notes": [note_text(note) for note in run.notes],
        "figures": [_figure(f) for f in run.figures],
        "devices": [_figure(f) for f in run.devices],
        "phases": [_figure(f) for f in run.phases],
    }


def _figure(figure: Figure) -> FigureJson:
    change = figure.change
    return {
        "name": figure.name,
        "unit": figure.unit,
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "values": list(figure.values),
        "missing": None if figure.missing is None else missing_text(figure.missing),
        "change": None if change is None else _change(change),
        "apart": apart_text(figure),
        "remark": remark_text(figure),
        "verdict": None if change is None else {1: "more", -1: "less", 0: "no difference beyond the error"}[change.direction],
    }


def _change(change: Change) -> ChangeJson:
    return {
        "difference": change.difference,
        "low": change.low,
        "high": change.high,
        "ratio": change.ratio,
        "ratio_low": change.ratio_low,
        "ratio_high": change.ratio_high,
    }


def _gate(judged: Judged, runs: Sequence[Compared]) -> GateJson:
    return {
        "gate": judged.gate.text,
        "metric": judged.gate.metric,
        "run": next(run.view["run"]["id"] for run in runs if run.label == judged.label),
        "label": judged.label,
        "crossed": None if judged.missing else judged.crossed,
        "beyond_error": None if judged.missing else judged.beyond_error,
        "one_run_each": judged.one_run_each,
        "missing": unjudged_text(judged),
        "says": says(judged),
    }


def page(sides: Sequence[Compared], judged: Sequence[Judged]) -> RenderableType:
    """The comparison for a terminal: the sides, the verdicts, the notes that limit them, and a table for each side beside the baseline."""
    parts: list[RenderableType] = []
    names = _names(sides)
    for number, side in enumerate(sides):
        parts.append(_line(f"{side.label}  ", f"{_about(side, names[number])}{'' if number else ' · the baseline'}"))
        parts.append(_line("   ", _headline(side), style="dim"))
    parts += [Text(), *body(sides)]
    if judged:
        parts += [Text(), *(_line("", says(j), style=_style(j)) for j in judged)]
    return Group(*parts)


def body(sides: Sequence[Compared]) -> list[RenderableType]:
    """The verdicts, the notes, and the tables."""
    parts: list[RenderableType] = [_line("", verdict(side, sides[0]), style="bold") for side in sides[1:]]
    parts += [_line("", note, style="yellow") for note in notes(sides)]
    for side in sides[1:]:
        parts += _table((sides[0], side))
    return parts


def _table(pair: tuple[Compared, Compared]) -> list[RenderableType]:
    """One side beside the baseline: two lines for each quantity, so that the table fits 80 columns."""
    found = sections(pair)
    rows = {id(line): _cells(line) for section in found for line in section.lines}
    head = ("", *(side.label for side in pair), f"{pair[1].label} − {pair[0].label}")
    widths = [max(cell_len(row[i]) for row in (head, *(row for of in rows.values() for row in of if any(row[1:])))) for i in range(3)]

    def written(row: Sequence[str]) -> str:
        return "  ".join(clean(cell) + " " * (widths[i] - cell_len(clean(cell))) for i, cell in enumerate(row[:3])) + f"  {row[3]}"

    parts: list[RenderableType] = [Text(), Text(written(head).rstrip(), style="dim")]
    for section in found:
        parts += [Text(), Text(section.title, style="dim")] if section.title else []
        for line in section.lines:
            parts += [
                _line("", written(row), style="" if row[0] or row[3].startswith(line.beside[0].ratio) else "dim") for row in rows[id(line)]
            ]
            parts += [_line("    ", remark, style="dim") for remark in line.remarks]
    return parts


def _cells(line: Line) -> list[tuple[str, str, str, str]]:
    """The values with the ratio, and below them the ranges with the difference."""
    (base, other), beside = line.cells, line.beside[0]
    told = "  ".join(text for text in (beside.ratio or beside.difference, beside.verdict) if text)
    name = clean(line.name)
    long = [(name, "", "", "")] if cell_len(name) > NAME_CELLS else []
    above = "" if long else name, base.value, other.value, told
    below = "", base.within, other.within, beside.difference if beside.ratio else ""
    return [*long, above, below] if any(below) else [*long, above]


def document(sides: Sequence[Compared], judged: Sequence[Judged]) -> str:
    """The same as Markdown."""
    names = _names(sides)
    page = [f"- {side.label}: {markdown(_about(side, name))}: {markdown(_headline(side))}" for side, name in zip(sides, names, strict=True)]
    page += [
        "",
        *(f"**{markdown(verdict(side, sides[0]))}**  " for side in sides[1:]),
        *(f"{markdown(note)}  " for note in notes(sides)),
        "",
    ]
    base = sides[0].label
    head = ["", base, *(text for side in sides[1:] for text in (side.label, f"{side.label} − {base}"))]
    page += [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    for section in sections(sides):
        for line in section.lines:
            name = f"{section.title.removesuffix('s')} {line.name}" if section.title else line.name
            cells = [f"{name}{''.join(f'; {remark}' for remark in line.remarks)}", *_flat(line)]
            page.append(f"| {' | '.join(markdown(cell) for cell in cells)} |")
    page += ["", *(f"- {markdown(says(j))}" for j in judged)] if judged else []
    return "\n".join(page)


def _flat(line: Line) -> list[str]:
    """The cells of a line: the baseline, then each side with its difference."""
    values = [f"{cell.value} ({cell.within})" if cell.within else cell.value for cell in line.cells]
    told = ["; ".join(text for text in (b.ratio, b.difference, b.verdict) if text) for b in line.beside]
    return [values[0], *(text for pair in zip(values[1:], told, strict=True) for text in pair)]


def _style(judged: Judged) -> str:
    return "yellow" if judged.missing else "red" if judged.crossed else "green"


def _names(sides: Sequence[Compared]) -> list[str]:
    """What the sides are called, short enough for a line of 80 columns."""
    return elided([clean(name_of(side)) for side in sides], SIDE_CELLS)


def _about(side: Compared, name: str) -> str:
    about = side.view["run"]
    if side.name is not None:
        return f"{name} · {count(len(side.views), 'run')}"
    return f"{about['id'][:8]} · {name} · {about['status']} · {format_duration(about['duration_s'] or 0.0)}"


def _headline(side: Compared) -> str:
    """The headline of a run, or the mean energy of a group."""
    return headline(side.view) if side.name is None else mean_headline(side)


def _line(first: str, rest: str, style: str = "") -> Text:
    return Text(lines(first + rest.rstrip()), style=style)
