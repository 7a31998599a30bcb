"""Reads what advice needs of runs, and computes their footprints from another start on, and in another zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ...analysis.footprint import asked_of_a_grid, footprint
from ...analysis.view import describe
from ...carbon.grid import live
from ...carbon.grid.ranged import ranged
from ...carbon.series import iso
from ...carbon.tables.zones import ZoneFigure, figure
from ...carbon.terms import Terms
from ...core.metric import Better, better, telling
from ...core.run import Origin
from ...core.units import NS_PER_S
from ...errors import ConfigurationError
from ..whatif.starting import best_shift_ns, filled, lacking, shifted
from .loss import Elsewhere, Looked

if TYPE_CHECKING:
    from ...core.choices import Basis
    from ...core.contract import ShowJson
    from ...core.point import Point
    from ...storage.read.records import StoredRun
    from ...storage.read.store import Store

WITHIN_NS = 24 * 3600 * NS_PER_S
"""A run may begin so much later: longer ones are seldom known to the hour."""

Curves = Mapping[tuple[str, str], Sequence["Point"]]


class Asked(NamedTuple):
    """A metric that the user names, and which values of it are better; None if its name is to tell."""

    name: str
    better: Better | None

    @classmethod
    def of(cls, text: str) -> Asked:
        """As the user writes it: "val_loss", or "val_loss:lower"."""
        name, _, kind = text.rpartition(":")
        return cls(name, Better(kind)) if name and kind in list(Better) else cls(text, None)


def looked_at(store: Store, run_ids: Iterable[str], terms: Terms, zones: Sequence[str] = (), metric: Asked | None = None) -> list[Looked]:
    """Runs with their activity, curves and metrics, and what they would have emitted elsewhere: in the cleanest of `zones`; without them,
    in the cleanest of those in which the runs of this database ran. `metric` is the one that decides which value was the best.

    Raises ConfigurationError for an unknown zone and for a metric that no run has logged, StoreError and RunNotFoundError.
    """
    choice = _Choice(store, terms, zones)
    found = [_looked(store, stored, terms, choice, metric) for runs in store.load_all(run_ids) for stored in runs]
    if metric is not None and not any(run.metrics for run in found):
        logged = {name for run in found for _, name in store.metrics(run.id)}
        known = f"they have logged {', '.join(sorted(logged))}" if logged else "they have logged none (tracker.log)"
        name, _, kind = metric.name.rpartition(":")
        if name in logged:
            known = f"{name} has been logged, but {kind!r} does not say which values are better: give {name}:lower or {name}:higher"
        raise ConfigurationError(f"--metric {metric.name}: none of the runs has logged it; {known}")
    return found


def _looked(store: Store, stored: StoredRun, terms: Terms, choice: _Choice, metric: Asked | None) -> Looked:
    run_id, view, curves = stored.run.id, describe(stored), store.points(stored.run.id)
    metrics = {of: sums for of, sums in store.metrics(run_id).items() if metric is None or of[1] == metric.name}
    names = telling(sorted({name for _, name in metrics})) if metric is None else [metric.name]
    known = {name: metric.better if metric is not None and metric.better else better(name) for name in names}
    directions = {name: kind for name, kind in known.items() if kind is not None}
    start = place = None
    if stored.run.origin is Origin.TRACKED:
        with suppress(ConfigurationError):  # what its terms do not allow has no footprint either, which is said there
            start = _best_start(store, stored, view, curves, terms)
        with suppress(ConfigurationError):
            place = choice.of(stored, view)
    return Looked(stored, view, store.activity(run_id), curves, metrics, directions, start, place)


def _best_start(store: Store, stored: StoredRun, view: ShowJson, curves: Curves, terms: Terms) -> Elsewhere | None:
    """The footprint from the best start on; None if the run began then, or if the intensities of its hours are not known."""
    begun_ns, wanted = stored.run.started_utc_ns, terms.over(stored.run.zone, stored.run.settings).wanted_basis
    end_ns = begun_ns + round((stored.run.duration_s or 0.0) * NS_PER_S)
    zone, _, _ = asked_of_a_grid(stored, terms)
    series = list(terms.series)
    if not series and zone is not None and end_ns > begun_ns:
        series = live.cached(store, zone, begun_ns, end_ns + WITHIN_NS, wanted)
    if not series or lacking(series, begun_ns, end_ns) is not None:
        return None
    known = filled([ranged(each, wanted) for each in series], begun_ns, end_ns + WITHIN_NS)
    shift_ns = best_shift_ns(stored, curves, known, WITHIN_NS)
    if not shift_ns:
        return None
    was, moved = (
        footprint(store, stored, view, replace(terms, series=tuple(shifted(each, by_ns) for each in series))) for by_ns in (0, shift_ns)
    )
    if was is None or moved is None or moved["operational_g"] >= was["operational_g"]:
        return None
    return Elsewhere(moved, start=iso(begun_ns + shift_ns))


class _Choice:
    """The zones to choose from. Raises ConfigurationError for a given one that is not known."""

    def __init__(self, store: Store, terms: Terms, zones: Sequence[str]) -> None:
        self._store, self._terms = store, terms
        self._given = bool(zones)
        for zone in zones:
            figure(zone, allow_suspect=terms.allow_suspect)
        ran = (run.zone for run in store.list_runs() if run.origin is Origin.TRACKED and run.zone is not None)
        self._zones = sorted(set(zones or ran))
        self._cleanest: dict[Basis, ZoneFigure | None] = {}

    def of(self, stored: StoredRun, view: ShowJson) -> Elsewhere | None:
        """The footprint of a run in the cleanest zone; None if it ran there, or if nothing is known of where it ran. Raises
        ConfigurationError if the run recorded a zone that is not known."""
        of = self._terms.over(stored.run.zone, stored.run.settings)
        if not self._given and (of.zone is None or of.intensity_g_per_kwh is not None or of.series):
            return None
        best = self._best(of.wanted_basis)
        if best is None or (of.zone is not None and figure(of.zone, basis=of.wanted_basis, allow_suspect=True).zone == best.zone):
            return None
        there = replace(self._terms, zone=best.zone, intensity_g_per_kwh=None, intensity_basis=None, series=())
        carbon = footprint(self._store, stored, view, there)
        return None if carbon is None else Elsewhere(carbon, zone=best.zone)

    def _best(self, basis: Basis) -> ZoneFigure | None:
        if basis not in self._cleanest:
            found: list[ZoneFigure] = []
            for zone in self._zones:
                with suppress(ConfigurationError):  # a run may have recorded a zone whose figure is suspect
                    found.append(figure(zone, basis=basis, allow_suspect=self._terms.allow_suspect))
            self._cleanest[basis] = min(found, key=lambda of: of.intensity_g_per_kwh, default=None)
        return self._cleanest[basis]
