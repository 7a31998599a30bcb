"""`trainwatt footprint RUN…`: the grams of recorded runs, computed again on the given terms, and kept."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import rich_click as click

from ...analysis.footprint import asked_of_a_grid, footprint, times_of
from ...analysis.footprint_totals import Tally, by_status, count_once, tally
from ...analysis.open_store import open_store
from ...analysis.selection import Filters, selected
from ...analysis.view import SCHEMA_VERSION, describe
from ...carbon.accounting import NOTHING
from ...carbon.grid import live
from ...carbon.terms import Terms
from ...errors import ConfigurationError, StoreError
from ...presentation.paper.document import document
from ...presentation.words.carbon import Least, carbon_headline, carbon_lines, format_mass
from ...presentation.words.quantities import at_least
from ...presentation.words.runs import at_once_text, status_text
from ...presentation.words.safe_text import cleaned
from ..options import db_option, filter_options, json_option
from ..output import echo, say
from ..progress import followed
from ..terms_options import FILE, say_unused, terms_of, terms_options, with_series

if TYPE_CHECKING:
    from ...core.contract import FootprintJson, TotalGramsJson
    from ...storage.read.records import StoredRun
    from ...storage.read.store import Store


@click.command("footprint")
@click.argument("runs", nargs=-1, metavar="RUN...")
@filter_options()
@click.option("--intensity-csv", type=FILE, metavar="FILE", help="A series: start,end,intensity_g_per_kwh.")
@click.option("--price-csv", type=FILE, metavar="FILE", help="A series: start,end,price_per_kwh; --price is used where it has no value.")
@click.option("--host-share", type=float, metavar="SHARE", help="The share of each host that the run held, 0 to 1.")
@terms_options
@click.option("--refresh", is_flag=True, help="Ask the live providers for the intensities of the run's hours, and cache them.")
@click.option(
    "--format", "form", type=click.Choice(("text", "md", "tex")), help="For a paper: a table, a methods paragraph and the sources."
)
@json_option
@db_option
def command(runs: tuple[str, ...], filters: Filters, refresh: bool, form: str | None, as_json: bool, db: str | None, **given: Any) -> None:
    """Show the footprint of runs: operational and embodied grams, with ranges, factors and their sources.

    Every computation is kept; `trainwatt show RUN --footprint ID` shows it again. Only --refresh uses the network.
    """
    terms = terms_of(**given)
    if not runs and not filters:
        raise ConfigurationError("no run is named: give ids, names, `latest`, or filters such as --project")
    if form and as_json:
        raise ConfigurationError(f"--format {form} and --json: each sets the output format; give one of them")
    store = open_store(db)
    unique = list(dict.fromkeys(selected(store, runs, filters)))
    if given["intensity_csv"] is not None or given["price_csv"] is not None:
        terms = with_series(terms, times_of(store, unique), intensity_csv=given["intensity_csv"], price_csv=given["price_csv"])
    found = [_assessed(store, store.load(run_id), terms, refresh, alone=len(unique) == 1) for run_id in followed(unique, "computing")]
    _require_one_basis(found)
    count_once(store, found)
    inputs = json.dumps({name: value for name, value in given.items() if value not in (None, False)}, default=str)
    for each in found:
        _keep(store, each, inputs)
    if as_json:
        echo(json.dumps({"schema_version": SCHEMA_VERSION, "footprints": found, "total": _total(found)}, indent=2))
    elif form:
        echo(document(found, form))
    else:
        echo("\n".join(_lines(cleaned(found))))


def _assessed(store: Store, stored: StoredRun, terms: Terms, refresh: bool, *, alone: bool) -> FootprintJson:
    """The footprint of one run, with its energy. A run whose recorded terms allow no grams does not end the command for the others."""
    if refresh:
        _refresh(store, stored, terms)
    view = describe(stored)
    try:
        carbon = footprint(store, stored, view, terms)
    except ConfigurationError as error:
        if alone or terms != Terms():
            raise
        carbon = None
        say(f"run {stored.run.id[:8]} has no grams: {error}")
    say_unused(terms, stored.run.id, carbon)
    return {"run": view["run"], "energy": view["energy"], "work": view["work"], "footprint_id": None, "carbon": carbon}


def _require_one_basis(found: list[FootprintJson]) -> None:
    """Raises ConfigurationError if the grams of the runs cannot be added."""
    runs: dict[str, list[str]] = {}
    for each in found:
        if each["carbon"] is not None and (basis := each["carbon"]["intensity_basis"]) is not None:
            runs.setdefault(basis, []).append(f"{each['run']['id'][:8]} ({each['carbon']['zone'] or 'world'})")
    if len(runs) > 1:
        groups = " and ".join(f"{', '.join(names[:3])}{', …' if len(names) > 3 else ''} on {basis} ones" for basis, names in runs.items())
        raise ConfigurationError(
            "the grams of these runs cannot be added, because the figures of their grids have different bases:"
            f" {groups} (a life-cycle figure counts fuel supply and construction too); give one --zone or --intensity for all, or give the"
            " groups in separate commands"
        )


def _keep(store: Store, each: FootprintJson, inputs: str) -> None:
    """Store the computation, which is never changed. If the database cannot be written, the result is still printed."""
    if each["carbon"] is None:
        return
    footprint_id = os.urandom(4).hex()
    try:
        store.add_footprint(footprint_id, each["run"]["id"], time.time_ns(), inputs, json.dumps(each["carbon"]))
        each["footprint_id"] = footprint_id
    except StoreError as error:
        say(f"the footprint of {each['run']['id'][:8]} is not kept: {error}")


def _refresh(store: Store, stored: StoredRun, terms: Terms) -> None:
    zone, start_utc_ns, end_utc_ns = asked_of_a_grid(stored, terms)
    if zone is None:
        say("--refresh: nothing to ask for: no zone is set, or the intensity is given")
        return
    from ...carbon.grid.providers import providers  # the network libraries are loaded only if they are used

    for problem in live.refresh(store, providers(os.environ), zone, start_utc_ns, end_utc_ns, time.time_ns()):
        say(problem)


def _total(found: list[FootprintJson]) -> dict[str, TotalGramsJson]:
    """Grams by the runs' status, and of all runs: a run that failed or was interrupted has emitted them too."""
    known = [f for f in found if f["carbon"] is not None]
    sums = {**by_status(known), "all": tally(known)}
    return {name: _grams(of) for name, of in sums.items()}


