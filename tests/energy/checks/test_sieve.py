"""Readings above the stated limit: nonsense, or a limit that is wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.rig import Rig, S, kinds, latest, so_far
from tests.fakes.sensor import AVERAGE, INSTANT, NVML_COUNTER
from trainwatt.core.sensing import Counter, Device, Gauge, Reading
from trainwatt.energy.checks.sieve import PART_MOST_W, Sieve

LIMITED = Device("gpu0", "gpu", 110.0, 0.05, "nvml")
"""A GPU that is said to draw 100 W at most."""
quick = settings(derandomize=True, max_examples=200)


def readings(*watts: float, tick_s: float = 0.5) -> list[Reading]:
    return [Reading(round(i * tick_s * S), w) for i, w in enumerate(watts)]


@pytest.mark.parametrize("watts", [math.nan, math.inf, -math.inf, -1.0, 1e6])
def test_what_no_device_can_draw_is_absurd_at_once(watts: float) -> None:
    sieve = Sieve("gpu", 300.0)
    assert sieve.take(Reading(S, watts), 300.0).absurd == [Reading(S, watts)] or math.isnan(watts)
    assert sieve.take(Reading(2 * S, 200.0), 300.0).taken == [Reading(2 * S, 200.0)]


@pytest.mark.parametrize("watts", [0.0, 299.0, 310.0, 590.0])
def test_what_it_can_draw_is_taken_at_once(watts: float) -> None:
    assert Sieve("gpu", 300.0).take(Reading(S, watts), 300.0).taken == [Reading(S, watts)]


def test_a_single_reading_far_above_the_limit_is_left_out() -> None:
    sieve, taken, absurd = Sieve("gpu", 300.0), [], []
    for reading in readings(200, 200, 1900, 210, 220, 230, 240, 250, 260):
        sieved = sieve.take(reading, 300.0)
        assert sieved.limit_w is None
        taken += [r.value for r in sieved.taken]
        absurd += [r.value for r in sieved.absurd]
    assert absurd == [1900]
    assert taken == [200, 200, 210, 220, 230, 240, 250, 260]  # in their order


@pytest.mark.parametrize("watts", [(420, 420, 420), (60, 420, 60, 420, 60, 420), (420, 700, 300)])
def test_a_limit_that_is_passed_steadily_is_wrong_and_nothing_is_left_out(watts: tuple[float, ...]) -> None:
    sieve, taken, limits = Sieve("gpu", 300.0), [], []
    for reading in readings(*watts):
        sieved = sieve.take(reading, 110.0)
        assert sieved.absurd == []
        taken += [r.value for r in sieved.taken]
        limits += [sieved.limit_w] if sieved.limit_w else []
    assert taken == list(watts)
    assert limits == [1.2 * max(watts)]


@given(st.lists(st.floats(0, 8000), max_size=60), st.floats(1, 3000))
@quick
def test_every_reading_is_taken_or_reported_once_and_in_order(watts: list[float], limit_w: float) -> None:
    sieve, taken, absurd = Sieve("gpu", limit_w), [], []
    most_w = 1.2 * max(2 * limit_w, PART_MOST_W["gpu"])
    given_ = readings(*watts, tick_s=0.1)
    for reading in given_:
        sieved = sieve.take(reading, limit_w)
        limit_w = max(limit_w, sieved.limit_w or 0.0)
        assert limit_w <= most_w
        taken += sieved.taken
        absurd += sieved.absurd
    end = sieve.finish(limit_w)
    taken, absurd = taken + end.taken, absurd + end.absurd
    assert sorted(taken + absurd) == given_
    assert taken == sorted(taken)


# ---- a device that draws more than its limit


@pytest.mark.parametrize("seconds", [0.4, 1.0, 6.0, 60.0])
@pytest.mark.parametrize("tick_s", [0.1, 1.0])
@pytest.mark.parametrize(
    ("counter", "gauges"),
    [
        (NVML_COUNTER, {}),
        (NVML_COUNTER, {"power-average": AVERAGE}),
        (NVML_COUNTER, {"power-instant": INSTANT}),
        (None, {"power-average": AVERAGE}),
        (None, {"power-instant": INSTANT}),
    ],
    ids=["counter", "counter and average", "counter and instant", "average", "instant"],
)
def test_a_draw_of_420_watts_above_a_limit_of_100_counts_in_full(
    counter: Counter | None, gauges: dict[str, Gauge], tick_s: float, seconds: float
) -> None:
    rig = Rig(LIMITED, counter, gauges)
    rig.power_w = 420
    rig.read()
    rig.run(420, seconds, min(tick_s, seconds / 2))
    rig.integrator.finish(rig.t_ns)
    assert so_far(rig.integrator).energy_j == pytest.approx(rig.true_j, rel=0.01)
    assert so_far(rig.integrator).low_j <= rig.true_j * 1.0001
    assert so_far(rig.integrator).high_j >= rig.true_j * 0.9999
    assert kinds(rig.integrator) == ["limit"]


@pytest.mark.parametrize("power_w", [150, 200, 1500])
def test_other_draws_above_the_limit_count_in_full_too(power_w: int) -> None:
    rig = Rig(LIMITED, NVML_COUNTER, {})
    rig.read()
    rig.run(60, 3)
    rig.run(power_w, 3)
    rig.run(60, 3)
    assert so_far(rig.integrator).energy_j == pytest.approx(rig.true_j, abs=0.01)
    assert "absurd" not in kinds(rig.integrator)


def test_while_it_is_not_decided_the_range_holds_what_the_counter_claims() -> None:
    rig = Rig(LIMITED, NVML_COUNTER, {})
    rig.read()
    rig.run(60, 1)
    rig.run(420, 0.4)
    assert so_far(rig.integrator).energy_j == pytest.approx(60, abs=20)
    assert so_far(rig.integrator).high_j >= rig.true_j - 0.01


@pytest.mark.parametrize("gauges", [{}, {"power-average": AVERAGE}], ids=["alone", "with a gauge"])
@pytest.mark.parametrize("seconds", [1.0, 6.0])
def test_a_counter_a_thousand_times_too_fast_is_no_wrong_limit(gauges: dict[str, Gauge], seconds: float) -> None:
    """Without a gauge nothing shows what was drawn: anything up to full power."""
    rig = Rig(LIMITED, Counter(1.0), gauges)
    rig.read()
    rig.power_w = 80
    for _ in range(round(seconds / 0.1)):
        rig.draw(80, 0.1)
        for name in gauges:
            rig.integrator.gauge_reading(name, Reading(rig.t_ns, 80.0))
        rig.integrator.counter_reading(Reading(rig.t_ns, 1000 + rig.true_uj // 1000))
    rig.integrator.finish(rig.t_ns)
    assert "limit" not in kinds(rig.integrator)
    assert so_far(rig.integrator).low_j <= rig.true_j <= so_far(rig.integrator).high_j <= 110 * (seconds + 0.5)
    if gauges:
        assert so_far(rig.integrator).energy_j == pytest.approx(rig.true_j, rel=0.1)
        assert latest(rig.integrator).counter_j == 0
