"""The footprints of runs under changed circumstances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import TYPE_CHECKING, NamedTuple

from ...analysis.footprint import Known, footprint
from ...analysis.footprint_totals import count_once, footprint_of, require_one_basis
from ...analysis.view import describe
from ...carbon.estimating import stored_plan
from ...carbon.grid import live
from ...carbon.grid.ranged import ranged
from ...carbon.series import Series, iso
from ...carbon.terms import Terms
from ...core.units import NS_PER_S
from ...errors import ConfigurationError
from ..figures import figures_of
from .change import Change, ChangeKind, with_changes
from .modelled.modelling import EXACT, Modelling, Models
from .starting import Start, best_shift_ns, filled, lacking, shifted

if TYPE_CHECKING:
    from ...core.contract import FootprintJson, OutcomeJson, ShowJson, WhatIfJson
    from ...storage.read.records import StoredRun
    from ...storage.read.store import Store

SCHEMA_VERSION = 1


class Starting(NamedTuple):
    """When runs begin instead: at `start`, or at the best time in the `within_ns` after their own start. A time of day is in `zone`, None
    for that of the machine."""

    start: Start | None
    within_ns: int | None
    zone: tzinfo | None = None


class Loaded(NamedTuple):
    """A run with its view."""

    stored: StoredRun
    view: ShowJson


def what_if(
    store: Store, run_ids: Sequence[str], base: Terms, changes: Sequence[Change], starting: Starting, modelling: Modelling
) -> WhatIfJson:
    """Runs as they were, under each change alone, and under all. `base` are the terms that hold in any case. Raises ConfigurationError for
    a start at which the intensity of the grid is not known, and for a modelled change that leaves all runs as they were, and StoreError."""
    loaded = [Loaded(stored, describe(stored)) for runs in store.load_all(run_ids, phases=False) for stored in runs]
    footprints = _footprints(store, loaded, [base] * len(loaded))
    as_it_was = figures_of(footprints)
    models = Models(store, [each.stored for each in loaded], footprints, base, modelling)

    def outcome(some: Sequence[Change]) -> OutcomeJson:
        terms = [with_changes(base, some)] * len(loaded)
        shifts_ns = [0] * len(loaded)
        if any(change.kind in (ChangeKind.START, ChangeKind.BEST_START) for change in some):
            moved = [_moved(store, each.stored, terms[0], starting) for each in loaded]
            terms, shifts_ns = [of for of, _ in moved], [shift_ns for _, shift_ns in moved]
        found = _footprints(store, loaded, terms)
        modelled = models.of(some)
        figures = figures_of(found) if modelled is None else modelled.figures(found)
        was_g = as_it_was.total.central
        return {
            "changes": [{"kind": change.kind.value, "value": change.value} for change in some],
            "difference_g": figures.total.central - was_g,
            "ratio": figures.total.central / was_g if was_g else None,
            "starts": {each.stored.run.id: iso(each.stored.run.started_utc_ns + s) for each, s in zip(loaded, shifts_ns, strict=True) if s},
            **(EXACT if modelled is None else modelled.as_json(found, was_g)),
            **figures.as_json(),
        }

    return {
        "schema_version": SCHEMA_VERSION,
        "runs": list(run_ids),
        "base": as_it_was.as_json(),
        "alone": [outcome([change]) for change in changes],
        "together": outcome(changes) if len(changes) > 1 else None,
        "runs_estimated": sum(stored_plan(each.stored.run.settings) is not None for each in loaded),
    }


def _footprints(store: Store, loaded: Sequence[Loaded], terms: Sequence[Terms]) -> list[FootprintJson]:
    """The footprints of runs, each on its terms, with what each adds to a sum."""
    found: list[FootprintJson] = []
    same = all(of == terms[0] for of in terms)
    known = Known.of(store, [each.stored for each in loaded], terms[0]) if same else None
    for (stored, view), of in zip(loaded, terms, strict=True):
        carbon = footprint(store, stored, view, of, known)
        found.append({**footprint_of(view), "carbon": carbon})
    require_one_basis(found)
    count_once(store, found)
    return found


def _moved(store: Store, stored: StoredRun, terms: Terms, starting: Starting) -> tuple[Terms, int]:
    """The terms of a run that begins at another time, with the intensities that it meets then, and how much later that is. Raises
    ConfigurationError."""
    if stored_plan(stored.run.settings) is not None:  # an estimate: its hours are not known
        return terms, 0
    shift_ns = 0 if starting.start is None else starting.start.shift_ns(stored.run.started_utc_ns, starting.zone)
    series = terms.series or _cached(store, stored, terms, min(0, shift_ns), max(0, shift_ns, starting.within_ns or 0))
    _require(series, stored, 0, "as it was")
    if starting.start is None:
        within_ns, wanted = starting.within_ns or 0, terms.over(stored.run.zone, stored.run.settings).wanted_basis
        known = filled([ranged(each, wanted) for each in series], stored.run.started_utc_ns, _end_utc_ns(stored) + within_ns)
        shift_ns = best_shift_ns(stored, store.points(stored.run.id), known, within_ns) or 0
    else:
        _require(series, stored, shift_ns, f"with --start {starting.start.text}")
    return replace(terms, series=tuple(shifted(each, shift_ns) for each in series)), shift_ns


def _cached(store: Store, stored: StoredRun, terms: Terms, before_ns: int, after_ns: int) -> tuple[Series, ...]:
    """The cached intensities of the zone, from so long before the run to so long after it. Raises ConfigurationError if there are none."""
    of = terms.over(stored.run.zone, stored.run.settings)
    span = stored.run.started_utc_ns + before_ns, _end_utc_ns(stored) + after_ns
    found = [] if of.zone is None else live.cached(store, of.zone, *span, of.wanted_basis)
    if not found:
        raise ConfigurationError(
            f"run {stored.run.id[:8]}: the start of a run matters only where it is known how the intensity of the grid changes over time;"
            " give --intensity-csv, or let `trainwatt footprint --refresh` fetch it"
        )
    return tuple(found)


def _require(series: Sequence[Series], stored: StoredRun, shift_ns: int, when: str) -> None:
    """Raises ConfigurationError if the intensity is not known for all of the time of a run."""
    if (gap := lacking(series, stored.run.started_utc_ns + shift_ns, _end_utc_ns(stored) + shift_ns)) is not None:
        sources = " and ".join(each.source for each in series)
        raise ConfigurationError(
            f"run {stored.run.id[:8]} {when}: {sources} has no value from {iso(gap[0])} to {iso(gap[1])}, so the grams cannot be compared;"
            " give a series with these times"
        )


def _end_utc_ns(stored: StoredRun) -> int:
    return stored.run.started_utc_ns + round((stored.run.duration_s or 0.0) * NS_PER_S)
