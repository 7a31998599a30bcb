"""What the tests of the sensors share."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import nvml
from tests.fakes.powercap import FakePowercap, MakeRequest
from trainwatt.model import Discovery, DiscoveryRequest

GAINS = {"gpu": 0.05, "cpu": 0.03, "dram": 0.10, "platform": 0.05}


@pytest.fixture
def machine(tmp_path: Path) -> FakePowercap:
    """A machine without zones yet."""
    return FakePowercap(tmp_path)


@pytest.fixture
def request_for(machine: FakePowercap) -> MakeRequest:
    """A discovery request rooted in that machine."""

    def make(gpus: tuple[int | str, ...] | None = None, **environ: str) -> DiscoveryRequest:
        return DiscoveryRequest(GAINS, gpus, environ, str(machine.sysfs), str(machine.procfs))

    return make


@pytest.fixture(scope="session")
def _nvml_library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return nvml.load(nvml.build(tmp_path_factory.mktemp("nvml")))


@pytest.fixture
def gpus(_nvml_library: ctypes.CDLL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nvml.FakeNvml:
    """GPUs as NVML tells them; none yet."""
    file = tmp_path / "nvml.txt"
    monkeypatch.setenv("FAKE_NVML", str(file))
    return nvml.FakeNvml(file, _nvml_library)


@pytest.fixture
def closing() -> Iterator[list[Discovery]]:
    """Discoveries appended here are closed after the test."""
    found: list[Discovery] = []
    yield found
    for discovery in found:
        for sensor in discovery.sensors:
            sensor.close()
