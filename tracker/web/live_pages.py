"""The runs whose pages are open while they are running, and what is kept of each between two refreshes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..analysis.over_time.live import LiveRun
from ..core.run import Status
from ..presentation.report.elements import Html
from ..presentation.report.over_time import over_time
from ..presentation.report.sections import section_of

if TYPE_CHECKING:
    from ..analysis.over_time.figures import Drawing
    from ..storage.read.store import Store

MOST_RUNS = 16
"""Runs that are kept. With more open pages, the run that was refreshed longest ago is read as a whole next time."""


class Refreshed(NamedTuple):
    """The section of a run as it is now."""

    html: Html
    ended: bool


class LivePages:
    """What is kept of each run. Its methods may be called from any thread."""

    def __init__(self, judged: Callable[[], Store], store: Store) -> None:
        """`judged` marks the runs that vanished in `store`, and returns it."""
        self._judged = judged
        self._store = store
        self._lock = threading.Lock()
        self._pages: OrderedDict[str, _LivePage] = OrderedDict()

    def refreshed(self, run_id: str) -> Refreshed:
        """The run now. Raises StoreError, and RunNotFoundError if it was deleted."""
        with self._lock:
            page = self._pages.setdefault(run_id, _LivePage(LiveRun(self._store, run_id, self._judged)))
            self._pages.move_to_end(run_id)
            if len(self._pages) > MOST_RUNS:
                self._pages.popitem(last=False)
        found = page.refreshed()
        if found.ended:
            with self._lock:
                self._pages.pop(run_id, None)
        return found


class _LivePage:
    """One run. Only one thread at a time refreshes it."""

    def __init__(self, run: LiveRun) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._drawing: Drawing | None = None
        self._drawn = Html("")

    def refreshed(self) -> Refreshed:
        with self._lock:
            figures = self._run.figures()
            if figures.drawing is not self._drawing:
                self._drawing, self._drawn = figures.drawing, over_time(figures)
            ended = figures.view["run"]["status"] != Status.RUNNING
            return Refreshed(section_of(figures, drawn=self._drawn), ended)
