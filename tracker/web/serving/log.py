"""The log of the server, bounded: a client that makes one line with each request must not fill the disk."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

MOST_LINES = 5
"""The most messages from one place in the code within a period."""
PERIOD_S = 60.0


class Bounded(logging.Filter):
    """Lets the first messages of a period pass, for each place in the code that logs. The first one of a later period says how many were
    left out."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock_s = clock_s
        self._since_s: dict[tuple[str, int], float] = {}
        self._count: dict[tuple[str, int], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        place = record.pathname, record.lineno
        now_s = self._clock_s()
        if now_s - self._since_s.get(place, -PERIOD_S) >= PERIOD_S:
            left_out = self._count.get(place, 0) - MOST_LINES
            self._since_s[place], self._count[place] = now_s, 0
            if left_out > 0:
                record.msg, record.args = f"{record.getMessage()} (and {left_out} more like this since the last line)", ()
        self._count[place] += 1
        return self._count[place] <= MOST_LINES


def log_config() -> dict[str, Any]:
    """What uvicorn gives to `logging.config.dictConfig`: warnings of the server and of its event loop go to stderr, bounded."""
    logger = {"handlers": ["stderr"], "level": "WARNING", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"bounded": {"()": Bounded}},
        "formatters": {"line": {"format": "trainwatt serve: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["bounded"], "formatter": "line"}},
        "loggers": {"uvicorn": logger, "asyncio": logger},
    }
