"""Connections that do nothing, too little or too much keep nobody out."""

from __future__ import annotations

import os
import re
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from tests.fakes.raw_http import connect, is_open, request, wait_until
from tests.fakes.served import served
from tests.fakes.world import HANGS_S, TRAINWATT
from tests.web.test_live_pages import several
from tests.web.test_serve import many
from trainwatt.web.serving.connections import peer_of
from trainwatt.web.serving.limits import LEAST, MOST, Limits, limits_for

FEW = Limits(connections=20, of_one_client=12, watchers=12, at_once=4)
SOON = replace(FEW, request_s=0.3, unread_s=0.3)


@pytest.fixture
def opened() -> Iterator[Callable[..., list[socket.socket]]]:
    """Opens connections, which are closed at the end."""
    all_of_them: list[socket.socket] = []

    def several_of(count: int, address: str, text: str = "") -> list[socket.socket]:
        made = [connect(address, text) for _ in range(count)]
        all_of_them.extend(made)
        return made

    yield several_of
    for connection in all_of_them:
        connection.close()


def count_open(connections: list[socket.socket]) -> int:
    return sum(map(is_open, connections))


def answers(address: str) -> bool:
    return requests.get(f"{address}/api/runs", timeout=HANGS_S).status_code == 200


# ---- a server with few descriptors


