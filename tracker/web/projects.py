"""The pages of projects: what each used, and how that came about over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ..analysis.totals import OverTime
from ..presentation.report.charts import Column, columns, legend
from ..presentation.report.elements import Child, Html, details, el, table
from ..presentation.report.over_time import HINT
from ..presentation.words.quantities import count, format_duration, format_energy, percent
from ..presentation.words.runs import at_once_text, energy_text, measured_text, when

View = Mapping[str, Any]
COLOURS = ("phase-0", "phase-1", "phase-2", "phase-3", "phase-5", "platform-0")
OTHERS = "others"
OUTCOMES = {"completed": "gpu-0", "running": "gpu-1", "failed": "model", "interrupted": "imputed"}
"""The status of a run, and the class of the style sheet."""


def most_first(groups: Sequence[View]) -> list[View]:
    """The projects in the order of what they used."""
    return sorted(groups, key=lambda g: -(g["energy"]["total_j"] or 0.0))


def leading(groups: Sequence[View]) -> list[str]:
    """Of projects in that order, those that have a colour of their own."""
    return [g["project"] for g in groups[: len(COLOURS) - 1]]


def overview(groups: Sequence[View], whole: View, time: OverTime) -> Html:
    """All projects, in the order of `most_first`: their energy by period, and a table. `time` has the parts of `leading`, and the rest."""
    colours: dict[str | None, str] = {**dict(zip(leading(groups), COLOURS, strict=False)), None: COLOURS[-1]}
    shown = {name: colour for name, colour in colours.items() if any(part.get(name) for part in time.parts)}
    rows = [
        [_link(g), f"{g['runs']:,}", format_duration(g["duration_s"]), energy_text(g["energy"]), _measured(g), when(g["newest_started_at"])]
        for g in groups
    ]
    head = ["project", "runs", "time", "energy (range)", "measured", "newest"]
    return el(
        "main",
        el("h1", "Projects"),
        el("p", _sum(whole), class_="headline"),
        _figure(time, shown, "Projects"),
        el("section", table(head, rows, range(1, 6))),
    )


def project(name: str, whole: View, time: OverTime) -> Html:
    """One project: its energy by period and by how its runs ended. `time` has a part for each status."""
    shown: dict[str | None, str] = {status: colour for status, colour in OUTCOMES.items() if any(part.get(status) for part in time.parts)}
    return el(
        "main",
        el("h1", name, class_="text"),
        el("p", _sum(whole), class_="headline"),
        el("p", el("a", "Its runs", href=f"/?{urlencode({'project': name})}")),
        _wasted(whole, time),
        _figure(time, shown, "How the runs ended"),
    )


def _wasted(whole: View, time: OverTime) -> Html | None:
    """What went into runs that did not complete: a part of a footprint that can be saved."""
    lost_j = sum(part.get(status, 0.0) for part in time.parts for status in ("failed", "interrupted"))
    if not lost_j:
        return None
    share = lost_j / whole["energy"]["total_j"]
    return el("p", f"{format_energy(lost_j)} of it ({percent(share)}) went into runs that failed or were interrupted.")


def _figure(time: OverTime, colours: Mapping[str | None, str], title: str) -> Html:
    """The energy of each period as a column, and as a table. `colours` are those of its parts, None for the rest."""
    if not colours:
        return el("p", "None of these runs has energy.")
    names = [OTHERS if name is None else name for name in colours]
    rows, cells = [], []
    for period, part, total in zip(time.names, time.parts, time.totals, strict=True):
        joules = [part.get(name, 0.0) for name in colours]
        energy = {"low_j": None, "high_j": None} if total is None else total["energy"]
        rows.append(Column(period, joules, energy["low_j"], energy["high_j"]))
        about = ["", ""] if total is None else [f"{total['runs']:,}", energy_text(energy)]
        cells.append([period, *about, *(_part(j) for j in joules)])
    at = [f"{i / len(cells):.4f}" for i in range(len(cells))]
    label = f"Energy by {time.period}"
    head = [time.period, "runs", "energy (range)", *names]
    return el(
        "figure",
        el("figcaption", f"{label} in which a run began, in UTC, with its range."),
        columns(rows, list(colours.values()), label),
        el("output", class_="readout", data_hint=HINT),
        legend(title, [(colour, name, False) for name, colour in zip(names, colours.values(), strict=True)]),
        details(f"{label} as a table", table(head, cells, range(1, len(head)), at=at)),
        data_read="energy",
        aria_label=label,
    )


def _part(joules: float) -> str:
    return format_energy(joules) if joules else ""


def _measured(of: View) -> str:
    return measured_text(of["energy"]["measured_fraction"]) or "–"


def _sum(whole: View) -> list[Child]:
    joules, _, range_ = energy_text(whole["energy"]).partition(" (")
    about = f"{count(whole['runs'], 'run')}, {format_duration(whole['duration_s'])}"
    missing = f", {whole['runs_without_energy']:,} of them without energy" if whole["runs_without_energy"] else ""
    twice = f"; {at_once_text(whole['runs_at_once'])}" if whole["runs_at_once"] else ""
    return [el("b", joules), ", ".join(part for part in (range_.rstrip(")"), about) if part) + missing + twice]


def _link(group: View) -> Html:
    return el("a", el("span", group["project"], class_="text"), href=f"/projects?{urlencode({'name': group['project']})}")
