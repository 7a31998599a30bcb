"""`trainwatt export [RUN…]`: runs, phases or curves as a table for other programs."""

from __future__ import annotations

import sys
from typing import cast

import rich_click as click

from ...analysis.open_store import open_store
from ...analysis.tables import COLUMNS, What, rows
from ...presentation.table_files import FORMATS
from ..options import STATUSES, db_option, since_utc_ns
from ..output import form_of, require_folder, whole
from ..progress import followed


@click.command("export")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "--what", type=click.Choice(list(COLUMNS)), default="runs", show_default=True, help="The table: a row a run, a phase, a point."
)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="By default what FILE ends with, else csv. parquet needs pyarrow.")
@click.option("-o", "--output", metavar="FILE", default="-", help="Where to write it (stdout).")
@click.option("--project", help="Only runs of this project.")
@click.option("--group", help="Only runs of this group.")
@click.option("--since", metavar="WHEN", help="Only runs started since: 6h, 7d, 2026-11-01.")
@click.option("--status", type=click.Choice(STATUSES), help="Only runs with this status.")
@db_option
def command(
    runs: tuple[str, ...],
    what: str,
    form: str | None,
    output: str,
    project: str | None,
    group: str | None,
    since: str | None,
    status: str | None,
    db: str | None,
) -> None:
    """Export runs, their phases or their energy curves as a table: CSV, JSON Lines or Parquet. All runs, where none is named.

    Joules and grams have the digits of `show --json`; times are UTC, as ISO 8601 and in ns. Text that a spreadsheet would take for a
    formula begins with a single quote in CSV. RUN is an id, a unique prefix, or `latest`.
    """
    filters = project is not None or group is not None or since is not None or status is not None
    if runs and filters:
        raise click.UsageError("name runs or give filters (--project, --group, --since, --status), not both")
    form = form or form_of(output, tuple(FORMATS), "csv")
    if form == "parquet" and output == "-":
        raise click.UsageError("parquet is no text for stdout: name a file, as in -o runs.parquet")
    if output != "-":
        require_folder(output, f"{what}.csv")
    table = cast("What", what)
    store = open_store(db)
    if runs:
        ids = list(dict.fromkeys(store.find(ref) for ref in runs))
    else:
        ids = [r.id for r in store.list_runs(project=project, group=group, since_utc_ns=since_utc_ns(since), status=status)]
    if not ids:
        click.echo("no runs match" if filters else "no runs yet", err=True)
    with whole(output) as file:
        out = FORMATS[form](file, COLUMNS[table])
        among_rows = output == "-" and sys.stdout.isatty()
        for run_id in followed(ids, "exporting", hidden=among_rows):
            for row in rows(store, run_id, table):
                out.put(row)
        out.finish()
