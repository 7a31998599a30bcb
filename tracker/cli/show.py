"""`trainwatt show [RUN]`: one run, in full."""

from __future__ import annotations

import json

import rich_click as click

from ..describe import describe
from .options import db_option, json_option, open_store
from .render import console, run_page


@click.command("show")
@click.argument("run", default="latest")
@json_option
@db_option
def command(run: str, as_json: bool, db: str | None) -> None:
    """Show a run: its energy by device and phase, where it comes from, and what happened. RUN is an id, a unique prefix, or `latest`."""
    store = open_store(db)
    run_id = store.find(run)
    view = describe(store.load(run_id))
    if as_json:
        click.echo(json.dumps(view, indent=2))
        return
    curves = {device: points for (_, device), points in store.points(run_id).items()}
    console().print(run_page(view, curves))
