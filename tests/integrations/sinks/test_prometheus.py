"""The endpoint for Prometheus, read by prometheus_client's own parsers and by promtool."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic

from tests.fakes.live import DEVICES, ENERGY_J, RUN, live
from trainwatt import ConfigurationError
from trainwatt.core import LiveRun, Provenance
from trainwatt.integrations.sinks import prometheus
from trainwatt.integrations.sinks._server import MOST
from trainwatt.integrations.sinks.prometheus import PORT, Address, PrometheusSink, address_of

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture
def sink() -> Iterator[PrometheusSink]:
    """One at a port that the system chooses."""
    made = prometheus.sink("127.0.0.1:0")
    yield made
    made.end()


def asked(sink: PrometheusSink, **headers: str) -> str:
    assert sink.url is not None
    with urllib.request.urlopen(urllib.request.Request(sink.url, headers=headers), timeout=60) as answer:
        return str(answer.read().decode())


def values(text: str, name: str) -> dict[str, float]:
    """The values of a metric by the label that tells its series apart: the device, the unit, or none."""
    samples = [s for family in classic(text) for s in family.samples if s.name == name]
    return {s.labels.get("device", s.labels.get("unit", "")): s.value for s in samples}


def test_every_figure_is_there_with_all_its_digits(sink: PrometheusSink) -> None:
    sink.begin(RUN, live)
    text = asked(sink)
    assert values(text, "trainwatt_device_energy_joules_total") == {d.name: d.energy_j for d in DEVICES}
    assert values(text, "trainwatt_device_power_watts") == {d.name: d.power_w for d in DEVICES if d.power_w is not None}
    assert values(text, "trainwatt_run_energy_joules_total") == {"": ENERGY_J}
    assert values(text, "trainwatt_run_work_total") == {"samples": 640.0}
    assert values(text, "trainwatt_run_emissions_grams") == {"": 0.04}
    assert values(text, "trainwatt_run_budget_used_ratio") == {"": 0.25}
    assert values(text, "trainwatt_run_forecast_energy_joules") == {"": 5000.0}
    [info] = [s for family in classic(text) for s in family.samples if s.name == "trainwatt_run_info"]
    assert info.labels == {
        **{"run_id": RUN.run_id, "host": "node-1", "project": "digits"},
        **{"name": "baseline", "group": "lr", "stage": "training"},
    }
    [gpu] = [s for family in classic(text) for s in family.samples if s.labels.get("uuid") == "GPU-1" and s.name.endswith("_total")]
    assert gpu.labels.items() >= {"kind": "gpu", "provenance": "measured-counter", "counted": "true", "host": "node-1"}.items()


def test_unknown_figures_are_left_out(sink: PrometheusSink) -> None:
    sink.begin(RUN, lambda: live(energy_j=None, power_w=None, carbon_g=None, budget_share=None, forecast_j=None, units={}, devices=()))
    samples = {s.name for family in classic(asked(sink)) for s in family.samples}
    times = {f"trainwatt_run_{name}_seconds" for name in ("start_time", "duration", "updated_time")}
    assert samples == {"trainwatt_run_info", "trainwatt_run_active"} | times


def test_promtool_and_the_parser_of_openmetrics_have_no_complaint(sink: PrometheusSink) -> None:
    sink.begin(RUN._replace(name='a "b"\\\n\udc80', group=None), live)
    checked = subprocess.run(["promtool", "check", "metrics"], input=asked(sink), capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    families = list(openmetrics(asked(sink, **OPENMETRICS)))  # type: ignore[no-untyped-call]
    assert {s.labels["name"] for f in families for s in f.samples if s.name == "trainwatt_run_info"} == {'a "b"\\\n?'}


def test_no_counter_falls_and_the_final_figures_are_shown(sink: PrometheusSink) -> None:
    sink.begin(RUN, live)
    before = asked(sink)
    lower = DEVICES[0]._replace(energy_j=300.0, power_w=None)
    higher = DEVICES[1]._replace(energy_j=80.5)
    sink.write(live(status="completed", energy_j=391.0, power_w=None, devices=(lower, higher)))
    after = asked(sink)
    assert values(before, "trainwatt_run_active") == {"": 1.0}
    assert values(after, "trainwatt_run_active") == {"": 0.0}
    assert values(after, "trainwatt_device_energy_joules_total") == {"gpu:0": 300.5, "cpu:0": 80.5}  # 300.5 has been shown
    assert values(after, "trainwatt_run_energy_joules_total") == {"": 391.0}
    assert values(after, "trainwatt_device_power_watts") == values(after, "trainwatt_run_power_watts") == {}


def test_another_provenance_is_another_series(sink: PrometheusSink) -> None:
    shown = [live()]
    sink.begin(RUN, lambda: shown[-1])
    asked(sink)
    shown.append(live(devices=(DEVICES[0]._replace(provenance=Provenance.IMPUTED, energy_j=301.0),)))
    [energy] = [s for f in classic(asked(sink)) for s in f.samples if s.name == "trainwatt_device_energy_joules_total"]
    assert (energy.labels["provenance"], energy.value) == ("imputed", 301.0)


def test_the_next_free_port_is_taken_and_said(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        sink = PrometheusSink(Address("127.0.0.1", port))
        sink.begin(RUN, live)
        try:
            assert sink.url is not None
            assert sink.url.startswith("http://127.0.0.1:")
            assert f"port {port} is taken: the metrics of this run are at {sink.url}" in caplog.text
            assert values(asked(sink), "trainwatt_run_active") == {"": 1.0}
        finally:
            sink.end()


def test_an_address_of_another_machine_is_an_error_that_names_it() -> None:
    with pytest.raises(OSError, match=r"cannot listen at 192\.0\.2\.1 port 19400"):
        PrometheusSink(Address("192.0.2.1", PORT)).begin(RUN, live)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", ("127.0.0.1", 19400)),
        ("9401", ("127.0.0.1", 9401)),
        ("0.0.0.0:9401", ("0.0.0.0", 9401)),
        ("node-1", ("node-1", 19400)),
        ("[::1]:9401", ("::1", 9401)),
    ],
)
def test_the_address_in_the_setting(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize("text", [":9401", "node:port", "127.0.0.1:70000", "http://127.0.0.1:9401", "::1", "a b"])
def test_what_is_no_address_is_an_error(text: str) -> None:
    with pytest.raises(ConfigurationError, match="write HOST:PORT"):
        prometheus.sink(text)


def test_the_port_is_free_after_the_end_although_a_forked_process_lives_on(sink: PrometheusSink) -> None:
    """A worker of a DataLoader inherits the socket."""
    sink.begin(RUN, live)
    assert sink.url is not None
    port = int(sink.url.split(":")[2].partition("/")[0])
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        os.close(tell)
        os.read(told, 1)
        os._exit(0)
    try:
        sink.end()
        with socket.create_server(("127.0.0.1", port)):
            pass
    finally:
        os.close(tell)
        os.close(told)
        os.waitpid(child, 0)


def test_a_fault_of_the_figures_and_a_client_that_leaves_write_nothing_to_the_terminal(
    sink: PrometheusSink, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken() -> LiveRun:
        raise RuntimeError("no figures")

    sink.begin(RUN, broken)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        asked(sink)
    assert sink.url is not None
    host, port = "127.0.0.1", int(sink.url.split(":")[2].partition("/")[0])
    for said in (b"", b"GET /metrics HTTP/1.0\r\n\r\n", b"\xff\xfe nonsense\r\n\r\n"):
        with socket.create_connection((host, port)) as client:
            client.sendall(said)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close with a reset
    with pytest.raises(urllib.error.HTTPError, match="503"):
        asked(sink)
    assert capfd.readouterr() == ("", "")


def test_the_end_waits_for_a_scrape_that_is_due(sink: PrometheusSink) -> None:
    sink.begin(RUN, live)
    for _ in range(2):
        asked(sink)
        time.sleep(0.2)
    sink.write(live(status="completed", energy_j=400.0))
    seen: list[str] = []
    scraper = threading.Timer(0.1, lambda: seen.append(asked(sink)))
    scraper.start()
    sink.end()
    scraper.join()
    assert values(seen[0], "trainwatt_run_energy_joules_total") == {"": 400.0}
    assert sink.url is None


def test_clients_that_say_nothing_take_no_more_than_their_threads(sink: PrometheusSink) -> None:
    sink.begin(RUN, live)
    assert sink.url is not None
    address = "127.0.0.1", int(sink.url.split(":")[2].partition("/")[0])
    silent = [socket.create_connection(address) for _ in range(MOST)]
    over = socket.create_connection(address, timeout=60)
    assert over.recv(1) == b""  # turned away at once
    assert sum(thread.name.endswith("(process_request_thread)") for thread in threading.enumerate()) <= MOST
    for client in (*silent, over):
        client.close()
    until = time.monotonic() + 60
    while True:  # their threads end soon
        try:
            assert values(asked(sink), "trainwatt_run_active") == {"": 1.0}
            break
        except OSError:
            assert time.monotonic() < until
