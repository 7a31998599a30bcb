"""The first page as HTML, and the page of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...analysis.overview.month import Month
from ...analysis.overview.now import Training
from ...analysis.overview.sweeps import LastSweep
from ...core.contract import EntryJson
from ...presentation.overview.month import month_section
from ...presentation.overview.sweeps import about, best_line, sweeps_section
from ...presentation.overview.training import training_section
from ...presentation.report.cells import energy_cells
from ...presentation.report.elements import Child, Html, el, table
from ...presentation.report.names import short_name
from ...presentation.sweep.section import sweep_section
from ...presentation.words.quantities import count, format_duration
from ...presentation.words.runs import status_text, title_of, when
from ..asked import PLACE, Asked
from .addresses import LIVE, PAGE, PLACES, comparison_of, run_place
from .kept import Found

OLD_S = 10.0
"""A figure that is older is said to be."""


class Front(NamedTuple):
    """What the first page shows: what trains, the month, the last sweeps, and the newest runs, of how many in all."""

    training: Training
    month: Found[Month]
    sweeps: Found[list[LastSweep]]
    newest: Sequence[EntryJson]
    runs: int


def front_page(front: Front) -> Html:
    """The page."""
    if not front.runs:
        how = el("p", "Put ", el("code", "trainwatt run --"), " before the command that trains, or use EnergyTracker in it.")
        return el("main", el("h1", "No runs yet"), how, class_="wide")
    return el(
        "main",
        el("h1", "Overview", class_="unseen"),
        el("div", training_section(front.training, PLACES), data_live=LIVE),
        el("p", class_="live"),
        el(
            "div",
            month_section(front.month.value, PLACES),
            _age(front.month),
            sweeps_section(front.sweeps.value, PLACES),
            _age(front.sweeps),
            _newest(front.newest),
            data_again=PAGE,
        ),
        _search(front.runs),
        class_="wide front",
    )


def unfinished(front: Front) -> bool:
    """Whether a part of the page is still being computed."""
    return front.month.value is None or front.sweeps.value is None


def sweep_page(sweep: LastSweep) -> Html:
    """All of a sweep."""
    listed = Asked(project=sweep.project, group=sweep.group)
    links: list[Child] = [el("a", "Its runs", href=listed.address())]
    if sweep.what is not None:
        ranked = listed._replace(metric=sweep.what.metric).sorted_by("metric")
        front = [line.view["run"]["id"] for line in sweep.what.lines if line.on_front]
        links += [" · ", el("a", f"Its runs, the best {sweep.what.metric} first", href=ranked.address())]
        if len(front) > 1:
            links += [" · ", el("a", "Compare those on the front", href=comparison_of(front))]
    nothing = el("p", "There is no chart: fewer than two runs, or more than 40, have logged a metric whose better values its name tells.")
    return el(
        "main",
        el("h1", sweep.group, class_="text"),
        el("p", short_name(sweep.project), ": ", about(sweep), class_="about"),
        best_line(sweep, PLACES),
        el("p", links),
        nothing if sweep.what is None else sweep_section(sweep.what, run_place),
    )


def _age(found: Found[Month] | Found[list[LastSweep]]) -> Html | None:
    if found.value is None or found.age_s < OLD_S:
        return None
    return el("p", f"These figures are {format_duration(found.age_s)} old.", class_="muted")


def _newest(entries: Sequence[EntryJson]) -> Html:
    rows: list[list[Child]] = [
        [
            el("a", short_name(title_of(entry)), href=run_place(entry)),
            el("span", status_text(entry["run"]), class_=entry["run"]["status"]),
            when(entry["run"]["started_at"]),
            format_duration(entry["run"]["duration_s"] or 0.0),
            energy,
        ]
        for entry, energy in zip(entries, energy_cells([entry["energy"] for entry in entries]), strict=True)
    ]
    newest = table(["run", "status", "started", "time", "energy (range)"], rows, (3, 4), cards=True)
    return el("section", el("h2", "Newest runs"), newest, class_="newest")


def _search(runs: int) -> Html:
    return el(
        "form",
        el("label", "Search all runs", el("input", type="search", name="q", placeholder="name, project, host, command, id")),
        el("button", "Search", type="submit"),
        el("a", f"All {count(runs, 'run')}" if runs > 1 else "The list of runs", href=PLACE),
        class_="filter",
        action=PLACE,
        role="search",
    )
