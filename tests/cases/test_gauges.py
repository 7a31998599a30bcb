"""Power that is integrated, small loads, and loops in step with a sensor: cases 14, 19, 35, 53, 65 and 66."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.part_time import run_in_steps
from tests.fakes.rig import Rig, S, kinds, latest, so_far
from tests.fakes.sensor import GPU, INSTANT, NVML_COUNTER, ScriptedSensor
from tests.fakes.simulated import Load, Simulation, averaged, instantaneous
from trainwatt.core.point import Point
from trainwatt.core.sensing import Gauge
from trainwatt.energy.intervals import between, interval

Sensors = Callable[[Load, FakeClock], list[ScriptedSensor]]


@pytest.mark.parametrize("gauge", [INSTANT, Gauge("interval"), Gauge("window", 0.1)], ids=["instant", "interval", "window"])
def test_case_14_unchanged_samples_are_integrated_too(gauge: Gauge) -> None:
    rig = Rig(counter=None, gauges={"power": gauge})
    rig.power_w = 100
    rig.read()
    rig.run(100, 9.8)
    rig.draw(100, 0.1)
    rig.power_w = 500 if gauge.shape == "instant" else 100
    rig.read()
    rig.run(500, 0.1)
    rig.integrator.finish(rig.t_ns)
    assert rig.true_j == pytest.approx(1040)
    assert so_far(rig.integrator).energy_j == pytest.approx(1040, rel=0.02)
    assert so_far(rig.integrator).low_j <= 1040 <= so_far(rig.integrator).high_j


def test_case_19_a_stopped_process_leaves_an_imputed_gap_in_a_gauge() -> None:
    rig = Rig(counter=None, gauges={"power-instant": INSTANT})
    rig.power_w = 60
    rig.read()
    rig.run(60, 1)
    rig.run(250, 4)
    measured = rig.integrator.covered_ns
    rig.draw(100, 60)
    rig.power_w = 250
    rig.read()
    assert kinds(rig.integrator) == ["gap"]
    assert latest(rig.integrator).imputed_j == pytest.approx(15_000)
    assert rig.integrator.covered_ns == measured
    assert so_far(rig.integrator).low_j <= rig.true_j <= so_far(rig.integrator).high_j


SEEN_BY: dict[str, Sensors] = {
    "average": lambda load, clock: [averaged(GPU, load, clock)],
    "average renewed every 0.1 s": lambda load, clock: [averaged(GPU, load, clock, update_s=0.1, phase_s=0.05)],
    "average and instant": lambda load, clock: [averaged(GPU, load, clock), instantaneous(GPU, load, clock)],
}


@pytest.mark.parametrize("sensors", [SEEN_BY["average"], SEEN_BY["average and instant"]], ids=["average", "average and instant"])
@pytest.mark.parametrize(("before_w", "after_w"), [(60.0, 280.0), (280.0, 60.0)])
def test_case_35_a_load_step_seen_through_an_average_of_one_second(sensors: Sensors, before_w: float, after_w: float) -> None:
    """The curve's power crosses half of the step within 0.1 s. At every point its energy is within W·ΔP/8, and its range holds."""
    step_s, clock = 15.03, FakeClock(10 * S)
    load = Load([(0.0, before_w), (step_s, after_w)])
    simulation = Simulation(clock, sensors(load, clock))
    simulation.phases((12.0, step_s), (step_s, 18.0), (14.0, 16.0), (step_s - 0.5, step_s + 0.5))
    simulation.run(20.0)
    curve = simulation.sampler.integrators["gpu0"].curve
    points = [p for tick in curve.ticks if (p := curve.at(tick.t_ns)) is not None]
    for point in points:
        true_j = load.joules(point.t_ns / S, 10.0)
        assert abs(point.energy_j - true_j) <= 1.0 * abs(after_w - before_w) / 8 + 0.5
        assert point.energy_j - point.edge_low_j - point.slack_low_j - 0.01 <= true_j
        assert true_j <= point.energy_j + point.edge_high_j + point.slack_high_j + 0.01
    powers = [((a.t_ns + b.t_ns) / 2 / S, (b.energy_j - a.energy_j) / (b.t_ns - a.t_ns) * S) for a, b in pairwise(points)]
    half_w = (before_w + after_w) / 2
    [crossed_s] = [
        s + (t - s) * (half_w - v) / (w - v) for (s, v), (t, w) in pairwise(powers) if (v - half_w) * (w - half_w) <= 0 and v != w
    ]
    assert abs(crossed_s - step_s) <= 0.1
    simulation.finish()
    simulation.assert_holds(load)


@pytest.mark.parametrize("sensors", SEEN_BY.values(), ids=SEEN_BY)
@pytest.mark.parametrize(("before_w", "after_w"), [(60.0, 280.0), (280.0, 60.0)])
@pytest.mark.parametrize("since_s", [0.05, 0.3, 0.5, 0.7, 0.95])
@pytest.mark.parametrize("run_s", [1.5, 8.0])
def test_case_53_stopped_within_a_window_of_a_load_step(
    sensors: Sensors, before_w: float, after_w: float, since_s: float, run_s: float
) -> None:
    """The average hardly shows the step up or down; the range includes it."""
    clock = FakeClock(10 * S)
    load = Load([(0.0, before_w), (10.0 + run_s - since_s, after_w)])
    simulation = Simulation(clock, sensors(load, clock))
    simulation.run(10.0 + run_s)
    simulation.finish()
    simulation.assert_holds(load)
    last = simulation.sampler.integrators["gpu0"].curve.latest
    assert last is not None
    assert last.t_ns == clock.now_ns
    assert last.imputed_j > 0


SMALL = GPU._replace(offset_w=5.0)


@pytest.mark.parametrize("off_w", [-5, 5])
@pytest.mark.parametrize("true_w", [12, 40, 70, 250])
@pytest.mark.parametrize("meter", ["counter", "gauge"])
def test_case_65_an_absolute_error_of_the_sensor_at_a_small_load(meter: str, true_w: int, off_w: int) -> None:
    """The vendor states ±5 W, which is more than 5 % of an idle GPU."""
    rig = Rig(SMALL, NVML_COUNTER if meter == "counter" else None, {} if meter == "counter" else {"power": INSTANT}, start_j=0.0)
    rig.power_w = true_w + off_w
    rig.read()
    begin_ns = rig.t_ns
    rig.run(true_w + off_w, 60)
    rig.integrator.finish(rig.t_ns)
    end = latest(rig.integrator)._replace(edge_low_j=0.0, edge_high_j=0.0)
    stated = interval([between(Point(begin_ns), end, SMALL.gain, "gpu", SMALL.offset_w)])
    assert stated.low_j - 0.01 <= true_w * 60 <= stated.high_j + 0.01
    assert stated.high_j - stated.low_j <= 2 * 60 * math.hypot(5.2, 0.0525 * (true_w + 5))


@pytest.mark.parametrize("period_s", [0.1, 0.05, 0.2])
def test_case_66_a_loop_in_step_with_a_sensor_that_measures_part_of_the_time(period_s: float) -> None:
    """It is said, and the range holds; without a look at the steps it would not."""
    runs = [run_in_steps(seed, period_s, 0.001, 10.0) for seed in range(20)]
    assert all(of.held and of.event for of in runs)
    assert not all(of.held_before for of in runs)
