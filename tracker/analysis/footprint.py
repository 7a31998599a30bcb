"""A stored run as the JSON contract, with its footprint on the default terms. `show`, `summary()` and `footprint` use it.

No provider is asked here: intensities are the run's own, the bundled ones, and those that `footprint --refresh` has cached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..carbon.assessing import assess
from ..carbon.estimating import estimate, stored_plan
from ..carbon.grid import live
from ..carbon.tables.hardware import table
from ..carbon.terms import Terms
from ..errors import ConfigurationError
from .view import describe

if TYPE_CHECKING:
    from ..core.contract import CarbonJson, ShowJson
    from ..storage.read.records import StoredRun
    from ..storage.read.store import Store

DEFAULT = Terms()
MARGIN_NS = 86_400_000_000_000


def view_of(store: Store, stored: StoredRun, terms: Terms = DEFAULT) -> ShowJson:
    """A run as `show --json` prints it, with its footprint on `terms`. If the recorded terms of the run allow no footprint, `carbon` is
    None and `carbon_missing` says why. Other terms raise ConfigurationError in this case."""
    view = describe(stored)
    try:
        view["carbon"] = footprint(store, stored, view, terms)
    except ConfigurationError as error:
        if terms != DEFAULT:
            raise
        view["carbon_missing"] = str(error)
    return view


def footprint(store: Store, stored: StoredRun, view: ShowJson, terms: Terms) -> CarbonJson | None:
    """The `carbon` object of a run on `terms`. If the terms give no intensity, the cached values of its zone and hours are used.

    That of a stored estimate is computed from its description. Raises ConfigurationError and StoreError.
    """
    if (plan := stored_plan(stored.run.settings)) is not None:
        effective = terms.over(stored.run.zone, stored.run.settings)
        return estimate(plan, effective, table(effective.hardware))[1]
    zone, start_utc_ns, end_utc_ns = asked_of_a_grid(stored, terms)
    if zone is not None and end_utc_ns > start_utc_ns:
        wanted = terms.over(stored.run.zone, stored.run.settings).wanted_basis
        terms = replace(terms, series=tuple(live.cached(store, zone, start_utc_ns, end_utc_ns, wanted)))
    by_time = bool(terms.series) or terms.prices is not None
    return assess(stored, view, terms, store.points(stored.run.id) if by_time else None)


def unused(terms: Terms, carbon: CarbonJson | None) -> list[str]:
    """The series of `terms` without a value for the time of the run, which are therefore not in its `carbon`."""
    if carbon is None:
        return []
    used = {series["name"] for a in carbon["assumptions"] if a["grid"] is not None for series in a["grid"]["series"]}
    found = [s.source for s in terms.series if s.source not in used]
    return found + ([terms.prices.source] if terms.prices is not None and carbon["cost"] is None else [])


def times_of(store: Store, run_ids: Iterable[str]) -> list[tuple[int, int]]:
    """When runs were measured, as starts and ends in UTC nanoseconds, with a margin for clocks that were set. Raises StoreError."""
    return [(start_ns - MARGIN_NS, end_ns + MARGIN_NS) for start_ns, end_ns in store.times(run_ids)]


def asked_of_a_grid(stored: StoredRun, terms: Terms) -> tuple[str | None, int, int]:
    """(zone, start, end in UTC nanoseconds) for which a provider's intensities are needed. The zone is None if the terms or the settings of
    the run have an intensity, if no zone is known, or for an estimate, whose hours are not known."""
    run = stored.run
    effective = terms.over(run.zone, run.settings)
    own = effective.series or effective.intensity_g_per_kwh is not None or stored_plan(run.settings) is not None
    return None if own else effective.zone, run.started_utc_ns, run.ended_utc_ns or run.last_seen_utc_ns
