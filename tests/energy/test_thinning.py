"""What thinning takes away is nothing that grams are worked out from."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.carbon.join import Joined, join_all
from trainwatt.carbon.series import Series, Slot, series
from trainwatt.core.clock import Anchor
from trainwatt.core.point import Point
from trainwatt.energy.thinning import AT_ONCE_NS, KEEP_NS, SLOT_NS, STEP_NS, Thinning, instants, spare

S = 10**9
UTC_NS = 1_793_500_000 * S


def at(t_s: float, utc_s: float) -> Anchor:
    """An anchor at a monotonic time, its UTC in seconds after a full five minutes."""
    return Anchor(round(t_s * S), UTC_NS // SLOT_NS * SLOT_NS + round(utc_s * S), round(t_s * S))


def grid(minutes: int, points: Sequence[Point], anchors: Sequence[Anchor]) -> Series:
    """Intensities that change every so many minutes of UTC, over all that the curve may be."""
    step = minutes * 60 * S
    times = [a.utc_of(t) for a in anchors for t in (points[0].t_ns, points[-1].t_ns)]
    starts = range(min(times) // step * step, max(times) + step, step)
    return series([Slot(t, t + step, 50.0 + t // step * 37 % 600, False, "grid") for t in starts], "grid")


def joined(points: Sequence[Point], anchors: Sequence[Anchor], like: Sequence[Anchor]) -> list[Joined]:
    """The curve in grams, at three widths of the grid's intervals."""
    return [join_all([points], anchors, [grid(minutes, points, like)])[0] for minutes in (5, 15, 60)]


def thinned(points: list[Point], anchors: list[Anchor], every_s: int) -> tuple[list[Point], list[Anchor]]:
    """As a run does it that looks every so often, and stores points and anchors as they come."""
    thinning, kept, known = Thinning(anchors[0].monotonic_ns), list(points), list(anchors)
    for now_ns in range(points[0].t_ns, points[-1].t_ns, every_s * S):
        if not thinning.due(now_ns):
            continue
        here = [a for a in known if a.monotonic_ns <= now_ns]
        holding = max((a.monotonic_ns for a in here if a.monotonic_ns <= thinning.thinned_ns), default=0)
        plan = thinning.plan([a for a in here if a.monotonic_ns >= holding], now_ns)
        if plan is None:
            continue
        for a, b in plan.spans:
            del kept[bisect_left(kept, (a,)) + 1 : bisect_right(kept, (b + 1,)) - 1]
        known = [a for a in known if a.monotonic_ns not in plan.spare_ns]
        thinning.thinned_ns = plan.until_ns
    return kept, known


steps_s = st.one_of(st.just(0.0), st.floats(-1e-3, 1e-3), st.floats(-2, 2), st.floats(-4000, 4000))


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from([60.0, 61.7, 300.0]), steps_s), min_size=60, max_size=90),
    st.floats(0, 300),
    st.integers(7, 90),
    st.sampled_from([60, 400, 5000]),
)
@settings(derandomize=True, max_examples=150)
def test_grams_stay_bit_for_bit_wherever_the_clock_was_set(
    steps: list[tuple[float, float]], utc_s: float, apart_s: int, every: int
) -> None:
    anchors, t_s = [at(1000, utc_s)], 1000.0
    for wait_s, step_s in steps:
        t_s, utc_s = t_s + wait_s, utc_s + wait_s + step_s
        anchors.append(at(t_s, utc_s))
    count = round((t_s - 1000) / apart_s)
    joules = accumulate(13.7 * (1 + i % 3) for i in range(count))
    points = [Point(round((1000.5 + apart_s * (i + i % 7 / 10)) * S), j) for i, j in enumerate(joules)]
    few, fewer = thinned(points, anchors, every)
    assert joined(few, fewer, anchors) == joined(points, anchors, anchors)
    assert (few[0], few[-1], fewer[0]) == (points[0], points[-1], anchors[0])
    assert set(few) <= set(points)
    assert set(fewer) <= set(anchors)


def test_a_steady_clock_leaves_two_points_and_one_anchor_for_five_minutes() -> None:
    anchors = [at(1000 + 60 * i, 17 + 60 * i + 1e-7 * (i % 3)) for i in range(600)]
    points = [Point(round((1000.4 + i) * S), 100.0 * i) for i in range(36_000)]
    few, fewer = thinned(points, anchors, 60)
    old = points[-1].t_ns - KEEP_NS - 2 * SLOT_NS
    assert sum(p.t_ns < old for p in few) <= 2 * (old // SLOT_NS)
    assert sum(a.monotonic_ns < old for a in fewer) <= old // SLOT_NS
    assert sum(p.t_ns > points[-1].t_ns - KEEP_NS for p in few) == 3600


def test_instants_are_the_starts_of_five_minutes_and_the_steps_into_others() -> None:
    anchors = [at(0, 0), at(1000, 1000), at(1500, 1501), at(2000, 900)]

    def found(start_s: float, end_s: float) -> list[float]:
        return [t / S for t in instants(anchors, round(start_s * S), round(end_s * S))]

    assert found(-1, 2500) == [0, 300, 600, 900, 1200, 1500, 1799, 2000, 2300]
    assert found(0, 1200) == [300, 600, 900, 1200]
    assert found(1200, 1200) == []
    assert found(-700, 0) == [-600, -300, 0]
    assert all(a < b for a, b in pairwise(found(-5000, 5000)))


def test_an_anchor_that_sets_the_clock_stays() -> None:
    anchors = [at(0, 10), at(60, 70), at(120, 130.01), at(180, 190.01), at(240, 250.01), at(300, 310.01)]
    assert spare(anchors, 10**15) == [60 * S, 180 * S]
    assert spare(anchors, 130 * S) == [60 * S]
    close = [at(0, 10), at(60, 70 + STEP_NS / S / 2), at(120, 130)]
    assert spare(close, 10**15) == [60 * S]


def test_nothing_is_thinned_within_the_hour_or_beyond_what_is_known() -> None:
    anchors = [at(60 * i, 60 * i) for i in range(400)]
    thinning = Thinning(0)
    assert not thinning.due(KEEP_NS + SLOT_NS - 1)
    assert thinning.due(KEEP_NS + SLOT_NS)
    assert thinning.plan(anchors[:1], 3 * KEEP_NS) is None
    assert thinning.plan([], 3 * KEEP_NS) is None
    plan = thinning.plan(anchors[:12], 3 * KEEP_NS)
    assert plan is not None
    assert plan.until_ns == 600 * S
    after_an_outage = thinning.plan(anchors, 7 * KEEP_NS)
    assert after_an_outage is not None
    assert after_an_outage.until_ns == AT_ONCE_NS
