"""Which runs a command or a call is about: runs that are named, and runs that fit filters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from ..errors import RunNotFoundError

if TYPE_CHECKING:
    from ..core.run import Status
    from ..storage.read.records import RunRow
    from ..storage.read.store import Store


@dataclass(frozen=True, slots=True)
class Filters:
    """A run fits if it fits every filter that is not None. `since_utc_ns` is the earliest start; `limit` keeps the newest so many runs."""

    project: str | None = None
    group: str | None = None
    since_utc_ns: int | None = None
    status: Status | None = None
    limit: int | None = None

    def __bool__(self) -> bool:
        return any(value is not None for value in astuple(self))


def find(store: Store, ref: str) -> str:
    """The id of the run that a user calls `ref`: "latest", an id or its beginning, a name, or "project/name".

    White space around it is ignored: text that was copied on Windows ends with a carriage return. Raises RunNotFoundError, and
    AmbiguousRunError if several runs match.
    """
    return store.find(_storable(ref.strip()))


def fitting(store: Store, filters: Filters, sort: str = "-started") -> list[RunRow]:
    """The runs that fit, newest first or in another order of `Store.list_runs`."""
    project, group = (None if text is None else _storable(text) for text in (filters.project, filters.group))
    since_utc_ns, status, limit = filters.since_utc_ns, filters.status, filters.limit
    return store.list_runs(project=project, group=group, since_utc_ns=since_utc_ns, status=status, limit=limit, sort=sort)


def ids_of(store: Store, filters: Filters) -> list[str]:
    """The ids of the runs that fit, newest first. A run whose id is damaged is left out: nothing can be loaded by such an id."""
    return [run.id for run in fitting(store, filters) if all(damage.column != "id" for damage in run.damage)]


def selected(store: Store, refs: Iterable[str], filters: Filters, *, oldest_first: bool = False) -> list[str]:
    """The ids of the named runs as they are named, then of the runs that fit the filters, newest first or `oldest_first`.

    A run that is named is not repeated by the filters. Raises RunNotFoundError if a name is unknown, or if filters are given and no run
    fits them.
    """
    named = [find(store, ref) for ref in refs]
    found = ids_of(store, filters) if filters else []
    if filters and not found:
        raise RunNotFoundError(f"no run of {_said(filters)} in {store.place}. `trainwatt list` shows the runs there are.")
    return named + [run_id for run_id in (reversed(found) if oldest_first else found) if run_id not in named]


def _said(filters: Filters) -> str:
    said = [f"{name} {value!r}" for name, value in (("project", filters.project), ("group", filters.group)) if value is not None]
    said += [f"status {filters.status}"] if filters.status is not None else []
    return ", ".join([*said, *(["that time"] if filters.since_utc_ns is not None else [])]) or "any kind"


def _storable(text: str) -> str:
    """The text without lone surrogates. They represent bytes that are not UTF-8, and no database can store them."""
    return text.encode("utf-8", "replace").decode()
