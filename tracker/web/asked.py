"""PURE: what an address asks for, and what no address may ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

BY_ENERGY = ("energy", "each")
"""Orders that need the energies of all runs that match; the database knows the other ones."""
BY_COLUMN = ("project", "name", "status", "started", "duration")
ASCENDING_FIRST = ("project", "name", "status")
"""Columns of words: the first click sorts them from A to Z."""
NEWEST_FIRST = "-started"
MOST_DIGITS = 9
"""The longest number of a page."""
MOST_CHARACTERS = 2_000
"""The longest name, text to search for, or id."""
MOST_QUERY_BYTES = 32_000
MOST_PARAMETERS = 200


class Asked(NamedTuple):
    """Filters, an order and a page. An empty filter is None. `sort` begins with "-" if the greatest comes first."""

    search: str | None = None
    project: str | None = None
    group: str | None = None
    status: str | None = None
    sort: str = NEWEST_FIRST
    page: int = 1

    @property
    def filtered(self) -> bool:
        """Whether some runs may be left out."""
        return any((self.search, self.project, self.group, self.status))

    @property
    def column(self) -> str:
        """The column that the list is sorted by."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        return self.sort.startswith("-")

    def sorted_by(self, column: str) -> Asked:
        """The first page, sorted by a column; in the other direction where it is sorted by that column already."""
        descending = not self.descending if column == self.column else column not in ASCENDING_FIRST
        return self._replace(sort=f"-{column}" if descending else column, page=1)

    def address(self) -> str:
        """The address that asks for this."""
        sort = None if self.sort == NEWEST_FIRST else self.sort
        page = None if self.page == 1 else str(self.page)
        given = {"q": self.search, "project": self.project, "group": self.group, "status": self.status, "sort": sort, "page": page}
        query = {key: value for key, value in given.items() if value}
        return f"/?{urlencode(query)}" if query else "/"


def asked_of(query: Mapping[str, str]) -> Asked:
    """What a query asks for. An order or a page that does not exist counts as not given."""
    sort, page = query.get("sort", ""), query.get("page", "")
    return Asked(
        search=query.get("q") or None,
        project=query.get("project") or None,
        group=query.get("group") or None,
        status=query.get("status") or None,
        sort=sort if sort.removeprefix("-") in (*BY_COLUMN, *BY_ENERGY) else NEWEST_FIRST,
        page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) <= MOST_DIGITS else 1,
    )


def fault_of(path: str, query: str) -> str | None:
    """What is wrong with an address, whatever page it is of: a text that is too long for any page, or that no database can take."""
    if len(path) > MOST_CHARACTERS or "\0" in path:
        return f"the address: at most {MOST_CHARACTERS:,} characters, and no null character"
    if len(query) > MOST_QUERY_BYTES or query.count("&") >= MOST_PARAMETERS:
        return f"the query: at most {MOST_QUERY_BYTES:,} bytes and {MOST_PARAMETERS} parameters"
    for name, value in parse_qsl(query, keep_blank_values=True):
        most = MOST_DIGITS if name == "page" else MOST_CHARACTERS
        if len(name) > MOST_CHARACTERS or len(value) > most or "\0" in value:
            return f"{name[:40]}: at most {most:,} {'digits' if name == 'page' else 'characters, and no null character'}"
    return None
