"""Which runs make the sides of a comparison: runs that are named, groups, runs that fit filters, and a baseline in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ...carbon.terms import Terms
from ...core.run import Status
from ...errors import ConfigurationError, RunNotFoundError
from ..footprint import views_of
from ..selection import Filters, find, fitting, selected
from .side import Side, measured

if TYPE_CHECKING:
    from ...storage.read.store import Store

BETWEEN = "vs"
"""A word that may stand between two sides."""
Warn = Callable[[str], None]


class Chosen(NamedTuple):
    """The ids of a side's runs, and what the user calls them."""

    ids: tuple[str, ...]
    name: str | None


class Wanted(NamedTuple):
    """What the user asked for. A ref is a run, or several with commas between them.

    `baseline`: a run or a group that comes first. `whole_groups`: a single group is one side. Otherwise it selects runs that are a side
    each. Of two groups or more, each is a side.
    """

    refs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    filters: Filters = Filters()
    baseline: str | None = None
    whole_groups: bool = False

    @property
    def named(self) -> list[str]:
        """The refs without the word between two sides."""
        return [ref for ref in self.refs if ref != BETWEEN]

    @property
    def fewest(self) -> int:
        """The fewest sides that can be meant; filters may fit any number of runs."""
        return (
            len(self.named)
            + (self.baseline is not None)
            + (2 if self.filters else 0)
            + (2 if self.groups and not self.whole_groups else len(self.groups))
        )


def chosen(store: Store, wanted: Wanted, warn: Warn) -> list[Chosen]:
    """The sides that the user means, the named ones first.

    A group that is a side has its completed runs, unless the filters name a status. `warn` gets a line for runs that are left out. Raises
    RunNotFoundError, AmbiguousRunError, and ConfigurationError for a run on two sides.
    """
    groups, filters = wanted.groups, wanted.filters
    found = [] if wanted.baseline is None else [_baseline(store, wanted.baseline, filters, warn)]
    found += [_named(store, ref) for ref in wanted.named]
    if len(groups) > 1 or (groups and wanted.whole_groups):
        found += [_group(store, group, filters, warn) for group in groups]
    elif groups or filters:
        fit = replace(filters, group=groups[0] if groups else None)
        named = {run_id for side in found for run_id in side.ids}
        found += [Chosen((run_id,), None) for run_id in selected(store, (), fit, oldest_first=True) if run_id not in named]
    _check(found)
    return found


def sides_of(store: Store, chosen: Iterable[Chosen], terms: Terms) -> list[Side]:
    """The sides with their figures. Grams are on `terms` where these say more than what each run recorded."""
    sides = list(chosen)
    ids = dict.fromkeys(run_id for side in sides for run_id in side.ids)
    known = {stored.run.id: measured(stored, view) for stored, view in views_of(store, ids, terms)}
    return [Side([known[run_id] for run_id in side.ids], side.name) for side in sides]


def _named(store: Store, ref: str) -> Chosen:
    try:
        return Chosen((find(store, ref),), None)
    except RunNotFoundError:
        refs = [part for part in ref.split(",") if part.strip()]
        if len(refs) < 2:
            raise
    ids = tuple(dict.fromkeys(find(store, part) for part in refs))
    return Chosen(ids, None if len(ids) == 1 else ref)


def _baseline(store: Store, name: str, filters: Filters, warn: Warn) -> Chosen:
    """A group of that name, else a run."""
    return _group(store, name, filters, warn) if fitting(store, replace(filters, group=name)) else _named(store, name)


def _group(store: Store, group: str, filters: Filters, warn: Warn) -> Chosen:
    runs = fitting(store, replace(filters, group=group))
    if not runs:
        selected(store, (), replace(filters, group=group))  # raises the error that says what there is
    whole = [run for run in runs if filters.status is not None or run.status == Status.COMPLETED]
    others = Counter(run.status for run in runs if run not in whole)
    said = " and ".join(f"{count} {status}" for status, count in others.items())
    if not whole:
        raise RunNotFoundError(f"group {group!r} has no completed run, but {said}; --status {next(iter(others))} compares these")
    if others:
        warn(f"group {group}: {said} left out, because only completed runs did all of their work")
    return Chosen(tuple(run.id for run in reversed(whole)), group)


def _check(sides: Sequence[Chosen]) -> None:
    """A run on two sides would be compared with itself, unless it is compared as one run with one run."""
    several = any(len(side.ids) > 1 for side in sides)
    twice = [run_id for run_id, count in Counter(run_id for side in sides for run_id in side.ids).items() if count > 1]
    if several and twice:
        raise ConfigurationError(f"run {twice[0][:8]} is on two sides; name other runs for one of them")
