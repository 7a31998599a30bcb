"""`trainwatt whatif RUN…`: what runs would have emitted in another place, at another hour, or on hardware with another life."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import rich_click as click

from ...analysis.footprint import times_of
from ...analysis.open_store import open_store
from ...analysis.selection import Filters, selected
from ...core.units import NS_PER_S, parse_duration_s
from ...errors import ConfigurationError
from ...life.whatif.change import Change, ChangeKind, changes_of
from ...life.whatif.modelled.modelling import Modelling
from ...life.whatif.outcomes import Starting, what_if
from ...life.whatif.starting import start_of
from ...presentation.life.outcomes import outcomes_page
from ...presentation.terminal.run import console
from .. import modelled_options as models
from ..options import db_option, filter_options, json_option
from ..output import echo
from ..terms_options import FILE, terms_of, terms_options, with_series

YEAR_NS = 366 * 86_400 * NS_PER_S


@click.command("whatif")
@click.argument("runs", nargs=-1, metavar="RUN...")
@filter_options()
@click.option("--start", metavar="TIME", help="Begin at this time: 02:00 on the day of each run, or 2026-03-01T02:00.")
@click.option("--within", metavar="TIME", help="Begin at the best time within so long after the start of each run, such as 48h.")
@click.option("--intensity-csv", type=FILE, metavar="FILE", help="A series: start,end,intensity_g_per_kwh.")
@click.option("--host-share", type=float, metavar="SHARE", help="The share of each host that the run held, 0 to 1.")
@click.option("--power-cap", type=float, metavar="WATTS", help="Modelled: a lower power limit on each GPU.")
@click.option("--gpu-utilization", type=float, metavar="SHARE", help="Modelled: GPUs that are busy for this share of the time, 0 to 1.")
@click.option("--device", metavar="NAME", help="Modelled: another device, such as H100.")
@click.option("--energy-ratio", metavar="RATIO", help="The energy on --device as a multiple: one number, or LOWEST,LIKELY,HIGHEST.")
@click.option("--time-ratio", metavar="RATIO", help="The time on --device as a multiple, in the same form.")
@click.option("--like", multiple=True, metavar="RUN", help="A run that did the same work, at another power limit or on --device.")
@click.option("--per", metavar="UNIT", help="The unit of work by which runs are compared, such as tokens.")
@terms_options
@json_option
@db_option
def command(
    runs: tuple[str, ...],
    filters: Filters,
    start: str | None,
    within: str | None,
    intensity_csv: Path | None,
    power_cap: float | None,
    gpu_utilization: float | None,
    device: str | None,
    energy_ratio: str | None,
    time_ratio: str | None,
    like: tuple[str, ...],
    per: str | None,
    as_json: bool,
    db: str | None,
    **given: Any,
) -> None:
    """Show what runs would have emitted under other circumstances: each change alone, and all together.

    The joules stay those that were measured with --zone, --intensity, --pue, --lifetime-years, --lifetime-utilization, --host-share,
    --start and --within. They are modelled, and have a range, with --power-cap, --gpu-utilization and --device.
    """
    if not runs and not filters:
        raise ConfigurationError("no run is named: give ids, names, `latest`, or filters such as --project")
    changes, terms = changes_of(terms_of(**given))
    asked = _starting(start, within)
    changes += _starts(start, within) + models.changes(power_cap, gpu_utilization, device)
    ratios = models.ratios(device, energy_ratio, time_ratio)
    models.require_use(changes, ratios, like, per)
    if not changes:
        raise ConfigurationError("nothing is changed: give at least one of --zone, --start, --within, --pue and the other changes")
    grid = [change for change in changes if change.kind in (ChangeKind.ZONE, ChangeKind.INTENSITY)]
    if intensity_csv is not None and grid:
        raise ConfigurationError(f"--{grid[0].kind} {grid[0].value} with --intensity-csv: each gives the grid; give one of them")
    fixed = next((change for change in grid if change.kind is ChangeKind.INTENSITY), None)
    if fixed is not None and (start is not None or within is not None):
        raise ConfigurationError(
            f"--intensity {fixed.value:g} with {'--start' if within is None else '--within'}: with one intensity for all hours, the start"
            " does not matter; leave one of them out"
        )
    store = open_store(db)
    unique = list(dict.fromkeys(selected(store, runs, filters)))
    if asked.start is not None and not asked.start.of_day and len(unique) > 1:
        raise ConfigurationError(f"--start {start} with {len(unique)} runs: they did not begin together; give a time of day, or one run")
    if intensity_csv is not None:
        spans = [(begin - YEAR_NS, end + YEAR_NS) for begin, end in times_of(store, unique)]
        terms = replace(terms, series=with_series(terms, spans, intensity_csv=intensity_csv).series)
    alike = tuple(selected(store, like, Filters())) if like else None
    if alike is not None and set(alike) == set(unique) and len(unique) == 1:
        raise ConfigurationError(f"--like {like[0]}: it is the run itself; name another run that did the same work, or leave --like out")
    modelling = Modelling(alike, per, ratios)
    found = what_if(store, unique, terms, changes, asked, modelling)
    if as_json:
        echo(json.dumps(found, indent=2))
        return
    out = console()
    out.print(outcomes_page(found))


def _starting(start: str | None, within: str | None) -> Starting:
    """When runs begin instead. Raises ConfigurationError."""
    if start is not None and within is not None:
        raise ConfigurationError(f"--start {start} and --within {within}: each says when runs begin; give one of them")
    return Starting(None if start is None else start_of(start), None if within is None else _within_ns(within))


def _within_ns(text: str) -> int:
    try:
        seconds = parse_duration_s(text)
    except ValueError as error:
        raise ConfigurationError(f"--within: {error}") from None
    if not 0 < seconds * NS_PER_S <= YEAR_NS:
        raise ConfigurationError(f"--within {text}: it is nothing, or more than a year; give a time such as 48h")
    return round(seconds * NS_PER_S)


def _starts(start: str | None, within: str | None) -> list[Change]:
    found = [] if start is None else [Change(ChangeKind.START, start)]
    return found + ([] if within is None else [Change(ChangeKind.BEST_START, within)])
