"""PURE: the whole HTML document: a section for each run, a table of several runs, and a policy that lets the document load nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..._version import __version__
from ..words.attribution import measured_text
from ..words.carbon import Least, basis_text, total_parts
from ..words.quantities import format_duration
from ..words.runs import anchor, mean_power, status_text, title_of, when
from .cells import each_cells, energy_cells
from .charts import STRIPES
from .elements import Child, Html, el, ranged, table
from .names import short_name
from .sections import section_of
from .style import CSS, SCRIPT

if TYPE_CHECKING:
    from ...analysis.over_time.figures import Figures


def page(runs: Sequence[Figures], written: str, life: Html | None = None, sweep: Html | None = None) -> str:
    """The document of one run or more. `written` is the time of writing, ISO 8601 in UTC. `life`: the section on all of them by stage, and
    `sweep` the one on what their energy bought. The document loads nothing."""
    several = len(runs) > 1
    title = f"{len(runs)} runs" if several else title_of(runs[0].view)
    return document(
        title,
        [_side_by_side(runs) if several else None, el("main", sweep, life, [section_of(f, "h2" if several else "h1") for f in runs])],
        written,
    )


def document(title: str, content: Sequence[Child], written: str) -> str:
    """A document of its own with any content; see `page`."""
    policy = f"default-src 'none'; style-src {_allowed(CSS)}; script-src {_allowed(SCRIPT)}; base-uri 'none'; form-action 'none'"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="generator", content=f"trainwatt {__version__}"),
        el("title", f"{title} · trainwatt"),
        el("style", Html(CSS)),
    )
    body = el(
        "body",
        STRIPES,
        content,
        el("footer", f"Written {when(written)} by trainwatt {__version__}. This file is complete: it opens offline and loads nothing."),
        el("script", Html(SCRIPT)),
    )
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


def _allowed(text: str) -> str:
    """The source, in a content security policy, that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _side_by_side(runs: Sequence[Figures]) -> Html:
    rows: list[list[Child]] = []
    energies, each = energy_cells([f.view["energy"] for f in runs]), each_cells(f.view for f in runs)
    for f, of_energy, of_each in zip(runs, energies, each, strict=True):
        run, carbon = f.view["run"], f.view["carbon"]
        rows.append(
            [
                [el("a", short_name(title_of(f.view)), href=f"#{anchor(f.view)}"), " ", el("small", run["id"][:8])],
                el("span", status_text(run), class_=run["status"]),
                format_duration(run["duration_s"] or 0.0),
                of_energy,
                measured_text(f.view["energy"]) or "–",
                mean_power(f.view),
                "–" if carbon is None else ranged(*total_parts(carbon, Least.of(f.view["energy"], carbon))),
                of_each,
            ]
        )
    bases = dict.fromkeys(basis_text(f.view["carbon"]) for f in runs if f.view["carbon"] is not None)
    grams = ", ".join(["CO2e", " and ".join(bases)]) if bases else "CO2e"
    head = ["run", "status", "time", "energy (range)", "measured", "mean power", grams, "each"]
    return el("header", el("h1", f"{len(runs)} runs"), table(head, rows, range(2, 8), "The runs side by side", cards=True), class_="top")
