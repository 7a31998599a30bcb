"""What each of these sinks does to figures and texts: counters never fall, and every text can be sent."""

from __future__ import annotations

import threading
from collections.abc import Hashable


class Rising:
    """The highest value that each counter has had.

    While a run goes on, its energy is an estimate of what has been used until now, and the final figure may be a little lower. A counter
    that falls is taken for one that began anew, and its whole value would be added again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._highest: dict[Hashable, float] = {}

    def __call__(self, counter: Hashable, value: float) -> float:
        """The value to show: this one, unless the counter has been higher."""
        with self._lock:
            self._highest[counter] = max(value, self._highest.get(counter, value))
            return self._highest[counter]


def readable(text: str) -> str:
    """The text without what cannot be written as UTF-8, such as a byte of a file name."""
    return text.encode("utf-8", "replace").decode()
