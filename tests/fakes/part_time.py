"""Runs of a load in steps, on a sensor that looks at the first quarter of each 100 ms only."""

from __future__ import annotations

import random
from bisect import bisect_right
from itertools import pairwise
from typing import NamedTuple

from tests.fakes.sensor import GPU, INSTANT, NVML_COUNTER
from trainwatt.core.point import Point
from trainwatt.core.run import EventKind
from trainwatt.core.sensing import Reading
from trainwatt.energy.checks.in_step import APERTURE_S, CYCLE_S, Steps
from trainwatt.energy.integrator import DeviceIntegrator
from trainwatt.energy.intervals import between, interval
from trainwatt.sensors.nvidia.discovery import PART_TIME_S

S = 10**9
GAIN, LIMIT_W = 0.05, 700.0


class SteppedLoad:
    """A load that is high in a part of each step."""

    def __init__(self, rng: random.Random, starts_s: list[float]) -> None:
        low, high, part, first = rng.uniform(50, 150), rng.uniform(250, 680), rng.uniform(0.2, 0.8), rng.random()
        times, watts = [-10.0], [low]
        for a, b in pairwise(starts_s):
            times += [a + first * (b - a), a + (first + part) * (b - a)]
            watts += [high, low]
        self._times, self._watts = times, watts
        self._joules = [0.0]
        for (a, b), w in zip(pairwise(times), watts, strict=False):
            self._joules.append(self._joules[-1] + w * (b - a))

    def joules(self, t_s: float) -> float:
        i = bisect_right(self._times, t_s) - 1
        return self._joules[i] + self._watts[i] * (t_s - self._times[i])


class RunInSteps(NamedTuple):
    """Whether the range held the truth, as it is and as it was before steps were looked at, and how much wider it is."""

    held: bool
    held_before: bool
    wider: float
    event: bool


def run_in_steps(seed: int, period_s: float, jitter: float, seconds: float) -> RunInSteps:
    """A run on a sensor that takes what it sees in the first quarter of each cycle for the whole cycle."""
    rng = random.Random(seed)
    t_s, starts_s = -rng.random() * period_s, []
    while t_s < seconds + 2 * period_s:
        starts_s.append(t_s)
        t_s += period_s * (1 + jitter * rng.gauss(0, 1))
    load, gain = SteppedLoad(rng, starts_s), 1 + GAIN / 2 * rng.gauss(0, 1)
    device = GPU._replace(gain=GAIN, max_power_w=LIMIT_W, part_time_s=PART_TIME_S)
    integrator, steps = DeviceIntegrator(device, NVML_COUNTER, {"power-instant": INSTANT}), Steps()
    integrator.set_update_period(0.0)
    for start_s in starts_s:
        if 0 <= start_s <= seconds:
            steps.begin("batch", round(start_s * S))
    integrator.counter_reading(Reading(0, 0))
    joules, cycle_s, cycles = 0.0, rng.random() * CYCLE_S - CYCLE_S, round(seconds / CYCLE_S)
    for cycle in range(cycles):
        at_s = max(0.0, cycle_s + (cycle + 1) * CYCLE_S)
        watts = (load.joules(at_s + APERTURE_S) - load.joules(at_s)) / APERTURE_S * gain
        joules += watts * CYCLE_S
        t_ns = (cycle + 1) * round(CYCLE_S * S)
        integrator.gauge_reading("power-instant", Reading(t_ns, watts))
        integrator.counter_reading(Reading(t_ns, round(joules * 1000)))
    before = _bounds(integrator)
    integrator.steps(round(seconds * S), steps.look(round(seconds * S)))
    after = _bounds(integrator)
    true_j = load.joules(seconds) - load.joules(0.0)
    event = any(e.kind is EventKind.IN_STEP for e in integrator.take_events())
    held, held_before = (ends[0] <= true_j <= ends[1] for ends in (after, before))
    return RunInSteps(held, held_before, (after[1] - after[0]) / (before[1] - before[0]), event)


def _bounds(integrator: DeviceIntegrator) -> tuple[float, float]:
    latest = integrator.curve.latest
    assert latest is not None
    found = interval([between(Point(0), latest._replace(edge_low_j=0.0, edge_high_j=0.0), GAIN, "gpu")])
    return found.low_j, found.high_j
