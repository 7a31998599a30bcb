"""The connections of the pages. No client can keep others out: not with connections that do nothing, and not with answers that it leaves
unread.

uvicorn closes a connection that is idle after an answer. It does not close one that never sends a request, or sends it a letter at a time,
and it does not bound how many there are.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from .limits import Limits

MOST_HEADER_BYTES = 1_000_000
"""The longest head of a request. A browser sends the cookies of all services of a host: up to 180 of 4 kB each."""
MOST_WAITING_BYTES = 16_000_000
"""The most bytes of incomplete requests, in all connections together."""
LARGE_BYTES = 64_000
SLOWEST_B_S = 1_000.0
"""A client that reads an answer more slowly than this has stopped reading."""
LAST_S = 0.5
"""How long answers may still take when the server ends. The page of a running run is an answer without an end."""
FULL = b"there are too many connections; try again later\n"


class _Unread(NamedTuple):
    """How many bytes of an answer were unread at a time."""

    bytes_: int
    at_s: float


class BoundedConnection(H11Protocol):
    """A connection within limits.

    It either works on a request or waits for one. Where there are too many connections, the one that has waited longest gives way to a new
    one; if all are at work, the new one is refused.
    """

    limits: ClassVar[Limits]

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.peer = ""
        self.given_up = False
        self.waits_since_s: float | None = None
        self.waiting_bytes = 0
        self._unread: _Unread | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        others = _open(self.connections)
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn names the type that it gets in fact
        self.peer = peer_of(self.client[0] if self.client else "")
        of_peer = [other for other in others if other.peer == self.peer]
        if len(of_peer) >= self.limits.of_one_client:
            self._take_place_of_one(of_peer)
        elif len(others) >= self.limits.connections:
            self._take_place_of_one(others)
        self._judge()

    def data_received(self, data: bytes) -> None:
        if self.given_up:
            return
        super().data_received(data)
        self._judge()
        if self.waits_since_s is not None:
            self.waiting_bytes += len(data)
            if self.waiting_bytes > LARGE_BYTES:
                _bound_bytes(_open(self.connections))

    def on_response_complete(self) -> None:
        self.waits_since_s, self.waiting_bytes = None, 0
        super().on_response_complete()
        self._judge()

    def resume_writing(self) -> None:
        self._unread = None
        super().resume_writing()

    def shutdown(self) -> None:
        super().shutdown()
        if self._works:
            self.loop.call_later(LAST_S, self.give_up)

    def give_up(self) -> None:
        """Close the connection now, whatever was not sent."""
        self.given_up = True
        self.transport.abort()

    def sweep(self, now_s: float) -> None:
        """Give the connection up if it has waited, or has left an answer unread, for too long."""
        if self.given_up:
            return
        unread = self.transport.get_write_buffer_size()
        if unread and (not self._works or self.flow.write_paused or self.transport.is_closing()):
            if self._unread is None:
                self._unread = _Unread(unread, now_s)
            elif now_s - self._unread.at_s >= self.limits.unread_s:
                if self._unread.bytes_ - unread < min(SLOWEST_B_S * self.limits.unread_s, self._unread.bytes_):
                    self.give_up()
                self._unread = _Unread(unread, now_s)
        elif self.waits_since_s is not None and now_s - self.waits_since_s >= self.limits.request_s:
            self.give_up()
        else:
            self._unread = None

    @property
    def _works(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _judge(self) -> None:
        """Note whether the connection waits, and since when: a part of a request does not end the waiting."""
        if self._works:
            self.waits_since_s, self.waiting_bytes = None, 0
        elif self.waits_since_s is None:
            self.waits_since_s = time.monotonic()

    def _take_place_of_one(self, others: Iterable[BoundedConnection]) -> None:
        waiting = [(other.waits_since_s, id(other), other) for other in others if other.waits_since_s is not None]
        if waiting:
            min(waiting)[-1].give_up()
            return
        self.given_up = True
        head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: {len(FULL)}\r\nConnection: close\r\n\r\n"
        self.transport.write(head.encode() + FULL)
        self.transport.close()


def within(limits: Limits) -> type[BoundedConnection]:
    """The class of connections with these limits: uvicorn makes them itself."""
    return type("BoundedConnection", (BoundedConnection,), {"limits": limits})


def sweep(connections: Iterable[object]) -> None:
    """Give up the connections that have done nothing for too long."""
    now_s = time.monotonic()
    for connection in _open(connections):
        connection.sweep(now_s)


def peer_of(address: str) -> str:
    """Whom an address belongs to: a host has many addresses of its own with loopback and with IPv6, where a network is a /64."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    ip = (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip
    if ip.is_loopback:
        return "loopback"
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))


def _open(connections: Iterable[object]) -> list[BoundedConnection]:
    return [c for c in connections if isinstance(c, BoundedConnection) and not c.given_up]


def _bound_bytes(connections: Iterable[BoundedConnection]) -> None:
    """Give up the longest of the incomplete requests if all of them together are too long."""
    waiting = [c for c in connections if c.waits_since_s is not None]
    if sum(c.waiting_bytes for c in waiting) > MOST_WAITING_BYTES:
        max(waiting, key=lambda c: c.waiting_bytes).give_up()
