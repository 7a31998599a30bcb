"""Differences of curve points, and the range they lie in."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.core.point import Point
from trainwatt.energy.intervals import Interval, Share, between, by_sensor, interval

quick = settings(derandomize=True, max_examples=200)
joules = st.floats(0, 1e6)


def share(energy_j: float, gain: float = 0.0, gain_class: str = "nvml", *, slack: float = 0.0, edge: float = 0.0) -> Share:
    return Share(energy_j, slack, slack, edge, edge, gain, gain_class)


def test_nothing_is_zero() -> None:
    assert interval([]) == Interval(0.0, 0.0, 0.0)


def test_the_end_was_read_too_low_or_the_start_too_high() -> None:
    start = Point(0, 100.0, edge_low_j=1.0, edge_high_j=2.0)
    end = Point(10, 400.0, edge_low_j=4.0, edge_high_j=8.0)
    part = between(start, end, 0.05, "nvml")
    assert part.energy_j == 300.0
    assert part.edge_low_j == 4.0 + 2.0  # the end's truth is lower, the start's higher
    assert part.edge_high_j == 8.0 + 1.0


def test_the_slack_of_a_window_is_what_was_added_within_it() -> None:
    part = between(Point(0, slack_low_j=5.0, slack_high_j=7.0), Point(1, 10.0, slack_low_j=6.0, slack_high_j=10.0), 0.0, "x")
    assert (part.slack_low_j, part.slack_high_j) == (1.0, 3.0)


def test_every_provenance_counts() -> None:
    assert between(Point(0, 1, 2, 3, 4), Point(1, 11, 22, 33, 44), 0.0, "x").energy_j == 100.0


def test_gains_of_one_class_err_together() -> None:
    """Two GPUs of 1 kJ at 5 %: ± 100 J, not ± 71 J."""
    assert interval([share(1000.0, 0.05), share(1000.0, 0.05)]) == Interval(2000.0, 1900.0, 2100.0)


def boards(*names: str, gain_class: str = "gpu", offset_j: float = 0.0) -> list[Share]:
    return [share(1000.0, 0.05, gain_class)._replace(sensor=(name,), offset_j=offset_j) for name in names]


def test_ten_boards_err_together_only_in_their_common_part() -> None:
    """3 in 10 of the error is common to all boards of a class; the rest of each is its own."""
    total = interval(boards(*"abcdefghij"))
    assert total.high_j - total.energy_j == pytest.approx(math.hypot(10 * 0.3 * 50.0, math.sqrt(10 * (1 - 0.3**2)) * 50.0))
    assert (total.high_j - total.energy_j) / 500.0 == pytest.approx(0.426, abs=0.001)  # where they all erred together: 1


def test_shares_of_one_board_err_together_and_so_do_boards_of_an_unknown_class() -> None:
    assert interval(boards("a", "a")).high_j == pytest.approx(2100.0)
    assert interval(boards("a", "b", gain_class="rack-meter")).high_j == pytest.approx(2100.0)


def test_a_constant_error_grows_with_time_and_is_a_boards_own() -> None:
    a, b = (between(Point(0), Point(10 * 10**9, 250.0), 0.0, "gpu", 5.0, (name,)) for name in "ab")
    assert a.offset_j == pytest.approx(50.0)
    assert interval([a]).high_j == pytest.approx(300.0)
    assert interval([a, a]).high_j == pytest.approx(600.0)
    assert interval([a, b]).high_j == pytest.approx(500.0 + math.hypot(50.0, 50.0))


def test_gains_of_different_classes_combine_in_quadrature() -> None:
    """1 kJ at 3 % and 400 J at 10 %: 30 and 40 J make 50."""
    total = interval([share(1000.0, 0.03, "rapl"), share(400.0, 0.10, "rapl-dram")])
    assert total.low_j == pytest.approx(1350.0)
    assert total.high_j == pytest.approx(1450.0)


def test_linear_within_and_quadrature_between() -> None:
    total = interval([share(500.0, 0.06, "a"), share(400.0, 0.10, "b"), share(500.0, 0.06, "a"), share(200.0, 0.25, "b")])
    assert total.high_j - total.energy_j == pytest.approx(math.hypot(60.0, 90.0))


def test_what_chance_missed_is_independent_of_the_gains_and_counts_two_standard_deviations() -> None:
    """A variance of 4² + 3² makes ± 2 × 5 J; with 24 J of gain, ± 26."""
    total = interval([share(240.0, 0.1)._replace(scatter_j2=16.0), share(100.0, 0.0, "b")._replace(scatter_j2=9.0)])
    assert total.high_j - total.energy_j == pytest.approx(26.0)


def test_slack_and_edges_add_linearly_to_the_gain() -> None:
    total = interval([share(100.0, 0.1, slack=3.0, edge=4.0), share(100.0, 0.0, "b", slack=5.0)])
    assert total == pytest.approx((200.0, 178.0, 222.0))


def test_the_low_end_is_never_negative() -> None:
    assert interval([share(10.0, slack=50.0)]).low_j == 0.0


_classes, _sensors = st.sampled_from(["nvml", "rapl", "dram", "gpu"]), st.sampled_from([("a",), ("b",), ()])
_shares = st.builds(Share, joules, joules, joules, joules, joules, st.floats(0, 1), _classes, joules, joules, _sensors)


@given(st.lists(_shares, max_size=8), st.lists(_shares, max_size=8))
@quick
def test_energy_adds_up_and_the_range_of_a_sum_is_no_wider_than_its_parts_and_no_narrower_than_either(
    first: list[Share], second: list[Share]
) -> None:
    a, b, both = interval(first), interval(second), interval([*first, *second])
    assert both.energy_j == pytest.approx(a.energy_j + b.energy_j, rel=1e-12)
    assert 0 <= both.low_j <= both.energy_j <= both.high_j
    tolerance = 1e-9 * (1 + both.high_j)
    assert both.high_j - both.energy_j <= (a.high_j - a.energy_j) + (b.high_j - b.energy_j) + tolerance
    assert both.high_j - both.energy_j >= max(a.high_j - a.energy_j, b.high_j - b.energy_j) - tolerance
    assert interval([*second, *first]).high_j == pytest.approx(both.high_j)


@given(st.lists(_shares, max_size=6), st.lists(_shares, max_size=6))
@quick
def test_what_is_said_of_each_device_gives_the_range_of_all(first: list[Share], second: list[Share]) -> None:
    """Two devices are combined into one range from what their JSON says, without their single shares."""
    told = json.loads(json.dumps([share.as_json() for device in (first, second) for share in by_sensor(device)]))
    assert interval(map(Share.from_json, told)) == pytest.approx(interval([*first, *second]), rel=1e-9, abs=1e-6)


_rises = st.lists(st.tuples(joules, joules, joules, joules, joules, joules, st.floats(0, 50), st.floats(0, 50)), min_size=3, max_size=12)


@given(_rises, st.data())
@quick
def test_adjacent_windows_add_up(rises: list[tuple[float, ...]], data: st.DataObject) -> None:
    points = [Point(0)]
    for t, rise in enumerate(rises, 1):
        points.append(Point(t, *(p + r for p, r in zip(points[-1][1:7], rise[:6], strict=True)), *rise[6:]))
    cut = data.draw(st.integers(1, len(points) - 2))
    left, right, whole = (between(points[a], points[b], 0.05, "nvml") for a, b in ((0, cut), (cut, len(points) - 1), (0, len(points) - 1)))
    for field in ("energy_j", "slack_low_j", "slack_high_j"):
        assert getattr(left, field) + getattr(right, field) == pytest.approx(getattr(whole, field), rel=1e-9, abs=1e-6)
        assert getattr(left, field) >= 0
    # the shared edge belongs to both, so the parts are never surer than the whole
    assert left.edge_low_j + right.edge_low_j >= whole.edge_low_j - 1e-9
    assert left.edge_high_j + right.edge_high_j >= whole.edge_high_j - 1e-9
