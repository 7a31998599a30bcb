"""Sums of what a device did, and the figures of any window of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.core.activity import PEAKS, SUMS, ActivityPoint, GpuReading, Throttle, figures, total, window

S = 10**9
SHARES = st.floats(0.0, 1.0)
READINGS = st.builds(
    GpuReading,
    busy=SHARES,
    memory_busy=SHARES,
    sm_mhz=st.floats(0, 3000),
    memory_mhz=st.just(2619.0),
    throttled=st.sets(st.sampled_from(Throttle)).map(frozenset),
    celsius=st.floats(0, 100),
    memory_mib=st.floats(0, 1e5),
    limit_w=st.floats(100, 1000),
)
LOOKS = st.lists(st.tuples(st.integers(1, 5 * S), READINGS), min_size=2, max_size=20)


def points_of(looks: Sequence[tuple[int, GpuReading]]) -> list[ActivityPoint]:
    """The sums after each look, with those before the first; each look is some ns after the one before."""
    points = [ActivityPoint(7 * S)]
    before = looks[0][1]
    for ns, reading in looks:
        points.append(points[-1].extended(points[-1].t_ns + ns, ns / 1e6, before, reading))
        before = reading
    return points


def almost(a: ActivityPoint, b: ActivityPoint) -> None:
    for name in SUMS:
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-9, abs=1e-3), name
    assert a.throttled is not None
    assert b.throttled is not None
    assert {k: v for k, v in a.throttled.items() if v > 1e-6} == pytest.approx({k: v for k, v in b.throttled.items() if v > 1e-6})


@given(LOOKS, st.floats(0, 1), st.floats(0, 1))
def test_the_windows_of_a_run_add_up_to_it(looks: list[tuple[int, GpuReading]], a: float, b: float) -> None:
    points = points_of(looks)
    first, last = points[0].t_ns, points[-1].t_ns
    cuts = [first, *sorted(first + round(x * (last - first)) for x in (a, b)), last]
    windows = [w for start, end in pairwise(cuts) if (w := window(points, start, end)) is not None]
    whole, of_run = total(windows), window(points, first, last)
    assert whole is not None
    assert of_run is not None
    almost(whole, of_run)
    assert [getattr(whole, name) for name in PEAKS] == [getattr(of_run, name) for name in PEAKS]


@given(LOOKS)
def test_a_share_lies_within_its_bounds_and_0_and_1(looks: list[tuple[int, GpuReading]]) -> None:
    points = points_of(looks)
    found = figures(points[-1])
    assert found is not None
    assert found.busy is not None
    assert found.busy_low is not None
    assert found.busy_high is not None
    assert 0 <= found.busy_low <= found.busy <= found.busy_high <= 1
    assert found.celsius_max == max(reading.celsius or 0.0 for _, reading in looks)
    assert found.seen_s == pytest.approx(sum(ns for ns, _ in looks) / S)


def test_the_figures_of_a_known_course() -> None:
    """Ten seconds at full load below the power limit, then ten idle ones."""
    busy = GpuReading(1.0, 0.5, 1980.0, 2619.0, frozenset({Throttle.POWER_CAP}), 70.0, 40_960.0, 700.0)
    idle = GpuReading(0.0, 0.0, 345.0, 2619.0, frozenset(), 40.0, 1024.0, 700.0)
    points = points_of([(S, busy)] * 10 + [(S, idle)] * 10)
    whole, first, last = (window(points, a * S, b * S) for a, b in ((0, 99), (7, 17), (18, 27)))
    assert whole is not None
    assert first is not None
    assert last is not None
    found = figures(whole)
    assert found is not None
    assert found.busy == pytest.approx(0.525)  # the change is somewhere in the second before the look that has seen it
    assert (found.memory_busy, found.sm_mhz, found.limit_w) == pytest.approx((0.25, 1162.5, 700.0))
    assert found.throttled_s == pytest.approx({"power-cap": 10.0})
    assert (found.celsius, found.celsius_max, found.memory_bytes_max) == (55.0, 70.0, 40 * 2**30)
    assert found.busy_s == pytest.approx(10.5)
    assert found.busy_low is not None
    assert found.busy is not None
    assert found.busy_low < 0.5 < found.busy
    for part, share in ((first, 1.0), (last, 0.0)):
        of_part = figures(part)
        assert of_part is not None
        assert of_part.busy == pytest.approx(share)


def test_what_is_not_known_stays_so() -> None:
    lacking = GpuReading(busy=0.5)
    points = points_of([(S, lacking), (S, lacking)])
    found = figures(points[-1])
    assert found is not None
    assert found.busy == 0.5
    assert [getattr(found, name) for name in ("memory_busy", "sm_mhz", "celsius", "celsius_max", "limit_w", "throttled_s")] == [None] * 6
    assert figures(points[0]) is None
    assert window(points, 0, S) is None
    assert window([], 0, S) is None
