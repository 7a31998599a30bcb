"""The log of the server does not grow with the number of requests."""

from __future__ import annotations

import logging
import logging.config

import pytest

from trainwatt.web.serving.log import MOST_LINES, PERIOD_S, Bounded, log_config


class Clock:
    """A clock that is set by hand."""

    s = 0.0

    def __call__(self) -> float:
        return self.s


def record(line: int, text: str = "no more files: %d") -> logging.LogRecord:
    return logging.LogRecord("asyncio", logging.ERROR, "loop.py", line, text, (24,), None)


def test_some_lines_of_each_place_pass_and_the_rest_are_counted() -> None:
    clock = Clock()
    bounded = Bounded(clock)
    assert sum(bounded.filter(record(1)) for _ in range(1000)) == MOST_LINES
    assert bounded.filter(record(2))  # another place
    clock.s = PERIOD_S - 1
    assert not bounded.filter(record(1))
    clock.s = PERIOD_S
    later = record(1)
    assert bounded.filter(later)
    assert later.getMessage() == f"no more files: 24 (and {1001 - MOST_LINES} more like this since the last line)"
    assert sum(bounded.filter(record(1)) for _ in range(1000)) == MOST_LINES - 1
    clock.s = 3 * PERIOD_S
    assert bounded.filter(record(2))
    assert record(2).getMessage() == "no more files: 24"


def test_a_text_that_differs_each_time_is_bounded_too() -> None:
    bounded = Bounded()
    assert sum(bounded.filter(record(1, f"client {i}: %d")) for i in range(1000)) == MOST_LINES


def test_the_server_and_its_event_loop_write_bounded_lines(capfd: pytest.CaptureFixture[str]) -> None:
    names = ("uvicorn", "asyncio")
    kept = {name: (list(logger.handlers), logger.propagate, logger.level) for name in names if (logger := logging.getLogger(name))}
    logging.config.dictConfig(log_config())
    try:
        for name in ("uvicorn.error", "asyncio"):
            for i in range(100):
                logging.getLogger(name).warning("%s %d", name, i)
    finally:
        for name, (handlers, propagate, level) in kept.items():
            logger = logging.getLogger(name)
            logger.handlers[:], logger.propagate = handlers, propagate
            logger.setLevel(level)
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "trainwatt serve: uvicorn.error 0"
    assert len(lines) == MOST_LINES
