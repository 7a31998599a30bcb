"""`trainwatt list`: the runs, newest first."""

from __future__ import annotations

import json

import rich_click as click

from ..describe import SCHEMA_VERSION, describe_run, energy_of, run_duration_s
from .options import STATUSES, db_option, json_option, open_store, since_utc_ns
from .render import console, run_table


@click.command("list")
@click.option("--project", help="Only runs of this project.")
@click.option("--group", help="Only runs of this group.")
@click.option("--since", metavar="WHEN", help="Only runs started since: 6h, 7d, 2026-11-01.")
@click.option("--status", type=click.Choice(STATUSES), help="Only runs with this status.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@json_option
@db_option
def command(
    project: str | None, group: str | None, since: str | None, status: str | None, limit: int, as_json: bool, db: str | None
) -> None:
    """List runs, newest first (`ls` for short)."""
    store = open_store(db)
    runs = store.list_runs(project=project, group=group, since_utc_ns=since_utc_ns(since), status=status, limit=limit)
    devices = store.devices([r.id for r in runs])
    views = []
    for run in runs:
        duration_s = run_duration_s(run)
        energy = energy_of(devices.get(run.id, []), duration_s, {})
        del energy["devices"]
        views.append({"run": describe_run(run, duration_s), "energy": energy})
    if as_json:
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "runs": views}, indent=2))
    elif views:
        out = console()
        out.print(run_table(views, out.width))
    else:
        click.echo(
            "no runs match" if project or group or since or status else "no runs yet: put `trainwatt run --` before a command",
            err=True,
        )
