"""Metrics sent by OTLP, decoded by OpenTelemetry's own messages in a collector of the test."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from tests.fakes.live import DEVICES, ENERGY_J, RUN, live
from tests.fakes.otlp_collector import Collector, attributes, collecting, key_of
from trainwatt import ConfigurationError
from trainwatt.integrations.sinks import otlp
from trainwatt.integrations.sinks.otlp import endpoint_of


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    with collecting() as server:
        yield server


def test_every_figure_is_sent_under_the_names_of_the_convention(collector: Collector) -> None:
    sink = otlp.sink(collector.url)
    sink.begin(RUN, live)
    sink.write(live())
    assert collector.paths == ["/v1/metrics"]
    parts = [d for d in DEVICES if d.kind != "platform"]
    assert collector.last("hw.energy") == {d.name: d.energy_j for d in parts}
    assert collector.last("hw.power") == {d.name: d.power_w for d in parts if d.power_w is not None}
    assert collector.last("hw.host.energy") == {"platform": 700.0}
    assert collector.last("hw.host.power") == {"platform": 650.0}
    assert collector.last("trainwatt.run.energy") == {"": ENERGY_J}
    assert collector.last("trainwatt.run.work") == {"samples": 640.0}
    assert collector.last("trainwatt.run.emissions") == {"": 0.04}
    assert collector.last("trainwatt.run.forecast.energy") == {"": 5000.0}
    energy, power = collector.metric("hw.energy"), collector.metric("hw.power")
    assert (energy.unit, energy.sum.is_monotonic, power.unit) == ("J", True, "W")
    assert energy.sum.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    gpu = next(attributes(p) for p in collector.points("hw.energy") if key_of(p) == "gpu:0")
    assert gpu == {
        **{"hw.id": "GPU-1", "hw.name": "gpu:0", "hw.type": "gpu", "hw.model": "NVIDIA H100"},
        **{"trainwatt.provenance": "measured-counter", "trainwatt.counted": True},
    }
    assert {attributes(p)["hw.type"] for p in collector.points("hw.energy")} == {"gpu", "cpu", "memory"}
    named = {"service.name": "trainwatt", "service.instance.id": RUN.run_id, "host.name": "node-1", "trainwatt.run.project": "digits"}
    assert collector.resource().items() >= named.items()

    lower = DEVICES[0]._replace(energy_j=300.0, power_w=None)
    sink.write(live(status="completed", energy_j=391.0, power_w=None, devices=(lower,)))
    sink.end()
    assert len(collector.got) == 2  # nothing is sent again at the end
    assert collector.last("trainwatt.run.energy") == {"": 391.0}
    assert collector.last("trainwatt.run.active") == {"": 0.0}
    assert collector.last("hw.energy")["gpu:0"] == 300.5  # no counter falls
    assert collector.points("hw.power") == collector.points("trainwatt.run.power") == []


def test_the_variables_of_opentelemetry_count(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{collector.url}/base")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "trainings")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=lab")
    sink = otlp.sink("")
    sink.begin(RUN._replace(name="a\udc80"), live)
    sink.write(live())
    sink.end()
    assert collector.paths == ["/base/v1/metrics"]
    assert (
        collector.resource().items() >= {"service.name": "trainings", "deployment.environment.name": "lab", "host.name": "node-1"}.items()
    )
    assert collector.resource()["trainwatt.run.name"] == "a?"

    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    sink.begin(RUN, live)
    sink.write(live())
    sink.end()
    assert len(collector.got) == 1


def test_a_collector_that_is_down_is_an_error_with_the_reason_and_the_sdk_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    sink = otlp.sink(f"http://127.0.0.1:{port}")
    sink.begin(RUN, live)
    others = logging.getLogger("opentelemetry.exporter.otlp.proto.http.metric_exporter")
    with pytest.raises(ConnectionError, match="Connection refused"):
        sink.write(live())
    assert caplog.text == ""
    others.warning("of somebody else")
    assert "of somebody else" in caplog.text
    sink.end()


def test_a_collector_that_refuses_gets_the_next_figures_too(collector: Collector) -> None:
    sink = otlp.sink(collector.url)
    sink.begin(RUN, live)
    collector.code = 404
    with pytest.raises(ConnectionError, match="404"):
        sink.write(live())
    collector.code = 200
    sink.write(live(energy_j=500.0))
    sink.end()
    assert collector.last("trainwatt.run.energy") == {"": 500.0}


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("", None),
        ("http://localhost:4318", "http://localhost:4318/v1/metrics"),
        ("https://otel.example/", "https://otel.example/v1/metrics"),
        ("https://otel.example/base/v1/metrics", "https://otel.example/base/v1/metrics"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/metrics"),
    ],
)
def test_where_metrics_are_sent(text: str, endpoint: str | None) -> None:
    assert endpoint_of(text) == endpoint


@pytest.mark.parametrize("text", ["localhost:4318", "grpc://localhost:4317", "http://", "http://localhost:nine", "http://[::1"])
def test_what_is_no_url_is_an_error(text: str) -> None:
    with pytest.raises(ConfigurationError, match="not the URL of a collector"):
        otlp.sink(text)


def test_the_port_of_grpc_is_an_error_that_says_so() -> None:
    with pytest.raises(ConfigurationError, match="gRPC"):
        otlp.sink("http://localhost:4317")
