"""The start and the end of a run that only the mean of a window shows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.rig import latest, ns, so_far
from tests.fakes.sensor import AVERAGE, GPU
from tests.fakes.simulated import Load
from trainwatt.core.sensing import Gauge, Reading
from trainwatt.energy.integrator import DeviceIntegrator

MAX_W = 300.0
BEGIN_S = 10.0


def integrated(load: Load, seconds: float, gauge: Gauge = AVERAGE, tick_s: float = 0.1) -> DeviceIntegrator:
    """A run that begins at BEGIN_S, read from its start to its end; what is read is half of a renewal late."""
    integrator = DeviceIntegrator(GPU._replace(gain=0.0), None, {"power-average": gauge})
    ticks = round(seconds / tick_s)
    for tick in range(ticks + 1):
        t_s = BEGIN_S + tick * seconds / ticks
        end_s = t_s - gauge.renewed_s / 2
        mean_w = load.joules(end_s, end_s - gauge.window_s) / gauge.window_s
        integrator.gauge_reading("power-average", Reading(ns(t_s), mean_w))
    integrator.finish(ns(BEGIN_S + seconds))
    return integrator


@pytest.mark.parametrize("seconds", [0.3, 0.5, 0.8, 1.0, 1.3, 1.5, 3.0])
@pytest.mark.parametrize("window_s", [0.2, 0.5, 1.0])
def test_work_from_the_first_moment_is_exact_at_any_length(seconds: float, window_s: float) -> None:
    """Today's integral lacked ΔP · W / 8, or nearly half of a run that is shorter than the window."""
    load = Load([(0.0, 50.0), (BEGIN_S, 250.0)])
    found = so_far(integrated(load, seconds, Gauge("window", window_s), tick_s=0.01))
    assert found.energy_j == pytest.approx(250 * seconds, rel=0.002)
    assert found.low_j <= 250 * seconds <= found.high_j


def test_it_builds_up_as_a_step_does() -> None:
    load = Load([(0.0, 50.0), (BEGIN_S, 250.0)])
    curve = integrated(load, 3.0, tick_s=0.01).curve
    for t_s in (0.1, 0.25, 0.4, 0.6, 1.0, 2.0):
        point = curve.at(ns(BEGIN_S + t_s))
        assert point is not None
        assert point.energy_j == pytest.approx(250 * t_s, abs=0.5)


def test_rest_before_the_end_is_in_the_last_window() -> None:
    load = Load([(0.0, 50.0), (BEGIN_S, 250.0), (BEGIN_S + 2.7, 50.0)])
    assert so_far(integrated(load, 3.0, tick_s=0.01)).energy_j == pytest.approx(250 * 2.7 + 50 * 0.3, rel=0.002)


def test_work_before_the_run_is_not_the_runs() -> None:
    load = Load([(0.0, 250.0), (BEGIN_S, 50.0)])
    assert so_far(integrated(load, 1.0, tick_s=0.01)).energy_j == pytest.approx(50, rel=0.02)


def test_a_known_renewal_moves_the_windows() -> None:
    load = Load([(0.0, 50.0), (BEGIN_S, 250.0)])
    assert so_far(integrated(load, 1.0, Gauge("window", 1.0, renewed_s=0.1))).energy_j == pytest.approx(250, rel=0.01)


def test_the_last_window_bounds_the_end_from_below() -> None:
    """At 250 W over the last second, of which 300 W are the most, the last half second had 100 J at least."""
    tail_low_j = latest(integrated(Load([(0.0, 250.0)]), 3.0)).slack_low_j
    assert tail_low_j == pytest.approx(125 - 100)


@given(
    st.floats(0, 100),
    st.lists(st.tuples(st.floats(0.02, 0.4), st.floats(0, MAX_W)), min_size=1, max_size=6),
    st.sampled_from([0.3, 0.6, 0.9]),
    st.sampled_from([0.0, 0.1]),
)
@settings(derandomize=True, max_examples=150)
def test_the_range_holds_any_load_after_a_steady_rest(
    rest_w: float, steps: list[tuple[float, float]], share: float, renewed_s: float
) -> None:
    at_s, load = BEGIN_S, [(0.0, rest_w)]
    for seconds, watts in steps:
        load.append((at_s, watts))
        at_s += seconds
    length_s = max(0.2, share * (at_s - BEGIN_S))
    found = so_far(integrated(Load(load), length_s, Gauge("window", 1.0, renewed_s=renewed_s), tick_s=0.05))
    true_j = Load(load).joules(BEGIN_S + length_s, BEGIN_S)
    assert found.low_j - 0.01 <= true_j <= found.high_j + 0.01
    if length_s <= 1.0 and not renewed_s and min(watts for _, watts in steps) >= rest_w:
        assert found.energy_j == pytest.approx(true_j, abs=0.01)
