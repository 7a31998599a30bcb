"""What the first page is made of."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...analysis.overview.month import month_of
from ...analysis.overview.now import RunningNow
from ...analysis.overview.sweeps import LastSweep, last_sweeps, sweep_in
from ...analysis.selection import Filters, counted, fitting
from ...analysis.totals import listed
from ...errors import RunNotFoundError
from ...presentation.overview.training import training_section
from ..live_pages import Refreshed
from .addresses import PLACES
from .kept import WAIT_S, Kept
from .page import Front

if TYPE_CHECKING:
    from ...storage.read.store import Store

NEWEST = 5


class FrontSite:
    """The first page, and what is kept of it between two requests. Every method raises StoreError, and may be called from any thread."""

    def __init__(self, store: Store, judged: Callable[[], Store]) -> None:
        """`judged` marks the runs that vanished in `store`, and returns it."""
        self._store = store
        self._running = RunningNow(store, judged)
        self._month = Kept(lambda: month_of(store, time.time_ns()), "the sum of this month")
        self._sweeps = Kept(lambda: last_sweeps(store), "the last sweeps")

    def front(self) -> Front:
        """All of the page."""
        until_s = time.monotonic() + WAIT_S
        month, sweeps = self._month.begin(), self._sweeps.begin()
        training = self._running.look()
        newest = listed(self._store, fitting(self._store, Filters(limit=NEWEST)))
        runs = counted(self._store, Filters())
        return Front(training, month(until_s - time.monotonic()), sweeps(until_s - time.monotonic()), newest, runs)

    def refreshed(self) -> Refreshed:
        """What trains now. There may always be more to come."""
        return Refreshed(training_section(self._running.look(), PLACES), ended=False)

    def sweep(self, project: str, group: str) -> LastSweep:
        """A group of a project. Raises RunNotFoundError if it has no run."""
        if not counted(self._store, Filters(project, group)):
            raise RunNotFoundError(f"there is no run of the group {group} in the project {project}")
        return sweep_in(self._store, project, group)
