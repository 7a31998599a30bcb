"""Edges of phases in other processes. A tracker inside `trainwatt run` tells the sampler of that command when a phase begins or ends, and
whether its loop may be in step with a sensor.

The message is a datagram to an abstract Unix socket (unix(7)), whose name has the id of the run: nothing is left behind in a folder, and
neither side ever waits. It is empty for an edge. Messages of other users do not count. Without a socket, for example from a container with
a network of its own, the energy of a phase is interpolated between readings that are further apart, and its range is wider.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ...energy.checks.in_step import InStep, Steps
from ...machine.threads import start_thread

if TYPE_CHECKING:
    from ...core.clock import Clock
    from .sampler import Sampler

APART_NS = 25_000_000
"""Edges that are closer together than this share a message."""
REST_S = 0.02
"""The time between two messages that are received: so a flood of them costs little."""
MOST_HEARD_S = 600.0
"""A message about steps of a longer time is not believed: a process looks at its steps about every ten seconds while it makes some."""
_STEPS = struct.Struct("<ddd")  # the fields of InStep
_SENDER = struct.Struct("3i")  # process, user and group


def _address(run_id: str) -> str:
    return f"\0trainwatt-{run_id}"


class EdgeSender:
    """Sends the edges of this process to the one that measures. Raises OSError if nobody listens."""

    def __init__(self, run_id: str) -> None:
        self._sent_ns = 0
        self._steps = Steps()
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

    def step(self, name: str, t_ns: int) -> None:
        """A step of the loop begins. About every ten seconds, the steps are looked at here, which takes less than a millisecond."""
        self._steps.begin(name, t_ns)
        if self._steps.due(t_ns):
            self._tell(t_ns)

    def _tell(self, t_ns: int) -> None:
        if (found := self._steps.look(t_ns)) is not None:
            with suppress(OSError):
                self._socket.send(_STEPS.pack(*found))

    def close(self) -> None:
        """Nothing more is sent."""
        self._tell(self._sent_ns)
        self._socket.close()


class EdgeListener:
    """Wakes a sampler for each edge that another process sends. Raises OSError if the socket cannot be made."""

    def __init__(self, run_id: str, sampler: Sampler, clock: Clock) -> None:
        self._sampler = sampler
        self._clock = clock
        self._closed = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self._socket.bind(_address(run_id))
            self._thread = start_thread(self._listen, "trainwatt-edges")
        except (OSError, RuntimeError):
            self._socket.close()
            raise

    def _listen(self) -> None:
        while True:
            message, ancillary, _, _ = self._socket.recvmsg(_STEPS.size, socket.CMSG_SPACE(_SENDER.size))  # returns at once after `close`
            if self._closed:
                return
            if _is_ours(ancillary):
                self._hear(message)
            time.sleep(REST_S)

    def _hear(self, message: bytes) -> None:
        if len(message) < _STEPS.size:
            self._sampler.nudge(self._clock.monotonic_ns())
            return
        found = InStep(*_STEPS.unpack(message))
        if 0 < found.share <= 1 and 0 < found.step_s <= found.seconds <= MOST_HEARD_S:
            self._sampler.steps.hear(found)

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(1.0)
        self._socket.close()


def _is_ours(ancillary: Sequence[tuple[int, int, bytes]]) -> bool:
    """Whether a message is from a process of this user or of root. The kernel says who sent it."""
    users = [_SENDER.unpack(data)[1] for level, kind, data in ancillary if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS]
    return bool(users) and users[0] in (os.getuid(), 0)
