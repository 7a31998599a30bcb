"""A run as metrics of Prometheus, for the endpoint and for the text file.

The label `run_id` is on every metric: a counter of two runs would begin anew with each, and one machine may have several runs at once.
What people call a run is on `trainwatt_run_info` only, and a query joins it by `run_id`. Tags are not shown: their number has no bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ._shown import Rising, readable

if TYPE_CHECKING:
    from trainwatt.core import LiveDevice, LiveRun, SinkRun

RUN = ("run_id", "host")
"""The labels of the metrics of a run: `host` is the machine that shows it, so a run on several machines has one series from each."""
DEVICE = (*RUN, "device", "uuid", "kind", "provenance", "counted")
MODEL = (*RUN, "device", "uuid", "kind", "model")


class RunCollector(Collector):
    """The metrics of one run. `now` is asked whenever somebody looks."""

    def __init__(self, run: SinkRun, now: Callable[[], LiveRun]) -> None:
        self._run = run
        self._now = now
        self._rising = Rising()
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """The metrics now. Unknown values are left out."""
        live = self._now()
        yield from self._of_run(live)
        yield from self._of_devices(live)

    def _of_run(self, live: LiveRun) -> Iterator[Metric]:
        run = self._run
        info = InfoMetricFamily("trainwatt_run", "What a run is called. Its value is 1.", labels=RUN)
        named = {"project": run.project, "name": run.name or "", "group": run.group or "", "stage": run.stage}
        info.add_metric(self._labels(), {label: readable(text) for label, text in named.items()})
        yield info
        yield self._counter("trainwatt_run_energy_joules", "Energy of the whole run so far.", {(): live.energy_j})
        yield self._gauge("trainwatt_run_power_watts", "Mean power of the whole run over the last two seconds.", live.power_w)
        yield self._gauge("trainwatt_run_emissions_grams", "Emissions of the whole run so far, in grams of CO2e.", live.carbon_g)
        units: dict[tuple[str, ...], float | None] = {(readable(unit),): float(amount) for unit, amount in live.units.items()}
        yield self._counter("trainwatt_run_work", "Work of the run so far, such as samples.", units, ("unit",))
        yield self._gauge("trainwatt_run_budget_used_ratio", "Part of the budget of the run that it has used.", live.budget_share)
        yield self._gauge(
            "trainwatt_run_forecast_energy_joules", "Energy that the run is expected to have used at its end.", live.forecast_j
        )
        yield self._gauge(
            "trainwatt_run_active", "Whether the run is under way: 1, or 0 once it has ended.", float(live.status == "running")
        )
        yield self._gauge("trainwatt_run_start_time_seconds", "When the run began, in Unix time.", self._run.began_utc_s)
        yield self._gauge("trainwatt_run_duration_seconds", "How long the run has taken so far.", live.seconds)
        yield self._gauge("trainwatt_run_updated_time_seconds", "When these figures were true, in Unix time.", live.utc_s)

    def _of_devices(self, live: LiveRun) -> Iterator[Metric]:
        energy = CounterMetricFamily("trainwatt_device_energy_joules", "Energy of a device in the run so far.", labels=DEVICE)
        power = GaugeMetricFamily("trainwatt_device_power_watts", "Mean power of a device over the last two seconds.", labels=DEVICE)
        info = InfoMetricFamily("trainwatt_device", "What a device is. Its value is 1.", labels=MODEL)
        for device in live.devices:
            labels = self._of_device(device)
            energy.add_metric(labels, self._rising(("trainwatt_device_energy_joules", *labels), device.energy_j))
            if device.power_w is not None:
                power.add_metric(labels, device.power_w)
            info.add_metric([*labels[: DEVICE.index("provenance")], readable(device.model or "")], {})
        yield from (energy, power, info)

    def _labels(self) -> list[str]:
        return [self._run.run_id, readable(self._run.host)]

    def _of_device(self, device: LiveDevice) -> list[str]:
        named = [device.name, device.uuid or "", device.kind, device.provenance.value, "true" if device.counts else "false"]
        return [self._run.run_id, readable(device.host), *map(readable, named)]

    def _counter(self, name: str, says: str, values: Mapping[tuple[str, ...], float | None], labels: tuple[str, ...] = ()) -> Metric:
        family = CounterMetricFamily(name, says, labels=(*RUN, *labels))
        for more, value in values.items():
            if value is not None:
                family.add_metric([*self._labels(), *more], self._rising((name, *more), value))
        return family

    def _gauge(self, name: str, says: str, value: float | None) -> Metric:
        family = GaugeMetricFamily(name, says, labels=RUN)
        if value is not None:
            family.add_metric(self._labels(), value)
        return family
