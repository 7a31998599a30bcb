"""PURE: what an address asks for, and what no address may ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from ..analysis.listing.orders import Figure, begins_with_greatest
from ..analysis.selection import Filters, tag_of
from ..core.run import Status

BY_FIGURE: tuple[Figure, ...] = ("energy", "each", "metric")
"""Orders that need a figure of all runs that match; the database knows the other ones."""
BY_COLUMN = ("project", "name", "status", "started", "duration")
ASCENDING_FIRST = ("project", "name", "status")
"""Columns of words: the first click sorts them from A to Z."""
NEWEST_FIRST = "-started"
PLACE = "/runs"
"""Where the list is."""
MOST_DIGITS = 9
"""The longest number of a page."""
MOST_CHARACTERS = 2_000
"""The longest name, text to search for, or id."""
MOST_QUERY_BYTES = 32_000
MOST_PARAMETERS = 200


class Asked(NamedTuple):
    """Filters, an order and a page. An empty filter is None; `tag` is a name, or a name and a value with "=" between them. `metric` is the
    name of one that is shown. `sort` begins with "-" if the greatest comes first."""

    search: str | None = None
    project: str | None = None
    group: str | None = None
    stage: str | None = None
    status: str | None = None
    tag: str | None = None
    metric: str | None = None
    sort: str = NEWEST_FIRST
    page: int = 1

    @property
    def filtered(self) -> bool:
        """Whether some runs may be left out."""
        return any((self.search, self.project, self.group, self.stage, self.status, self.tag))

    @property
    def filters(self) -> Filters:
        """The filters, as the commands have them."""
        status = next((status for status in Status if status == self.status), None)
        tags = () if self.tag is None else (tag_of(self.tag),)
        return Filters(self.project, self.group, status=status, stage=self.stage, tags=tags, search=self.search)

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
        first = begins_with_greatest("metric", self.metric) if column == "metric" else column not in ASCENDING_FIRST
        descending = not self.descending if column == self.column else first
        return self._replace(sort=f"-{column}" if descending else column, page=1)

    def address(self) -> str:
        """The address that asks for this."""
        sort = None if self.sort == NEWEST_FIRST else self.sort
        page = None if self.page == 1 else str(self.page)
        given = {"q": self.search, "project": self.project, "group": self.group, "stage": self.stage, "status": self.status}
        given |= {"tag": self.tag, "metric": self.metric, "sort": sort, "page": page}
        query = {key: value for key, value in given.items() if value}
        return f"{PLACE}?{urlencode(query)}" if query else PLACE


def asks_for_a_list(query: Mapping[str, str]) -> bool:
    """Whether a query is one of the list: in older versions, the list was the first page."""
    return any(query.get(name) for name in ("q", "project", "group", "status", "sort", "page"))


def asked_of(query: Mapping[str, str]) -> Asked:
    """What a query asks for. An order or a page that does not exist counts as not given."""
    sort, page, metric = query.get("sort", ""), query.get("page", ""), query.get("metric", "").strip() or None
    tag = query.get("tag", "").strip()
    known = [*BY_COLUMN, *(figure for figure in BY_FIGURE if figure != "metric" or metric is not None)]
    return Asked(
        search=query.get("q") or None,
        project=query.get("project") or None,
        group=query.get("group") or None,
        stage=query.get("stage") or None,
        status=query.get("status") or None,
        tag=tag if tag.partition("=")[0] else None,
        metric=metric,
        sort=sort if sort.removeprefix("-") in known else NEWEST_FIRST,
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
