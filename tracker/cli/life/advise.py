"""`trainwatt advise RUN…`: what runs have lost, and what to do about it."""

from __future__ import annotations

import json
from typing import Any

import rich_click as click

from ...analysis.open_store import open_store
from ...analysis.selection import Filters, selected
from ...errors import ConfigurationError
from ...life.advice.advising import advised
from ...life.advice.looking import looked_at
from ...life.footprints import footprints_of
from ...presentation.life.advice import advice_page
from ...presentation.terminal.run import console
from ..options import db_option, filter_options, json_option
from ..output import echo, say
from ..terms_options import terms_of, terms_options


@click.command("advise")
@click.argument("runs", nargs=-1, metavar="RUN...")
@filter_options()
@terms_options
@json_option
@db_option
def command(runs: tuple[str, ...], filters: Filters, as_json: bool, db: str | None, **given: Any) -> None:
    """Say what runs have lost, in joules and grams, the most first, with its evidence and what to do.

    Nothing below the error of the measurement is advised.
    """
    if not runs and not filters:
        raise ConfigurationError("no run is named: give ids, names, `latest`, or filters such as --project")
    terms = terms_of(**given)
    store = open_store(db)
    unique = list(dict.fromkeys(selected(store, runs, filters)))
    found = advised(looked_at(store, unique), footprints_of(store, unique, terms, say))
    if as_json:
        echo(json.dumps(found, indent=2))
        return
    console().print(advice_page(found))
