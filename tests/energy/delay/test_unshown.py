"""What a counter does not show yet."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.energy.delay.short_runs import forget_delays
from tests.fakes.rig import latest, ns, phase, so_far
from tests.fakes.sensor import AVERAGE, GPU, INSTANT, NVML_COUNTER
from trainwatt.core.point import Point
from trainwatt.core.sensing import Gauge, Reading
from trainwatt.energy.delay.unshown import Seen, Unshown, at_first
from trainwatt.energy.integrator import DeviceIntegrator
from trainwatt.energy.intervals import between, interval

T_S = 0.1
STATED_S = 0.11
MAX_W = 300.0


def seen(*readings: tuple[float, float]) -> list[Seen]:
    return [Seen(ns(t_s), joules) for t_s, joules in readings]


def unshown_j(readings: Sequence[Seen]) -> list[float]:
    unshown = Unshown(T_S / 2, MAX_W)
    return [unshown.at(reading) for reading in readings]


def test_it_lacks_half_a_period_of_the_power_before() -> None:
    assert unshown_j(seen((0, 0), (0.2, 40), (0.4, 80)))[1:] == pytest.approx([10, 10])


def test_the_power_before_is_that_of_one_and_a_half_periods_at_least() -> None:
    """Two readings in one period show no power between them."""
    assert unshown_j(seen((0, 0), (0.2, 40), (0.21, 40)))[2] == pytest.approx(T_S / 2 * 40 / 0.21)


def test_what_an_instantaneous_gauge_shows_counts_for_half() -> None:
    unshown = Unshown(T_S / 2, MAX_W)
    unshown.at(Seen(0, 0.0))
    assert unshown.at(Seen(ns(0.2), 40.0, 50.0)) == pytest.approx(T_S / 2 * (200 + 50) / 2)


def test_it_never_lacks_more_than_full_power() -> None:
    assert unshown_j(seen((0, 0), (0.2, 400)))[1] == pytest.approx(T_S / 2 * MAX_W)


def test_at_the_first_reading_a_gauge_tells_it() -> None:
    assert at_first(seen((0, 0)), T_S / 2, MAX_W, 60.0) == pytest.approx(3)


def test_without_a_gauge_the_readings_after_it_tell_it_once_there_are_enough() -> None:
    """60 W before the run and 200 W in it: the first 0.1 s show 5 + 5 − 3 + ... J."""
    after = seen((0, 0), (0.1, 0.05 * 60 + 0.05 * 200), (0.2, 33), (0.3, 53))
    assert at_first(after[:1], T_S / 2, MAX_W, None) is None
    assert at_first(after[:2], T_S / 2, MAX_W, None) is None
    assert at_first(after, T_S / 2, MAX_W, None) == pytest.approx(3)


def test_at_the_end_of_a_run_of_two_readings_the_load_counts_as_steady() -> None:
    assert at_first(seen((0, 0), (0.05, 8)), T_S / 2, MAX_W, None, final=True) == pytest.approx(T_S / 2 * 160)
    assert at_first(seen((0, 0)), T_S / 2, MAX_W, None, final=True) == 0.0


# ---- on a device


def integrated(
    load: Sequence[tuple[float, float]],
    reads_s: Sequence[float],
    *,
    update_s: float | None = T_S,
    stated_s: float | None = STATED_S,
    gauges: dict[str, Gauge] | None = None,
    late: bool = False,
    corrected: bool = True,
) -> DeviceIntegrator:
    """A device that rests at 50 W before 10 s, with `load` as (seconds, watts) from then on. `late`: its period is measured at the end."""
    integrator = DeviceIntegrator(GPU._replace(gain=0.0), NVML_COUNTER, gauges or {})
    if not corrected:
        forget_delays(integrator)
    if not late:
        integrator.set_update_period(stated_s)
    for t_s in reads_s:
        for name in gauges or ():
            integrator.gauge_reading(name, Reading(ns(10 + t_s), power_w(load, t_s)))
        renewed_s = t_s if not update_s else t_s // update_s * update_s
        integrator.counter_reading(Reading(ns(10 + t_s), round(1000 * (1000 + joules(load, renewed_s)))))
    if late:
        integrator.set_update_period(stated_s)
    integrator.finish(ns(10 + reads_s[-1]))
    return integrator


def power_w(load: Sequence[tuple[float, float]], t_s: float) -> float:
    for seconds, watts in load if t_s > 0 else ():
        if t_s <= seconds:
            return watts
        t_s -= seconds
    return 50.0


def joules(load: Sequence[tuple[float, float]], until_s: float) -> float:
    if until_s <= 0:
        return 50.0 * until_s
    total = 0.0
    for seconds, watts in load:
        total += watts * min(seconds, until_s)
        until_s -= min(seconds, until_s)
    return total + 50.0 * until_s


GAUGES = {"power-average": AVERAGE, "power-instant": INSTANT}
READS = [i / 10 + 0.05 for i in range(-1, 10)]


def test_a_second_of_work_is_right_and_the_bounds_stay() -> None:
    """The first reading lacks 2.5 J and the last one 10 J. Half a period at 250 W is 12.5 J of 250 J."""
    load = [(1.0, 250.0)]
    plain, right = (integrated(load, READS, stated_s=s, gauges={"power-average": AVERAGE}) for s in (None, STATED_S))
    true_j = joules(load, 0.95) - joules(load, -0.05)
    assert so_far(plain).energy_j < 0.96 * true_j
    assert so_far(right).energy_j == pytest.approx(true_j, rel=0.01)
    assert so_far(right).low_j <= true_j <= so_far(right).high_j


def test_the_period_may_become_known_after_the_readings() -> None:
    load = [(0.4, 250.0), (1.0, 120.0)]
    early, late = (integrated(load, READS, gauges=GAUGES, late=late) for late in (False, True))
    assert list(early.curve.ticks) == list(late.curve.ticks)


def test_no_point_is_final_until_it_is_known_what_the_counter_hides() -> None:
    integrator = DeviceIntegrator(GPU, NVML_COUNTER, {})
    integrator.set_update_period(STATED_S)
    record = phase(10.0, 10.05)
    for i in range(3):
        integrator.counter_reading(Reading(ns(10 + i / 10), 20_000 * i))
        assert record.resolve({"gpu0": integrator}, ns(10.3), final=False) is None
    integrator.counter_reading(Reading(ns(10.35), 70_000))
    assert record.resolve({"gpu0": integrator}, ns(10.5), final=False) is not None


def test_a_counter_of_unknown_period_shows_what_it_shows() -> None:
    integrator = integrated([(1.0, 250.0)], READS, stated_s=None, gauges=GAUGES)
    assert latest(integrator).counter_j == pytest.approx(joules([(1.0, 250.0)], 0.9) - joules([(1.0, 250.0)], -0.1), abs=0.01)
    assert latest(integrator).edge_low_j == 0.0


_load = st.lists(st.tuples(st.floats(0.02, 0.8), st.floats(0, MAX_W)), min_size=1, max_size=8)
_gaps = st.lists(st.floats(0.005, 0.4), min_size=2, max_size=30)


@given(_load, _gaps, st.sampled_from([{}, {"power-instant": INSTANT}]), st.sampled_from([0.02, 0.1]), st.booleans())
@settings(derandomize=True, max_examples=150)
def test_energy_moves_within_bounds_that_stay_and_never_falls(
    load: list[tuple[float, float]], gaps: list[float], gauges: dict[str, Gauge], update_s: float, late: bool
) -> None:
    """Whatever the load and whenever it is read: the range of any window is within that of the counter alone, and holds the truth."""
    reads = [0.0]
    for gap in gaps:
        reads.append(reads[-1] + gap)
    right = integrated(load, reads, update_s=update_s, stated_s=1.1 * update_s, gauges=gauges, late=late)
    plain = integrated(load, reads, update_s=update_s, stated_s=1.1 * update_s, gauges=gauges, late=late, corrected=False)
    edges = [ns(10 + t_s) for t_s in (*reads, *(t + 0.003 for t in reads[:-1]))]
    points = [(right.curve.at(t), plain.curve.at(t)) for t in sorted(edges)]
    begin, begin_plain = points[0]
    assert begin is not None
    assert begin_plain is not None
    before: Point = begin
    for point, alone in points:
        assert point is not None
        assert alone is not None
        assert point.energy_j >= before.energy_j - 1e-9
        assert min(point.edge_low_j, point.edge_high_j) >= 0
        found, expected = interval([between(begin, point, 0.0, "")]), interval([between(begin_plain, alone, 0.0, "")])
        assert expected.low_j - 1e-6 <= found.low_j <= found.high_j <= expected.high_j + 1e-6
        true_j = joules(load, point.t_ns / 1e9 - 10)
        assert found.low_j - 0.01 <= true_j <= found.high_j + 0.01
        before = point


@given(st.floats(1, MAX_W), st.floats(0, T_S), _gaps)
@settings(derandomize=True, max_examples=100)
def test_a_steady_load_that_is_shown_late_by_the_same_time_is_exact(watts: float, late_s: float, gaps: list[float]) -> None:
    integrator = DeviceIntegrator(GPU, NVML_COUNTER, {"power-average": AVERAGE})
    integrator.set_update_period(STATED_S)
    t_s = 10.0
    for gap in [0.0, *gaps]:
        t_s += gap
        integrator.gauge_reading("power-average", Reading(ns(t_s), watts))
        integrator.counter_reading(Reading(ns(t_s), round(1000 * watts * (t_s - late_s))))
    integrator.finish(ns(t_s))
    assert so_far(integrator).energy_j == pytest.approx(watts * (t_s - 10), rel=1e-3, abs=0.02)


def test_a_device_that_is_read_late_does_not_count_the_time_before_twice() -> None:
    """Before its first reading 200 W are imputed, and the counter shows energy 0.05 s late from then on."""
    integrator = DeviceIntegrator(GPU, NVML_COUNTER, {"power-average": AVERAGE})
    integrator.set_update_period(STATED_S)
    integrator.begin(ns(10))
    for i in range(20, 40):
        integrator.gauge_reading("power-average", Reading(ns(10 + i / 10), 200.0))
        integrator.counter_reading(Reading(ns(10 + i / 10), round(200_000 * (i / 10 - 0.05))))
    integrator.finish(ns(13.9))
    assert so_far(integrator).energy_j == pytest.approx(200 * 3.9, abs=0.01)


def test_a_wrap_and_a_reset_keep_what_is_known() -> None:
    """A steady 200 W through both: the reset costs its tick, and nothing is added twice."""
    integrator = DeviceIntegrator(GPU, NVML_COUNTER._replace(modulus=1_000_000), {"power-average": AVERAGE})
    integrator.set_update_period(STATED_S)
    for i in range(60):
        shown_mj = round(200_000 * (i / 10 - 0.05)) + 500_000
        integrator.gauge_reading("power-average", Reading(ns(10 + i / 10), 200.0))
        integrator.counter_reading(Reading(ns(10 + i / 10), shown_mj % 1_000_000 if i < 40 else shown_mj - 1_280_000))
    integrator.finish(ns(15.9))
    assert [event.kind for event in integrator.events] == ["wrap", "reset"]
    assert so_far(integrator).energy_j == pytest.approx(200 * 5.9, abs=0.5)
    assert so_far(integrator).low_j <= 200 * 5.9 <= so_far(integrator).high_j