def _grams(of: Tally) -> TotalGramsJson:
    g, once = of.total or NOTHING, None if of.once is None else of.once.total
    return {
        "total_g": g.central,
        "total_low_g": g.low,
        "total_high_g": g.high,
        "lower_bound": of.grams_are_least,
        "counted_once": once and {"total_g": once.central, "total_low_g": once.low, "total_high_g": once.high},
    }


def _lines(found: list[FootprintJson]) -> Iterator[str]:
    for each in found:
        run, carbon, least = each["run"], each["carbon"], Least.of(each["energy"])
        name = f"{run['id'][:8]}  {run['project']}, {status_text(run)}"
        if carbon is None:
            yield f"{name}: no grams" + (", because no energy is known" if each["energy"]["total_j"] is None else "")
        elif len(found) > 1:
            yield f"{name}: {carbon_headline(carbon, least)}"
        else:
            yield carbon_headline(carbon, least)
            yield from carbon_lines(carbon, least)
            if each["footprint_id"] is not None:
                yield f"\nkept: trainwatt show {run['id'][:8]} --footprint {each['footprint_id']}"
    if len(found) > 1:
        for name, grams in _total(found).items():
            text = format_mass(grams["total_g"], grams["total_low_g"], grams["total_high_g"])
            yield f"{'total' if name == 'all' else name}: {at_least(text, grams['lower_bound'])} CO2e"
        whole = tally(found)
        if whole.at_once:
            once = None if whole.once is None else f"{format_mass(*whole.once.total)} CO2e"
            yield f"note: {at_once_text(whole.at_once, 'joules and grams', once)}"
