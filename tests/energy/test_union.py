"""Windows of one name that overlap: what they add up to is their union."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.core.point import Point
from trainwatt.energy.intervals import JOULES, Share, between, interval
from trainwatt.energy.union import Span, Union

WINDOWS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), min_size=1, max_size=25)
JOULES_AT = [float(t * 3 + (t % 7) * (t > 20)) for t in range(200)]
for t in range(1, 200):
    JOULES_AT[t] = max(JOULES_AT[t - 1], JOULES_AT[t])


def at(t: int) -> Point:
    """A curve whose power, slack and edges differ at every instant."""
    return Point(
        t, JOULES_AT[t], slack_low_j=0.1 * t, slack_high_j=0.2 * t, edge_low_j=1 + t % 5, edge_high_j=2 + t % 3, scatter_j2=0.01 * t
    )


def span(start: int, end: int) -> Span:
    return Span(start, end, at(start), at(end))


def added_up(windows: list[tuple[int, int]]) -> tuple[list[Share], dict[str, float]]:
    union = Union()
    shares = [union.add(span(a, b), 0.05, "gpu") for a, b in windows]
    return shares, {name: sum(getattr(s, name) for s in shares) for name in JOULES}


def union_of(windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The union, by another way: windows in order of start; those that only touch stay apart."""
    found: list[tuple[int, int]] = []
    for a, b in sorted(windows, key=lambda w: (w[0], w[1])):
        if found and a < found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], b)
        else:
            found.append((a, b))
    return found


@given(WINDOWS)
def test_shares_add_up_to_the_share_of_the_union_in_any_order(windows: list[tuple[int, int]]) -> None:
    spans = [(a, a + length) for a, length in windows]
    shares, sums = added_up(spans)
    expected = [between(at(a), at(b), 0.05, "gpu") for a, b in union_of(spans) if b > a]
    for name in JOULES:
        assert sums[name] == pytest.approx(sum(getattr(e, name) for e in expected), abs=1e-9)
    assert all(s.energy_j >= -1e-9 for s in shares)
    whole = interval(shares)
    assert whole.low_j <= whole.energy_j + 1e-9
    assert whole.energy_j <= whole.high_j + 1e-9
    first, last = min(a for a, _ in spans), max(b for _, b in spans)
    assert sums["energy_j"] <= at(last).energy_j - at(first).energy_j + 1e-9


def test_a_window_alone_is_what_it_is_without_a_union() -> None:
    [share], _ = added_up([(3, 9)])
    assert share == between(at(3), at(9), 0.05, "gpu")


def test_windows_that_follow_one_another_keep_their_own_edges() -> None:
    shares, _ = added_up([(0, 5), (5, 9), (9, 12)])
    assert shares == [between(at(a), at(b), 0.05, "gpu") for a, b in ((0, 5), (5, 9), (9, 12))]


def test_a_window_within_others_adds_nothing_and_one_that_closes_a_gap_adds_the_gap() -> None:
    shares, sums = added_up([(0, 10), (20, 30), (2, 8), (22, 22), (9, 21)])
    assert shares[2] == shares[3] == Share(0, 0, 0, 0, 0, 0.05, "gpu", 0)
    assert shares[4].energy_j == at(20).energy_j - at(10).energy_j
    assert sums["energy_j"] == pytest.approx(at(30).energy_j - at(0).energy_j)
    assert sums["edge_low_j"] == pytest.approx(at(30).edge_low_j + at(0).edge_high_j)


def test_what_cannot_be_overlapped_any_more_is_forgotten() -> None:
    union = Union()
    for start in range(0, 100, 10):
        union.add(span(start, start + 5), 0.0, "")
    union.forget(45, 100)
    assert len(union) == 5
    assert union.add(span(52, 63), 0.0, "").energy_j == at(60).energy_j - at(55).energy_j


@given(WINDOWS, st.integers(1, 4))
def test_few_spans_are_kept_and_never_more_is_counted_than_the_curve_has(windows: list[tuple[int, int]], most: int) -> None:
    """A rank may be in one long phase while another has thousands of short ones of its name."""
    union, joules = Union(), 0.0
    for start, length in windows:
        joules += union.add(span(start, start + length), 0.05, "gpu").energy_j
        union.forget(0, most)
        assert len(union) <= most
    first, last = min(a for a, _ in windows), max(a + length for a, length in windows)
    assert joules <= at(last).energy_j - at(first).energy_j + 1e-9
    joules += union.add(span(0, 100), 0.05, "gpu").energy_j
    assert joules == pytest.approx(at(100).energy_j - at(0).energy_j)
