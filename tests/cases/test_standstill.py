"""Counters that stand still while power is drawn, and gauges that stand still because the power is constant (cases 12, 13 and 46)."""

from __future__ import annotations

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.rig import Rig, S, kinds, latest, ns, so_far
from tests.fakes.sensor import AVERAGE, GPU, INSTANT
from tests.fakes.simulated import Load, Simulation, averaged, latched


def test_case_12_a_frozen_counter_is_stale_and_the_gauge_takes_over() -> None:
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    rig.run(200, 5)
    rig.frozen, frozen_ns = rig.raw, rig.t_ns
    rig.run(250, 10)
    [stale] = [e for e in rig.integrator.events if e.kind == "stale"]
    assert stale.t_ns - frozen_ns <= ns(2.2)
    assert "gauge" in stale.detail
    assert latest(rig.integrator).counter_j == pytest.approx(1000, abs=1e-3)
    assert latest(rig.integrator).power_j == pytest.approx(2500, rel=0.02)
    assert latest(rig.integrator).imputed_j == 0


def test_case_12_without_a_gauge_the_power_before_is_held_and_bounded() -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 5)
    rig.frozen = rig.raw
    rig.run(250, 10)
    assert kinds(rig.integrator) == ["stale"]
    assert latest(rig.integrator).imputed_j == pytest.approx(2000, rel=0.02)
    assert so_far(rig.integrator).low_j == pytest.approx(1000, abs=1e-2)
    assert so_far(rig.integrator).high_j == pytest.approx(
        1000 + 300 * 10 + 10, abs=1e-2
    )  # it may have stopped during its last move: 20 J of 30


def test_case_12_a_counter_that_stands_for_less_than_two_seconds_is_not_stale() -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 5)
    rig.frozen = rig.raw
    rig.run(200, 1.9)
    rig.frozen = None
    rig.run(200, 1)
    assert kinds(rig.integrator) == []
    assert so_far(rig.integrator).energy_j == pytest.approx(rig.true_j, abs=1e-3)


LOADS = {
    "constant": Load([(0.0, 200.0)]),
    "up and down before it is stale": Load([(0.0, 200.0), (15.0, 280.0), (15.5, 60.0)]),
    "up and down while it is": Load([(0.0, 200.0), (16.5, 280.0), (17.2, 60.0)]),
    "much more when it is": Load([(0.0, 60.0), (16.4, 290.0)]),
    "much less when it is": Load([(0.0, 290.0), (16.4, 60.0)]),
    "full power": Load([(0.0, 300.0)]),
}


def frozen(load: Load, *, with_gauge: bool) -> Simulation:
    """A run of 10 s from 10 s on whose counter, latched every 0.1 s, stands still from 14 to 18 s; phases lie all over it."""
    clock = FakeClock(10 * S)
    sensors = [latched(GPU, load, clock, 0.1, phase_s=0.03, frozen_s=(14.0, 18.0))]
    simulation = Simulation(clock, [*sensors, averaged(GPU, load, clock, period_s=0.5)] if with_gauge else sensors)
    simulation.phases(*((12.0 + i / 4, 12.5 + i / 4) for i in range(28)), (14.5, 16.05), (15.0, 16.2), (13.0, 15.0), (17.9, 18.3))
    simulation.phases(*((12.0 + i / 3, 12.0 + (i + 1) / 3) for i in range(21)))
    simulation.run(20.0)
    simulation.finish()
    return simulation


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
@pytest.mark.parametrize("with_gauge", [True, False], ids=["gauge", "held"])
def test_case_12_phases_within_the_two_seconds_before_it_is_stale_are_in_their_range(load: Load, with_gauge: bool) -> None:
    """Until the counter is known to be stale, any energy that the device can draw may be missing since its last change."""
    simulation = frozen(load, with_gauge=with_gauge)
    assert simulation.kinds("gpu0") == ["stale", "resumed"]
    simulation.assert_holds(load)


def test_case_12_a_counter_that_never_moved_says_so_and_may_have_missed_all() -> None:
    """No power is known that could be assumed to continue, so nothing is booked, and full power is the bound."""
    load, clock = Load([(0.0, 250.0)]), FakeClock(10 * S)
    simulation = Simulation(clock, [latched(GPU, load, clock, 0.02, frozen_s=(0.0, 100.0))])
    simulation.run(20.0)
    simulation.finish()
    assert simulation.kinds("gpu0") == ["stale"]
    assert simulation.total.energy_j == 0
    assert simulation.sampler.integrators["gpu0"].covered_ns == 0
    simulation.assert_holds(load)


def test_case_12_a_run_that_ends_before_it_is_stale_is_in_its_range() -> None:
    load, clock = Load([(0.0, 250.0)]), FakeClock(10 * S)
    simulation = Simulation(clock, [latched(GPU, load, clock, 0.02, frozen_s=(14.0, 20.0))])
    simulation.calibrate()
    simulation.run(15.5)
    simulation.finish()
    assert simulation.kinds("gpu0") == []
    simulation.assert_holds(load)


def test_case_13_a_constant_gauge_is_not_stale() -> None:
    rig = Rig(counter=None, gauges={"power-instant": INSTANT})
    rig.power_w = 200
    rig.read()
    rig.run(200, 60)
    rig.integrator.finish(rig.t_ns)
    assert kinds(rig.integrator) == []
    assert so_far(rig.integrator).energy_j == pytest.approx(12_000)
    assert latest(rig.integrator).power_j == latest(rig.integrator).energy_j
    assert rig.integrator.covered_ns == pytest.approx(60 * S, rel=1e-6)


def test_case_46_a_thawed_counter_books_no_joule_twice() -> None:
    """It showed nothing new for 10 s and continued to count: the gauge's 2.5 kJ and the counter's 2.5 kJ are the same joules."""
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    rig.run(250, 5)
    rig.frozen = rig.raw
    rig.run(250, 10)
    rig.frozen = None
    rig.run(250, 5)
    assert kinds(rig.integrator) == ["stale", "resumed"]
    assert so_far(rig.integrator).energy_j == pytest.approx(5000, abs=0.01)


def test_case_46_a_counter_that_missed_its_frozen_time_books_never_below_zero() -> None:
    """It counted nothing while it stood still. The imputed energy stays, and the range says that it may be too much."""
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    rig.run(250, 5)
    rig.frozen = rig.raw
    rig.run(250, 10)
    rig.frozen, rig.offset_uj = None, rig.offset_uj - 2500 * 10**6
    before = latest(rig.integrator)
    rig.run(250, 0.1)
    after = latest(rig.integrator)
    assert after.counter_j == before.counter_j
    assert after.slack_low_j > before.slack_low_j
    rig.run(250, 4.9)
    assert so_far(rig.integrator).low_j <= rig.true_j <= so_far(rig.integrator).high_j + 30
    assert so_far(rig.integrator).energy_j == pytest.approx(5000, rel=0.01)


@pytest.mark.parametrize("with_gauge", [True, False], ids=["gauge", "held"])
def test_case_46_the_phases_around_the_thaw_add_up_and_book_no_joule_twice(with_gauge: bool) -> None:
    """Adjacent phases from before the freeze to after the thaw: their energies are those of the time they span."""
    simulation = frozen(LOADS["constant"], with_gauge=with_gauge)
    adjacent = simulation.parts[-21:]
    assert sum(stated.energy_j for _, _, stated in adjacent) == pytest.approx(7.0 * 200, abs=25)  # a latch at either end
    assert simulation.total.energy_j == pytest.approx(2000, abs=25)
