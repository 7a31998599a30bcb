"""GPUs that cannot be read at the first look, or for a while: what a run then says of them."""

from __future__ import annotations

import time
from typing import Any

import pynvml
import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.nvml import FakeNvml
from tests.fakes.powercap import FakePowercap
from tests.fakes.recorded import Package, RecordedRun
from tests.fakes.views import assert_true, device, events
from tests.fakes.world import World
from trainwatt import EnergyTracker


class Gpu:
    """A GPU of 300 W beside a package of 100 W, which count from the start of the run."""

    def __init__(self, machine: FakePowercap, gpus: FakeNvml, **lines: Any) -> None:
        self.package = Package(machine)
        self.gpus = gpus
        self.mj = 5_000_000
        self.uuid = gpus.gpu(**({"f185": 300_000, "f186": 300_000, "power": 300_000} | lines))

    def draw(self, seconds: float) -> None:
        self.package.draw(seconds)
        self.mj += round(300_000 * seconds)
        self.gpus.set("0.energy", self.mj)


def test_a_shutdown_by_another_library_takes_no_joule(machine: FakePowercap, gpus: FakeNvml) -> None:
    clock, gpu = FakeClock(), Gpu(machine, gpus)
    run = RecordedRun(machine, clock, gpu.draw, gpus=None)
    for _ in range(5):
        run.move(2.0, tick_s=0.1)
        gpus.shut_down()
    run.move(2.0, tick_s=0.1)
    run.end()
    found = device(run.view, "gpu0")
    assert found["energy_j"] == pytest.approx(300 * 12)
    assert found["provenance"]["measured-counter"] == pytest.approx(300 * 12)
    assert run.view["events"] == []


@pytest.mark.parametrize("times", [1, 3])
def test_a_library_in_the_training_that_shuts_nvml_down_loses_no_gpu(here: World, times: int) -> None:
    with EnergyTracker() as tracker:
        for _ in range(times):
            time.sleep(0.4)
            pynvml.nvmlShutdown()
        time.sleep(0.4)
    view = tracker.summary().to_dict()
    assert_true(device(view, "gpu0"), here.gpus_w[0], view["run"]["duration_s"])
    assert events(view, "lost") == []
    assert "at least" not in tracker.summary().headline
