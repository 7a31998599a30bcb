"""A loop in step with a sensor that looks at 25 of every 100 ms: the range holds the truth there, and is as wide as before elsewhere."""

from __future__ import annotations

import math
import random

import pytest

from tests.fakes.part_time import run_in_steps
from tests.fakes.sensor import GPU, NVML_COUNTER
from trainwatt.core.sensing import Reading
from trainwatt.energy.checks.in_step import InStep, Steps, in_step
from trainwatt.energy.integrator import DeviceIntegrator
from trainwatt.sensors.nvidia.discovery import PART_TIME_S

S = 10**9


def every(period_s: float, seconds: float = 20.0, jitter: float = 0.0) -> list[int]:
    rng, t_s, starts = random.Random(3), 0.0, []
    while t_s < seconds:
        starts.append(round(t_s * S))
        t_s += period_s * (1 + jitter * rng.gauss(0, 1))
    return starts


@pytest.mark.parametrize("period_s", [0.1, 0.05, 0.2, 0.3, 0.15, 1 / 15])
def test_steps_of_a_ratio_of_the_cycle_are_in_step(period_s: float) -> None:
    found = in_step(every(period_s))
    assert found is not None
    assert found.share > 0.05
    assert found.step_s == pytest.approx(period_s)


def test_the_shorter_the_ratio_the_more_may_be_missed() -> None:
    shares = [found.share for period_s in (0.1, 0.2, 0.3) if (found := in_step(every(period_s))) is not None]
    assert shares == sorted(shares, reverse=True)
    assert 0.8 < shares[0] <= 1.0


@pytest.mark.parametrize("period_s", [0.0618, 0.1118, 0.1618, 0.2718, 0.7389])
def test_other_steps_are_not(period_s: float) -> None:
    found = in_step(every(period_s, 60.0))
    assert found is not None
    assert found.share < 0.02


def test_steps_of_varying_length_fall_out_of_step() -> None:
    locked, loose = in_step(every(0.1, 60.0)), in_step(every(0.1, 60.0, jitter=0.2))
    assert locked is not None
    assert loose is not None
    assert loose.share < 0.3 * locked.share


@pytest.mark.parametrize("starts", [[], [0], every(0.1, 0.5), every(0.005, 5.0), [0] * 20, [5, 4, 3, 2, 1, 0, 9, 10, 11]])
def test_too_few_steps_too_short_ones_and_odd_times_say_nothing(starts: list[int]) -> None:
    assert in_step(starts) is None


def test_steps_are_looked_at_every_ten_seconds_and_each_step_once() -> None:
    steps = Steps()
    for t_ns in every(0.1, 30.0):
        steps.begin("batch", t_ns)
    assert [steps.due(t * S) for t in (0, 5, 10)] == [False, False, True]
    first = steps.look(30 * S)
    assert first is not None
    assert first.share > 0.8
    assert steps.look(40 * S) is None
    assert not steps.due(45 * S)


def test_of_several_names_the_one_most_in_step_counts() -> None:
    steps = Steps()
    for name, period_s in (("batch", 0.1118), ("update", 0.1), ("phase x", 0.7389)):
        for t_ns in every(period_s):
            steps.begin(name, t_ns)
    found = steps.look(20 * S)
    assert found is not None
    assert found.step_s == pytest.approx(0.1)


def test_only_the_first_names_are_kept() -> None:
    steps = Steps()
    for number in range(100):
        for t_ns in every(0.1):
            steps.begin(f"phase {number}", t_ns)
    assert len(steps._starts) == 8


# ---- on a device


@pytest.mark.parametrize("seconds", [5.0, 20.0])
@pytest.mark.parametrize("jitter", [0.0, 0.005, 0.02])
def test_the_range_holds_the_truth_at_any_length_of_the_steps(jitter: float, seconds: float) -> None:
    rng = random.Random(11)
    runs = [run_in_steps(seed, rng.uniform(0.02, 1.0), jitter, seconds) for seed in range(80)]
    assert sum(of.held for of in runs) >= 0.95 * len(runs)
    assert sorted(of.wider for of in runs)[len(runs) // 2] <= 1.3


@pytest.mark.parametrize("period_s", [0.05, 0.1, 0.2])
def test_in_step_the_range_held_the_truth_in_few_runs_and_now_in_all(period_s: float) -> None:
    runs = [run_in_steps(seed, period_s, 0.001, 10.0) for seed in range(40)]
    assert sum(of.held_before for of in runs) < 0.8 * len(runs)
    assert sum(of.held for of in runs) >= 0.95 * len(runs)
    assert all(of.event for of in runs)


def test_out_of_step_the_range_stays_as_it_was() -> None:
    runs = [run_in_steps(seed, period_s, 0.0, 20.0) for seed, period_s in enumerate((0.0618, 0.1118, 0.1618, 0.2718))]
    assert max(of.wider for of in runs) <= 1.3
    assert not any(of.event for of in runs)


def test_a_sensor_that_sees_all_of_the_time_is_not_touched() -> None:
    integrator = DeviceIntegrator(GPU, NVML_COUNTER, {})
    integrator.counter_reading(Reading(0, 0))
    integrator.counter_reading(Reading(S, 100_000))
    integrator.steps(S, InStep(1.0, 0.1, 1.0))
    latest = integrator.curve.latest
    assert latest is not None
    assert (latest.slack_low_j, latest.slack_high_j) == (0.0, 0.0)


def test_no_more_than_the_limit_and_no_less_than_nothing_may_be_missed() -> None:
    device = GPU._replace(gain=0.0, max_power_w=300.0, part_time_s=PART_TIME_S)
    integrator = DeviceIntegrator(device, NVML_COUNTER, {})
    integrator.counter_reading(Reading(0, 0))
    for second in range(1, 11):
        integrator.counter_reading(Reading(second * S, second * 100_000))
    integrator.steps(10 * S, InStep(1.0, 0.1, 10.0))
    latest = integrator.curve.latest
    assert latest is not None
    assert latest.slack_low_j == pytest.approx(1000.0)
    assert latest.slack_high_j == pytest.approx(2000.0)
    integrator.steps(11 * S, InStep(1.0, 0.1, 1.0))  # nothing was read since
    assert integrator.curve.slack_high_j == pytest.approx(2300.0)
    assert math.isclose(integrator.curve.slack_low_j, 1000.0)


def test_the_first_look_counts_although_the_first_readings_are_no_longer_kept() -> None:
    device = GPU._replace(gain=0.0, max_power_w=300.0, part_time_s=PART_TIME_S)
    integrator = DeviceIntegrator(device, NVML_COUNTER, {})
    for second in range(31):
        integrator.counter_reading(Reading(second * S, second * 100_000))
    assert integrator.curve.first is None
    integrator.steps(30 * S, InStep(0.5, 0.1, 30.0))
    assert integrator.curve.slack_low_j == pytest.approx(3000.0)
    assert integrator.curve.slack_high_j == pytest.approx(4500.0)
