"""A stored run as the JSON contract, with its footprint on the default terms. `show`, `summary()` and `footprint` use it.

No provider is asked here: intensities are the run's own, the bundled ones, and those that `footprint --refresh` has cached.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, NamedTuple

from ..carbon.assessing import assess
from ..carbon.estimating import estimate, stored_plan
from ..carbon.grid import live
from ..carbon.tables.hardware import table
from ..carbon.tables.zones import provider_zone
from ..carbon.terms import Terms
from ..errors import ConfigurationError
from .over_time.ahead import count_grams
from .view import describe

if TYPE_CHECKING:
    from ..core.contract import CarbonJson, ShowJson
    from ..storage.read.records import IntensityRow, StoredRun
    from ..storage.read.store import Store

DEFAULT = Terms()
MARGIN_NS = 86_400_000_000_000
APART_NS = 30 * MARGIN_NS


class _Rows:
    """The intensities of a provider in one zone, in order of their start: those of any time are found without a look at all of them."""

    def __init__(self, rows: Iterable[IntensityRow]) -> None:
        self._rows = list(rows)
        self._starts = [row.start_utc_ns for row in self._rows]
        self._latest_ends = list(accumulate((row.end_utc_ns for row in self._rows), max))

    def meeting(self, start_utc_ns: int, end_utc_ns: int) -> list[IntensityRow]:
        """Those that overlap a time."""
        first, after = bisect_right(self._latest_ends, start_utc_ns), bisect_left(self._starts, end_utc_ns)
        return [row for row in self._rows[first:after] if row.end_utc_ns > start_utc_ns]


class Known(NamedTuple):
    """The cached intensities for the time of some runs, by zone and provider: read at once, because a question to a server takes longer
    than the arithmetic of a run."""

    by_zone: Mapping[str, Sequence[_Rows]]

    @classmethod
    def of(cls, store: Store, runs: Iterable[StoredRun], terms: Terms) -> Known:
        """Those that the footprints of these runs on `terms` may need. Raises StoreError."""
        spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for stored in runs:
            with suppress(ConfigurationError):  # an unknown zone costs the footprint of its run only, which says so
                zone, start_utc_ns, end_utc_ns = asked_of_a_grid(stored, terms)
                if zone is not None:
                    spans[provider_zone(zone)].append((start_utc_ns, end_utc_ns))
        found = {zone: store.intensities(zone, _joined(of_zone)) for zone, of_zone in spans.items()}
        return cls({zone: [_Rows(of) for _, of in groupby(rows, key=lambda row: row.provider)] for zone, rows in found.items()})

    def cached_intensities(self, zone: str, start_utc_ns: int, end_utc_ns: int) -> list[IntensityRow]:
        """Those of a zone that overlap the time from start to end, as the store has them."""
        return [row for of_provider in self.by_zone.get(zone, ()) for row in of_provider.meeting(start_utc_ns, end_utc_ns)]


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Times that lie less than APART_NS from each other as one: many make a long question, and what lies between has few values."""
    joined: list[tuple[int, int]] = []
    for start_ns, end_ns in sorted(spans):
        if joined and start_ns < joined[-1][1] + APART_NS:
            joined[-1] = joined[-1][0], max(joined[-1][1], end_ns)
        else:
            joined.append((start_ns, end_ns))
    return joined


def views_of(store: Store, run_ids: Iterable[str], terms: Terms = DEFAULT, per: str | None = None) -> Iterator[tuple[StoredRun, ShowJson]]:
    """Several runs, each with its `view_of`. Raises StoreError, RunNotFoundError and ConfigurationError."""
    for runs in store.load_all(run_ids):
        known = Known.of(store, runs, terms)
        yield from ((stored, view_of(store, stored, terms, known, per)) for stored in runs)


def view_of(store: Store, stored: StoredRun, terms: Terms = DEFAULT, known: Known | None = None, per: str | None = None) -> ShowJson:
    """A run as `show --json` prints it, with its footprint on `terms`. If the recorded terms of the run allow no footprint, `carbon` is
    None and `carbon_missing` says why. Other terms raise ConfigurationError in this case. `known`: as `footprint` takes it. `per`: the
    unit of work that the user asks for."""
    view = describe(stored, per)
    try:
        count_grams(view, footprint(store, stored, view, terms, known))
    except ConfigurationError as error:
        if terms != DEFAULT:
            raise
        view["carbon_missing"] = str(error)
    return view


def footprint(store: Store, stored: StoredRun, view: ShowJson, terms: Terms, known: Known | None = None) -> CarbonJson | None:
    """The `carbon` object of a run on `terms`. If the terms give no intensity, the cached values of its zone and hours are used: of
    `known`, if it is given, else of the store.

    That of a stored estimate is computed from its description. Raises ConfigurationError and StoreError.
    """
    if (plan := stored_plan(stored.run.settings)) is not None:
        effective = terms.over(stored.run.zone, stored.run.settings)
        return estimate(plan, effective, table(effective.hardware))[1]
    zone, start_utc_ns, end_utc_ns = asked_of_a_grid(stored, terms)
    if zone is not None and end_utc_ns > start_utc_ns:
        wanted = terms.over(stored.run.zone, stored.run.settings).wanted_basis
        terms = replace(terms, series=tuple(live.cached(known or store, zone, start_utc_ns, end_utc_ns, wanted)))
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
