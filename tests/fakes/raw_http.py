"""Connections that do with HTTP what no library does."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable, Sequence

from tests.fakes.world import HANGS_S


def connect(address: str, text: str = "") -> socket.socket:
    """A connection to the pages at `address`, on which `text` was sent."""
    host, _, port = address.removeprefix("http://").rstrip("/").rpartition(":")
    connection = socket.create_connection((host, int(port)), HANGS_S)
    connection.sendall(text.encode())
    return connection


def request(path: str, *headers: str) -> str:
    """A request."""
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""))


def is_open(connection: socket.socket) -> bool:
    """Whether the other end has not closed it. What it has sent is thrown away."""
    connection.setblocking(False)
    try:
        while connection.recv(1 << 16):
            pass
    except BlockingIOError:
        return True
    except ConnectionError:
        pass
    return False


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that happens in a moment."""
    deadline_s = time.monotonic() + HANGS_S
    while not true():
        assert time.monotonic() < deadline_s, f"{what} did not happen"
        time.sleep(0.02)


class Watcher:
    """A page that watches a running run: what it was told, event by event."""

    def __init__(self, address: str, run_id: str, *headers: str) -> None:
        self.connection = connect(address, request(f"/runs/{run_id}/live", *headers))
        self._read = b""

    def fileno(self) -> int:
        return self.connection.fileno()

    def receive(self) -> None:
        """Take what has come."""
        self._read += self.connection.recv(1 << 20)

    @property
    def events(self) -> list[tuple[str, object]]:
        """The whole events so far, each with its data."""
        found = []
        for part in self._read.decode().replace("\r\n", "\n").split("event: ")[1:]:
            name, _, rest = part.partition("\ndata: ")
            data, end, _ = rest.partition("\n\n")
            if end:
                found.append((name, json.loads(data)))
        return found

    def count(self, name: str) -> int:
        """How many events of a kind there were."""
        return self._read.count(f"event: {name}\n".encode())


def receive_until(watchers: Sequence[Watcher], true: Callable[[], bool]) -> None:
    """Read from all watchers until something is so."""
    deadline_s = time.monotonic() + HANGS_S
    while not true():
        assert time.monotonic() < deadline_s
        for watcher in select.select(watchers, [], [], 0.1)[0]:
            watcher.receive()
