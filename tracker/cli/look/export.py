"""`trainwatt export [RUN…]`: runs, phases, curves or what the devices did as a table for other programs."""

from __future__ import annotations

import sys
from typing import cast

import rich_click as click

from ...analysis.open_store import open_store
from ...analysis.selection import Filters, find, ids_of
from ...analysis.tables import COLUMNS, What, rows
from ...analysis.work.units import require_counted
from ...presentation.table_files import FORMATS
from ...presentation.words.safe_text import cleaned
from ..options import db_option, filter_options, per_option
from ..output import echo, form_of, require_folder, whole
from ..progress import followed


@click.command("export")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "--what",
    type=click.Choice(list(COLUMNS)),
    default="runs",
    show_default=True,
    help="The table: one row per run, phase or point of time.",
)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="By default what FILE ends with, else csv. parquet needs pyarrow.")
@click.option("-o", "--output", metavar="FILE", default="-", help="Where to write it (stdout).")
@filter_options()
@per_option
@db_option
def command(
    runs: tuple[str, ...],
    what: str,
    form: str | None,
    output: str,
    filters: Filters,
    per: str | None,
    db: str | None,
) -> None:
    """Export runs, their phases, their energy curves or what their devices did as a table: CSV, JSON Lines or Parquet. Without RUN, all
    runs.

    Joules and grams have the digits of `show --json`; times are UTC, as ISO 8601 and in ns. In CSV, text that a spreadsheet would take for
    a formula, with any delimiter, begins with a single quote; on a terminal it has no control characters. RUN is an id, the beginning of
    one, a name, project/name, or `latest`.
    """
    if runs and filters:
        raise click.UsageError("name runs or give filters (--project, --group, --stage, --tag, --since, --status, --limit), not both")
    form = form or form_of(output, tuple(FORMATS), "csv")
    if form == "parquet" and output == "-":
        raise click.UsageError("parquet is a binary format and is not written to stdout: name a file, as in -o runs.parquet")
    if output != "-":
        require_folder(output, f"{what}.csv")
    table = cast("What", what)
    if per is not None and table != "runs":
        raise click.UsageError(f"--per {per}: only --what runs has figures of one unit; leave it out")
    store = open_store(db)
    ids = list(dict.fromkeys(find(store, ref) for ref in runs)) if runs else ids_of(store, filters)
    require_counted(per, store.work(ids).values())
    if not ids:
        echo("no runs match" if filters else "no runs yet", err=True)
    exported = 0
    with whole(output) as file:
        out = FORMATS[form](file, COLUMNS[table])
        on_terminal = output == "-" and sys.stdout.isatty()
        for of_run in followed(rows(store, ids, table, per), "exporting", len(ids), hidden=on_terminal):
            for row in of_run:
                exported += 1
                # In a file or a pipe text is exact. JSON escapes control characters itself.
                out.put(cleaned(row) if on_terminal and form == "csv" else row)
        out.finish()
    if table == "activity" and ids and not exported:
        echo("none of these runs has recorded what its devices did: an earlier version recorded them, or no device tells", err=True)
