"""Impossible readings: resets, text, negative numbers and megawatts (cases 6, 10 and 11)."""

from __future__ import annotations

import math

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.powercap import FakePowercap
from tests.fakes.recorded import Package, RecordedRun
from tests.fakes.rig import Rig, S, kinds, latest, so_far
from tests.fakes.sensor import AMD_COUNTER, AMD_PACKAGE, GPU, INSTANT, NVML_COUNTER, ScriptedSensor
from tests.fakes.simulated import Load, Simulation, latched
from tests.fakes.views import device
from trainwatt.core.sensing import Reading


def test_case_06_a_reset_to_a_small_value_is_no_spike() -> None:
    rig = Rig(start_j=5_000_000)
    rig.read()
    rig.run(200, 5)
    rig.draw(200, 0.1)
    rig.offset_uj = -rig.true_uj + 4 * 10**6  # 4 J since its restart
    rig.read()
    assert latest(rig.integrator).imputed_j == pytest.approx(20, rel=0.02)
    assert so_far(rig.integrator).low_j == pytest.approx(1000 + 4, abs=1e-2)  # it is known to restart at 0
    assert so_far(rig.integrator).high_j == pytest.approx(1000 + 30, abs=1e-2)
    rig.run(200, 5)
    assert so_far(rig.integrator).energy_j == pytest.approx(2020, rel=1e-3)
    assert kinds(rig.integrator) == ["reset"]


def test_case_06_a_fall_to_a_large_value_is_no_spike() -> None:
    """A counter that restarts at 0 and shows 4 MJ a tenth of a second later did not draw 4 MJ."""
    rig = Rig(start_j=5_000_000)
    rig.read()
    rig.run(200, 5)
    rig.draw(200, 0.1)
    rig.offset_uj = 4_000_000 * 10**6
    rig.read()
    assert so_far(rig.integrator).energy_j <= 1000 + 300 * 0.1 + 1e-3
    assert so_far(rig.integrator).high_j <= 1000 + 300 * (0.1 + 0.25) + 1e-3


def test_case_06_a_reset_takes_the_gauges_power_where_there_is_one() -> None:
    rig = Rig(gauges={"power-instant": INSTANT}, start_j=5_000_000)
    rig.read()
    rig.run(200, 5)
    rig.draw(280, 0.5)
    rig.offset_uj = -rig.true_uj
    rig.read()
    assert latest(rig.integrator).imputed_j == pytest.approx(140)


@pytest.mark.parametrize("power_w", [10.0, 290.0])
@pytest.mark.parametrize("phase_s", [0.0, 0.03, 0.06, 0.09])
@pytest.mark.parametrize("restart_s", [15.0, 15.02, 15.05, 15.07])
def test_case_06_a_latched_counter_that_restarts_leaves_the_truth_in_the_range(power_w: float, phase_s: float, restart_s: float) -> None:
    """The range covers the energy that the counter had not shown before its restart, and that it does not show yet after it."""
    clock, load = FakeClock(10 * S), Load([(0.0, power_w)])
    counter = latched(GPU, load, clock, 0.1, phase_s=phase_s)
    at_restart_mj = round(1000 * (1000 + load.joules(restart_s)))
    restarting = ScriptedSensor(
        GPU, NVML_COUNTER, [lambda: counter.read() if clock.now_ns < restart_s * S else max(0, int(counter.read()) - at_restart_mj)]
    )
    simulation = Simulation(clock, [restarting])
    simulation.phases((12.0, 14.0), (14.0, 16.0), (14.9, 15.1), (15.2, 18.0))
    simulation.run(20.0)
    simulation.finish()
    simulation.assert_holds(load)
    assert simulation.kinds("gpu0") == ["reset"]


@pytest.mark.parametrize("text", ["", "N/A", "nan", "-5"])
def test_case_10_text_in_the_place_of_a_counter_is_an_event_and_costs_nothing(machine: FakePowercap, text: str) -> None:
    clock, package = FakeClock(), Package(machine)
    run = RecordedRun(machine, clock, package.draw)
    run.move(2.0, tick_s=0.1)
    machine.set_energy("intel-rapl:0", text)
    clock.advance(0.1)
    run.sampler.poll()
    package.draw(0.1)
    run.move(2.0, tick_s=0.1)
    run.end()
    found = device(run.view, "package-0")
    assert found["energy_j"] == pytest.approx(410, abs=1e-6)
    assert found["provenance"]["measured-counter"] == found["energy_j"]
    [event] = run.view["events"]
    assert event["kind"] == "gap"
    assert repr(text) in event["detail"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_case_10_a_counter_that_reads_no_number_is_rejected(value: float) -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 1)
    rig.draw(200, 0.1)
    rig.integrator.counter_reading(Reading(rig.t_ns, value))
    assert kinds(rig.integrator) == ["absurd"]
    rig.run(200, 1)
    assert so_far(rig.integrator).energy_j == pytest.approx(420, abs=1e-3)


@pytest.mark.parametrize("raw", [-5, -(10**9), (AMD_COUNTER.modulus or 0) + 10])
def test_case_10_a_counter_that_reads_outside_its_range_is_rejected(raw: int) -> None:
    rig = Rig(AMD_PACKAGE, AMD_COUNTER, start_j=65_500)
    rig.read()
    rig.run(200, 0.1)
    rig.draw(200, 0.1)
    rig.integrator.counter_reading(Reading(rig.t_ns, raw))
    rig.run(200, 1)
    assert so_far(rig.integrator).energy_j == pytest.approx(240, abs=1e-3)
    assert "absurd" in kinds(rig.integrator)
    assert kinds(rig.integrator).count("wrap") == 1


@pytest.mark.parametrize("watts", [math.nan, math.inf, -math.inf, -3.0])
def test_case_10_a_gauge_that_reads_no_power_is_rejected(watts: float) -> None:
    rig = Rig(counter=None, gauges={"power-instant": INSTANT})
    rig.read()
    rig.run(200, 1)
    before = latest(rig.integrator).energy_j
    rig.draw(200, 0.1)
    rig.integrator.gauge_reading("power-instant", Reading(rig.t_ns, watts))
    assert latest(rig.integrator).energy_j == before
    assert kinds(rig.integrator) == ["absurd"]
    rig.run(200, 1)
    assert latest(rig.integrator).energy_j == pytest.approx(before + 200 * 1.1)


def test_case_11_a_megawatt_is_quarantined() -> None:
    rig = Rig(counter=None, gauges={"power-instant": INSTANT})
    rig.power_w = 200
    rig.read()
    rig.run(200, 1)
    rig.draw(200, 0.1)
    rig.integrator.gauge_reading("power-instant", Reading(rig.t_ns, 1e6))
    rig.run(200, 0.9)
    assert kinds(rig.integrator) == ["absurd"]
    assert so_far(rig.integrator).energy_j == pytest.approx(400)
    assert so_far(rig.integrator).high_j == pytest.approx(400)


def test_case_11_a_megajoule_jump_never_moves_the_baseline() -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 1)
    rig.draw(200, 0.1)
    rig.integrator.counter_reading(Reading(rig.t_ns, rig.raw + 10**9))
    assert kinds(rig.integrator) == ["absurd"]
    rig.run(200, 0.9)
    assert kinds(rig.integrator) == ["absurd"]
    assert so_far(rig.integrator).energy_j == pytest.approx(400, abs=1e-3)
    assert so_far(rig.integrator).high_j == pytest.approx(400, abs=1e-3)
