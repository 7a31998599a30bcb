"""`trainwatt footprint RUN…`: the grams of recorded runs, computed again on the given terms, and kept."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import rich_click as click

from ...analysis.footprint import Known, asked_of_a_grid, footprint, times_of
from ...analysis.footprint_totals import Tally, by_status, count_once, footprint_of, require_one_basis, tally
from ...analysis.kept_footprint import changes, kept_footprint
from ...analysis.open_store import open_store
from ...analysis.selection import Filters, selected
from ...analysis.view import SCHEMA_VERSION, describe
from ...analysis.work.units import require_counted
from ...carbon.accounting import NOTHING, UNKNOWN
from ...carbon.grid import live
from ...carbon.terms import Terms
from ...core.clock import iso
from ...errors import ConfigurationError, StoreError
from ...presentation.words.carbon import (
    Least,
    basis_text,
    carbon_headline,
    carbon_lines,
    previous_lines,
    ranges_text,
)
from ...presentation.words.masses import format_co2e, format_mass
from ...presentation.words.origins import origin_text
from ...presentation.words.quantities import at_least, format_range, listed
from ...presentation.words.runs import at_once_text, status_text
from ...presentation.words.safe_text import cleaned
from ...presentation.words.zones import zone_rows
from ..options import db_option, filter_options, json_option, per_option
from ..output import echo, say
from ..progress import followed
from ..terms_options import FILE, say_unused, terms_by_zone, terms_options, with_series

if TYPE_CHECKING:
    from ...core.contract import FootprintJson, PreviousJson, TotalGramsJson
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
@click.option("--short", is_flag=True, help="With --format: two sentences in place of the methods paragraph.")
@per_option
@json_option
@db_option
def command(
    runs: tuple[str, ...],
    filters: Filters,
    refresh: bool,
    form: str | None,
    short: bool,
    per: str | None,
    as_json: bool,
    db: str | None,
    **given: Any,
) -> None:
    """Show the footprint of runs: operational and embodied grams, with ranges, factors and their sources.

    Every computation is kept; `trainwatt show RUN --footprint ID` shows it again. Only --refresh uses the network.
    """
    by_zone = terms_by_zone(**given)
    if not runs and not filters:
        raise ConfigurationError("no run is named: give ids, names, `latest`, or filters such as --project")
    if form and as_json:
        raise ConfigurationError(f"--format {form} and --json: each sets the output format; give one of them")
    if form and len(by_zone) > 1:
        raise ConfigurationError(f"--format {form} with {len(by_zone)} zones: a document is about the grid of the runs; give one --zone")
    if short and not form:
        raise ConfigurationError("--short: it is the short form of a paper's paragraph; give --format text, md or tex too")
    store = open_store(db)
    unique = list(dict.fromkeys(selected(store, runs, filters)))
    if given["intensity_csv"] is not None or given["price_csv"] is not None:
        spans = times_of(store, unique)
        read = with_series(by_zone[0], spans, intensity_csv=given["intensity_csv"], price_csv=given["price_csv"])
        by_zone = [replace(terms, series=read.series, prices=read.prices) for terms in by_zone]
    by_run = list(followed(_assessed(store, unique, by_zone, refresh, per), "computing", len(unique)))
    found = [list(of_zone) for of_zone in zip(*by_run, strict=True)]
    require_counted(per, [each["work"] for each in found[0]] if found else [])
    for terms, of_zone in zip(by_zone, found, strict=True):
        require_one_basis(of_zone)
        count_once(store, of_zone)
        inputs = json.dumps({name: value for name, value in _inputs(given, terms).items() if value not in (None, False)}, default=str)
        # The footprints of several grids do not replace each other. In a text, only a single run is told with what it was before.
        if len(by_zone) == 1 and (as_json or (len(unique) == 1 and not form)):
            kept = store.newest_footprints(unique)
            for each in of_zone:
                each["previous"] = _previous(each, kept.get(each["run"]["id"]))
        _keep(store, of_zone, inputs)
    if as_json:
        echo(json.dumps(_json(by_zone, found), indent=2))
    elif form:
        from ...presentation.paper.document import document  # not needed without a paper

        echo(document(found[0], form, short=short))
    elif len(found) > 1:
        echo("\n".join(_side_by_side(cleaned(found))))
    else:
        echo("\n".join(_lines(cleaned(found[0]))))


def _inputs(given: dict[str, Any], terms: Terms) -> dict[str, Any]:
    """The options as they are kept with a footprint: the zone and the basis are one each."""
    rest = {name: value for name, value in given.items() if name not in ("zones", "bases")}
    return {"zone": terms.zone, "basis": terms.basis, **rest}


def _json(by_zone: list[Terms], found: list[list[FootprintJson]]) -> dict[str, Any]:
    """One grid: its footprints and their total. Several: the same for each, because grams of one run on two grids are never added."""
    parts = [{"footprints": of_zone, "total": _total(of_zone)} for of_zone in found]
    if len(parts) == 1:
        return {"schema_version": SCHEMA_VERSION, **parts[0]}
    zones = [{"zone": terms.zone, **part} for terms, part in zip(by_zone, parts, strict=True)]
    return {"schema_version": SCHEMA_VERSION, "zones": zones}


def _assessed(store: Store, run_ids: list[str], by_zone: list[Terms], refresh: bool, per: str | None) -> Iterator[list[FootprintJson]]:
    """The footprints of each run, one for each zone."""
    for runs in store.load_all(run_ids, phases=False):
        known = [None if refresh else Known.of(store, runs, terms) for terms in by_zone]  # --refresh makes more known, run by run
        for stored in runs:
            of_zone = zip(by_zone, known, strict=True)
            yield [_of_run(store, stored, terms, found, refresh, per, alone=len(run_ids) == 1) for terms, found in of_zone]


def _of_run(
    store: Store, stored: StoredRun, terms: Terms, known: Known | None, refresh: bool, per: str | None, *, alone: bool
) -> FootprintJson:
    """The footprint of one run, with its energy. A run whose recorded terms allow no grams does not end the command for the others."""
    if refresh:
        _refresh(store, stored, terms)
    view = describe(stored, per)
    try:
        carbon = footprint(store, stored, view, terms, known)
    except ConfigurationError as error:
        if alone or terms != Terms():
            raise
        carbon = None
        say(f"run {stored.run.id[:8]} has no grams: {error}")
    say_unused(terms, stored.run.id, carbon)
    return {**footprint_of(view), "carbon": carbon}


def _previous(each: FootprintJson, kept: tuple[str, int, str] | None) -> PreviousJson | None:
    """The newest footprint of the run that is kept. One that is damaged is said, and is not compared with."""
    carbon = each["carbon"]
    if carbon is None or kept is None:
        return None
    footprint_id, created_utc_ns, result = kept
    try:
        was = kept_footprint(result, each["energy"]["interval_kind"])
    except StoreError as error:
        say(f"run {each['run']['id'][:8]}, footprint {footprint_id}: {error}")
        return None
    at = iso(created_utc_ns)
    return {"footprint_id": footprint_id, "computed_at": at, "total_g": was["total_g"], "changes": changes(was, carbon)}


def _keep(store: Store, found: list[FootprintJson], inputs: str) -> None:
    """Store the computations, which are never changed. If the database cannot be written, the result is still printed."""
    ids = {each["run"]["id"]: os.urandom(4).hex() for each in found if each["carbon"] is not None}
    rows = [
        {
            "id": ids[each["run"]["id"]],
            "run_id": each["run"]["id"],
            "created_utc_ns": time.time_ns(),
            "inputs": inputs,
            "result": json.dumps(each["carbon"]),
        }
        for each in found
        if each["run"]["id"] in ids
    ]
    try:
        store.add_footprints(rows)
    except StoreError as error:
        which = f"footprint of {found[0]['run']['id'][:8]} is" if len(found) == 1 else "footprints are"
        say(f"the {which} not kept: {error}")
        return
    for each in found:
        each["footprint_id"] = ids.get(each["run"]["id"])


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
    return {name: _sum(of) for name, of in {**by_status(found), "all": tally(found)}.items()}


def _sum(of: Tally) -> TotalGramsJson:
    grams, energy, once = of.total or NOTHING, of.energy or UNKNOWN, None if of.once is None else of.once.total
    return {
        "energy_j": energy[0],
        "energy_low_j": energy[1],
        "energy_high_j": energy[2],
        "total_g": grams.central,
        "total_low_g": grams.low,
        "total_high_g": grams.high,
        "lower_bound": of.grams_are_least,
        "counted_once": once and {"total_g": once.central, "total_low_g": once.low, "total_high_g": once.high},
        "estimated_g": of.estimated_g,
        "imported_g": of.imported_g,
    }


def _side_by_side(found: list[list[FootprintJson]]) -> Iterator[str]:
    """A row for each zone, on one basis."""
    carbons = [next((each["carbon"] for each in of_zone if each["carbon"] is not None), None) for of_zone in found]
    if None in carbons:
        yield "no grams, because no energy is known"
        return
    count = len(found[0])
    yield f"CO2e of {f'{count} runs' if count > 1 else found[0][0]['run']['id'][:8]} in {len(found)} zones, {_bases(found[0])}"
    yield from zone_rows([carbon for carbon in carbons if carbon is not None], [_total(of_zone)["all"] for of_zone in found])


def _lines(found: list[FootprintJson]) -> Iterator[str]:
    for each in found:
        run, carbon = each["run"], each["carbon"]
        least = Least.of(each["energy"], carbon)
        name = f"{run['id'][:8]}  {run['project']}, {status_text(run)}"
        if carbon is None:
            yield f"{name}: no grams" + (", because no energy is known" if each["energy"]["total_j"] is None else "")
        elif len(found) > 1:
            yield f"{name}: {carbon_headline(carbon, least)}"
        else:
            yield carbon_headline(carbon, least)
            if (origin := origin_text(each)) is not None:
                yield f"  {origin}, not recorded by trainwatt"
            yield from carbon_lines(carbon, least)
            if previous := each.get("previous"):
                yield from ("", *previous_lines(previous, carbon))
            if each["footprint_id"] is not None:
                yield f"\nkept: trainwatt show {run['id'][:8]} --footprint {each['footprint_id']}"
    if len(found) > 1:
        whole = tally(found)
        for name, of in {**by_status(found), "total": whole}.items():
            yield f"{name}: {_sum_text(of, _bases(found))}"
        yield from dict.fromkeys(ranges_text(f["carbon"]["ranges"]) for f in found if f["carbon"] is not None)
        if whole.at_once:
            once = None if whole.once is None else at_least(format_co2e(*whole.once.total), whole.grams_are_least)
            yield f"note: {at_once_text(whole.at_once, 'joules and grams', once)}"


def _bases(found: list[FootprintJson]) -> str:
    """ "life-cycle"; "life-cycle and basis unknown" where runs were recorded with an intensity of their own."""
    return " and ".join(dict.fromkeys(basis_text(each["carbon"]) for each in found if each["carbon"] is not None))


def _sum_text(of: Tally, bases: str) -> str:
    """ "≥ 200 g CO2e (180–220), life-cycle, of which 50 g estimated, 2.00 kWh (1.90–2.10)"."""
    energy = [] if of.energy is None else [at_least(format_range(*of.energy), of.energy_is_least)]
    if of.total is None:
        return ", ".join(["no grams", *energy])
    apart = [f"{format_mass(g)} {word}" for word, g in (("estimated", of.estimated_g), ("imported", of.imported_g)) if g]
    of_it = [f"of which {listed(apart)}"] if apart else []
    return ", ".join([at_least(format_co2e(*of.total), of.grams_are_least), bases, *of_it, *energy])
