"""Threads of trainwatt's own."""

from __future__ import annotations

import threading
from collections.abc import Callable

BEGIN_S = 5.0
"""How long a new thread may take to begin. It takes longer only if it got no memory and has died, which Python does not notice."""


def start_thread(target: Callable[[], object], name: str) -> threading.Thread:
    """Call `target` in a new daemon thread. Raises RuntimeError if there can be no more threads, or if there is too little memory for one.

    `Thread.start` alone waits for ever for a thread that dies before it begins.
    """
    begins = threading.Lock()

    def run() -> None:
        if begins.acquire(blocking=False):
            target()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread._started = _Begun()  # type: ignore[attr-defined]
    thread.start()
    if not thread.is_alive() and begins.acquire(blocking=False):
        raise RuntimeError("can't start new thread: there is too little memory")
    return thread


class _Begun(threading.Event):
    """The event for which `Thread.start` waits."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(BEGIN_S if timeout is None else timeout)
