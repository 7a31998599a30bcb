"""The list of runs as HTML: filters, a table to sort and to select from, and the way to the next page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import quote

from ..core.contract import EntryJson
from ..core.run import Stage, Status
from ..presentation.report.cells import each_cells, energy_cells
from ..presentation.report.elements import Child, Html, el
from ..presentation.report.names import elided, short_name
from ..presentation.words.attribution import measured_text
from ..presentation.words.quantities import format_duration, metric_text, metric_title
from ..presentation.words.runs import mean_power, status_text, title_of, when
from .asked import NEWEST_FIRST, PLACE, Asked
from .run_list import RunList

MOST_OFFERED = 300
"""With more names to filter by, the name is typed."""
HEAD = 40
"""Characters of the head of a column."""
NAME = 80
"""Characters of a name where no more fit."""


class Column(NamedTuple):
    """A column: its head, and the order that a click on the head asks for."""

    head: str
    sort: str | None = None
    is_number: bool = False


COLUMNS = (
    Column("run", "project"),
    Column("status", "status"),
    Column("started", "started"),
    Column("time", "duration", is_number=True),
    Column("energy (range)", "energy", is_number=True),
    Column("each", "each", is_number=True),
    Column("measured", is_number=True),
    Column("mean power", is_number=True),
)


def columns_of(asked: Asked) -> tuple[Column, ...]:
    """The columns: with that of a metric, if one is asked for."""
    if asked.metric is None:
        return COLUMNS
    at = next(i for i, column in enumerate(COLUMNS) if column.sort == "each") + 1
    return (*COLUMNS[:at], Column(elided(metric_title(asked.metric), HEAD), "metric", is_number=True), *COLUMNS[at:])


def list_page(runs: RunList, projects: Sequence[str], groups: Sequence[str], metrics: Sequence[str] = ()) -> Html:
    """The page; `projects` and `groups` are the names that can be filtered by, and `metrics` those of metrics that can be shown."""
    if not runs.matching:
        found: Child = el("p", "No runs match." if runs.asked.filtered else "No runs yet.")
    else:
        found = el(
            "form",
            _table(runs),
            el("div", el("button", "Compare", class_="first", type="submit"), _pages(runs), class_="pages"),
            class_="picked",
            action="/compare",
        )
    return el("main", el("h1", "Runs"), _filters(runs.asked, projects, groups, metrics), found, class_="wide")


def _filters(asked: Asked, projects: Sequence[str], groups: Sequence[str], metrics: Sequence[str]) -> Html:
    return el(
        "form",
        el(
            "label",
            "Search",
            el("input", type="search", name="q", value=asked.search or "", placeholder="name, project, host, command, id"),
        ),
        _choice("Project", "project", projects, asked.project),
        _choice("Group", "group", groups, asked.group) if groups or asked.group else None,
        _choice("Stage", "stage", list(Stage), asked.stage),
        _choice("Status", "status", list(Status), asked.status),
        el("label", "Tag", el("input", name="tag", value=asked.tag or "", placeholder="lr=0.001", size=12)),
        el(
            "label",
            "Show metric",
            el("input", name="metric", value=asked.metric or "", placeholder="val_accuracy", size=14, list="metrics"),
            el("datalist", [el("option", value=name) for name in metrics], id="metrics") if metrics else None,
        ),
        el("input", type="hidden", name="sort", value=asked.sort) if asked.sort != NEWEST_FIRST else None,
        el("button", "Show", type="submit"),
        class_="filter",
        action=PLACE,
        role="search",
    )


def _choice(words: str, name: str, values: Sequence[str], chosen: str | None) -> Html:
    if len(values) > MOST_OFFERED:  # nobody finds one among so many
        return el("label", words, el("input", name=name, value=chosen or "", size=16))
    offered = [*values, *([chosen] if chosen is not None and chosen not in values else [])]
    options = [el("option", "all", value="")] + [el("option", v[:80], value=v, selected=v == chosen) for v in offered]
    return el("label", words, el("select", options, name=name))


def _table(runs: RunList) -> Html:
    heads: list[Child] = [el("th", el("span", "select", hidden=True), scope="col", class_="pick")]
    columns = columns_of(runs.asked)
    heads += [_head(column, runs.asked) for column in columns]
    energies, each = energy_cells([entry["energy"] for entry in runs.entries]), each_cells(runs.entries)
    rows = [_row(*figures, columns) for figures in zip(runs.entries, energies, each, strict=True)]
    body = el("tbody", rows)
    return el("div", el("table", el("thead", el("tr", heads)), body), class_="scroll cards runs")


def _head(column: Column, asked: Asked) -> Html:
    kind = "n" if column.is_number else None
    if column.sort is None:
        return el("th", column.head, scope="col", class_=f"{kind or ''} unsorted".strip())
    link, direction = column.head, None
    if column.sort == asked.column:
        link += " ↓" if asked.descending else " ↑"
        direction = "descending" if asked.descending else "ascending"
    return el("th", el("a", link, href=asked.sorted_by(column.sort).address()), scope="col", class_=kind, aria_sort=direction)


def _row(entry: EntryJson, energy: Html, each: Child, columns: Sequence[Column]) -> Html:
    run = entry["run"]
    title = title_of(entry)
    select = el("input", type="checkbox", name="run", value=run["id"], aria_label=f"Select {title[:NAME]} {run['id'][:8]}")
    link = el("a", short_name(title), href=f"/runs/{quote(run['id'], safe='')}")
    group = el("small", "group ", el("a", short_name(run["group"]), href=Asked(group=run["group"]).address())) if run["group"] else None
    figures = (
        el("span", status_text(run), class_=run["status"]),
        when(run["started_at"]),
        format_duration(run["duration_s"] or 0.0),
        energy,
        each,
        *([_metric(entry)] if any(column.sort == "metric" for column in columns) else []),
        measured_text(entry["energy"]) or "–",
        mean_power(entry),
    )
    return el(
        "tr",
        el("td", select, class_="pick"),
        el("th", link, el("small", run["id"][:8]), group, scope="row", class_="name"),
        _cells(figures, columns),
    )


def _cells(figures: Iterable[Child], columns: Sequence[Column]) -> list[Html]:
    return [
        el("td", figure, class_="n" if column.is_number else None, data_head=column.head)
        for column, figure in zip(columns[1:], figures, strict=True)
    ]


def _metric(entry: EntryJson) -> str:
    return metric_text(metric["value"]) if (metric := entry.get("metric")) else "–"


def _pages(runs: RunList) -> list[Child]:
    page = runs.asked.page
    return [
        el("span", f"{runs.first:,}–{runs.last:,} of {runs.matching:,}"),
        el("a", "← previous", href=runs.asked._replace(page=page - 1).address(), rel="prev") if page > 1 else None,
        el("a", "next →", href=runs.asked._replace(page=page + 1).address(), rel="next") if runs.last < runs.matching else None,
    ]
