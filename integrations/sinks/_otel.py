"""The SDK of OpenTelemetry as the sink `otlp` uses it: it sends when it is told to, in the thread of the sink, and says nothing itself."""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from ._shown import Rising, readable

if TYPE_CHECKING:
    from trainwatt.core import LiveDevice, LiveRun, SinkRun

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
TIMEOUT_S = 2.0
"""After so long, sending is given up, unless the user's variables allow another time."""
TIMEOUTS = ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
CREDENTIALS = ("OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_CREDENTIAL_PROVIDER", "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER")
"""The variables by which a user has the SDK make its connection in another way."""
TYPES = {"gpu": "gpu", "cpu": "cpu", "dram": "memory"}
"""`hw.type` by the kind of a device. What is measured of the whole machine has metrics of its own instead."""

Observe = Callable[[CallbackOptions], Iterable[Observation]]
Attributes = dict[str, str | bool]


class Sender:
    """The metrics of one run, for one collector. `endpoint` is a whole URL; None: the variables of OpenTelemetry say it."""

    def __init__(self, run: SinkRun, endpoint: str | None) -> None:
        self._live: LiveRun | None = None
        self._rising = Rising()
        self._exporter = _Exporter(
            endpoint=endpoint,
            timeout=None if any(map(os.environ.get, TIMEOUTS)) else TIMEOUT_S,
            session=None if any(map(os.environ.get, CREDENTIALS)) else _Session(),
        )
        self._reader = PeriodicExportingMetricReader(self._exporter, export_interval_millis=math.inf)  # without a thread of its own
        self._provider = MeterProvider([self._reader], resource_of(run), shutdown_on_exit=False)
        self._add_instruments()

    def send(self, live: LiveRun) -> None:
        """Send the figures. Raises ConnectionError if they were not taken."""
        self._live = live
        with _Silenced() as said:
            self._exporter.result = MetricExportResult.SUCCESS  # with OTEL_SDK_DISABLED, nothing is sent
            self._reader.collect()
        if self._exporter.result is not MetricExportResult.SUCCESS:
            raise ConnectionError(said.first or "the collector did not take the metrics")

    def close(self) -> None:
        """Close the connection, without sending once more."""
        self._live = None
        with _Silenced():
            self._provider.shutdown(timeout_millis=1e3 * TIMEOUT_S)

    def _add_instruments(self) -> None:
        meter = self._provider.get_meter("trainwatt", schema_url=SCHEMA)

        def counter(name: str, unit: str, observe: Observe, says: str) -> None:
            meter.create_observable_counter(name, [observe], unit, says)

        def gauge(name: str, unit: str, observe: Observe, says: str) -> None:
            meter.create_observable_gauge(name, [observe], unit, says)

        counter("hw.energy", "J", self._energy_of(is_part), "Energy consumed by the component.")
        gauge("hw.power", "W", self._power_of(is_part), "Power consumed by the component: the mean of the last two seconds.")
        counter("hw.host.energy", "J", self._energy_of(is_host), "Total energy consumed by the entire physical host.")
        gauge(
            "hw.host.power", "W", self._power_of(is_host), "Power consumed by the entire physical host: the mean of the last two seconds."
        )
        counter("trainwatt.run.energy", "J", self._run("energy", lambda run: run.energy_j), "Energy of the whole run so far.")
        gauge(
            "trainwatt.run.power",
            "W",
            self._run(None, lambda run: run.power_w),
            "Power of the whole run: the mean of the last two seconds.",
        )
        gauge("trainwatt.run.emissions", "g", self._run(None, lambda run: run.carbon_g), "CO2e that the run has emitted so far.")
        counter("trainwatt.run.work", "1", self._work, "Work of the run so far, such as samples.")
        gauge("trainwatt.run.budget.used", "1", self._run(None, lambda run: run.budget_share), "Part of its budget that the run has used.")
        gauge("trainwatt.run.forecast.energy", "J", self._run(None, lambda run: run.forecast_j), "Energy expected at the end of the run.")
        gauge(
            "trainwatt.run.active", "1", self._run(None, lambda run: float(run.status == "running")), "1 until the run has ended, then 0."
        )
        gauge("trainwatt.run.duration", "s", self._run(None, lambda run: run.seconds), "How long the run has taken so far.")

    def _run(self, rising: str | None, figure: Callable[[LiveRun], float | None]) -> Observe:
        def observe(_: CallbackOptions) -> Iterator[Observation]:
            if self._live is not None and (value := figure(self._live)) is not None:
                yield Observation(value if rising is None else self._rising(rising, value))

        return observe

    def _work(self, _: CallbackOptions) -> Iterator[Observation]:
        for unit, amount in () if self._live is None else self._live.units.items():
            yield Observation(amount, {"trainwatt.unit": unit})

    def _energy_of(self, shown: Callable[[LiveDevice], bool]) -> Observe:
        def observe(_: CallbackOptions) -> Iterator[Observation]:
            for device in self._devices(shown):
                attributes = attributes_of(device)
                yield Observation(self._rising(tuple(attributes.items()), device.energy_j), attributes)

        return observe

    def _power_of(self, shown: Callable[[LiveDevice], bool]) -> Observe:
        def observe(_: CallbackOptions) -> Iterator[Observation]:
            for device in self._devices(shown):
                if device.power_w is not None:
                    yield Observation(device.power_w, attributes_of(device))

        return observe

    def _devices(self, shown: Callable[[LiveDevice], bool]) -> list[LiveDevice]:
        return [] if self._live is None else [device for device in self._live.devices if shown(device)]


