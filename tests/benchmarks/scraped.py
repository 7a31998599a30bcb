"""A real Prometheus beside a run of a minute: `python -m tests.benchmarks.scraped`. On an emulated machine with a GPU, a package, its DRAM.

Prometheus scrapes `trainwatt run --sink prometheus` every second. Its `rate()` of the energy over the minute stands beside the power that
the machine drew and the mean of the power that the run showed, and its last energies beside those of `trainwatt show`. The same run goes to
a text file and, by OTLP, to a collector that keeps what it got. Then: what a scrape costs, alone.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import timeit
import urllib.request
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.benchmarks._machine import context, spread, table
from tests.fakes import nvml
from tests.fakes.live import GPU, RUN, live
from tests.fakes.otlp_collector import Collector, collecting
from tests.fakes.prometheus_server import PrometheusServer, free_port
from tests.fakes.world import DRAM_W, GPU_W, PACKAGE_W, TRAINWATT, World, finished
from trainwatt.integrations.sinks import prometheus
from trainwatt.integrations.sinks._metrics import RunCollector

ENERGY, POWER = "trainwatt_device_energy_joules_total", "trainwatt_device_power_watts"
DRAWN = {"gpu0": GPU_W, "package-0": PACKAGE_W, "dram-0": DRAM_W}
SECONDS = 60
TIMES = 200


def watched(world: World, folder: Path, collector: Collector) -> list[list[str]]:
    """A row for each device of a run of a minute, and one for the run."""
    port, file = free_port(), folder / "energy.prom"
    server = PrometheusServer(folder / "prometheus", f"127.0.0.1:{port}")
    try:
        sinks = [f"--sink={sink}" for sink in (f"prometheus={port}", f"textfile={file}", f"otlp={collector.url}")]
        run = world.popen([*TRAINWATT, "run", *sinks, "--", "sleep", str(SECONDS + 5)])
        server.wait(lambda: len(server.samples(ENERGY).get("gpu0", [])) >= SECONDS + 2)
        at_s = min(samples[-1].at_s for samples in server.samples(ENERGY).values())
        rates = server.values(f"rate({ENERGY}[{SECONDS}s])", at_s=at_s)
        powers = server.values(f"avg_over_time({POWER}[{SECONDS}s])", at_s=at_s)
        ended = finished(run)
        assert ended.returncode == 0, ended.stderr
        last = {device: samples[-1].value for device, samples in server.samples(ENERGY).items()}
        last["run"] = server.samples("trainwatt_run_energy_joules_total")[""][-1].value
    finally:
        server.close()
    shown = world.show()["energy"]
    energies = {device["device"]: device["energy_j"] for device in shown["devices"]} | {"run": shown["total_j"]}
    in_file = [s for family in text_string_to_metric_families(file.read_text()) for s in family.samples]
    written = {s.labels.get("device", "run"): s.value for s in in_file if s.name in (ENERGY, "trainwatt_run_energy_joules_total")}
    sent = collector.last("hw.energy") | {"run": collector.last("trainwatt.run.energy")[""]}
    rows = []
    for device, energy_j in energies.items():
        rate = [f"{DRAWN[device]:g} W", f"{powers[device]:.2f} W", f"{rates[device]:.2f} W"] if device in DRAWN else ["", "", ""]
        off = f"{100 * (rates[device] / powers[device] - 1):+.2f} %" if device in DRAWN else ""
        rows.append([device, *rate, off, repr(energy_j), *(same(found[device], energy_j) for found in (last, written, sent))])
    return rows


def same(found_j: float, energy_j: float) -> str:
    return "the same" if found_j == energy_j else repr(found_j)


def costs() -> list[list[str]]:
    """What an answer costs, by the number of devices: the text of it, and the whole request."""
    return [[str(count), *cost(count)] for count in (2, 12)]


def cost(count: int) -> list[str]:
    figures = live(devices=tuple(GPU._replace(name=f"gpu{i}", uuid=f"GPU-{i}") for i in range(count)))
    registry = RunCollector(RUN, lambda: figures).registry
    text_us = [1e6 * s / 100 for s in timeit.repeat(lambda: generate_latest(registry), number=100, repeat=9)]
    sink = prometheus.sink("127.0.0.1:0")
    sink.begin(RUN, lambda: figures)
    whole_us, before_s = [], time.process_time()
    for _ in range(TIMES):
        begun_s = time.perf_counter()
        with urllib.request.urlopen(sink.url or "") as answer:
            answer.read()
        whole_us.append(1e6 * (time.perf_counter() - begun_s))
    both_us = 1e6 * (time.process_time() - before_s) / TIMES
    sink.end()
    return [spread(text_us, " µs", digits=0), f"{statistics.median(whole_us):.0f} µs", f"{both_us:.0f} µs"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="write the page here too")
    where = parser.parse_args().write
    about = context()
    with tempfile.TemporaryDirectory() as name, collecting() as collector:
        folder = Path(name)
        (folder / "world").mkdir()
        world = World(folder / "world", nvml.build(folder))
        try:
            rows = watched(world, folder, collector)
        finally:
            world.close()
        size = f"{len(collector.got)} messages"
    heads = ["", "drawn", "shown", "rate()", "rate() to shown", "`show`, in J", "Prometheus", "text file", "OTLP"]
    parts = [
        "# Seen by Prometheus",
        f"{about}. Made by `python -m tests.benchmarks.scraped`.",
        f"A run of a minute on an emulated machine, scraped every second by a real Prometheus: the power that the machine drew, the mean"
        f" power that the run showed, and `rate()` of its energy over {SECONDS} s. Then the energy at the end, as `trainwatt show` has it,"
        f" beside the last value in Prometheus, in the text file, and in the last of {size} that a collector of OpenTelemetry got.",
        table(heads, rows),
        "What a scrape costs: the making of the text, the time of a whole request on the same machine, and its processor time, with that of"
        " the client.",
        table(["devices", "text", "request", "processor time, both sides"], costs()),
    ]
    page = "\n\n".join(parts) + "\n"
    print(page)
    if where is not None:
        where.write_text(page)


if __name__ == "__main__":
    main()
