"""The energy curve between its ticks."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.core.point import Provenance
from trainwatt.energy.curve import KEEP_NS, Curve

S = 10**9
quick = settings(derandomize=True, max_examples=200)


def curve_of(*ticks: tuple[float, float], max_power_w: float = 300.0) -> Curve:
    curve = Curve(max_power_w)
    for t_s, energy_j in ticks:
        curve.book(Provenance.MEASURED_COUNTER, energy_j - curve.counter_j)
        curve.mark(round(t_s * S))
    return curve


def test_an_empty_curve_has_no_points() -> None:
    curve = Curve(300.0)
    assert curve.latest is None
    assert curve.at(0) is None
    assert not curve.reaches(0)


def test_the_energy_between_two_ticks_is_linear() -> None:
    point = curve_of((0, 0), (1, 200)).at(S // 4)
    assert point is not None
    assert point.t_ns == S // 4
    assert point.energy_j == pytest.approx(50)


def test_the_edge_of_an_interpolated_point_is_what_full_power_and_no_power_allow() -> None:
    """200 of 300 J: at half a second between 50 and 150 J were drawn."""
    point = curve_of((0, 0), (1, 200)).at(S // 2)
    assert point is not None
    assert point.energy_j - point.edge_low_j == pytest.approx(50)
    assert point.energy_j + point.edge_high_j == pytest.approx(150)


def test_the_widest_edge_is_a_quarter_of_the_tick_at_full_power() -> None:
    """Half power over the tick, asked in its middle: ± 300 W × 1 s / 4."""
    point = curve_of((0, 0), (1, 150)).at(S // 2)
    assert point is not None
    assert (point.edge_low_j, point.edge_high_j) == pytest.approx((75, 75))


def test_every_provenance_and_the_slack_are_interpolated() -> None:
    curve = curve_of((0, 0))
    for share, provenance in enumerate(Provenance, 1):
        curve.book(provenance, 10.0 * share, 1.0, 2.0)
    curve.mark(S)
    point = curve.at(S // 2)
    assert point is not None
    assert [point.counter_j, point.power_j, point.imputed_j, point.modelled_j] == pytest.approx([5, 10, 15, 20])
    assert (point.slack_low_j, point.slack_high_j) == pytest.approx((2, 4))


def test_beyond_its_ends_the_curve_is_flat() -> None:
    curve = curve_of((1, 0), (2, 100))
    before, after = curve.at(0), curve.at(3 * S)
    assert before is not None
    assert before.energy_j == 0
    assert after is not None
    assert after.energy_j == 100
    assert curve.reaches(2 * S)
    assert not curve.reaches(2 * S + 1)


def test_an_older_tick_moves_the_last_one() -> None:
    curve = curve_of((1, 0), (2, 100), (1.5, 130))
    assert [t.t_ns for t in curve.ticks] == [S, 2 * S]
    assert curve.ticks[-1].energy_j == 130


def test_the_time_uncertainty_of_a_read_becomes_an_edge() -> None:
    curve = Curve(300.0)
    curve.mark(S, uncertainty_ns=S // 100)
    assert curve.latest is not None
    assert (curve.latest.edge_low_j, curve.latest.edge_high_j) == pytest.approx((3, 3))


def test_a_lag_learnt_late_is_in_points_given_out_afterwards() -> None:
    curve = curve_of((0, 0), (1, 100))
    curve.lag_high_j = 30.0
    for point in (curve.latest, curve.at(S // 2), curve.at(S)):
        assert point is not None
        assert point.edge_high_j >= 30.0


def test_ticks_that_are_no_longer_kept_give_no_point() -> None:
    curve = Curve(300.0)
    for tick in range(200):
        curve.mark(tick * S // 10)
    assert curve.at(0) is None
    assert curve.at(199 * S // 10 - KEEP_NS + S) is not None
    assert len(curve.ticks) <= KEEP_NS // (S // 10) + 3


@st.composite
def _truths(draw: st.DrawFn) -> tuple[list[int], list[float], list[int], int]:
    """Knots of a true curve of slope ≤ 300 W, which of them are ticks, and an instant asked for."""
    steps = draw(st.lists(st.tuples(st.integers(1, 500), st.floats(0, 300), st.booleans()), min_size=2, max_size=25))
    times, energies, ticks = [0], [0.0], [0]
    for ms, power_w, is_tick in steps:
        times.append(times[-1] + ms * 10**6)
        energies.append(energies[-1] + power_w * ms / 1000)
        if is_tick:
            ticks.append(len(times) - 1)
    if ticks[-1] != len(times) - 1:
        ticks.append(len(times) - 1)
    return times, energies, ticks, draw(st.integers(0, min(times[-1], KEEP_NS - S)))


@given(_truths(), st.floats(-1, 1), st.integers(0, 3_000_000))
@quick
def test_the_edges_hold_every_curve_that_full_power_allows(
    truth: tuple[list[int], list[float], list[int], int], where: float, uncertainty_ns: int
) -> None:
    times, energies, ticks, t_ns = truth

    def true_j(at_ns: float) -> float:
        i = min(max(bisect_right(times, at_ns) - 1, 0), len(times) - 2)
        rise = (energies[i + 1] - energies[i]) * (at_ns - times[i]) / (times[i + 1] - times[i])
        return min(max(energies[i] + rise, 0.0), energies[-1])

    curve, booked = Curve(300.0), 0.0
    for tick in ticks:  # each read happened somewhere within its uncertainty
        seen_j = max(booked, true_j(times[tick] + where * uncertainty_ns))
        curve.book(Provenance.MEASURED_COUNTER, seen_j - booked)
        booked = seen_j
        curve.mark(times[tick], uncertainty_ns)
    point = curve.at(t_ns)
    if point is None:  # trimmed
        return
    assert point.edge_low_j >= 0
    assert point.edge_high_j >= 0
    assert point.energy_j - point.edge_low_j <= true_j(t_ns) + 1e-6
    assert point.energy_j + point.edge_high_j >= true_j(t_ns) - 1e-6


@given(
    st.lists(st.tuples(st.integers(1, 2_000), st.floats(0, 600)), min_size=1, max_size=20),
    st.lists(st.floats(-0.2, 1.2), max_size=20),
)
@quick
def test_interpolated_points_never_fall(steps: list[tuple[int, float]], asked: list[float]) -> None:
    curve = Curve(300.0)
    curve.mark(0)
    t_ns = 0
    for ms, joules in steps:
        t_ns += ms * 10**6
        curve.book(Provenance.IMPUTED, joules / 2, joules / 3, joules / 4)
        curve.book(Provenance.MEASURED_COUNTER, joules)
        curve.mark(t_ns)
    for x in asked:
        point = curve.at(round(x * t_ns))
        place = curve.counter_at(round(x * t_ns))
        assert (place is None) == (point is None)
        assert place is None or point is None or place.counter_j == point.counter_j
    points = [p for x in sorted(asked) if (p := curve.at(round(x * t_ns))) is not None]
    for a, b in pairwise(points):
        for earlier, later in zip(a[1:7], b[1:7], strict=True):
            assert later >= earlier - 1e-9
        assert math.isfinite(b.edge_low_j)
        assert math.isfinite(b.edge_high_j)
