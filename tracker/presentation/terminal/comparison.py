"""PURE: compared runs for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from ...analysis.compared import Compared, Figure
from ...analysis.gates import Judged
from ...analysis.view import SCHEMA_VERSION
from ..words.blocks import Block, Row, blocks
from ..words.comparison import notes, says, verdict
from ..words.comparison_facts import apart_text, missing_text, note_text, remark_text, unjudged_text
from ..words.quantities import format_duration
from ..words.runs import headline, title_of
from ..words.safe_text import clean, lines, markdown
from .elision import elided

NAME_CELLS = 40

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
        "missing": unjudged_text(judged),
        "says": says(judged),
    }


def page(runs: Sequence[Compared], judged: Sequence[Judged]) -> RenderableType:
    """The comparison for a terminal: the runs, the verdicts, the notes that limit them, and all figures."""
    parts: list[RenderableType] = []
    names = _names(runs)
    for number, run in enumerate(runs):
        parts.append(_line(f"{run.label}  ", f"{_about(run, names[number])}{'' if number else ' · the baseline'}"))
        parts.append(_line("   ", headline(run.view), style="dim"))
    parts.append(Text())
    parts += [_line("", verdict(run, runs[0]), style="bold") for run in runs[1:]]
    parts += [_line("", note, style="yellow") for note in notes(runs)]
    found = [Block(clean(block.title), tuple(Row(*map(clean, row)) for row in block.rows)) for block in blocks(runs)]
    widths = [max((len(row[i]) for block in found for row in block.rows if row.difference or i != 1), default=0) for i in range(3)]
    for block in found:
        parts += [Text(), Text(block.title, style="dim")]
        parts += [
            _line("  ", "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=False)) + f"  {row.ratio}") for row in block.rows
        ]
    if judged:
        parts += [Text(), *(_line("", says(j), style=_style(j)) for j in judged)]
    return Group(*parts)


def document(runs: Sequence[Compared], judged: Sequence[Judged]) -> str:
    """The same as Markdown."""
    names = _names(runs)
    page = [f"- {run.label}: {markdown(_about(run, name))}: {markdown(headline(run.view))}" for run, name in zip(runs, names, strict=True)]
    page += ["", *(f"**{markdown(verdict(run, runs[0]))}**  " for run in runs[1:]), *(f"{markdown(note)}  " for note in notes(runs)), ""]
    page += ["| | run | value | difference | of the baseline |", "|---|---|---:|---:|---:|"]
    for block in blocks(runs):
        for number, row in enumerate(block.rows):
            cells = ["" if number else block.title, *row]
            page.append("| " + " | ".join(markdown(cell) for cell in cells) + " |")
    page += ["", *(f"- {markdown(says(j))}" for j in judged)] if judged else []
    return "\n".join(page)


def _style(judged: Judged) -> str:
    return "yellow" if judged.missing else "red" if judged.crossed else "green"


def _names(runs: Sequence[Compared]) -> list[str]:
    """What the runs are called, short enough for a line of 80 columns."""
    return elided([clean(title_of(run.view)) for run in runs], NAME_CELLS)


def _about(run: Compared, name: str) -> str:
    about = run.view["run"]
    return f"{about['id'][:8]} · {name} · {about['status']} · {format_duration(about['duration_s'] or 0.0)}"


def _line(first: str, rest: str, style: str = "") -> Text:
    return Text(lines(first + rest.rstrip()), style=style)
