"""A thread that cannot begin: whoever starts it goes on."""

from __future__ import annotations

import threading
import time

import pytest

from trainwatt.machine import threads
from trainwatt.machine.threads import start_thread


def test_a_thread_runs_and_can_be_waited_for() -> None:
    ran: list[str] = []
    thread = start_thread(lambda: ran.append(threading.current_thread().name), "trainwatt-test")
    thread.join()
    assert (ran, thread.daemon, thread.is_alive()) == (["trainwatt-test"], True, False)


def test_a_thread_that_dies_before_it_begins_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does whose first call gets no memory."""
    monkeypatch.setattr(threads, "BEGIN_S", 0.1)
    monkeypatch.setattr(threading.Thread, "_bootstrap", lambda self: None)
    with pytest.raises(RuntimeError, match="too little memory"):
        start_thread(lambda: None, "trainwatt-test")


def test_a_thread_that_begins_after_it_was_given_up_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "BEGIN_S", 0.1)
    bootstrap, ran, over = threading.Thread._bootstrap, [], threading.Event()  # type: ignore[attr-defined]

    def late(thread: threading.Thread) -> None:
        time.sleep(0.5)
        bootstrap(thread)
        over.set()

    monkeypatch.setattr(threading.Thread, "_bootstrap", late)
    with pytest.raises(RuntimeError):
        start_thread(lambda: ran.append("late"), "trainwatt-test")
    assert over.wait(60)
    assert ran == []
