"""The HTTP server of the endpoint for Prometheus. It writes nothing to the terminal of the training, and no client can hold it up."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATIENCE_S = 10.0
"""After so long without a byte of a client, its connection is closed."""
MOST = 16
"""So many clients are answered at once. Each has a thread of the process that trains."""
POLL_S = 0.1
LATE_S = 1.0
"""Who is later than this, and than once more the time between two requests, asks no more."""


class MetricsServer(ThreadingMixIn, WSGIServer):
    """Answers each request with the metrics of `registry`. `answered` is called after each. Raises OSError if it cannot listen there."""

    daemon_threads = True
    allow_reuse_port = False

    def __init__(self, host: str, port: int, registry: CollectorRegistry, answered: Callable[[], None]) -> None:
        [(self.address_family, _, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        super().__init__(address[:2], _Handler)  # type: ignore[arg-type]
        self.answered = answered
        self._metrics = make_wsgi_app(registry)
        self._asked_s: deque[float] = deque(maxlen=2)
        self._free = threading.BoundedSemaphore(MOST)
        self.set_app(self._answer)
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL_S,), name="trainwatt-metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, in processes too that have been forked from this one: else the port would stay taken as long as they live."""
        self.shutdown()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:  # not on every system
            pass
        self.server_close()

    def next_request_in_s(self) -> float | None:
        """When somebody who asks regularly will ask again. None if nobody does."""
        if len(self._asked_s) < 2:
            return None
        before_s, last_s = self._asked_s
        every_s = last_s - before_s
        in_s = last_s + every_s - time.monotonic()
        return None if in_s < -every_s - LATE_S else max(0.0, in_s)

    def server_bind(self) -> None:
        """Without asking a name server who this machine is, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a client in a thread, or turn it away if there are too many."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread can be started
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """In that thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client has gone, or says nothing. That concerns nobody."""

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._asked_s.append(time.monotonic())
        try:
            answer: Iterable[bytes] = self._metrics(environ, start_response)
        except Exception as fault:  # the figures are not there; the next scrape may get them
            start_response("503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"{type(fault).__name__}\n".encode()]
        return answer


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE_S

    def handle(self) -> None:
        super().handle()
        if isinstance(self.server, MetricsServer):
            self.server.answered()

    def address_string(self) -> str:
        return str(self.client_address[0])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def listening(host: str, first: int, ports: int, registry: CollectorRegistry, answered: Callable[[], None]) -> MetricsServer:
    """A server at the first free one of so many ports. Port 0 stands for any. Raises OSError if none is free, or the host is not this
    machine's."""
    for port in range(first, min(first + ports, 65536)):
        try:
            return MetricsServer(host, port, registry, answered)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE:
                raise OSError(fault.errno, f"cannot listen at {host} port {port}: {fault.strerror}") from fault
    raise OSError(errno.EADDRINUSE, f"the ports {first} to {first + ports - 1} of {host} are all taken")
