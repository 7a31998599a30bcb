"""Sensors that are lost, and a sampler that dies: cases 32, 42 and 44."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import NoReturn

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.nvml import FakeNvml
from tests.fakes.powercap import FakePowercap
from tests.fakes.recorded import RecordedRun
from tests.fakes.rig import NOW_NS, Rig, gpu, kinds, ns, phase, ramp, so_far
from tests.fakes.sensor import GPU, INSTANT, NVML_COUNTER, OTHER_GPU, ScriptedSensor
from tests.fakes.simulated import Load, Simulation, latched
from tests.fakes.views import STEP_S, assert_true, device, events, phase_named
from tests.fakes.world import MakeWorld, World, enter
from trainwatt import EnergyTracker
from trainwatt.errors import SensorLostError
from trainwatt.tracking.sampling.calibration import Calibration


def test_case_32_a_lost_device_keeps_its_joules_and_the_others_go_on() -> None:
    lost, other = Rig(GPU), Rig(OTHER_GPU)
    for rig in (lost, other):
        rig.read()
        rig.run(200, 5)
    lost.draw(200, 0.1)
    lost.integrator.failed("energy", lost.t_ns, "GPU is lost", lost=True)
    lost.run(200, 5)
    other.run(200, 5)
    assert kinds(lost.integrator) == ["lost"]
    assert so_far(lost.integrator).energy_j == pytest.approx(1000, abs=1e-3)
    assert so_far(lost.integrator).low_j == pytest.approx(1000, abs=1e-3)
    assert so_far(lost.integrator).high_j == pytest.approx(1000 + 0.1 * 300, abs=1e-3)  # unseen between last reading and loss
    assert so_far(other.integrator).energy_j == pytest.approx(2000, abs=1e-3)


def test_case_32_a_lost_device_is_read_no_more_and_the_others_go_on() -> None:
    clock, load = FakeClock(), Load([(0.0, 200.0)])
    lost = ScriptedSensor(GPU, NVML_COUNTER, [0, 20_000, SensorLostError("GPU is lost"), 999_000])
    power = ScriptedSensor(GPU, INSTANT, [200.0])
    simulation = Simulation(clock, [lost, power, latched(OTHER_GPU, load, clock, 0.001)])
    simulation.run(3.0)
    simulation.finish()
    energy_j = {name: p.energy_j for name, i in simulation.sampler.integrators.items() if (p := i.curve.latest) is not None}
    assert energy_j == pytest.approx({"gpu0": 20, "gpu1": 400}, abs=1)
    assert (lost.reads, power.reads) == (3, 2)  # its gauge only checks the counter: every half second
    assert simulation.kinds("gpu0") == ["lost"]


def test_case_32_a_lost_device_does_not_hold_up_the_phases_of_the_others() -> None:
    gone, other = gpu(), gpu()
    ramp(gone, 0, 2, 200)
    gone.failed("energy", ns(2.1), "GPU is lost", lost=True)
    ramp(other, 0, 5, 100)
    shares = phase(1, 4).resolve({"gpu0": gone, "gpu1": other}, NOW_NS, final=False)
    assert shares is not None
    assert shares["gpu0"].energy_j == pytest.approx(200, abs=0.01)
    assert shares["gpu0"].slack_high_j == pytest.approx(30, abs=0.01)
    assert shares["gpu1"].energy_j == pytest.approx(300, abs=0.01)


def test_case_32_a_gpu_lost_mid_run_keeps_its_joules_and_the_others_go_on(
    make_world: MakeWorld, clean_environ: pytest.MonkeyPatch, nvml_library: Path
) -> None:
    world = enter(make_world(gpus_w=(300.0, 200.0)), clean_environ, nvml_library)
    with EnergyTracker() as tracker:
        time.sleep(0.6)
        world.gpu("0.lost", 1)
        with tracker.phase("after"):
            time.sleep(0.6)
    view = tracker.summary().to_dict()
    seconds = view["run"]["duration_s"]
    assert view["run"]["status"] == "completed"
    lost, other = device(view, "gpu0"), device(view, "gpu1")
    assert lost["energy_j"] == pytest.approx(300.0 * 0.6, abs=300.0 * 0.25)
    assert lost["coverage"] < 0.8
    assert_true(other, 200.0, seconds)
    assert_true(device(view, "package-0"), world.package_w, seconds)
    said = events(view, "lost")
    assert [e["device"] for e in said] == ["gpu0"]
    assert "lost" in said[0]["detail"]
    assert "gpu0 seen" in tracker.summary().headline
    after = phase_named(view, "after")
    assert after["energy_j"] >= (200.0 + world.package_w + world.dram_w) * (after["duration_s"] - STEP_S)
    energies = sum(d["energy_j"] for d in view["energy"]["devices"])
    assert energies == pytest.approx(view["energy"]["total_j"])


class Node:
    """Two GPUs of 300 W, a package of 80 W and memory of 10 W, all counting from the start of the run."""

    def __init__(self, machine: FakePowercap, gpus: FakeNvml) -> None:
        self.watts = {"gpu0": 300, "gpu1": 300, "package-0": 80, "dram-0": 10}
        self._machine, self._gpus = machine, gpus
        machine.zone("intel-rapl:0", "package-0", limit_w=250)
        machine.zone("intel-rapl:0:0", "dram")
        for _ in range(2):
            gpus.gpu(f185=300_000, f186=300_000)
        self.seconds = 0.0

    def draw(self, seconds: float) -> None:
        self.seconds += seconds
        for index in (0, 1):
            self._gpus.set(f"{index}.energy", 5_000_000 + round(300_000 * self.seconds))
        self._machine.set_energy("intel-rapl:0", round(80e6 * self.seconds))
        self._machine.set_energy("intel-rapl:0:0", round(10e6 * self.seconds))


def test_case_42_after_a_hot_unplug_the_parts_still_sum_to_the_total(machine: FakePowercap, gpus: FakeNvml) -> None:
    """A GPU is pulled out in the middle of the third of six adjacent phases: devices sum to the total, phases to the run."""
    clock, node = FakeClock(), Node(machine, gpus)
    run = RecordedRun(machine, clock, node.draw, gpus=None)
    for number in range(6):
        start_ns = clock.now_ns
        run.move(1.0, tick_s=0.1)
        if number == 2:
            gpus.set("1.lost", 1)
        run.move(1.0, tick_s=0.1)
        run.phase(f"step {number}", start_ns, clock.now_ns)
    run.end()
    view = run.view
    energy = view["energy"]
    assert [e["device"] for e in events(view, "lost")] == ["gpu1"]
    expected_j = {name: watts * (5 if name == "gpu1" else 12) for name, watts in node.watts.items()}
    assert {d["device"]: d["energy_j"] for d in energy["devices"]} == pytest.approx(expected_j, abs=1e-6)
    assert energy["total_j"] == pytest.approx(sum(d["energy_j"] for d in energy["devices"]), rel=1e-12)
    for found in energy["devices"]:
        assert found["energy_j"] == pytest.approx(sum(found["provenance"].values()), rel=1e-12)
    assert len(view["phases"]) == 6
    assert sum(p["energy_j"] for p in view["phases"]) == pytest.approx(energy["total_j"], rel=1e-9)
    assert phase_named(view, "step 2")["energy_j"] == pytest.approx(300 * 3 + 90 * 2, abs=1e-6)
    assert phase_named(view, "step 5")["energy_j"] == pytest.approx(300 * 2 + 90 * 2, abs=1e-6)


def test_case_44_whoever_looks_two_periods_after_the_samplers_death_flags_the_run(
    machine: FakePowercap, gpus: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread dies in its first round. The next commit reports this once, and reads the sensors instead."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    clock, node = FakeClock(), Node(machine, gpus)
    run = RecordedRun(machine, clock, node.draw, gpus=None)

    def broken(_: object) -> NoReturn:
        raise RuntimeError("the thread dies")

    monkeypatch.setattr(run.sampler, "_sample", broken)
    monkeypatch.setattr(Calibration, "run", lambda *_: None)
    told: list[bool] = []
    run.sampler.on_death = lambda: told.append(run.sampler.died)
    run.sampler.start()
    assert run.sampler._thread is not None
    run.sampler._thread.join(5.0)
    assert run.sampler.died
    assert told == [True]  # so that the writer looks at once
    dead_ns = clock.now_ns
    run.move(0.2)
    run.move(1.0)
    run.end()
    [dead] = [e for e in run.stored.events if e.kind == "dead"]
    assert dead.t_ns - dead_ns <= 200_000_000
    assert run.view["energy"]["total_j"] == pytest.approx(1.2 * sum(node.watts.values()), abs=1e-6)


@pytest.mark.slow
def test_case_44_a_sampler_that_dies_is_said_and_the_run_is_still_right(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After that the writer reads the sensors, once a second."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with EnergyTracker() as tracker:
        time.sleep(0.3)
        assert tracker._begun is not None
        sampler = tracker._begun.sampler
        assert sampler is not None

        def broken(_: object) -> NoReturn:
            raise RuntimeError("the thread dies")

        monkeypatch.setattr(sampler, "_sample", broken)
        time.sleep(2.3)
        assert not sampler.alive
    view = tracker.summary().to_dict()
    assert len(events(view, "dead")) == 1
    assert_true(device(view, "package-0"), here.package_w, view["run"]["duration_s"])
