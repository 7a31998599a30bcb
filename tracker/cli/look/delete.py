"""`trainwatt delete RUN…`: delete stored runs."""

from __future__ import annotations

import sys
from itertools import chain
from typing import TYPE_CHECKING

import rich_click as click

from ...analysis.open_store import open_store
from ...analysis.selection import find
from ...analysis.view import run_duration_s
from ...errors import TrainwattError
from ...presentation.words.quantities import count, format_duration
from ...presentation.words.runs import title
from ...presentation.words.safe_text import clean
from ..options import db_option
from ..output import echo

if TYPE_CHECKING:
    from ...storage.read.records import RunRow


@click.command("delete")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@db_option
def command(runs: tuple[str, ...], yes: bool, db: str | None) -> None:
    """Delete runs for good.

    RUN is an id, the beginning of one, a name, project/name, or `latest`.
    """
    store = open_store(db)
    ids = list(dict.fromkeys(find(store, ref) for ref in runs))
    found = list(chain.from_iterable(store.load_all(ids)))
    running = [stored.run.id for stored in found if not stored.ended]
    if running:
        raise TrainwattError(f"{', '.join(running)} still runs and writes to the database: end it first, then delete it")
    if not yes:
        names = ", ".join(f"{stored.run.id[:8]} ({_about(stored.run)})" for stored in found)
        try:
            sure = click.confirm(f"Delete {names} for good?")
        except click.Abort:
            if sys.stdin.isatty():
                raise  # Ctrl-C
            raise click.UsageError("Nothing was deleted, because nobody can answer here; -y deletes without asking.") from None
        if not sure:
            echo("nothing deleted")
            return
    echo(f"deleted {count(store.delete(ids), 'run')}")


def _about(run: RunRow) -> str:
    """ "digits/first, completed, 3 min 20 s"."""
    return f"{clean(title(run.project, run.name))}, {run.status}, {format_duration(run_duration_s(run))}"
