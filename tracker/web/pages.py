"""Pages as HTML: the frame of all pages, the comparison of runs, and messages."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from .._version import __version__
from ..analysis.compared import Compared
from ..presentation.report.charts import STRIPES
from ..presentation.report.elements import Child, Html, el, table
from ..presentation.report.names import short_name
from ..presentation.words.blocks import blocks
from ..presentation.words.comparison import notes, verdict
from ..presentation.words.quantities import count
from ..presentation.words.runs import headline, title_of


def shell(title: str, place: str, *content: Child) -> str:
    """A whole page. `place` says which database is shown."""
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
        el("footer", f"trainwatt {__version__}: these pages are read-only."),
        el("script", src="/static/report.js", defer=True),
        el("script", src="/static/app.js", defer=True),
    )
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


def comparison(runs: Sequence[Compared]) -> Html:
    """Runs compared with the first: what each run is, the verdicts, what limits them, and a table for each quantity."""
    about = [
        el(
            "li",
            el("b", run.label),
            " ",
            el("a", short_name(title_of(run.view)), href=f"/runs/{quote(run.view['run']['id'], safe='')}"),
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
    return el(
        "main", el("h1", f"{count(len(runs) - 1, 'run')} beside the first"), el("ul", about, class_="compared"), verdicts, said, tables
    )


def message(title: str, text: str) -> Html:
    """A page with one message, such as an error."""
    return el("main", el("h1", title), el("p", text, class_="text"), el("p", el("a", "All runs", href="/")))
