"""Discovery as a whole: providers together, models for what is missing, and failures that stay findings."""

from __future__ import annotations

import pytest

from tests.fakes.nvml import FakeNvml
from tests.fakes.powercap import FakePowercap, MakeRequest
from trainwatt.core.sensing import Availability, Discovery, DiscoveryRequest
from trainwatt.errors import ConfigurationError
from trainwatt.sensors import discovery as sensors
from trainwatt.sensors.rapl import discovery as powercap


def test_each_memory_counter_has_a_model_of_its_part(machine: FakePowercap, request_for: MakeRequest) -> None:
    """64 GiB on two sockets. The model only stands in if the counter never moves."""
    for socket in range(2):
        machine.zone(f"intel-rapl:{socket}", f"package-{socket}", 5)
        machine.zone(f"intel-rapl:{socket}:0", "dram", 0)
    found = sensors.discover(request_for(gpus=()))
    stand_ins = {s.device.name: s.device.stand_in for s in found.sensors}
    assert stand_ins["package-0"] is None
    for name in ("dram-0", "dram-1"):
        model = stand_ins[name]
        assert model is not None
        assert model.power_w == pytest.approx(32 * 0.3835)
    for sensor in found.sensors:
        sensor.close()


def test_everything_is_measured_where_everything_can_be(
    gpus: FakeNvml, machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]
) -> None:
    gpus.gpu()
    machine.zone("intel-rapl:0", "package-0")
    machine.zone("intel-rapl:0:0", "dram")
    found = sensors.discover(request_for())
    closing.append(found)
    assert [s.device.name for s in found.sensors] == ["gpu0", "gpu0", "gpu0", "package-0", "dram-0"]
    assert {f.source for f in found.findings} == {"nvml", "powercap"}


def test_amd_has_packages_and_a_modelled_dram(
    gpus: FakeNvml, machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]
) -> None:
    machine.zone("intel-rapl:0", "package-0")
    machine.zone("intel-rapl:0:0", "core")
    found = sensors.discover(request_for())
    closing.append(found)
    assert [s.device.name for s in found.sensors] == ["package-0", "dram"]


def test_psys_alone_does_not_stand_for_the_processor(
    gpus: FakeNvml, machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]
) -> None:
    machine.zone("intel-rapl:1", "psys")
    found = sensors.discover(request_for())
    closing.append(found)
    assert [(s.device.name, s.device.included_in_total) for s in found.sensors] == [
        ("psys", False),
        ("cpu", True),
        ("dram", True),
    ]


def test_a_provider_that_fails_is_a_finding(
    request_for: MakeRequest, closing: list[Discovery], machine: FakePowercap, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: DiscoveryRequest) -> Discovery:
        raise RuntimeError("a driver nobody has tried")

    machine.zone("intel-rapl:0", "package-0")
    monkeypatch.setattr(sensors, "SENSORS", {"failing": failing, "powercap": powercap.discover})
    found = sensors.discover(request_for())
    closing.append(found)
    assert [s.device.name for s in found.sensors] == ["package-0", "dram"]
    assert found.findings[0].availability is Availability.BROKEN
    assert "RuntimeError: a driver nobody has tried" in found.findings[0].detail


def test_a_gpu_that_is_not_there_is_an_error_and_nothing_stays_open(
    gpus: FakeNvml, machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]
) -> None:
    gpus.gpu()
    with pytest.raises(ConfigurationError, match="GPU 9"):
        sensors.discover(request_for((9,)))
    assert gpus.users == 0
