"""Edges that a process sends to the one that measures its run: real sockets."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from trainwatt.core.clock import SystemClock
from trainwatt.tracking.sampling import edges
from trainwatt.tracking.sampling.edges import EdgeListener, EdgeSender

LONG_S = 60.0


class Nudged:
    """In place of a sampler: counts its nudges."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.reached = threading.Event()

    def nudge(self, t_ns: int) -> None:
        self.times.append(t_ns)
        self.reached.set()


@pytest.fixture
def run_id() -> str:
    return os.urandom(6).hex()


@pytest.fixture
def nudged() -> Nudged:
    return Nudged()


@pytest.fixture
def listener(run_id: str, nudged: Nudged) -> Iterator[EdgeListener]:
    made = EdgeListener(run_id, nudged, SystemClock())  # type: ignore[arg-type]
    yield made
    if not made._closed:
        made.close()


def test_an_edge_of_another_process_wakes_the_sampler(run_id: str, listener: EdgeListener, nudged: Nudged) -> None:
    child = os.fork()
    if child == 0:
        EdgeSender(run_id).nudge(SystemClock().monotonic_ns())
        os._exit(0)
    assert nudged.reached.wait(LONG_S)
    assert os.waitpid(child, 0)[1] == 0


def test_edges_close_together_share_a_message(run_id: str, listener: EdgeListener, nudged: Nudged, monkeypatch: pytest.MonkeyPatch) -> None:
    sender, sent = EdgeSender(run_id), list[bytes]()
    monkeypatch.setattr(sender, "_socket", type("Socket", (), {"send": lambda _, data: sent.append(data)})())
    for t_ns in range(10**9, 2 * 10**9, 10**6):
        sender.nudge(t_ns)
    assert len(sent) == 1 + 10**9 // (edges.APART_NS + 10**6)


def test_nobody_listens_where_no_run_is_measured(run_id: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        EdgeSender(run_id)


def test_a_sender_goes_on_when_the_listener_is_gone(run_id: str, listener: EdgeListener) -> None:
    sender = EdgeSender(run_id)
    listener.close()
    sender.nudge(10**9)
    sender.nudge(2 * 10**9)
    sender.close()


def test_a_full_queue_does_not_block_the_training(run_id: str) -> None:
    silent = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    silent.bind(edges._address(run_id))
    sender = EdgeSender(run_id)
    for i in range(2000):
        sender.nudge(i * 10**9)
    silent.close()
    sender.close()


def test_a_closed_listener_leaves_no_thread_and_no_address(run_id: str, listener: EdgeListener) -> None:
    listener.close()
    assert not listener._thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        EdgeSender(run_id)


def test_two_listeners_cannot_share_a_run(run_id: str, listener: EdgeListener, nudged: Nudged) -> None:
    with pytest.raises(OSError, match="in use"):
        EdgeListener(run_id, nudged, SystemClock())  # type: ignore[arg-type]
