"""An endpoint for Prometheus: `sinks=["prometheus"]` serves http://127.0.0.1:19400/metrics while a run goes on.

Energy and power are asked for at the scrape, so `rate()` of the energy is the power.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from trainwatt import ConfigurationError

if TYPE_CHECKING:
    from trainwatt.core import LiveRun, SinkRun

    from ._server import MetricsServer

__all__ = ["PrometheusSink", "sink"]

log = logging.getLogger("trainwatt")

HOST, PORT = "127.0.0.1", 19400
PORTS = 10
"""So many ports are tried, from the first one on: each run of a machine has one."""
LAST_S = 2.0
"""At its end, a run waits for a last scrape that is due within this time."""


class Address(NamedTuple):
    """Where the endpoint listens."""

    host: str
    port: int


class PrometheusSink:
    """Serves the metrics of a run over HTTP, on the first free port of `PORTS` from that of the address on."""

    period_s: ClassVar[float] = 10.0
    per_host: ClassVar[bool] = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._server: MetricsServer | None = None
        self._final: LiveRun | None = None
        self._asked = False
        self._seen = threading.Event()

    @property
    def url(self) -> str | None:
        """Where the metrics are; None while nothing listens."""
        if self._server is None:
            return None
        host = self._address.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.server_port}/metrics"

    def begin(self, run: SinkRun, now: Callable[[], LiveRun]) -> None:
        """Listen. Raises OSError if no port is free, or the address is not one of this machine."""
        from ._metrics import RunCollector
        from ._server import listening

        host, port = self._address
        self._server = listening(host, port, PORTS, RunCollector(run, lambda: self._figures(now)).registry, self._answered)
        if self._server.server_port != port:
            why = f"port {port} is taken: " if port else ""
            log.warning("trainwatt: prometheus: %sthe metrics of this run are at %s", why, self.url)

    def write(self, live: LiveRun) -> None:
        """Nothing, but for the final figures: those before are asked for at the scrape."""
        if live.status != "running":
            self._final = live

    def end(self) -> None:
        """Stop listening, after a last scrape if one is due soon."""
        server = self._server
        if server is None:
            return
        due_in_s = server.next_request_in_s()
        if self._final is not None and due_in_s is not None and due_in_s < LAST_S:
            self._seen.wait(LAST_S)
        server.stop()
        self._server = None

    def _figures(self, now: Callable[[], LiveRun]) -> LiveRun:
        final = self._final
        self._asked = final is not None
        return final or now()

    def _answered(self) -> None:
        if self._asked:
            self._seen.set()


def sink(text: str) -> PrometheusSink:
    """The endpoint at "HOST:PORT", "PORT" or "HOST"; without a text, at 127.0.0.1:19400.

    Raises ConfigurationError for another text, and if `prometheus_client` is not installed.
    """
    try:
        from . import _metrics, _server  # noqa: F401
    except ImportError as fault:
        raise ConfigurationError(f"the library prometheus_client is needed: pip install 'trainwatt[prometheus]' ({fault})") from fault
    return PrometheusSink(address_of(text))


def address_of(text: str) -> Address:
    """The address in the text after `prometheus=`. Raises ConfigurationError."""
    found = re.fullmatch(r"(?:(?P<only>\d+)|(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^\s:/\[\]]+)(?::(?P<port>\d+))?)?", text.strip())
    port = int((found and (found["only"] or found["port"])) or PORT)
    if found is None or port > 65535:
        raise ConfigurationError(
            f"{text!r} is not an address to listen at: write HOST:PORT, such as {HOST}:{PORT}, or 0.0.0.0:{PORT} for every network of the"
            " machine"
        )
    return Address((found["host"] or HOST).strip("[]"), port)
