"""PURE: what this month has come to, by project and stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from ..report.cells import energy_cells, joule_cells
from ..report.charts import legend
from ..report.elements import Child, Html, details, el, table
from ..report.names import short_name
from ..words.origins import origins_text
from ..words.quantities import count, format_duration, format_energy, largest_j
from ..words.runs import energy_parts, energy_text, partial_text, sum_at_once_text
from .marks import Row, parted_bars

if TYPE_CHECKING:
    from ...analysis.overview.month import Month
    from ...core.contract import GroupJson, SumJson
    from .places import Places

SHOWN = 6
"""So many projects have a bar; the others share one."""
COLOURS: Mapping[str | None, str] = {
    "training": "gpu-0",
    "experimentation": "cpu-0",
    "inference": "dram-0",
    "data": "phase-0",
    None: "platform-0",
}
"""The class of the style sheet for each stage."""
NO_STAGE = "no stage"


def month_section(month: Month | None, places: Places) -> Html:
    """The section. None: the runs are still being added up."""
    if month is None:
        return el("section", el("h2", "This month"), el("p", "The runs of this month are being added up.", class_="muted"), class_="month")
    title = f"This month, {date.fromisoformat(f'{month.name}-01'):%B %Y}"
    if month.whole is None:
        return el("section", el("h2", title), el("p", "No run has begun this month.", class_="muted"), class_="month")
    shown, others = month.projects[:SHOWN], month.projects[SHOWN:]
    largest = largest_j(group["energy"]["total_j"] for group in month.projects)
    stages = [stage for stage in (group["stage"] for group in month.stages) if stage in COLOURS]
    rows = [Row(_link(group, places), energy_text(group["energy"], largest), _parts(month, [group], stages)) for group in shown]
    if others:
        joules = sum(group["energy"]["total_j"] or 0.0 for group in others)
        rows.append(Row(f"{count(len(others), 'other project')}", format_energy(joules, largest), _parts(month, others, stages)))
    label = "Energy of this month by project, each divided by stage"
    return el(
        "section",
        el("h2", title),
        el("p", sum_line(month.whole), class_="headline"),
        el(
            "figure",
            parted_bars(rows, label),
            legend("Stages", [(COLOURS[stage], _of_stage(group, largest), False) for stage, group in _by_stage(month, stages)]),
            details("As a table", _table(month, stages, places)),
            aria_label=label,
        ),
        class_="month",
    )


def sum_line(whole: SumJson) -> list[Child]:
    """A sum of runs as a headline: its energy, and behind it the range, the runs, their time, and what limits the figure."""
    joules, bounds = energy_parts(whole["energy"])
    about = f"{count(whole['runs'], 'run')}, {format_duration(whole['duration_s'])}"
    missing = f", {whole['runs_without_energy']:,} of them without energy" if whole["runs_without_energy"] else ""
    overlap = sum_at_once_text(whole)
    twice = f"; {overlap}" if overlap is not None else ""
    origins = f"; {text}" if (text := origins_text(whole)) else ""
    partial = f"; {partial_text(whole['runs_partial'])}" if whole["runs_partial"] else ""
    return [el("b", joules), ", ".join(part for part in (bounds, about) if part) + missing + origins + twice + partial]


def _by_stage(month: Month, stages: Sequence[str | None]) -> list[tuple[str | None, GroupJson]]:
    return [(group["stage"], group) for group in month.stages if group["stage"] in stages]


def _of_stage(group: GroupJson, largest: float | None) -> str:
    joules = group["energy"]["total_j"]
    return f"{group['stage'] or NO_STAGE} {'–' if joules is None else format_energy(joules, largest)}"


def _parts(month: Month, groups: Sequence[GroupJson], stages: Sequence[str | None]) -> list[tuple[float, str]]:
    """The joules of each stage of some projects. What a damaged record has instead of a stage is drawn as none."""
    found: dict[str | None, float] = dict.fromkeys([*stages, None], 0.0)
    for group in groups:
        for stage, joules in month.parts[group["project"]].items():
            found[stage if stage in COLOURS else None] += joules
    return [(joules, COLOURS[stage]) for stage, joules in found.items()]


def _table(month: Month, stages: Sequence[str | None], places: Places) -> Html:
    head = ["project", "runs", "time", "energy (range)", *(stage or NO_STAGE for stage in stages)]
    groups = month.projects
    columns = [joule_cells(month.parts[group["project"]].get(stage) for group in groups) for stage in stages]
    rows: list[list[Child]] = [
        [_link(group, places), f"{group['runs']:,}", format_duration(group["duration_s"]), energy, *of_stages]
        for group, energy, *of_stages in zip(groups, energy_cells([group["energy"] for group in groups]), *columns, strict=True)
    ]
    return table(head, rows, range(1, len(head)), "This month by project, in UTC", cards=True)


def _link(group: GroupJson, places: Places) -> Html:
    return el("a", short_name(group["project"]), href=places.project(group["project"]))