class Serve:
    """`trainwatt serve` in a process of its own that may have `descriptors` open."""

    def __init__(self, folder: Path, db: Path, descriptors: int, *options: str) -> None:
        self.log = folder / "stderr"
        environ = {name: text for name, text in os.environ.items() if not name.startswith("TRAINWATT_")}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*TRAINWATT, "serve", "--port", "0", "--no-token", "--db", str(db), *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environ,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors)),
            )
        assert self.process.stdout is not None
        found = re.search(r"http://\S+:\d+", self.process.stdout.readline())
        assert found, self.log.read_text()
        self.address = found[0]

    def cpu_s(self) -> float:
        """The processor time of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@contextmanager
def serve(folder: Path, db: Path, descriptors: int) -> Iterator[Serve]:
    server = Serve(folder, db, descriptors)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.communicate(timeout=HANGS_S)


@pytest.mark.slow
def test_more_idle_connections_than_descriptors_cost_nothing_and_keep_nobody_out(
    tmp_path: Path, opened: Callable[..., list[socket.socket]]
) -> None:
    """They used to take a core and megabytes of log, and no page was answered."""
    with serve(tmp_path, many(tmp_path / "runs.db", 3), 256) as server:
        idle = opened(350, server.address)
        assert answers(server.address)
        assert server.descriptors() < 256
        assert 0 < count_open(idle) <= 128
        before_s, begin_s = server.cpu_s(), time.monotonic()
        time.sleep(2)
        assert server.cpu_s() - before_s < 0.4 * (time.monotonic() - begin_s)
        assert answers(server.address)
        assert server.log.stat().st_size == 0


@pytest.mark.slow
@pytest.mark.parametrize("descriptors", [40, 64])
def test_a_page_is_answered_with_hardly_any_descriptors(
    tmp_path: Path, opened: Callable[..., list[socket.socket]], descriptors: int
) -> None:
    with serve(tmp_path, many(tmp_path / "runs.db", 3), descriptors) as server:
        opened(100, server.address)
        assert answers(server.address)
        assert server.log.stat().st_size < 10_000


@pytest.mark.slow
def test_a_client_that_sends_nonsense_does_not_fill_the_log(tmp_path: Path) -> None:
    with serve(tmp_path, many(tmp_path / "runs.db", 3), 256) as server:
        for _ in range(300):
            with connect(server.address, "nonsense\r\n\r\n") as connection:
                assert b"400 Bad Request" in connection.recv(1000)
        assert 0 < server.log.stat().st_size < 2_000
        assert answers(server.address)


# ---- waiting for a request


def test_a_connection_without_a_request_is_closed(tmp_path: Path, opened: Callable[..., list[socket.socket]]) -> None:
    with served(many(tmp_path / "runs.db", 3), limits=SOON) as address:
        idle = opened(5, address)
        wait_until(lambda: count_open(idle) == 0, "the end of the idle connections")


@pytest.mark.parametrize("first", ["G", "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", request("/api/runs") + "GET /"])
def test_a_request_that_comes_a_letter_at_a_time_is_not_waited_for(
    tmp_path: Path, opened: Callable[..., list[socket.socket]], first: str
) -> None:
    """Not as the first request of a connection, and not as a later one."""
    with served(many(tmp_path / "runs.db", 3), limits=SOON) as address:
        [slow] = opened(1, address, first)

        def one_more_and_ended() -> bool:
            try:
                slow.send(b"E")
            except OSError:
                return True
            return not is_open(slow)

        wait_until(one_more_and_ended, "the end of a slow request")
        assert answers(address)


def test_a_body_that_never_ends_is_not_waited_for(tmp_path: Path, opened: Callable[..., list[socket.socket]]) -> None:
    with served(many(tmp_path / "runs.db", 3), limits=SOON) as address:
        [slow] = opened(1, address, request("/api/runs", "Content-Length: 1000000"))
        wait_until(lambda: not is_open(slow), "the end of a request without an end")


def test_a_long_head_is_taken_but_not_many_at_a_time(tmp_path: Path, opened: Callable[..., list[socket.socket]]) -> None:
    """The cookies of a host may be long; the memory of the server is bounded."""
    cookies = "Cookie: " + "; ".join(f"c{i}={'x' * 4000}" for i in range(180))
    with served(many(tmp_path / "runs.db", 3)) as address:
        with connect(address, request("/api/runs", cookies)) as connection:
            assert connection.recv(12) == b"HTTP/1.1 200"
        heads = []
        for head in opened(30, address, "GET / HTTP/1.1\r\nHost: localhost\r\n"):
            try:
                head.sendall(cookies.encode())
            except OSError:
                continue
            heads.append(head)
        wait_until(lambda: count_open(heads) < 30, "the end of some of the requests")
        assert answers(address)


# ---- how many


def test_the_connection_that_waited_longest_gives_way(tmp_path: Path, opened: Callable[..., list[socket.socket]]) -> None:
    with served(many(tmp_path / "runs.db", 3), limits=FEW) as address:
        idle = opened(FEW.of_one_client, address)
        wait_until(lambda: answers(address), "an answer")
        wait_until(lambda: not is_open(idle[0]), "the end of the oldest connection")
        assert all(is_open(connection) for connection in idle[2:])


def test_one_client_leaves_room_for_others(tmp_path: Path, opened: Callable[..., list[socket.socket]]) -> None:
    """All are at work for the first client: it is refused, and told why. The pages of running runs are its work."""
    [run_id] = several(tmp_path / "runs.db", 1)
    with served(tmp_path / "runs.db", limits=replace(FEW, watchers=100)) as address:
        watching = opened(FEW.of_one_client, address, request(f"/runs/{run_id}/live"))
        for connection in watching:
            assert connection.recv(12) == b"HTTP/1.1 200"
        with connect(address) as refused:
            assert b"503 Service Unavailable" in refused.recv(1000)
        watching.pop().close()
        wait_until(lambda: b"200 OK" in asked(address), "an answer")
        assert count_open(watching) == len(watching)


def asked(address: str) -> bytes:
    with connect(address, request("/static/app.js", "Connection: close")) as connection:
        try:
            return connection.recv(1000)
        except ConnectionError:
            return b""


def test_watchers_leave_connections_for_pages(tmp_path: Path, opened: Callable[..., list[socket.socket]]) -> None:
    """One too many is asked to come back later, which a browser does by itself."""
    [run_id] = several(tmp_path / "runs.db", 1)
    with served(tmp_path / "runs.db", limits=replace(FEW, watchers=3)) as address:
        for connection in opened(3, address, request(f"/runs/{run_id}/live")):
            assert connection.recv(12) == b"HTTP/1.1 200"
        [late] = opened(1, address, request(f"/runs/{run_id}/live", "Connection: close"))
        answer = b"".join(iter(lambda: late.recv(1 << 16), b""))
        assert b"200 OK" in answer
        assert b"retry: 30000" in answer
        assert b"event:" not in answer
        assert answers(address)


def test_limits_follow_the_descriptors_there_are() -> None:
    for free in range(0, 3 * MOST):
        limits = limits_for(free)
        assert LEAST <= limits.connections <= MOST
        assert limits.watchers < limits.of_one_client < limits.connections
        assert free < 2 * LEAST or limits.connections + limits.at_once <= free


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("127.0.0.1", "127.9.9.9", True),
        ("127.0.0.1", "::1", True),
        ("::ffff:127.0.0.1", "::1", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_whom_an_address_belongs_to(one: str, other: str, same: bool) -> None:
    assert (peer_of(one) == peer_of(other)) == same


# ---- answers that are not read


def test_an_answer_that_nobody_reads_is_given_up(tmp_path: Path, opened: Callable[..., list[socket.socket]]) -> None:
    with served(many(tmp_path / "runs.db", 3), limits=SOON) as address:
        [deaf] = opened(1, address)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

        def ask_for_ever() -> None:
            try:
                while True:
                    deaf.sendall(request("/static/style.css").encode())
            except OSError:
                pass

        asking = threading.Thread(target=ask_for_ever)
        asking.start()
        asking.join(HANGS_S)
        assert not asking.is_alive()
        assert answers(address)
