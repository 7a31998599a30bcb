"""Metrics for OpenTelemetry, sent to a collector by OTLP over HTTP: `sinks=["otlp=http://localhost:4318"]`.

Devices have the names of the semantic conventions for hardware, version 1.44.0, whose status is "development":
https://opentelemetry.io/docs/specs/semconv/hardware/common/ (`hw.energy`, `hw.power`, with `hw.id`, `hw.type` and `hw.name`) and, for what
is measured of the whole machine, https://opentelemetry.io/docs/specs/semconv/hardware/host/ (`hw.host.energy`, `hw.host.power`). No
convention has the figures of a run, so their names begin with `trainwatt.`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from trainwatt import ConfigurationError

if TYPE_CHECKING:
    from trainwatt.core import LiveRun, SinkRun

    from ._otel import Sender

__all__ = ["OtlpSink", "sink"]

PATH = "/v1/metrics"


class OtlpSink:
    """Sends the metrics of a run to a collector. `endpoint` is its base URL; without one, the variables of OpenTelemetry say it."""

    period_s: ClassVar[float] = 10.0
    per_host: ClassVar[bool] = True

    def __init__(self, endpoint: str | None) -> None:
        self._endpoint = endpoint
        self._sender: Sender | None = None

    def begin(self, run: SinkRun, now: Callable[[], LiveRun]) -> None:
        """Nothing is sent yet."""
        from ._otel import Sender

        self._sender = Sender(run, self._endpoint)

    def write(self, live: LiveRun) -> None:
        """Send the run as it is now. Raises ConnectionError if the collector does not take it."""
        assert self._sender is not None
        self._sender.send(live)

    def end(self) -> None:
        """Close the connection."""
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.close()


def sink(text: str) -> OtlpSink:
    """The collector at a URL, such as "http://localhost:4318"; without a text, where `OTEL_EXPORTER_OTLP_ENDPOINT` says, or there.

    Raises ConfigurationError for what is no such URL, and if the libraries of OpenTelemetry are not installed.
    """
    try:
        from . import _otel  # noqa: F401
    except ImportError as fault:
        raise ConfigurationError(f"the libraries of OpenTelemetry are needed: pip install 'trainwatt[opentelemetry]' ({fault})") from fault
    return OtlpSink(endpoint_of(text))


def endpoint_of(text: str) -> str | None:
    """Where metrics are sent, by the text after `otlp=`; None without a text. Raises ConfigurationError."""
    if not (text := text.strip()):
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(f"{text!r} is not the URL of a collector: write http://HOST:4318, or https://HOST:4318")
    if parts.port == 4317:
        raise ConfigurationError(
            f"{text!r} is the port for gRPC: use that of OTLP over HTTP, which is 4318 unless the collector has another"
        )
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith(PATH) else path + PATH).geturl()
