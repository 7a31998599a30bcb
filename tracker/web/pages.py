"""The pages as HTML, from what the command line prints too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from .._version import __version__
from ..analysis.compared import Compared
from ..presentation.report.charts import STRIPES
from ..presentation.report.elements import Child, Html, el, table
from ..presentation.words.blocks import blocks
from ..presentation.words.comparison import notes, verdict
from ..presentation.words.quantities import format_duration
from ..presentation.words.runs import energy_text, headline, mean_power, measured_text, title_of, when

View = Mapping[str, Any]

COLUMNS = (
    ("run", "project"),
    ("status", "status"),
    ("started", "started"),
    ("time", "duration"),
    ("energy (range)", None),
    ("measured", None),
    ("mean power", None),
)
"""The heads of the list, and what a click on each sorts by."""


def shell(title: str, place: str, *content: Child) -> str:
    """A whole page. `place` is the database in words."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{title} · trainwatt"),
        el("link", rel="icon", href="/static/icon.svg"),
        el("link", rel="stylesheet", href="/static/style.css"),
    )
    body = el(
        "body",
        STRIPES,
        el(
            "nav",
            el("b", "trainwatt"),
            el("a", "Runs", href="/"),
            el("a", "Projects", href="/projects"),
            el("span", place, class_="place"),
            class_="bar",
            aria_label="Pages",
        ),
        content,
        el("footer", f"trainwatt {__version__}: these pages only read."),
        el("script", src="/static/report.js", defer=True),
        el("script", src="/static/app.js", defer=True),
    )
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


def runs(views: Sequence[View], asked: Mapping[str, str], count: int, page: int, per_page: int, projects: Sequence[str]) -> Html:
    """The list: a filter, a page of runs to select from, and the way to the next. `asked` is the query, `count` how many runs fit it."""
    if not count:
        what: Child = el("p", "No runs match." if any(asked.get(k) for k in ("q", "project", "status")) else "No runs yet.")
    else:
        what = el(
            "form",
            el("div", _table(views, asked), class_="scroll runs"),
            el("div", el("button", "Compare", class_="first", type="submit"), _pages(asked, count, page, per_page), class_="pages"),
            class_="picked",
            action="/compare",
        )
    return el("main", el("h1", "Runs"), _filter(asked, projects), what, class_="wide")


def _filter(asked: Mapping[str, str], projects: Sequence[str]) -> Html:
    def choice(name: str, all_: str, values: Sequence[str]) -> Html:
        options = [el("option", all_, value="")]
        options += [el("option", v[:80], value=v, selected=asked.get(name) == v) for v in values]
        return el("select", options, name=name)

    return el(
        "form",
        el(
            "label",
            "Search",
            el("input", type="search", name="q", value=asked.get("q", ""), placeholder="name, project, host, command, id"),
        ),
        el("label", "Project", choice("project", "all", projects)),
        el("label", "Status", choice("status", "all", ("running", "completed", "failed", "interrupted"))),
        el("input", type="hidden", name="sort", value=asked["sort"]) if asked.get("sort") else None,
        el("button", "Show", type="submit"),
        class_="filter",
        action="/",
        role="search",
    )


def _table(views: Sequence[View], asked: Mapping[str, str]) -> Html:
    sort = asked.get("sort") or "-started"
    heads: list[Child] = [el("th", el("span", "select", hidden=True), scope="col", class_="pick")]
    for i, (words, key) in enumerate(COLUMNS):
        kind = "n" if i > 2 else None
        if key is None:
            heads.append(el("th", words, scope="col", class_=kind))
            continue
        now = sort.lstrip("-") == key
        towards = {True: "descending", False: "ascending"}[sort.startswith("-")] if now else None
        to = key if sort == f"-{key}" else f"-{key}"
        arrow = "" if not now else " ↓" if sort.startswith("-") else " ↑"
        link = el("a", words + arrow, href=_address(asked, sort=to, page=None))
        heads.append(el("th", link, scope="col", class_=kind, aria_sort=towards))
    return el("table", el("thead", el("tr", heads)), el("tbody", [_row(view) for view in views]))


def _row(view: View) -> Html:
    run, energy = view["run"], view["energy"]
    name = title_of(view)
    return el(
        "tr",
        el(
            "td", el("input", type="checkbox", name="run", value=run["id"], aria_label=f"Select {name[:80]} {run['id'][:8]}"), class_="pick"
        ),
        el(
            "th",
            el("a", el("span", name, class_="text"), href=f"/runs/{quote(run['id'], safe='')}", title=name),
            el("small", run["id"][:8]),
            scope="row",
            class_="name",
        ),
        el("td", el("span", run["status"], class_=run["status"])),
        el("td", when(run["started_at"])),
        el("td", format_duration(run["duration_s"] or 0.0), class_="n"),
        el("td", energy_text(energy), class_="n"),
        el("td", measured_text(energy["measured_fraction"]) or "–", class_="n"),
        el("td", mean_power(view), class_="n"),
    )


def _pages(asked: Mapping[str, str], count: int, page: int, per_page: int) -> list[Child]:
    first, last = (page - 1) * per_page + 1, min(page * per_page, count)
    return [
        el("span", f"{first:,}–{last:,} of {count:,}"),
        el("a", "← newer", href=_address(asked, page=page - 1), rel="prev") if page > 1 else None,
        el("a", "older →", href=_address(asked, page=page + 1), rel="next") if last < count else None,
    ]


def _address(asked: Mapping[str, str], **changes: object) -> str:
    query = {k: v for k, v in {**asked, **{k: None if v is None else str(v) for k, v in changes.items()}}.items() if v}
    return f"/?{urlencode(query)}" if query else "/"


def comparison(runs: Sequence[Compared]) -> Html:
    """Runs beside the first: what each is, the verdicts, what limits them, and a table a quantity."""
    about = [
        el(
            "li",
            el("b", run.label),
            " ",
            el("a", title_of(run.view), href=f"/runs/{quote(run.view['run']['id'], safe='')}", class_="text"),
            f" · {run.view['run']['id'][:8]} · {run.view['run']['status']} · {headline(run.view)}",
        )
        for run in runs
    ]
    verdicts = [el("p", verdict(run, runs[0]), class_="verdict") for run in runs[1:]]
    tables = [
        table(["run", "value", "difference from A", "ratio"], [list(row) for row in block.rows], range(1, 4), block.title)
        for block in blocks(runs)
    ]
    said = [el("p", note, class_="notice") for note in notes(runs)]
    return el("main", el("h1", f"{len(runs)} runs beside the first"), el("ul", about, class_="compared"), verdicts, said, tables)


def message(title: str, text: str) -> Html:
    """A page that says one thing, such as why there is nothing to see."""
    return el("main", el("h1", title), el("p", text, class_="text"), el("p", el("a", "All runs", href="/")))
