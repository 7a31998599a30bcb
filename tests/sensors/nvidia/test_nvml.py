"""NVIDIA GPUs, through the real pynvml and a fake library."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from tests.fakes.nvml import FakeNvml
from tests.fakes.powercap import FakePowercap, MakeRequest
from trainwatt.core.sensing import Availability, Counter, Device, Discovery, Gauge, Sensor
from trainwatt.errors import ConfigurationError, ReadError, SensorLostError
from trainwatt.sensors.nvidia import discovery as nvml

Discover = Callable[..., Discovery]


def by_name(found: Discovery) -> dict[tuple[str, str], Sensor]:
    return {(sensor.device.name, sensor.name): sensor for sensor in found.sensors}


@pytest.fixture
def discover(request_for: MakeRequest, closing: list[Discovery]) -> Discover:
    def run(gpus: tuple[int | str, ...] | None = None, **environ: str) -> Discovery:
        found = nvml.discover(request_for(gpus, **environ))
        closing.append(found)
        return found

    return run


def test_a_modern_gpu_has_a_counter_and_two_gauges(gpus: FakeNvml, discover: Discover) -> None:
    uuid = gpus.gpu(pids="12 34 56")
    found = discover()
    sensors = by_name(found)
    energy, average, instant = (sensors["gpu0", name] for name in ("energy", "power-average", "power-instant"))
    assert (energy.read(), average.read(), instant.read()) == (5_000_000, 390.0, 410.0)
    assert energy.kind == Counter(unit_j=1e-3, modulus=None, restarts_at_zero=True)
    assert average.kind == Gauge("window", 1.0, renewed_s=0.1)
    assert instant.kind == Gauge("instant")
    assert (energy.period_s, average.period_s, instant.period_s) == (None, None, None)
    assert (energy.device.uuid, energy.device.model, energy.device.gain) == (uuid, "NVIDIA H100 80GB HBM3", 0.05)
    assert energy.device.max_power_w == pytest.approx(770.0)
    assert energy.holder_pids() == [12, 34, 56]
    (finding,) = found.findings
    assert finding.availability is Availability.OK
    assert finding.devices == ("gpu0",)
    assert finding.detail.startswith("energy counter; power (1 s mean); power (instant); ")


def test_without_a_counter_power_is_read_at_the_trackers_own_rate(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu(energy=None)
    sensors = by_name(discover())
    assert set(sensors) == {("gpu0", "power-average"), ("gpu0", "power-instant")}
    assert {sensor.period_s for sensor in sensors.values()} == {None}


@pytest.mark.parametrize(("cc", "part_time_s"), [("7.0", None), ("8.0", 0.1125), ("8.6", None), ("9.0", 0.1125), ("10.0", None)])
def test_the_gpus_whose_sensor_looks_at_a_quarter_of_the_time_are_known(
    gpus: FakeNvml, discover: Discover, cc: str, part_time_s: float | None
) -> None:
    gpus.gpu(cc=cc)
    assert [s.device.part_time_s for s in discover().sensors] == [pytest.approx(part_time_s) if part_time_s else None] * 3


@pytest.mark.parametrize(("cc", "name"), [("7.0", "instant"), ("8.0", "instant"), ("8.6", "average"), ("9.0", "average")])
def test_power_usage_stands_in_for_the_fields(gpus: FakeNvml, discover: Discover, cc: str, name: str) -> None:
    gpus.gpu(cc=cc, f185=None, f186=None)
    sensors = by_name(discover())
    assert set(sensors) == {("gpu0", "energy"), ("gpu0", f"power-{name}")}
    gauge = sensors["gpu0", f"power-{name}"]
    assert gauge.read() == 400.0
    assert isinstance(gauge.kind, Gauge)
    assert gauge.kind.window_s == (1.0 if name == "average" else 0.0)


def test_zero_watts_of_a_live_gpu_is_an_error(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu()
    sensors = by_name(discover())
    gpus.set("0.185", 0)
    with pytest.raises(ReadError, match="no live GPU"):
        sensors["gpu0", "power-average"].read()


def test_a_lost_gpu_is_lost_and_the_others_go_on(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu()
    gpus.gpu()
    sensors = by_name(discover())
    gpus.set("0.lost", 1)
    for name in ("energy", "power-average", "power-instant"):
        with pytest.raises(SensorLostError, match=f"gpu0 {name}: GPU is lost"):
            sensors["gpu0", name].read()
        assert sensors["gpu1", name].read() > 0
    assert sensors["gpu0", "energy"].holder_pids() is None


def test_a_gpu_lost_before_the_run_is_a_finding_and_keeps_its_number(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu(lost=1)
    gpus.gpu()
    found = discover()
    assert {device for device, _ in by_name(found)} == {"gpu1"}
    assert [(f.availability, f.devices) for f in found.findings] == [
        (Availability.BROKEN, ("gpu0",)),
        (Availability.OK, ("gpu1",)),
    ]


def test_a_passing_error_is_a_read_error_and_no_loss(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu()
    energy = by_name(discover())["gpu0", "energy"]
    gpus.set("0.energy_code", 999)
    with pytest.raises(ReadError) as failure:
        energy.read()
    assert not isinstance(failure.value, SensorLostError)


def test_requested_gpus_override_the_environment(gpus: FakeNvml, discover: Discover) -> None:
    uuid = [gpus.gpu() for _ in range(2)][1]
    assert {s.device.name for s in discover((1,), CUDA_VISIBLE_DEVICES="").sensors} == {"gpu1"}
    assert {s.device.name for s in discover((uuid[:8],)).sensors} == {"gpu1"}
    before = gpus.users
    with pytest.raises(ConfigurationError, match="there is no GPU 9 here"):
        discover((9,))
    assert gpus.users == before


@pytest.mark.parametrize(("environ", "words"), [("", "''"), ("-1", "'-1'"), ("9", "shows none of the 1 GPUs")])
def test_hidden_gpus_are_said_to_be_hidden(gpus: FakeNvml, discover: Discover, environ: str, words: str) -> None:
    gpus.gpu()
    found = discover(CUDA_VISIBLE_DEVICES=environ)
    assert found.sensors == []
    assert words in found.findings[0].detail
    assert gpus.users == 0


def test_a_gpu_that_tells_nothing_is_a_finding(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu(name="GRID T4-8Q", energy=None, power=None, f185=None, f186=None)
    found = discover()
    assert found.sensors == []
    assert found.findings[0].availability is Availability.ABSENT
    assert "Not Supported" in found.findings[0].detail
    assert "host" in found.findings[0].remedy


def test_unknown_limits_and_a_silent_process_list(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu(limit=None, limit_most=None, pids_code=3)
    found = discover()
    (device,) = {sensor.device for sensor in found.sensors}
    assert device.max_power_w == 1500.0
    assert found.sensors[0].holder_pids() is None


@pytest.mark.parametrize(
    ("code", "availability", "words"),
    [
        (9, Availability.ABSENT, "modprobe nvidia"),
        (18, Availability.MISMATCH, "Reboot"),
        (4, Availability.DENIED, "/dev/nvidia"),
        (999, Availability.BROKEN, "nvidia-smi"),
        (12, Availability.ABSENT, ""),
    ],
)
def test_four_failures_have_four_mends(gpus: FakeNvml, discover: Discover, code: int, availability: Availability, words: str) -> None:
    gpus.set("init", code)
    (finding,) = discover().findings
    assert finding.availability is availability
    assert words in finding.remedy


def test_a_container_without_its_gpus_is_masked(gpus: FakeNvml, discover: Discover, machine: FakePowercap) -> None:
    gpus.set("init", 12)
    (machine.procfs / "driver/nvidia").mkdir(parents=True)
    (machine.procfs.parent / ".dockerenv").touch()
    (finding,) = discover().findings
    assert finding.availability is Availability.MASKED
    assert "docker run --gpus all" in finding.remedy


def test_the_last_sensor_to_close_shuts_nvml_down_and_a_forked_child_does_not(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu()
    found = discover()
    assert gpus.users == 1
    child = os.fork()
    if child == 0:
        for sensor in found.sensors:
            sensor.close()
        os._exit(gpus.users)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    for sensor in found.sensors:
        assert gpus.users == 1
        sensor.close()
        sensor.close()
    assert gpus.users == 0
    with pytest.raises(SensorLostError):
        found.sensors[0].read()


def test_a_shutdown_by_another_library_loses_no_gpu(gpus: FakeNvml, discover: Discover) -> None:
    """Every sensor of every GPU reads on, with a new handle, however often that happens; then NVML is shut down once, as before."""
    for _ in range(2):
        gpus.gpu()
    found = discover()
    for step in range(1, 10):
        gpus.shut_down()
        gpus.set("1.energy", 5_000_000 + step)
        values = {name: sensor.read() for name, sensor in by_name(found).items()}
        assert values["gpu1", "energy"] == 5_000_000 + step
        assert values["gpu0", "power-average"] == 390.0
        assert values["gpu1", "power-instant"] == 410.0
        assert gpus.users == 1
    assert found.sensors[0].holder_pids() == []
    for sensor in found.sensors:
        sensor.close()
    assert gpus.users == 0


def test_a_handle_of_before_a_shutdown_is_replaced_where_the_other_library_initialises_again(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu(f185=None, f186=None)
    found = discover()
    gpus.shut_down()
    gpus.initialise()
    assert sorted(sensor.read() for sensor in found.sensors) == [400.0, 5_000_000]


def test_as_long_as_nvml_does_not_start_again_reads_fail_and_no_gpu_is_lost(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu()
    energy = by_name(discover())["gpu0", "energy"]
    gpus.shut_down()
    gpus.set("init", 999)
    for _ in range(3):
        with pytest.raises(ReadError) as failure:
            energy.read()
        assert not isinstance(failure.value, SensorLostError)
    assert gpus.tried == 1  # an attempt that fails is slow: there is one a second
    gpus.set("init", 0)
    time.sleep(1.05)
    assert energy.read() == 5_000_000


def test_a_power_that_came_with_the_other_is_never_an_old_one(gpus: FakeNvml, discover: Discover) -> None:
    """Both fields are asked for in one call; what is read later is asked for anew."""
    gpus.gpu(f185=300_000, f186=310_000)
    sensors = by_name(discover())
    average, instant = sensors["gpu0", "power-average"], sensors["gpu0", "power-instant"]
    assert (average.read(), instant.read()) == (300.0, 310.0)
    assert average.read() == 300.0
    time.sleep(0.002)
    gpus.set("0.186", 500_000)
    assert instant.read() == 500.0
    gpus.set("0.186", 600_000)
    assert instant.read() == 600.0


@pytest.mark.parametrize(("model", "contains_cpu"), [("NVIDIA GH200 480GB", True), ("NVIDIA GB200", True), ("NVIDIA H100", False)])
def test_a_superchip_is_known_by_its_model_and_not_by_a_note(model: str, contains_cpu: bool) -> None:
    note = None if contains_cpu else nvml.MODULE_SCOPE_NOTE
    assert nvml.is_module_scope(Device("gpu0", "gpu", 700.0, 0.05, "gpu", model=model, note=note)) is contains_cpu


@pytest.mark.parametrize(("cc", "advised"), [("8.0", True), ("9.0", True), ("8.6", False)])
def test_doctor_advises_where_the_sensor_looks_at_part_of_the_time(gpus: FakeNvml, discover: Discover, cc: str, advised: bool) -> None:
    gpus.gpu(cc=cc)
    assert [("looks at 25 of every 100 ms" in finding.detail) for finding in discover().findings] == [advised]
