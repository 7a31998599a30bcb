"""A real run, seen by a real Prometheus, by the file for node_exporter and by a collector of OpenTelemetry.

`python -m tests.benchmarks.scraped` looks at one for a minute.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.dashboard import QUERIES
from tests.fakes.otlp_collector import collecting
from tests.fakes.prometheus_server import PrometheusServer, free_port
from tests.fakes.world import DRAM_W, GPU_W, PACKAGE_W, World, finished

ENERGY, RUN_ENERGY = "trainwatt_device_energy_joules_total", "trainwatt_run_energy_joules_total"
DRAWN = {"gpu0": GPU_W, "package-0": PACKAGE_W, "dram-0": DRAM_W}
TRAINING = """
import pathlib, sys, time
from trainwatt import EnergyTracker
with EnergyTracker(project="digits", budget="1 kWh", epochs=1000) as tracker:
    for epoch in range(1000):
        with tracker.phase("train", step=epoch):
            tracker.update(samples=64)
            time.sleep(0.25)
        if pathlib.Path(sys.argv[1]).exists():
            break
"""


def near(watts: dict[str, float]) -> bool:
    """Whether these are what the machine draws. Its counters move in steps of 0.1 s."""
    return watts == {device: pytest.approx(w, rel=0.05) for device, w in DRAWN.items()}


@pytest.mark.slow
def test_a_prometheus_has_the_power_while_a_run_goes_on_and_all_have_its_energy_at_the_end(world: World, tmp_path: Path) -> None:
    port, file, stop = free_port(), tmp_path / "energy.prom", tmp_path / "stop"
    server = PrometheusServer(tmp_path / "prometheus", f"127.0.0.1:{port}")
    try:
        with collecting() as collector:
            sinks = f"prometheus={port},textfile={file},otlp={collector.url}"
            run = world.python(TRAINING, str(stop), env=world.environ(TRAINWATT_SINKS=sinks))
            # On a busy machine a counter, or an answer, may be late: then the next seconds have it.
            server.wait(lambda: near(server.values(f"rate({ENERGY}[4s])")) and near(server.values("trainwatt_device_power_watts")))
            server.wait(lambda: all(server.ask(query.for_all) for query in QUERIES))
            stop.touch()
            ended = finished(run)
        energies, total = server.samples(ENERGY), server.samples(RUN_ENERGY)
    finally:
        server.close()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert all(a.value <= b.value for samples in (*energies.values(), *total.values()) for a, b in pairwise(samples))
    shown = world.show()["energy"]
    devices = {device["device"]: device["energy_j"] for device in shown["devices"]}
    # A counter that has been ahead of the final figure does not fall.
    assert {device: samples[-1].value for device, samples in energies.items()} == {
        device: max(energy_j, energies[device][-2].value) for device, energy_j in devices.items()
    }
    assert total[""][-1].value == max(shown["total_j"], total[""][-2].value)
    near_devices, near_total = pytest.approx(devices, rel=2e-3), pytest.approx(shown["total_j"], rel=2e-3)
    assert collector.last("hw.energy") == near_devices
    assert collector.last("trainwatt.run.energy") == {"": near_total}
    in_file = [s for family in text_string_to_metric_families(file.read_text()) for s in family.samples]
    assert {s.labels["device"]: s.value for s in in_file if s.name == ENERGY} == near_devices
    assert [s.value for s in in_file if s.name == RUN_ENERGY] == [near_total]