class _Exporter(OTLPMetricExporter):
    """Remembers whether the last metrics were taken."""

    result = MetricExportResult.SUCCESS

    def export(self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any) -> MetricExportResult:
        self.result = MetricExportResult.FAILURE  # also if it raises
        self.result = super().export(metrics_data, timeout_millis, **kwargs)
        return self.result


class _Session(requests.Session):
    """Says at once that nobody answers: the SDK would wait for a second and try again, but this sink is called again anyway."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        try:
            try:
                return super().send(request, **kwargs)
            except requests.Timeout:
                raise
            except requests.ConnectionError:  # the collector may have closed a connection that was idle
                return super().send(request, **kwargs)
        except requests.ConnectionError as fault:
            reason: BaseException = fault
            while (before := reason.__cause__ or reason.__context__) is not None:
                reason = before
            to = urlsplit(request.url or "")
            raise requests.RequestException(f"{to.hostname} port {to.port}: {reason}") from fault  # the SDK repeats ConnectionErrors


class _Silenced(logging.Filter):
    """Within the block, the SDK logs nothing in this thread: the sink says what there is to say. Its other users in the process are heard.

    `first` is what it would have said first: the reason.
    """

    def __enter__(self) -> _Silenced:
        self.first: str | None = None
        self._thread = threading.get_ident()
        names = [name for name in list(logging.root.manager.loggerDict) if name.startswith("opentelemetry.")]
        self._loggers = [logging.getLogger(name) for name in names]
        for logger in self._loggers:
            logger.addFilter(self)
        return self

    def __exit__(self, *_: object) -> None:
        for logger in self._loggers:
            logger.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread:
            return True
        if self.first is None:
            fault = record.exc_info[1] if record.exc_info else None
            self.first = str(fault or record.getMessage()).partition(", retrying in")[0]
        return False


def resource_of(run: SinkRun) -> Resource:
    """The run as a resource. What `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` say counts more."""
    named = {"service.name": "trainwatt", "service.instance.id": run.run_id, "host.name": run.host, "trainwatt.run.id": run.run_id}
    named |= {"trainwatt.run.project": run.project, "trainwatt.run.stage": run.stage}
    named |= {name: text for name, text in (("trainwatt.run.name", run.name), ("trainwatt.run.group", run.group)) if text}
    return Resource.create({name: readable(text) for name, text in named.items()}).merge(OTELResourceDetector().detect())


def is_host(device: LiveDevice) -> bool:
    """Whether it is the whole machine: the convention forbids `hw.energy` then, which could be added up with its parts."""
    return device.kind == "platform"


def is_part(device: LiveDevice) -> bool:
    """Whether it is a part of a machine."""
    return not is_host(device)


def attributes_of(device: LiveDevice) -> Attributes:
    """What the conventions ask for, and ours: where most of the joules come from, and whether they are in the total of the run."""
    named: Attributes = {"hw.id": device.uuid or device.name, "hw.name": device.name}
    if is_part(device):
        named["hw.type"] = TYPES.get(device.kind, device.kind)
    if device.model:
        named["hw.model"] = device.model
    ours: Attributes = {"trainwatt.provenance": device.provenance.value, "trainwatt.counted": device.counts}
    return {name: readable(value) if isinstance(value, str) else value for name, value in (named | ours).items()}
