"""Which runs a command or a call is about: runs that are named, and runs that fit filters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, TypedDict

from ..errors import RunNotFoundError

if TYPE_CHECKING:
    from ..core.run import Status
    from ..storage.read.records import RunRow
    from ..storage.read.store import Store

Tag = tuple[str, str | None]
"""The name of a tag and its value; None for any value."""


class _Asked(TypedDict):
    project: str | None
    group: str | None
    stage: str | None
    search: str | None
    tags: list[Tag]
    since_utc_ns: int | None
    status: Status | None


@dataclass(frozen=True, slots=True)
class Filters:
    """A run fits if it fits every filter that is not None, and has all `tags`. `since_utc_ns` is the earliest start; `limit` keeps the
    newest so many runs; `search` is a text that an id, a project, a name, a group, a host or a command contains."""

    project: str | None = None
    group: str | None = None
    since_utc_ns: int | None = None
    status: Status | None = None
    limit: int | None = None
    stage: str | None = None
    tags: tuple[Tag, ...] = ()
    search: str | None = None

    def __bool__(self) -> bool:
        return any(value not in (None, ()) for value in astuple(self))


def find(store: Store, ref: str) -> str:
    """The id of the run that a user calls `ref`: "latest", an id or its beginning, a name, or "project/name".

    White space around it is ignored: text that was copied on Windows ends with a carriage return. Raises RunNotFoundError, and
    AmbiguousRunError if several runs match.
    """
    return store.find(_storable(ref.strip()))


def fitting(store: Store, filters: Filters, sort: str = "-started", offset: int = 0) -> list[RunRow]:
    """The runs that fit, newest first or in another order of `Store.list_runs`; the first `offset` of them are left out."""
    return store.list_runs(**_asked(filters), limit=filters.limit, sort=sort, offset=offset)


def counted(store: Store, filters: Filters) -> int:
    """How many runs fit, whatever the limit is."""
    return store.count_runs(**_asked(filters))


def tag_of(text: str) -> Tag:
    """A tag as a user writes it: "lr=0.001", or "lr" for any value of it."""
    name, sign, value = text.partition("=")
    return name, value if sign else None


def _asked(filters: Filters) -> _Asked:
    project, group, stage, search = (
        None if text is None else _storable(text) for text in (filters.project, filters.group, filters.stage, filters.search)
    )
    tags = [(_storable(name), None if value is None else _storable(value)) for name, value in filters.tags]
    since_utc_ns, status = filters.since_utc_ns, filters.status
    return {
        "project": project,
        "group": group,
        "stage": stage,
        "search": search,
        "tags": tags,
        "since_utc_ns": since_utc_ns,
        "status": status,
    }


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
    said = [
        f"{name} {value!r}"
        for name, value in (("project", filters.project), ("group", filters.group), ("stage", filters.stage))
        if value is not None
    ]
    said += [f"tag {name}" if value is None else f"tag {name}={value}" for name, value in filters.tags]
    said += [f"status {filters.status}"] if filters.status is not None else []
    return ", ".join([*said, *(["that time"] if filters.since_utc_ns is not None else [])]) or "any kind"


def _storable(text: str) -> str:
    """The text without lone surrogates. They represent bytes that are not UTF-8, and no database can store them."""
    return text.encode("utf-8", "replace").decode()
