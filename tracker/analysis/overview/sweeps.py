"""The last sweeps: groups of at least two runs of one project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...core.run import Status
from ..selection import Filters, fitting
from ..totals import members, total
from ..work.sweep import Line, Sweep, best_first, sweep_of

if TYPE_CHECKING:
    from ...core.contract import EntryJson, SumJson
    from ...storage.read.store import Store

MOST_SHOWN = 3
MOST_RUNS = 200
"""Of a larger sweep, its newest runs are read."""


class LastSweep(NamedTuple):
    """A sweep: its runs, newest first, and their sum. `what` is what their energy has bought; None if that is not known. `left_out` counts
    the runs that were not read, and `running` those that are not over."""

    project: str
    group: str
    runs: Sequence[EntryJson]
    left_out: int
    running: int
    whole: SumJson
    what: Sweep | None

    @property
    def best(self) -> Line | None:
        """The best run."""
        return None if self.what is None else best_first(self.what)[0]


def last_sweeps(store: Store) -> list[LastSweep]:
    """Those with the newest runs. Raises StoreError."""
    return [sweep_in(store, project, group) for project, group in store.newest_groups(MOST_SHOWN)]


def sweep_in(store: Store, project: str, group: str) -> LastSweep:
    """A group of a project, of at least one run. Raises StoreError."""
    rows = fitting(store, Filters(project, group))
    of = members(store, rows[:MOST_RUNS])
    running = sum(row.status == Status.RUNNING for row in rows)
    entries = [member.entry for member in of]
    return LastSweep(project, group, entries, len(rows) - len(of), running, total(of), sweep_of(store, entries[::-1]))
