"""Pages as HTML: the frame of all pages, and messages."""

from __future__ import annotations

from .._version import __version__
from ..presentation.report.charts import STRIPES
from ..presentation.report.elements import Child, Html, el
from .asked import PLACE

PAGES = (("Overview", "/"), ("Runs", PLACE), ("Projects", "/projects"))


def shell(title: str, place: str, *content: Child, again_s: int | None = None) -> str:
    """A whole page. `place` says which database is shown; a browser asks for the page again after `again_s`."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", http_equiv="refresh", content=again_s) if again_s is not None else None,
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
            [el("a", name, href=address, aria_current="page" if name == title else None) for name, address in PAGES],
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


def message(title: str, text: str) -> Html:
    """A page with one message, such as an error."""
    return el("main", el("h1", title), el("p", text, class_="text"), el("p", el("a", "All runs", href=PLACE)))
