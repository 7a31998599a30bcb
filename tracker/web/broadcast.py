"""The news of running runs for the pages that show them. A run is looked at once for all its watchers, and only while it has some."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from ..errors import RunNotFoundError, StoreError
from ..log import warn

if TYPE_CHECKING:
    from .live_pages import Refreshed

LIVE_S = 1.0
"""How often the page of a running run is told what is new. The tracker writes every two seconds."""
REST = 10
"""After a refresh the server rests for this many times as long as the refresh took, times the number of runs that are watched: the training
may be on the same machine."""
RETRY_S = 5.0
"""When a database that did not answer is asked again."""
BEAT_S = 15.0
"""How often a watcher without news gets an empty line: a connection whose other end has vanished fails only when something is sent."""
BEAT = b":\n\n"
LATER = b"retry: 30000\n\n"
"""Asks a browser to come back after 30 s."""
SILENT = b"event: silent\ndata: {}\n\n"
ENDED = b"event: ended\ndata: {}\n\n"


class Broadcasts:
    """The runs that are watched now. Everything here runs in the thread of the event loop, except the refreshes."""

    def __init__(self, refreshed: Callable[[str], Refreshed], most: int) -> None:
        """`refreshed` computes the section of a run, in a thread of its own; at most `most` watchers are served at a time."""
        self._refreshed = refreshed
        self._most = most
        self._watchers = 0
        self._runs: dict[str, _Broadcast] = {}
        self._turn = asyncio.Lock()

    async def watch(self, run_id: str) -> AsyncGenerator[bytes, None]:
        """Server-sent events for one watcher: `update` has the section of the run whenever it has changed, `silent` says that the database
        does not answer, and `ended` is the last one.

        A watcher that reads slowly misses states in between: nothing is kept for it, and nobody waits for it.
        """
        if self._watchers >= self._most:
            yield LATER
            return
        broadcast = self._runs.get(run_id)
        if broadcast is None:
            broadcast = self._runs[run_id] = _Broadcast()
            broadcast.task = asyncio.create_task(self._refresh(run_id, broadcast), name=f"refreshes of {run_id}")
        self._watchers += 1
        broadcast.watchers += 1
        try:
            seen = 0
            while not broadcast.ended or seen != broadcast.number:
                if seen != broadcast.number:
                    seen = broadcast.number
                    yield broadcast.message
                elif not await broadcast.changed(BEAT_S):
                    yield BEAT
            if broadcast.run_ended:
                yield ENDED
        finally:
            self._watchers -= 1
            broadcast.watchers -= 1
            if not broadcast.watchers:
                self._forget(run_id, broadcast)

    def _forget(self, run_id: str, broadcast: _Broadcast) -> None:
        if broadcast.task is not None:
            broadcast.task.cancel()
        if self._runs.get(run_id) is broadcast:
            del self._runs[run_id]

    async def _refresh(self, run_id: str, broadcast: _Broadcast) -> None:
        html: str | None = None
        said = False
        try:
            while not broadcast.run_ended:
                async with self._turn:  # one run at a time: the rest of all runs together bounds what the pages cost
                    begin_s = time.monotonic()
                    try:
                        now = await run_in_threadpool(self._refreshed, run_id)
                    except RunNotFoundError:
                        return
                    except Exception as error:
                        if not said and not isinstance(error, StoreError):
                            said = True
                            warn("the page of run %s cannot be refreshed", run_id, fault=error)
                        broadcast.tell(SILENT)
                        html, pause_s = None, RETRY_S
                    else:
                        if now.html != html:
                            html = now.html
                            broadcast.tell(f"event: update\ndata: {json.dumps(html)}\n\n".encode())
                        broadcast.run_ended = now.ended
                        pause_s = max(LIVE_S, REST * (time.monotonic() - begin_s) * len(self._runs))
                if not broadcast.run_ended:
                    await asyncio.sleep(pause_s)
        finally:
            broadcast.end()
            if self._runs.get(run_id) is broadcast:
                del self._runs[run_id]  # who comes now begins anew


class _Broadcast:
    """The newest state of one run, and who waits for the next one."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.watchers = 0
        self.number = 0
        self.message = b""
        self.ended = False
        self.run_ended = False
        self._event = asyncio.Event()

    def tell(self, message: bytes) -> None:
        """A new state, for all watchers."""
        self.number += 1
        self.message = message
        self._wake()

    def end(self) -> None:
        """Nothing more will come."""
        self.ended = True
        self._wake()

    async def changed(self, timeout_s: float) -> bool:
        """Wait for the next state or for the end; False if neither came in time."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        self._event.set()
        self._event = asyncio.Event()
