"""`trainwatt advise RUN…`: what runs have lost, and what to do about it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import rich_click as click

from ...analysis.footprint import times_of
from ...analysis.open_store import open_store
from ...analysis.selection import Filters, selected
from ...errors import ConfigurationError
from ...life.advice.advising import advised
from ...life.advice.looking import WITHIN_NS, Asked, looked_at
from ...life.footprints import footprints_of
from ...presentation.life.advice import advice_page
from ...presentation.terminal.run import console
from ..options import db_option, filter_options, json_option
from ..output import echo, say
from ..terms_options import FILE, say_unused, terms_of, terms_options, with_series


@click.command("advise")
@click.argument("runs", nargs=-1, metavar="RUN...")
@filter_options()
@click.option(
    "--zones", "zones_to_choose", metavar="ZONES", help="Zones in which you could run, such as FR,SE; else those in which your runs ran."
)
@click.option("--intensity-csv", type=FILE, metavar="FILE", help="A series: start,end,intensity_g_per_kwh.")
@click.option("--metric", metavar="NAME", help="The metric that tells the best model; NAME:lower or NAME:higher says which is better.")
@terms_options
@json_option
@db_option
def command(
    runs: tuple[str, ...],
    filters: Filters,
    zones_to_choose: str | None,
    intensity_csv: Path | None,
    metric: str | None,
    as_json: bool,
    db: str | None,
    **given: Any,
) -> None:
    """Say what runs have lost, in joules and grams, the most first, with its evidence and what to do.

    Nothing below the error of the measurement is advised.
    """
    if not runs and not filters:
        raise ConfigurationError("no run is named: give ids, names, `latest`, or filters such as --project")
    terms = terms_of(**given)
    if intensity_csv is not None and (terms.zone is not None or terms.intensity_g_per_kwh is not None):
        other = f"--zone {terms.zone}" if terms.zone is not None else f"--intensity {terms.intensity_g_per_kwh:g}"
        raise ConfigurationError(f"{other} with --intensity-csv: each gives the grid; give one of them")
    choices = [zone.strip() for zone in (zones_to_choose or "").split(",") if zone.strip()]
    if zones_to_choose is not None and not choices:
        raise ConfigurationError("--zones: no zone is named; give some, such as FR,SE (`trainwatt zones` lists them)")
    store = open_store(db)
    unique = list(dict.fromkeys(selected(store, runs, filters)))
    if intensity_csv is not None:
        spans = [(begin, end + WITHIN_NS) for begin, end in times_of(store, unique)]
        terms = replace(terms, series=with_series(terms, spans, intensity_csv=intensity_csv).series)
    looked = looked_at(store, unique, terms, choices, None if metric is None else Asked.of(metric))
    footprints = footprints_of(store, unique, terms, say)
    for f in footprints:
        say_unused(terms, f["run"]["id"][:8], f["carbon"])
    found = advised(looked, footprints)
    if as_json:
        echo(json.dumps(found, indent=2))
        return
    console().print(advice_page(found))
