"""The pages of projects as HTML: the energy of each, in total and by period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from ..analysis.totals import OverTime
from ..core.contract import GroupJson, SumJson
from ..core.run import Status
from ..presentation.overview.month import sum_line
from ..presentation.report.cells import energy_cells
from ..presentation.report.charts import Column, columns, legend
from ..presentation.report.elements import Html, details, el, table
from ..presentation.report.names import short_name
from ..presentation.report.over_time import HINT
from ..presentation.words.origins import measured_of_sum
from ..presentation.words.quantities import format_duration, format_energy, largest_j, percent
from ..presentation.words.runs import energy_text, when
from .asked import Asked

COLOURS = ("phase-0", "phase-1", "phase-2", "phase-3", "phase-5", "platform-0")
OTHERS = "others"
OUTCOMES = {
    Status.COMPLETED: "gpu-0",
    Status.RUNNING: "gpu-1",
    Status.SEARCHED: "dram-0",
    Status.PRUNED: "platform-0",
    Status.FAILED: "model",
    Status.INTERRUPTED: "imputed",
}
"""The class of the style sheet for each status of a run."""
WASTED = (Status.FAILED, Status.INTERRUPTED)


def most_first(groups: Sequence[GroupJson]) -> list[GroupJson]:
    """The projects by energy; the project with the most energy is the first."""
    return sorted(groups, key=lambda g: -(g["energy"]["total_j"] or 0.0))


def leading(groups: Sequence[GroupJson]) -> list[str]:
    """The projects that are drawn in their own colours: the first ones of `most_first`."""
    return [g["project"] for g in groups[: len(COLOURS) - 1]]


def overview(groups: Sequence[GroupJson], whole: SumJson, time: OverTime) -> Html:
    """All projects: their energy by period, and a table.

    `groups` are in the order of `most_first`. `time` has a part for each project of `leading`, and one for all others.
    """
    colours: dict[str | None, str] = {**dict(zip(leading(groups), COLOURS, strict=False)), None: COLOURS[-1]}
    shown = {name: colour for name, colour in colours.items() if any(part.get(name) for part in time.parts)}
    rows = [
        [
            _link(g),
            f"{g['runs']:,}",
            format_duration(g["duration_s"]),
            energy,
            measured_of_sum(g) or "–",
            when(g["newest_started_at"]),
        ]
        for g, energy in zip(groups, energy_cells([g["energy"] for g in groups]), strict=True)
    ]
    head = ["project", "runs", "time", "energy (range)", "measured", "newest"]
    return el(
        "main",
        el("h1", "Projects"),
        el("p", sum_line(whole), class_="headline"),
        _figure(time, shown, "Projects"),
        el("section", table(head, rows, range(1, 6), cards=True)),
    )


def project(name: str, whole: SumJson, time: OverTime) -> Html:
    """One project: its energy by period and by the status of its runs. `time` has a part for each status."""
    shown: dict[str | None, str] = {status: colour for status, colour in OUTCOMES.items() if any(part.get(status) for part in time.parts)}
    return el(
        "main",
        el("h1", name, class_="text"),
        el("p", sum_line(whole), class_="headline"),
        el(
            "p",
            el("a", "Its runs", href=Asked(project=name).address()),
            " · ",
            el("a", "Its life, by stage", href=f"/life?{urlencode({'project': name})}"),
        ),
        _wasted(whole, time),
        _figure(time, shown, "How the runs ended"),
    )


def _wasted(whole: SumJson, time: OverTime) -> Html | None:
    """The energy of runs that did not complete. It shows how much of the footprint could be saved."""
    lost_j, total_j = sum(part.get(status, 0.0) for part in time.parts for status in WASTED), whole["energy"]["total_j"]
    if not lost_j or not total_j:
        return None
    share = lost_j / total_j
    return el("p", f"{format_energy(lost_j)} of it ({percent(share)}) went into runs that failed or were interrupted.")


def _figure(time: OverTime, colours: Mapping[str | None, str], title: str) -> Html:
    """The energy of each period as a column, and as a table. `colours` are those of the parts; the part None is all the others."""
    if not colours:
        return el("p", "None of these runs has energy.")
    names = [OTHERS if name is None else name for name in colours]
    rows, cells = [], []
    largest = largest_j(total["energy"]["total_j"] for total in time.totals if total is not None)
    for period, part, total in zip(time.names, time.parts, time.totals, strict=True):
        joules = [part.get(name, 0.0) for name in colours]
        if total is None:
            rows.append(Column(period, joules))
            about = ["", ""]
        else:
            rows.append(Column(period, joules, total["energy"]["low_j"], total["energy"]["high_j"]))
            about = [f"{total['runs']:,}", energy_text(total["energy"], largest)]
        cells.append([period, *about, *(format_energy(j, largest) if j else "" for j in joules)])
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


def _link(group: GroupJson) -> Html:
    return el("a", short_name(group["project"]), href=f"/projects?{urlencode({'name': group['project']})}")
