"""`trainwatt delete RUN…`: forget runs."""

from __future__ import annotations

import rich_click as click

from ..errors import TrainwattError
from .options import db_option, open_store


@click.command("delete")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@db_option
def command(runs: tuple[str, ...], yes: bool, db: str | None) -> None:
    """Delete runs for good. RUN is an id, a unique prefix, or `latest`."""
    store = open_store(db)
    ids = list(dict.fromkeys(store.find(ref) for ref in runs))
    running = [run_id for run_id in ids if not store.load(run_id).ended]
    if running:
        raise TrainwattError(f"{', '.join(running)} still runs, and would go on writing: end it first, then delete it")
    if not yes:
        click.confirm(f"Delete {', '.join(ids)} for good?", abort=True)
    click.echo(f"deleted {store.delete(ids)}")
