"""`trainwatt show [RUN]`: one run, in full."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import rich_click as click
from rich.text import Text

from ...analysis.footprint import view_of
from ...analysis.kept_footprint import kept_footprint
from ...analysis.open_store import open_store
from ...analysis.processes import phases_by_rank, processes_of, shares_of_ranks
from ...analysis.selection import find
from ...analysis.work.instances import instances_part
from ...analysis.work.units import require_counted
from ...carbon.terms import Terms
from ...errors import ConfigurationError
from ...presentation.terminal.run import SPARK_WIDTH, console, run_page
from ...presentation.words.safe_text import clean
from ..options import db_option, json_option, per_option
from ..output import echo
from ..terms_options import BASIS, basis_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...core.contract import CrossCheckJson, InstancesPartJson, RanksPartJson, ShowJson
    from ...storage.read.records import StoredRun
    from ...storage.read.store import Store

MOST_NAMED = 10


@click.command("show")
@click.argument("run", default="latest")
@click.option("--footprint", "footprint_id", metavar="ID", help="A footprint computed earlier, instead of one on the default terms.")
@BASIS
@click.option(
    "--ranks",
    is_flag=True,
    help="The processes of the run: their work, who has read each device when, and what is attributed to each rank.",
)
@click.option(
    "--phases",
    "phase",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    help="Each instance of the phases, or of those of one name: step, time, energy, work, and the metrics that were logged.",
)
@click.option("--cross-check", is_flag=True, help="Also what Slurm (`sacct`) has recorded for the job of the run, where the site does.")
@per_option
@json_option
@db_option
def command(
    run: str,
    footprint_id: str | None,
    bases: tuple[str, ...],
    ranks: bool,
    phase: str | None,
    cross_check: bool,
    per: str | None,
    as_json: bool,
    db: str | None,
) -> None:
    """Show a run: its energy by device and phase, where it comes from, what happened, and its footprint.

    RUN is an id, the beginning of one, a name, project/name, or `latest`.
    """
    basis = basis_of(bases)
    if basis is not None and footprint_id is not None:
        raise ConfigurationError(f"--basis {basis} with --footprint {footprint_id}: a kept footprint is never changed; give one of them")
    store = open_store(db)
    run_id = find(store, run)
    stored = store.load(run_id)
    view = view_of(store, stored, Terms(basis=basis), per=per)
    require_counted(per, [view["work"]])
    if footprint_id is not None:
        view["carbon"] = kept_footprint(store.footprint(run_id, footprint_id), view["energy"]["interval_kind"], per)
    checked = _cross_check(stored, view) if cross_check else None
    of_ranks = _ranks(store, stored) if ranks else None
    of_phases = None if phase is None else _instances(store, stored, view, phase)
    if as_json:
        more = {**({} if checked is None else {"cross_check": checked}), **(of_ranks or {}), **(of_phases or {})}
        echo(json.dumps({**view, **more}, indent=2))
        return
    out = console()
    if of_ranks is not None:
        from ...presentation.terminal.processes import processes_page  # seldom needed

        out.print(processes_page({**view, **of_ranks}))
    elif of_phases is not None:
        from ...presentation.instances.terminal import instances_page  # seldom needed

        out.print(instances_page({**view, **of_phases}, per, out.width))
    else:
        out.print(_run_page(store, stored, view, out.width))
    if checked is not None:
        from ...presentation.words.slurm import cross_check_line  # seldom needed

        out.print()
        out.print(Text(clean(cross_check_line(checked))))


def _cross_check(stored: StoredRun, view: ShowJson) -> CrossCheckJson:
    from ...analysis.slurm.cross_check import cross_check  # seldom needed

    return cross_check(stored, view, os.environ)


def _ranks(store: Store, stored: StoredRun) -> RanksPartJson:
    return {
        "processes": processes_of(stored),
        "phases_by_rank": phases_by_rank(stored),
        "attributed_to_ranks": shares_of_ranks(stored, store.uses(stored.run.id), store.points(stored.run.id)),
    }


def _instances(store: Store, stored: StoredRun, view: ShowJson, phase: str) -> InstancesPartJson:
    """The instances of the phases of this name; of all, if it is empty. Raises ConfigurationError."""
    names = [p["name"] for p in view["phases"]]
    if phase and phase not in names:
        known = f"it has {', '.join(names[:MOST_NAMED])}" if names else "it has none: mark them, with tracker.phase()"
        raise ConfigurationError(f"--phases {phase}: the run has no such phase; {known}")
    instances = store.instances([stored.run.id])[stored.run.id]
    return instances_part(stored, view, instances, store.metric_points([stored.run.id]), phase or None)


def _run_page(store: Store, stored: StoredRun, view: ShowJson, width: int) -> RenderableType:
    segments = {(d.host, d.name, d.uuid): d.segment_id for d in stored.devices}  # the last segment of each device
    outline = store.outline(stored, SPARK_WIDTH)
    curves = [outline.get((segments[d["host"], d["device"], d["uuid"]], d["device"]), []) for d in view["energy"]["devices"]]
    return run_page(view, curves, width)
