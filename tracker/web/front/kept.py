"""A figure that takes long to compute: nobody waits long for it, and it is not computed all the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

WAIT_S = 1.0
"""How long a page waits for a figure. It then shows the one before, or that there is none yet."""
REST = 10
"""A figure that took longer than WAIT_S is computed again after so many times as long: the training may be on the same machine."""
T = TypeVar("T")


class Found(NamedTuple, Generic[T]):
    """A value, and how long ago its computation began. The value is None while it is computed for the first time."""

    value: T | None
    age_s: float


class Kept(Generic[T]):
    """One figure. Its method may be called from any thread."""

    def __init__(self, compute: Callable[[], T], name: str) -> None:
        self._compute = compute
        self._name = name
        self._lock = threading.Lock()
        self._running: threading.Event | None = None
        self._value: T | None = None
        self._error: Exception | None = None
        self._began_s = self._ended_s = 0.0

    def begin(self) -> Callable[[float], Found[T]]:
        """Begin to compute it, unless that is being done, or it rests. What is returned waits for it, so many seconds at most."""
        with self._lock:
            if self._running is None and not self._rests():
                self._running = threading.Event()
                threading.Thread(target=self._made, args=(self._running,), name=self._name, daemon=True).start()
            turn = self._running
        return lambda wait_s: self._waited(turn, wait_s)

    def now(self, wait_s: float = WAIT_S) -> Found[T]:
        """The figure as it is now, if it can be had in time, or an earlier one. Raises what the computation raises."""
        return self.begin()(wait_s)

    def _waited(self, turn: threading.Event | None, wait_s: float) -> Found[T]:
        if turn is not None:
            turn.wait(max(0.0, wait_s))
        with self._lock:
            if self._error is not None:
                raise self._error
            return Found(self._value, time.monotonic() - self._began_s)

    def _rests(self) -> bool:
        took_s = self._ended_s - self._began_s
        return self._value is not None and took_s > WAIT_S and time.monotonic() - self._ended_s < REST * took_s

    def _made(self, turn: threading.Event) -> None:
        began_s = time.monotonic()
        try:
            value = self._compute()
            with self._lock:
                self._value, self._error, self._began_s, self._ended_s = value, None, began_s, time.monotonic()
        except Exception as error:  # it is raised again for all who ask, until a computation succeeds
            with self._lock:
                self._error = error
        finally:
            with self._lock:
                self._running = None
            turn.set()
