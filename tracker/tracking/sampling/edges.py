"""Edges of phases in other processes. A tracker inside `trainwatt run` tells the sampler of that command when a phase begins or ends.

The message is an empty datagram to an abstract Unix socket (unix(7)), whose name has the id of the run: nothing is left behind in a folder,
and neither side ever waits. Without a socket, for example from a container with a network of its own, the energy of a phase is interpolated
between readings that are further apart, and its range is wider.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...core.clock import Clock
    from .sampler import Sampler

APART_NS = 25_000_000
"""Edges that are closer together than this share a message."""
REST_S = 0.02
"""The time between two messages that are received: so a flood of them costs little."""


def _address(run_id: str) -> str:
    return f"\0trainwatt-{run_id}"


class EdgeSender:
    """Sends the edges of this process to the one that measures. Raises OSError if nobody listens."""

    def __init__(self, run_id: str) -> None:
        self._sent_ns = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            self._socket.connect(_address(run_id))
        except OSError:
            self._socket.close()
            raise

    def nudge(self, t_ns: int) -> None:
        """A phase begins or ends at `t_ns`. Never blocks, and never fails."""
        if t_ns - self._sent_ns > APART_NS:
            self._sent_ns = t_ns
            try:
                self._socket.send(b"")
            except OSError:  # many messages wait, or nobody listens any more
                pass

    def close(self) -> None:
        """Nothing more is sent."""
        self._socket.close()


class EdgeListener:
    """Wakes a sampler for each edge that another process sends. Raises OSError if the socket cannot be made."""

    def __init__(self, run_id: str, sampler: Sampler, clock: Clock) -> None:
        self._sampler = sampler
        self._clock = clock
        self._closed = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.bind(_address(run_id))
            self._thread = threading.Thread(target=self._listen, name="trainwatt-edges", daemon=True)
            self._thread.start()
        except (OSError, RuntimeError):
            self._socket.close()
            raise

    def _listen(self) -> None:
        while True:
            self._socket.recv(1)  # returns at once after `close`
            if self._closed:
                return
            self._sampler.nudge(self._clock.monotonic_ns())
            time.sleep(REST_S)

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(1.0)
        self._socket.close()
