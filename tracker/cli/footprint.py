"""`trainwatt footprint RUN…`: the grams of recorded runs, recomputed on the terms that one gives, and kept."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from ..carbon import live
from ..carbon.accounting import Estimate, total
from ..carbon.assessing import Terms, assess
from ..carbon.factors import factor_rules, hold
from ..carbon.series import read_series
from ..carbon.wording import carbon_headline, carbon_lines, format_mass
from ..describe import SCHEMA_VERSION, describe
from ..errors import ConfigurationError
from .options import db_option, json_option, open_store

if TYPE_CHECKING:
    from ..storage.records import RunRow
    from ..storage.store import Store

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
STATUS_ORDER = ("completed", "running", "failed", "interrupted")


@click.command("footprint")
@click.argument("runs", nargs=-1, metavar="RUN...")
@click.option("--project", help="All runs of this project.")
@click.option("--zone", help="The zone of the grid, such as FR, US-CA or aws:eu-north-1 (`trainwatt zones`).")
@click.option("--intensity", type=float, metavar="G", help="Grams of CO2e per kWh, of your own.")
@click.option(
    "--intensity-csv", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A series: start,end,intensity_g_per_kwh."
)
@click.option("--pue", type=float, help="The site's power usage effectiveness.")
@click.option("--lifetime-years", type=float, help="Years that the hardware serves.")
@click.option("--lifetime-utilization", type=float, help="Share of its life that it is used, 0 to 1.")
@click.option(
    "--hardware", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A hardware table of your own, before the bundled one."
)
@click.option("--refresh", is_flag=True, help="Ask the live providers for the intensities of the run's hours, and cache them.")
@json_option
@db_option
def command(
    runs: tuple[str, ...],
    project: str | None,
    zone: str | None,
    intensity: float | None,
    intensity_csv: Path | None,
    pue: float | None,
    lifetime_years: float | None,
    lifetime_utilization: float | None,
    hardware: Path | None,
    refresh: bool,
    as_json: bool,
    db: str | None,
) -> None:
    """The footprint of runs: operational and embodied grams, each with its range, its factors and their sources.

    Every computation is kept; `trainwatt show RUN --footprint ID` shows it again. Only --refresh asks the network.
    """
    hold(factor_rules(pue, intensity, lifetime_years, lifetime_utilization))
    if not runs and project is None:
        raise ConfigurationError("no run is named: give ids, `latest`, or --project")
    series = () if intensity_csv is None else (read_series(intensity_csv.read_text(), str(intensity_csv)),)
    terms = Terms(zone, intensity, series, pue, lifetime_years, lifetime_utilization, hardware)
    store = open_store(db)
    ids = list(dict.fromkeys([store.find(ref) for ref in runs] + ([r.id for r in store.list_runs(project=project)] if project else [])))
    inputs = json.dumps({**asdict(terms), "series": intensity_csv and str(intensity_csv), "hardware": hardware and str(hardware)})
    found = []
    for run_id in ids:
        stored = store.load(run_id)
        view = describe(stored)
        theirs = terms if series or intensity is not None else _with_cached(store, stored.run, terms, refresh)
        carbon = assess(stored, view, theirs, store.points(run_id) if theirs.series else None)
        footprint_id = os.urandom(4).hex()
        if carbon is not None:
            store.add_footprint(footprint_id, run_id, time.time_ns(), inputs, json.dumps(carbon))
        found.append({"run": view["run"], "footprint_id": footprint_id if carbon is not None else None, "carbon": carbon})
    if as_json:
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "footprints": found, "total": _total(found)}, indent=2))
        return
    for each in found:
        _print(each, in_full=len(found) == 1)
    if len(found) > 1:
        _print_total(found)


def _with_cached(store: Store, run: RunRow, terms: Terms, refresh: bool) -> Terms:
    """The terms with what live providers have said of the run's zone and hours; asked again with `refresh`."""
    zone, start, end = terms.zone or run.zone, run.started_utc_ns, run.ended_utc_ns or run.last_seen_utc_ns
    if zone is None or end <= start:
        return terms
    if refresh:
        from ..carbon.grid import providers  # the network's libraries are loaded only where they are used

        for problem in live.refresh(store, providers(os.environ), zone, start, end, time.time_ns()):
            click.echo(f"trainwatt: {problem}", err=True)
    return replace(terms, series=tuple(live.cached(store, zone, start, end)))


def _total(found: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Grams by the runs' status, and of all: what failed and was interrupted has been emitted too."""
    known = [f for f in found if f["carbon"] is not None]
    statuses = [s for s in STATUS_ORDER if any(f["run"]["status"] == s for f in known)]
    sums = {s: total(_grams(f["carbon"]) for f in known if f["run"]["status"] == s) for s in statuses}
    sums["all"] = total(_grams(f["carbon"]) for f in known)
    return {name: {"total_g": g.central, "total_low_g": g.low, "total_high_g": g.high} for name, g in sums.items()}


def _grams(carbon: dict[str, Any]) -> Estimate:
    return Estimate(carbon["total_g"], carbon["total_low_g"], carbon["total_high_g"])


def _print(each: dict[str, Any], *, in_full: bool) -> None:
    run, carbon = each["run"], each["carbon"]
    name = f"{run['id'][:8]}  {run['project']}, {run['status']}"
    if carbon is None:
        click.echo(f"{name}: no energy is known, so no grams are")
        return
    click.echo(carbon_headline(carbon) if in_full else f"{name}: {carbon_headline(carbon)}")
    if in_full:
        click.echo("\n".join(carbon_lines(carbon)))
        click.echo(f"\nkept: trainwatt show {run['id'][:8]} --footprint {each['footprint_id']}")


def _print_total(found: list[dict[str, Any]]) -> None:
    for name, grams in _total(found).items():
        text = format_mass(grams["total_g"], grams["total_low_g"], grams["total_high_g"])
        click.echo(f"{'total' if name == 'all' else name}: {text} CO2e")
