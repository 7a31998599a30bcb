"""A collector of OpenTelemetry that keeps what it gets by OTLP over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest


class Collector(ThreadingHTTPServer):
    """Keeps what it gets. It answers with `code`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.code = 200
        self.paths: list[str] = []
        self.got: list[ExportMetricsServiceRequest] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def last(self, name: str) -> dict[str, float]:
        """The values of a metric in the last message by `hw.name`, by unit, or by nothing."""
        return {key_of(point): value_of(point) for point in self.points(name)}

    def points(self, name: str) -> list[Any]:
        [scope] = self.got[-1].resource_metrics[0].scope_metrics
        return [p for metric in scope.metrics if metric.name == name for p in getattr(metric, metric.WhichOneof("data")).data_points]

    def metric(self, name: str) -> Any:
        [scope] = self.got[-1].resource_metrics[0].scope_metrics
        return next(metric for metric in scope.metrics if metric.name == name)

    def resource(self) -> dict[str, str]:
        return {a.key: a.value.string_value for a in self.got[-1].resource_metrics[0].resource.attributes}


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        self.server.got.append(ExportMetricsServiceRequest.FromString(body))
        self.send_response(self.server.code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def attributes(point: Any) -> dict[str, Any]:
    """The attributes of a data point."""
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in point.attributes}


def key_of(point: Any) -> str:
    """Its `hw.name`, its unit, or nothing."""
    named = attributes(point)
    return str(named.get("hw.name", named.get("trainwatt.unit", "")))


def value_of(point: Any) -> float:
    """Its number."""
    return float(getattr(point, point.WhichOneof("value")))


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector for a while."""
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
