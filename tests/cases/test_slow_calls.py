"""Slow driver calls: case 36."""

from __future__ import annotations

import threading
import time

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.sensor import AVERAGE, GPU, NVML_COUNTER, OTHER_GPU, ScriptedSensor
from tests.fakes.simulated import Load, Simulation, latched
from tests.fakes.views import assert_true, device, phase_named
from tests.fakes.world import HANGS_S, World
from trainwatt import EnergyTracker


def test_case_36_calls_of_5_ms_are_made_less_often_and_lose_nothing() -> None:
    """Slow calls become rarer until they take at most 2 % of the time. A fast sensor keeps its rate, and the slow counter its joules."""
    clock, load = FakeClock(10**10), Load([(0.0, 150.0), (20.0, 290.0), (25.0, 60.0)])
    shown = latched(GPU, load, clock, 0.001)
    slow = ScriptedSensor(GPU, NVML_COUNTER, [shown.read], clock=clock, cost_s=0.005)
    gauge = ScriptedSensor(GPU, AVERAGE, [200.0], "power-average", clock=clock, cost_s=0.005)
    simulation = Simulation(clock, [slow, gauge, latched(OTHER_GPU, load, clock, 0.001)])
    simulation.run(40.0)
    simulation.finish()
    every = {(c.sensor.device.name, c.sensor.name): c.every for c in simulation.sampler.channels}
    assert every == {("gpu0", "energy"): 3, ("gpu0", "power-average"): 5, ("gpu1", "energy"): 1}
    late = simulation.sampler.events
    assert {(e.kind, e.device) for e in late} == {("late", "gpu0")}
    assert "every 0.3 s" in late[-1].detail
    latest = simulation.sampler.integrators["gpu0"].curve.latest
    assert latest is not None
    assert latest.counter_j == latest.energy_j == pytest.approx(load.joules(40.0, 10.0), abs=5)


def test_case_36_the_training_thread_never_waits_for_a_call(here: World) -> None:
    """A call hangs in the sampling thread until the training has gone through a hundred phases, and ends only then."""
    entered, let_go = threading.Event(), threading.Event()
    with EnergyTracker() as tracker:
        assert tracker._begun is not None
        sampler = tracker._begun.sampler
        assert sampler is not None
        time.sleep(0.8)  # past the first readings
        [counter] = [c.sensor for c in sampler.channels if (c.sensor.device.name, c.sensor.name) == ("gpu0", "energy")]
        read = counter.read

        def slow() -> int | float:
            if threading.current_thread() is not threading.main_thread():
                entered.set()
                assert let_go.wait(HANGS_S)
            return read()

        counter.read = slow  # type: ignore[method-assign]
        assert entered.wait(HANGS_S)
        for step in range(100):
            with tracker.phase("train", step=step):
                tracker.update(samples=1)
        through = not let_go.is_set()
        let_go.set()
        with tracker.phase("after"):
            time.sleep(0.5)
    assert through
    view = tracker.summary().to_dict()
    assert phase_named(view, "train")["count"] == 100
    assert_true(device(view, "gpu0"), here.gpus_w[0], view["run"]["duration_s"])
    assert_true(phase_named(view, "after"), here.total_w, phase_named(view, "after")["duration_s"])
