"""A device whose first reading comes late: what it drew before is imputed, within bounds that hold the truth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.rig import kinds, latest, ns, so_far
from tests.fakes.sensor import AVERAGE, GPU, NVML_COUNTER
from trainwatt.core.sensing import Counter, Reading
from trainwatt.energy.integrator import DeviceIntegrator
from trainwatt.energy.late_start import IDLE_SHARE

MAX_W = GPU.max_power_w
BEGIN_S = 100.0


def late(counter: Counter | None, slept_s: float, late_s: float, power_w: float) -> DeviceIntegrator:
    """A run begins, the device sleeps and is then read `late_s` after the beginning."""
    integrator = DeviceIntegrator(GPU, counter, {"power-average": AVERAGE})
    integrator.begin(ns(BEGIN_S), ns(BEGIN_S + slept_s) if slept_s else 0)
    integrator.gauge_reading("power-average", Reading(ns(BEGIN_S + late_s), power_w))
    if counter is not None:
        integrator.counter_reading(Reading(ns(BEGIN_S + late_s), 5_000_000))
    return integrator


@given(
    counted=st.booleans(),
    late_s=st.floats(0.2, 1e5),
    slept=st.floats(0, 1),
    asleep_w=st.floats(0, IDLE_SHARE * MAX_W),
    awake_w=st.floats(0, MAX_W),
    shown_w=st.floats(0, 2 * MAX_W),
)
def test_whatever_it_drew_before_lies_in_the_range(
    counted: bool, late_s: float, slept: float, asleep_w: float, awake_w: float, shown_w: float
) -> None:
    integrator = late(NVML_COUNTER if counted else None, slept * late_s, late_s, shown_w)
    truth_j = asleep_w * slept * late_s + awake_w * (1 - slept) * late_s
    found, point = so_far(integrator), latest(integrator)
    assert found.low_j - 1e-6 <= truth_j <= found.high_j + 1e-6 * found.high_j + 1e-3
    assert found.high_j <= MAX_W * late_s * (1 + 1e-6) + 1e-3 + point.edge_high_j
    assert point.energy_j == pytest.approx(point.imputed_j)
    assert kinds(integrator) == ["found"]


@pytest.mark.parametrize("counter", [NVML_COUNTER, None])
def test_its_curve_begins_with_the_run(counter: Counter | None) -> None:
    """So that the start of every phase lies on it."""
    integrator = late(counter, 10.0, 10.5, 200.0)
    first = integrator.curve.first
    assert first is not None
    assert (first.t_ns, first.energy_j) == (ns(BEGIN_S), 0.0)
    middle = integrator.curve.at(ns(BEGIN_S + 5))
    assert middle is not None
    assert middle.energy_j == pytest.approx(IDLE_SHARE * MAX_W / 2 * 5)
    assert latest(integrator).energy_j == pytest.approx(IDLE_SHARE * MAX_W / 2 * 10 + 200 * 0.5)
    assert integrator.covered_ns == 0


def test_a_first_reading_in_time_imputes_nothing() -> None:
    integrator = late(NVML_COUNTER, 0.0, 0.05, 200.0)
    assert latest(integrator).energy_j == 0
    assert kinds(integrator) == []


def test_before_the_first_reading_the_power_that_it_shows_is_held() -> None:
    point = latest(late(None, 0.0, 2.0, 250.0))
    assert point.imputed_j == pytest.approx(500)
    assert point.energy_j == point.imputed_j
