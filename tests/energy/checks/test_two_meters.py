"""A counter whose unit changes, jumps and failures beside a gauge with spikes: the curve stays a curve."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.rig import Rig, S, kinds
from tests.fakes.sensor import AMD_COUNTER, AVERAGE, DRAM, GPU, INSTANT, NVML_COUNTER
from trainwatt.core.point import Point
from trainwatt.core.sensing import Counter, Reading, StandIn
from trainwatt.energy.integrator import DeviceIntegrator

UNITS = (1.0, 1000.0, 0.001, 0.5, 5.0)
MODELLED = DRAM._replace(stand_in=StandIn(20.0, 0.3, 1.5, "memory"))


@given(st.integers(0, 2**32))
@example(5384)
@settings(derandomize=True, max_examples=200)
def test_whatever_unit_the_counter_has_nothing_falls_and_no_time_is_covered_twice(seed: int) -> None:
    chance = random.Random(seed)
    gauges = {"power-average": AVERAGE, "power-instant": INSTANT} if chance.random() < 0.7 else {}
    counter = chance.choice([None, NVML_COUNTER, AMD_COUNTER, Counter(1e-3, 10**6)])
    integrator = DeviceIntegrator(chance.choice([GPU, MODELLED]), counter, gauges)
    modulus = (counter.modulus if counter is not None else None) or 2**60
    t_ns, raw, unit, power_w, before = S, chance.randrange(10**6), chance.choice(UNITS), chance.uniform(1, 400), Point(0)
    for _ in range(chance.randrange(5, 120)):
        dt_s = chance.choice([0.02, 0.1, 0.1, 0.1, 1.0, 5.0])
        t_ns += round(dt_s * S)
        power_w = chance.uniform(0, 900) if chance.random() < 0.1 else power_w
        unit = chance.choice(UNITS) if chance.random() < 0.03 else unit
        raw += int(power_w * dt_s * 1000 * unit) + (chance.randrange(10**7) if chance.random() < 0.02 else 0)
        for name in gauges:
            integrator.gauge_reading(name, Reading(t_ns, power_w * chance.choice([1, 1, 1, 1, 1, 30])))
        if chance.random() < 0.9:
            integrator.counter_reading(Reading(t_ns, raw % modulus))
        else:
            integrator.failed("energy", t_ns, "timeout")
        before = _checked(integrator, before)
    integrator.finish(t_ns)
    _checked(integrator, before)
    assert 0 <= integrator.covered_ns <= t_ns - S + 1000


def _checked(integrator: DeviceIntegrator, before: Point) -> Point:
    point = integrator.curve.latest
    if point is None:
        return before
    assert all(math.isfinite(x) for x in point)
    assert point.t_ns >= before.t_ns
    assert all(later >= earlier - 1e-9 for earlier, later in zip(before[1:7], point[1:7], strict=True)), (before, point)
    assert min(point.edge_low_j, point.edge_high_j) >= 0
    return point


@pytest.mark.parametrize(("tenths", "checked"), [(3, False), (7, False), (20, True), (100, True)])
def test_a_run_of_less_than_about_a_second_is_not_checked(tenths: int, checked: bool) -> None:
    """The mean of the gauge still shows the time before the run. Its counter may be wrong by any factor, and nothing tells."""
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.power_w = 200
    rig.read()
    for _ in range(tenths):
        rig.draw(200, 0.1)
        rig.integrator.gauge_reading("power-average", Reading(rig.t_ns, 100.0))
        rig.integrator.counter_reading(Reading(rig.t_ns, rig.raw))
    rig.integrator.finish(rig.t_ns)
    assert (rig.integrator.residual is not None, kinds(rig.integrator)) == (checked, ["disagreement"] * checked)
