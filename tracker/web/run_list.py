"""A page of the list of runs, read from the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..analysis.totals import each_of, listed
from ..core.run import Status
from .asked import BY_ENERGY, Asked

if TYPE_CHECKING:
    from ..core.contract import EntryJson
    from ..storage.read.records import RunRow
    from ..storage.read.store import Store

PER_PAGE = 50
MOST_KEPT = 100_000


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


class _Energies(NamedTuple):
    """The values to sort a run by, in joules: its energy, and its energy per unit of work. None if it is not known."""

    energy: float | None
    each: float | None


class RunLists:
    """Pages of the list. Every method raises StoreError.

    An order by energy is the order of all runs that match, and so needs the energies of all of them. Those of runs that have ended are
    kept: with 10,000 runs, the first such page takes seconds to compute, and the next one a fraction of a second.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._energies: dict[tuple[str, int], _Energies] = {}

    def page(self, asked: Asked) -> RunList:
        """The page that is asked for, or the last one if there are fewer."""
        search, project, group, status = asked.search, asked.project, asked.group, asked.status
        if asked.column in BY_ENERGY:
            runs = self._sorted(self._store.list_runs(search=search, project=project, group=group, status=status), asked)
            asked, offset = _within(asked, len(runs))
            return RunList(asked, listed(self._store, runs[offset : offset + PER_PAGE]), len(runs), offset + 1)
        matching = self._store.count_runs(search=search, project=project, group=group, status=status)
        asked, offset = _within(asked, matching)
        runs = self._store.list_runs(
            search=search, project=project, group=group, status=status, sort=asked.sort, limit=PER_PAGE, offset=offset
        )
        return RunList(asked, listed(self._store, runs), matching, offset + 1)

    def _sorted(self, runs: Sequence[RunRow], asked: Asked) -> list[RunRow]:
        """In order of energy, in total or per unit of work. Runs without it come last. Equal ones stay newest first."""
        energies = self._energies_of(runs)
        keys = [(found.each if asked.column == "each" else found.energy, run) for found, run in zip(energies, runs, strict=True)]
        known = [(joules, run) for joules, run in keys if joules is not None]
        known.sort(key=lambda pair: pair[0], reverse=asked.descending)
        return [run for _, run in known] + [run for joules, run in keys if joules is None]

    def _energies_of(self, runs: Sequence[RunRow]) -> list[_Energies]:
        found = {run.id: kept for run in runs if run.status != Status.RUNNING and (kept := self._energies.get(_version(run)))}
        new = [run for run in runs if run.id not in found]
        for run, entry in zip(new, listed(self._store, new), strict=True):
            each = each_of(entry)
            found[run.id] = _Energies(entry["energy"]["total_j"], None if each is None else each[1])
            if len(self._energies) >= MOST_KEPT:
                self._energies.clear()
            self._energies[_version(run)] = found[run.id]
        return [found[run.id] for run in runs]


def _version(run: RunRow) -> tuple[str, int]:
    """A run and when it was last seen: a run that continues after a restart has other energies then."""
    return run.id, run.last_seen_utc_ns


def _within(asked: Asked, matching: int) -> tuple[Asked, int]:
    """The page to show, and how many runs are before it."""
    page = min(asked.page, max(1, -(-matching // PER_PAGE)))
    return asked._replace(page=page), (page - 1) * PER_PAGE
