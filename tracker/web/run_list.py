"""A page of the list of runs, read from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..analysis.listing.orders import Figure, figure_of, in_order
from ..analysis.selection import counted, fitting
from ..analysis.totals import listed, members, with_metric
from ..analysis.work.best import best_values
from ..core.run import Status
from .asked import BY_FIGURE, Asked

if TYPE_CHECKING:
    from ..core.contract import EntryJson
    from ..storage.read.records import RunRow
    from ..storage.read.store import Store

PER_PAGE = 50
MOST_KEPT = 100_000
Figures = Mapping[Figure, float | None]
"""The figures that a run can be sorted by."""


class RunList(NamedTuple):
    """Some of the runs that match. `first` is the place of the first one among all `matching` runs, counted from 1. `asked` has the page
    shown."""

    asked: Asked
    entries: Sequence[EntryJson]
    matching: int
    first: int

    @property
    def last(self) -> int:
        """The place of the last run shown."""
        return self.first + len(self.entries) - 1


class RunLists:
    """Pages of the list. Every method raises StoreError.

    An order by a figure is the order of all runs that match, and so needs the figures of all of them. The energies of runs that have ended
    are kept: with 10,000 runs, the first such page takes seconds to compute, and the next one a fraction of a second.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[tuple[str, int], Figures] = {}

    def page(self, asked: Asked) -> RunList:
        """The page that is asked for, or the last one if there are fewer."""
        filters = asked.filters
        if asked.status is not None and filters.status is None:
            return RunList(asked._replace(page=1), (), 0, 1)  # no run has a status of that name
        figure = next((figure for figure in BY_FIGURE if figure == asked.column), None)
        if figure is not None:
            runs = self._sorted(fitting(self._store, filters), figure, asked)
            asked, offset = _within(asked, len(runs))
            return RunList(asked, self._entries(runs[offset : offset + PER_PAGE], asked.metric), len(runs), offset + 1)
        matching = counted(self._store, filters)
        asked, offset = _within(asked, matching)
        runs = fitting(self._store, replace(filters, limit=PER_PAGE), asked.sort, offset)
        return RunList(asked, self._entries(runs, asked.metric), matching, offset + 1)

    def _entries(self, runs: Sequence[RunRow], metric: str | None) -> list[EntryJson]:
        found = members(self._store, runs)
        return [m.entry for m in (found if metric is None else with_metric(self._store, found, metric))]

    def _sorted(self, runs: Sequence[RunRow], figure: Figure, asked: Asked) -> list[RunRow]:
        if figure == "metric" and asked.metric is not None:
            values = best_values(self._store, [run.id for run in runs], asked.metric)
            return in_order(runs, lambda run: of["value"] if (of := values.get(run.id)) else None, descending=asked.descending)
        figures = self._figures_of(runs)
        return in_order(runs, lambda run: figures[run.id][figure], descending=asked.descending)

    def _figures_of(self, runs: Sequence[RunRow]) -> dict[str, Figures]:
        found = {run.id: kept for run in runs if run.status != Status.RUNNING and (kept := self._kept.get(_version(run)))}
        new = [run for run in runs if run.id not in found]
        for run, entry in zip(new, listed(self._store, new), strict=True):
            found[run.id] = {figure: figure_of(entry, figure) for figure in BY_FIGURE}
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[_version(run)] = found[run.id]
        return found


def _version(run: RunRow) -> tuple[str, int]:
    """A run and when it was last seen: a run that continues after a restart has other figures then."""
    return run.id, run.last_seen_utc_ns


def _within(asked: Asked, matching: int) -> tuple[Asked, int]:
    """The page to show, and how many runs are before it."""
    page = min(asked.page, max(1, -(-matching // PER_PAGE)))
    return asked._replace(page=page), (page - 1) * PER_PAGE
