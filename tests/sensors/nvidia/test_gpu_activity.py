"""What an NVIDIA GPU does, through the real pynvml and a fake library."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.nvml import FakeNvml
from tests.fakes.powercap import MakeRequest
from trainwatt.core.activity import GpuReading, Throttle
from trainwatt.core.sensing import Discovery
from trainwatt.errors import ReadError, SensorLostError
from trainwatt.sensors.nvidia import discovery as nvml
from trainwatt.sensors.nvidia.activity import TRIES, GpuActivity, activity_of, reasons_of

FULL: dict[str, Any] = {
    **{"busy": 62, "memory_busy": 20, "sm_mhz": 1980, "memory_mhz": 2619, "reasons": 0x4 | 0x1 | 0x40, "celsius": 65},
    "used": 3 << 30,
}
READ = GpuReading(0.62, 0.2, 1980, 2619, frozenset({Throttle.POWER_CAP, Throttle.HARDWARE_HEAT}), 65, 3072.0, 700.0)


@pytest.fixture
def activity(request_for: MakeRequest, closing: list[Discovery]) -> Any:
    def make() -> GpuActivity:
        found = nvml.discover(request_for(None))
        closing.append(found)
        gpu = activity_of(found.sensors[0])
        assert gpu is not None
        return gpu

    return make


def test_all_that_a_gpu_tells(gpus: FakeNvml, activity: Any) -> None:
    gpus.gpu(**FULL)
    gpu = activity()
    assert gpu.look(whole=True) == READ
    gpus.set("0.busy", 100)
    gpus.set("0.celsius", 70)
    assert gpu.look(whole=False) == READ._replace(busy=1.0)
    assert gpu.look(whole=True) == READ._replace(busy=1.0, celsius=70)
    gpu.close()


@pytest.mark.parametrize("lacks", ["busy", "sm_mhz", "reasons", "celsius", "used"])
def test_what_a_gpu_lacks_is_absent_and_is_not_asked_again(gpus: FakeNvml, activity: Any, lacks: str) -> None:
    field = {"reasons": "throttled", "used": "memory_mib"}.get(lacks, lacks)
    gpus.gpu(**FULL | {lacks: None})
    gpu = activity()
    read = gpu.look(whole=True)
    assert getattr(read, field) is None
    assert [name for name, value in read._asdict().items() if value is None] == [field, *(["memory_busy"] if lacks == "busy" else [])]
    asked = gpus.asked(0)
    gpu.look(whole=True)
    assert gpus.asked(0) - asked == {"busy": 6}.get(lacks, 7)
    gpu.close()


def test_a_gpu_that_tells_nothing(gpus: FakeNvml, activity: Any) -> None:
    gpus.gpu(limit=None, limit_most=None)
    gpu = activity()
    assert gpu.look(whole=True) == GpuReading()
    assert gpu.mute
    gpu.close()


def test_a_call_that_fails_gives_no_reading_and_then_no_quantity(gpus: FakeNvml, activity: Any) -> None:
    gpus.gpu(**FULL)
    gpu = activity()
    gpu.look(whole=True)
    gpus.set("0.celsius_code", 999)
    for _ in range(TRIES - 1):
        with pytest.raises(ReadError):
            gpu.look(whole=True)
    assert gpu.look(whole=True) == READ._replace(celsius=None)
    gpus.set("0.busy_code", 999)
    with pytest.raises(ReadError):
        gpu.look(whole=False)
    gpus.set("0.busy_code", None)
    assert gpu.look(whole=True) == READ._replace(celsius=None)
    gpus.set("0.lost", 1)
    with pytest.raises(SensorLostError):
        gpu.look(whole=True)
    gpu.close()


@pytest.mark.parametrize(
    ("line", "value", "field"),
    [
        ("busy", 4_294_967_295, "busy"),
        ("memory_busy", 101, "memory_busy"),
        ("sm_mhz", 4_294_967_295, "sm_mhz"),
        ("celsius", 4_294_967_295, "celsius"),
        ("used", 2**63, "memory_mib"),
        ("limit", 4_294_967_295, "limit_w"),
    ],
)
def test_a_value_that_no_gpu_has_is_no_value(gpus: FakeNvml, activity: Any, line: str, value: int, field: str) -> None:
    gpus.gpu(**FULL)
    gpu = activity()
    gpu.look(whole=True)
    gpus.set(f"0.{line}", value)
    with pytest.raises(ReadError, match=field):
        gpu.look(whole=True)
    gpus.set(f"0.{line}", FULL.get(line, 700_000))
    assert gpu.look(whole=True) == READ
    gpus.set(f"0.{line}", value)
    for _ in range(TRIES - 1):
        with pytest.raises(ReadError):
            gpu.look(whole=True)
    assert getattr(gpu.look(whole=True), field) is None
    gpu.close()


def test_another_library_may_shut_the_driver_down(gpus: FakeNvml, activity: Any) -> None:
    gpus.gpu(**FULL)
    gpu = activity()
    gpu.look(whole=True)
    gpus.shut_down()
    assert gpu.look(whole=True) == READ
    gpu.close()


def test_bits_that_nobody_knows_are_no_reasons() -> None:
    assert reasons_of(0x1) == reasons_of(1 << 40) == frozenset()
    assert reasons_of(0x2) == reasons_of(0x100) == frozenset({Throttle.CLOCK_SETTING})
    assert reasons_of(2**64 - 1) == frozenset(Throttle)
