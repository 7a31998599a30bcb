"""`trainwatt report RUN…`: runs as one file to read offline."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import rich_click as click

from ...analysis.footprint import times_of, views_of
from ...analysis.footprint_totals import footprint_of, require_one_basis
from ...analysis.open_store import open_store
from ...analysis.selection import Filters, selected
from ...analysis.view import SCHEMA_VERSION
from ...analysis.work.units import require_counted
from ...carbon.terms import Terms
from ...life.footprints import life_of_runs
from ..options import db_option, filter_options, per_option
from ..output import echo, form_of, require_folder, whole
from ..progress import followed
from ..terms_options import FILE, say_unused, terms_of, terms_options, with_series

if TYPE_CHECKING:
    from ...storage.read.store import Store

FORMATS = ("html", "md", "json")


@click.command("report")
@click.argument("runs", nargs=-1, metavar="[RUN...]")
@click.option("-o", "--output", metavar="FILE", help="Where to write it, `-` for stdout (trainwatt-ID.html in this folder).")
@click.option("--format", "form", type=click.Choice(FORMATS), help="By default what FILE ends with, else html; json as `show --json`.")
@click.option("--intensity-csv", type=FILE, metavar="FILE", help="A series: start,end,intensity_g_per_kwh.")
@filter_options()
@terms_options
@per_option
@db_option
def command(
    runs: tuple[str, ...], output: str | None, form: str | None, filters: Filters, per: str | None, db: str | None, **given: Any
) -> None:
    """Write runs as one file: energy, power over time, emissions, what was measured, assumptions and methods, each with its range. Several
    runs are also added up by the stages that they recorded, as `life` does.

    The file is complete in itself: it opens offline and loads nothing. RUN is an id, the beginning of one, a name, project/name, or
    `latest`, which is the default. --project, --group, --stage, --tag, --since, --status and --limit select runs too: those
    come oldest first, after the runs that are named. Grams are on the terms that each run recorded, or on yours: --zone and the like.
    """
    terms = terms_of(**given)
    form = form or form_of(output, FORMATS, "html")
    if output is not None and output != "-":
        require_folder(output, "report.html")
    store = open_store(db)
    ids = list(dict.fromkeys(selected(store, runs if runs or filters else ("latest",), filters, oldest_first=True)))
    if given["intensity_csv"] is not None:
        terms = with_series(terms, times_of(store, ids), intensity_csv=given["intensity_csv"])
    require_counted(per, store.work(ids).values())
    text = _text(store, ids, terms, form, per)
    path = output or _default(ids, form)
    if output is None:
        require_folder(path, "report.html")
    with whole(path) as file:
        file.write(text.encode("utf-8", "replace"))  # the page declares UTF-8
    if path != "-":
        echo(path)


def _text(store: Store, ids: Sequence[str], terms: Terms, form: str, per: str | None) -> str:
    """The whole file."""
    if form == "json":
        views = [view for _, view in followed(views_of(store, ids, terms, per), "reading", len(ids))]
        _say_unused(terms, views)
        return json.dumps({"schema_version": SCHEMA_VERSION, "runs": views}, indent=2) + "\n"
    from ...analysis.over_time.figures import figures_of, with_instances

    found = list(followed(figures_of(store, ids, terms, per), "reading", len(ids)))
    if len(found) == 1:
        found = [with_instances(store, found[0])]
    require_one_basis([f.view for f in found])
    _say_unused(terms, [f.view for f in found])
    life = life_of_runs(store, [footprint_of(f.view) for f in found], terms) if len(found) > 1 else None
    if form == "md":
        from ...presentation.report.markdown import markdown_of

        return markdown_of(found, life)
    from ...analysis.work.sweep import sweep_of
    from ...presentation.life.rows import BY_STAGE
    from ...presentation.life.section import life_section
    from ...presentation.report.page import page
    from ...presentation.sweep.section import sweep_section

    swept = sweep_of(store, [f.view for f in found]) if len(found) > 1 else None
    parts = None if life is None else life_section(life, BY_STAGE), None if swept is None else sweep_section(swept)
    return page(found, datetime.now(UTC).isoformat(timespec="seconds"), *parts)


def _say_unused(terms: Terms, views: Iterable[Mapping[str, Any]]) -> None:
    for view in views:
        say_unused(terms, view["run"]["id"], view["carbon"])


def _default(ids: Sequence[str], form: str) -> str:
    """ "trainwatt-1d854d7c.html", "trainwatt-1d854d7c-and-2-more.html"."""
    more = f"-and-{len(ids) - 1}-more" if len(ids) > 1 else ""
    return f"trainwatt-{re.sub(r'[^0-9A-Za-z_-]', '_', ids[0][:8])}{more}.{form}"
