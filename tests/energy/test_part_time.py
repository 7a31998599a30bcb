"""GPUs whose sensor looks at part of the time only: what chance makes of their figures is within the range, and the range is not idle."""

from __future__ import annotations

import random

import pytest

from tests.fakes.sensor import GPU, INSTANT, NVML_COUNTER
from trainwatt.core.point import Point
from trainwatt.core.sensing import Reading
from trainwatt.energy.integrator import DeviceIntegrator
from trainwatt.energy.intervals import between, interval
from trainwatt.sensors.nvidia.discovery import PART_TIME_S

PERIODS, RUNS = 300, 300
QUARTERS = 4
"""The sensor sees the first quarter of each 100 ms, and takes it for the whole."""


def run(seed: int, low_w: float, high_w: float, part_time_s: float | None = PART_TIME_S) -> tuple[float, float, float]:
    """Half a minute of a load that is another one every 25 ms: the error of its energy, and how far it may be off, below and above (J)."""
    rng = random.Random(seed)
    device = GPU._replace(gain=0.0, part_time_s=part_time_s)
    integrator = DeviceIntegrator(device, NVML_COUNTER, {"power-instant": INSTANT})
    integrator.set_update_period(0.0)
    true_j = counter_j = 0.0
    integrator.counter_reading(Reading(0, 0))
    for period in range(1, PERIODS + 1):
        watts = [rng.choice((low_w, high_w)) for _ in range(QUARTERS)]
        true_j += sum(watts) / QUARTERS * 0.1
        counter_j += watts[0] * 0.1
        t_ns = period * 100_000_000
        if period % 5 == 0:
            integrator.gauge_reading("power-instant", Reading(t_ns, watts[0]))
        integrator.counter_reading(Reading(t_ns, round(counter_j * 1000)))
    end = integrator.curve.ticks[-1]._replace(edge_low_j=0.0, edge_high_j=0.0)
    found = interval([between(Point(0), end, 0.0, "gpu")])
    assert found.energy_j == pytest.approx(counter_j, abs=1e-2)
    return true_j - found.energy_j, found.energy_j - found.low_j, found.high_j - found.energy_j


def test_ninety_five_in_a_hundred_runs_are_within_their_range_which_is_at_most_one_and_a_half_times_what_is_needed() -> None:
    errors = [run(seed, 80.0, 280.0) for seed in range(RUNS)]
    held = sum(-below <= error <= above for error, below, above in errors)
    assert held >= 0.95 * RUNS
    needed_j = sorted(abs(error) for error, _, _ in errors)[int(0.95 * RUNS)]
    widest_j = max(above for _, _, above in errors)
    assert 20 < needed_j < widest_j <= 1.5 * needed_j  # of about 5.4 kJ


def test_a_steady_load_is_not_doubted() -> None:
    assert run(0, 200.0, 200.0) == pytest.approx((0.0, 0.0, 0.0), abs=1e-2)


def test_nor_is_a_sensor_that_sees_all_of_the_time() -> None:
    assert run(0, 80.0, 280.0, None)[1:] == (0.0, 0.0)
