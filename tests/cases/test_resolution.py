"""Loads and phases that are as short as the resolution of the sensor: cases 20, 21 and 47. The gain is 0, so that it hides no error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.rig import NOW_NS, gpu, phase, ramp, total
from tests.fakes.sensor import GPU, ScriptedSensor
from tests.fakes.simulated import Load, Simulation, averaged, instantaneous, latched

LOW_W, HIGH_W, BEGIN_S = 60.0, 280.0, 10.0
Sensors = Callable[[Load, FakeClock], list[ScriptedSensor]]

IN_STEP: list[tuple[str, float, Sensors]] = [
    ("a counter latched every 0.1 s", 0.1, lambda load, clock: [latched(GPU, load, clock, 0.1, phase_s=0.03)]),
    ("the power now, read every 0.1 s", 0.1, lambda load, clock: [instantaneous(GPU, load, clock)]),
    ("the power of 1 s and now", 0.1, lambda load, clock: [averaged(GPU, load, clock), instantaneous(GPU, load, clock)]),
    ("the power of 1 s", 1.0, lambda load, clock: [averaged(GPU, load, clock)]),
    ("the power of 1 s, renewed every 0.1 s", 1.0, lambda load, clock: [averaged(GPU, load, clock, update_s=0.1, phase_s=0.04)]),
    ("the power of 1 s and now", 1.0, lambda load, clock: [averaged(GPU, load, clock), instantaneous(GPU, load, clock)]),
]


@pytest.mark.parametrize("shift", [0.05, 0.25, 0.45, 0.7, 0.95])
@pytest.mark.parametrize(("step_s", "sensors"), [(s, m) for _, s, m in IN_STEP], ids=[f"{s} s, {n}" for n, s, _ in IN_STEP])
def test_case_20_steps_as_long_as_the_sensors_period(step_s: float, sensors: Sensors, shift: float) -> None:
    """A training step of half full and half low power, begun anywhere within the sensor's period. An average over a whole step never
    shows that there are steps, and ticks in step with the training would only ever meet one half of it."""
    load = Load.square(LOW_W, HIGH_W, step_s, BEGIN_S - 5 - shift * step_s, BEGIN_S + 25)
    clock = FakeClock(round(BEGIN_S * 1e9))
    simulation = Simulation(clock, sensors(load, clock))
    whole_steps = [(BEGIN_S + 1 + i, BEGIN_S + 1 + i + 3 * step_s) for i in range(4)]
    halves = [(a_s - shift * step_s, a_s - shift * step_s + step_s / 2) for a_s in (BEGIN_S + 8, BEGIN_S + 11, BEGIN_S + 14.5 * step_s + 2)]
    simulation.phases(*whole_steps, *(halves if step_s == 1.0 else []), (BEGIN_S + 2, BEGIN_S + 17))
    simulation.run(BEGIN_S + 20)
    simulation.finish()
    simulation.assert_holds(load)
    assert simulation.total.energy_j == pytest.approx(load.joules(BEGIN_S + 20, BEGIN_S), rel=0.25)


def test_case_21_a_phase_shorter_than_two_ticks_is_unresolved_and_its_range_holds() -> None:
    """50 ms on a 100 ms sensor: 200 W on average over the tick, but anything from 5 to 15 J in the phase."""
    integrator = gpu()
    ramp(integrator, 0, 5, 200)
    record = phase(2.02, 2.07)
    shares = record.resolve({"gpu0": integrator}, NOW_NS, final=False)
    assert shares is not None
    assert not record.resolved({"gpu0": integrator}, shares)
    energy = total(shares)
    assert energy.energy_j == pytest.approx(10, abs=0.01)
    assert energy.low_j <= 5 + 0.01  # the tick's 20 J may have fallen outside the phase for all but 5 J
    assert energy.high_j >= 15 - 0.01


@pytest.mark.parametrize("burst_w", [300.0, 0.0])
@pytest.mark.parametrize("where_s", [i * 0.0125 for i in range(8)])
def test_case_21_whatever_happens_in_50_ms_is_in_the_range(where_s: float, burst_w: float) -> None:
    """The phase is exactly a burst at full power, or exactly a pause, anywhere within the 100 ms in which the counter does not change."""
    at_s = BEGIN_S + 4 + where_s
    load = Load([(0.0, 150.0), (at_s, burst_w), (at_s + 0.05, 150.0)])
    clock = FakeClock(round(BEGIN_S * 1e9))
    simulation = Simulation(clock, [latched(GPU, load, clock, 0.1)])
    simulation.phases((at_s, at_s + 0.05))
    simulation.run(BEGIN_S + 8)
    simulation.finish()
    simulation.assert_holds(load)


@pytest.mark.parametrize("nudged", [False, True], ids=["ticks only", "read at edges too"])
@pytest.mark.parametrize("phase_s", [0.0, 0.013, 0.05, 0.098])
@pytest.mark.parametrize("offset_s", [0.0, 0.03, 0.07])
def test_case_47_a_counter_latched_every_100_ms_and_phases_of_200_ms(phase_s: float, offset_s: float, nudged: bool) -> None:
    """300 W in every second phase, 50 W in the others. The counter's period is measured; the moments of its changes are not known."""
    load = Load.square(50.0, 300.0, 0.4, offset_s, BEGIN_S + 20)
    clock = FakeClock(round(BEGIN_S * 1e9))
    simulation = Simulation(clock, [latched(GPU, load, clock, 0.1, phase_s=phase_s)])
    simulation.calibrate()
    assert 0.1 <= (simulation.sampler.integrators["gpu0"].update_period_s or 0.0) <= 0.12
    simulation.phases(*((BEGIN_S + 2 + offset_s + 0.2 * i, BEGIN_S + 2 + offset_s + 0.2 * (i + 1)) for i in range(40)))
    simulation.run(BEGIN_S + 12, nudged=nudged)
    simulation.finish()
    simulation.assert_holds(load)
