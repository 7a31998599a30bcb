"""A figure that takes long: who asks waits only a little, and it is not computed all the time."""

from __future__ import annotations

import contextlib
import threading

import pytest

from trainwatt.errors import StoreError
from trainwatt.web.front import kept
from trainwatt.web.front.kept import Kept


class Slow:
    """Computes 1, 2, 3 …, each when it is let go."""

    def __init__(self) -> None:
        self.made = 0
        self.go = threading.Semaphore(0)
        self.fault: Exception | None = None

    def __call__(self) -> int:
        assert self.go.acquire(timeout=60)
        if self.fault is not None:
            raise self.fault
        self.made += 1
        return self.made


def test_nobody_waits_long_and_it_is_computed_once_for_all() -> None:
    slow = Slow()
    figure = Kept(slow, "slow")
    assert [figure.now(0.01).value for _ in range(3)] == [None, None, None]
    slow.go.release()
    assert figure.now(60).value == 1
    assert slow.made == 1


def test_a_figure_that_is_quick_is_always_new() -> None:
    slow = Slow()
    figure = Kept(slow, "quick")
    for expected in (1, 2, 3):
        slow.go.release()
        assert figure.now(60).value == expected


def test_one_that_took_long_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "WAIT_S", 0.0)
    slow = Slow()
    figure = Kept(slow, "slow")
    slow.go.release(2)
    assert figure.now(60).value == 1
    monkeypatch.setattr(kept, "REST", 1e9)
    assert figure.now(60).value == 1
    monkeypatch.setattr(kept, "REST", 0)
    assert figure.now(60).value == 2


def test_a_fault_is_said_and_the_next_one_asks_again() -> None:
    slow = Slow()
    figure = Kept(slow, "faulty")
    slow.fault = StoreError("gone")
    slow.go.release()
    with pytest.raises(StoreError, match="gone"):
        figure.now(60)
    with pytest.raises(StoreError, match="gone"):
        figure.now(0.0)  # who does not wait is told too
    slow.fault = None
    slow.go.release()
    while slow.made == 0:
        with contextlib.suppress(StoreError):
            figure.now(1)
    assert figure.now(0.0).value == 1
