"""Phases resolved into energy."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.rig import NOW_NS, gpu, ns, phase, ramp, total
from trainwatt.core.point import Point
from trainwatt.core.sensing import Reading


def test_a_phase_is_the_difference_of_its_edges() -> None:
    integrator = gpu()
    ramp(integrator, 0, 5, 200)
    energy = total(phase(1.05, 3.55).resolve({"gpu0": integrator}, NOW_NS, final=False))
    assert energy.energy_j == pytest.approx(500, abs=0.01)
    assert energy.low_j <= 500 <= energy.high_j


def test_a_phase_waits_for_every_curve_to_pass_its_edges() -> None:
    ahead, behind = gpu(), gpu()
    ramp(ahead, 0, 5, 200)
    ramp(behind, 0, 2, 100)
    both, record = {"gpu0": ahead, "gpu1": behind}, phase(1, 3)
    assert record.resolve(both, NOW_NS, final=False) is None
    ramp(behind, 2.1, 3.2, 100, from_j=210)
    shares = record.resolve(both, NOW_NS, final=False)
    assert shares is not None
    assert {n: round(s.energy_j) for n, s in shares.items()} == {"gpu0": 400, "gpu1": 200}


def test_a_phase_that_has_not_ended_has_no_energy() -> None:
    integrator = gpu()
    ramp(integrator, 0, 5, 200)
    assert phase(1, None).resolve({"gpu0": integrator}, NOW_NS, final=True) is None


def test_the_end_of_the_run_resolves_with_what_there_is() -> None:
    integrator = gpu()
    ramp(integrator, 0, 5, 200)
    record = phase(4, 5.05)
    assert record.resolve({"gpu0": integrator}, NOW_NS, final=False) is None
    assert total(record.resolve({"gpu0": integrator}, NOW_NS, final=True)).energy_j == pytest.approx(200, abs=0.01)


def test_a_long_phase_keeps_its_start_after_the_ticks_around_it_are_gone() -> None:
    integrator = gpu()
    record, from_j = phase(0.55, 100.45), 0.0
    for second in range(101):
        from_j = ramp(integrator, second, second + 0.9, 200, from_j=from_j) + 20
        record.resolve({"gpu0": integrator}, NOW_NS, final=False)
    assert integrator.curve.at(ns(0.55)) is None
    assert total(record.resolve({"gpu0": integrator}, NOW_NS, final=False)).energy_j == pytest.approx(200 * 99.9, abs=0.01)


def test_a_device_whose_ticks_are_gone_is_left_out() -> None:
    integrator = gpu()
    ramp(integrator, 0, 60, 200)
    assert phase(1, 59.5).resolve({"gpu0": integrator}, NOW_NS, final=False) == {}


@pytest.mark.parametrize(
    ("length_s", "period_s", "update_s", "enough"),
    [(0.2, 0.1, 0.02, True), (0.199, 0.1, 0.02, False), (0.2, 0.1, 0.15, False), (0.3, 0.1, 0.15, True), (0.2, 0.1, None, True)],
)
def test_two_of_the_coarser_of_tick_and_update_are_enough(length_s: float, period_s: float, update_s: float | None, enough: bool) -> None:
    integrators = {"gpu0": gpu(update_s=update_s, tick_s=period_s)}
    assert phase(1, 1 + length_s).long_enough(integrators) is enough
    assert not phase(1, None).long_enough(integrators)


@given(
    st.lists(st.tuples(st.integers(5, 400), st.integers(0, 300)), min_size=3, max_size=25),
    st.lists(st.integers(0, 1000), min_size=2, max_size=2),
)
@settings(derandomize=True, max_examples=150)
def test_the_range_of_any_phase_holds_the_truth(steps: list[tuple[int, int]], where: list[int]) -> None:
    """The power changes at every second tick only, between the readings; edges fall anywhere."""
    integrator, t_ms, mj, knots = gpu(), 0, 0, [(0, 0)]
    integrator.counter_reading(Reading(0, 0))
    for i, (ms, power_w) in enumerate(steps):
        t_ms += ms
        mj += ms * power_w
        knots.append((t_ms, mj))
        if i % 2 or i == len(steps) - 1:
            integrator.counter_reading(Reading(t_ms * 10**6, mj))

    def true_j(at_ms: int) -> float:
        (a, ea), (b, eb) = next(pair for pair in pairwise(knots) if pair[1][0] >= at_ms)
        return (ea + (eb - ea) * (at_ms - a) / (b - a)) / 1000

    start, end = sorted(w * t_ms // 1000 for w in where)
    energy = total(phase(start / 1000, end / 1000).resolve({"gpu0": integrator}, NOW_NS, final=True))
    assert energy.low_j - 0.01 <= true_j(end) - true_j(start) <= energy.high_j + 0.01
    assert energy.high_j <= 300 * t_ms / 1000 + 0.01


def test_a_point_sums_its_provenances() -> None:
    assert Point(0, 1.0, 2.0, 4.0, 8.0).energy_j == 15.0
