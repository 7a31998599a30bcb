"""Whatever the readings do, energy is neither created nor lost, and the range holds the truth."""

from __future__ import annotations

import math
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.sensor import AVERAGE, GPU, INSTANT, NVML_COUNTER
from trainwatt.core.point import Point
from trainwatt.core.sensing import Counter, Gauge, Reading
from trainwatt.energy.integrator import DeviceIntegrator
from trainwatt.energy.intervals import Interval, between, interval

S = 10**9
MAX_W = 300
UNIT_UJ = 1000  # of every counter here: 1 mJ
slow = settings(derandomize=True, max_examples=200)


class Tick(NamedTuple):
    """`power_w` was drawn for `ms` milliseconds; then the sensors are read, `times` times, or fail."""

    ms: int
    power_w: int
    times: int


def ticks_of(most_ms: int, least_w: int = 0, *, failing: bool = True) -> st.SearchStrategy[list[Tick]]:
    times = st.integers(0 if failing else 1, 3)
    return st.lists(st.builds(Tick, st.integers(1, most_ms), st.integers(least_w, MAX_W), times), min_size=1, max_size=40)


def counter_integrator(counter: Counter, gauges: dict[str, Gauge] | None = None) -> DeviceIntegrator:
    integrator = DeviceIntegrator(GPU, counter, gauges or {})
    integrator.set_update_period(0.0)
    return integrator


def feed(integrator: DeviceIntegrator, ticks: list[Tick], start_uj: int) -> tuple[int, int]:
    """Feed the ticks, the last of them surely read. Returns the energy truly drawn (µJ) and the raw units the counter advanced."""
    counter = integrator.counter
    assert counter is not None
    t_ns, true_uj = S, 0

    def raw() -> int:
        units = (start_uj + true_uj) // UNIT_UJ
        return units % counter.modulus if counter.modulus else units

    integrator.counter_reading(Reading(t_ns, raw()))
    for i, tick in enumerate(ticks):
        t_ns += tick.ms * 10**6
        true_uj += tick.power_w * tick.ms * 1000
        times = max(1, tick.times) if i == len(ticks) - 1 else tick.times
        for _ in range(times):
            integrator.counter_reading(Reading(t_ns, raw()))
        if not times:
            integrator.failed("energy", t_ns, "timeout")
    return true_uj, (start_uj + true_uj) // UNIT_UJ - start_uj // UNIT_UJ


def so_far(integrator: DeviceIntegrator) -> Interval:
    latest = integrator.curve.latest
    assert latest is not None
    return interval([between(Point(0), latest, 0.0, "")])


def assert_holds(integrator: DeviceIntegrator, true_j: float, tolerance_j: float = 0.002) -> None:
    total = so_far(integrator)
    assert total.low_j - tolerance_j <= true_j <= total.high_j + tolerance_j, (total, true_j, integrator.events)


@given(ticks_of(2000, least_w=1), st.integers(0, 10**15))
@slow
def test_a_counter_telescopes_however_it_is_read(ticks: list[Tick], start_uj: int) -> None:
    """Ticks of any length, readings repeated, reads that fail: last minus first, to the unit."""
    integrator = counter_integrator(NVML_COUNTER)
    true_uj, units = feed(integrator, ticks, start_uj)
    if not any(e.kind == "stale" for e in integrator.events):  # the reads never failed for 2 s and 20 ticks
        assert so_far(integrator).energy_j == units * NVML_COUNTER.unit_j
        assert so_far(integrator) == Interval(units * 1e-3, units * 1e-3, units * 1e-3)
    assert_holds(integrator, true_uj * 1e-6)


@given(
    st.lists(st.tuples(st.integers(0, 4000), st.integers(-300, 1500), st.integers(0, 3)), max_size=30),
    st.sampled_from([NVML_COUNTER, Counter(1e-3, 10_000, quantum=61), Counter(1e-3, 2_000_000)]),
    st.integers(0, 10**4),
)
@slow
def test_a_reading_that_plainly_goes_on_is_booked_as_any_other(ticks: list[tuple[int, int, int]], counter: Counter, start: int) -> None:
    """Integers that rose by what the device can draw go a shorter way than the same numbers as floats."""
    short, whole = counter_integrator(counter), counter_integrator(counter)
    t_ns, raw = S, start
    for ms, step, answered in [(0, 0, 1), *ticks]:
        t_ns += ms * 10**6
        raw += step
        raw %= counter.modulus or 2**53  # above it, a float is not the same number
        for integrator, value in ((short, raw), (whole, float(raw))):
            if answered:
                integrator.counter_reading(Reading(t_ns, value, 1000))
            else:
                integrator.failed("energy", t_ns, "timeout")
    for integrator in (short, whole):
        integrator.finish(t_ns)
    assert list(short.curve.ticks) == list(whole.curve.ticks)
    assert [e[:3] for e in short.events] == [e[:3] for e in whole.events]
    assert short.covered_ns == whole.covered_ns


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, MAX_W), st.sampled_from([1, 2, 3, 4, 5, 6])), min_size=1, max_size=12))
@slow
def test_it_does_not_matter_where_a_span_is_split(spans: list[tuple[int, int, int]]) -> None:
    whole, split = counter_integrator(NVML_COUNTER), counter_integrator(NVML_COUNTER)
    feed(whole, [Tick(60 * n, power_w, 1) for n, power_w, _ in spans], 0)
    feed(split, [Tick(60 * n // parts, power_w, 1) for n, power_w, parts in spans for _ in range(parts)], 0)
    assert so_far(split) == so_far(whole)


@given(ticks_of(1000, least_w=1, failing=False), st.integers(0, 2**40), st.integers(376_000, 2_000_000))
@slow
def test_wraps_at_any_place_are_exact(ticks: list[Tick], start_uj: int, modulus: int) -> None:
    """376 J is more than 300 W draw in 1.25 s: every wrap is seen, and no two fit."""
    integrator = counter_integrator(Counter(1e-3, modulus))
    _, units = feed(integrator, ticks, start_uj)
    wraps = (start_uj // UNIT_UJ + units) // modulus - start_uj // UNIT_UJ // modulus
    assert so_far(integrator).energy_j == units * 1e-3
    assert so_far(integrator).low_j == so_far(integrator).high_j == units * 1e-3
    assert [e.kind for e in integrator.events] == ["wrap"] * wraps


@given(ticks_of(4000), st.integers(0, 2**40), st.integers(376_000, 2_000_000))
@example([Tick(1623, 300, 1)], 0, 376_000)  # full power all the time: the most that fits is what was drawn
@slow
def test_wraps_unseen_in_gaps_are_in_the_range(ticks: list[Tick], start_uj: int, modulus: int) -> None:
    integrator = counter_integrator(Counter(1e-3, modulus))
    true_uj, _ = feed(integrator, ticks, start_uj)
    assert_holds(integrator, true_uj * 1e-6, 0.11)  # a fall of a tenth of a joule is held


@given(ticks_of(1000), st.sets(st.integers(0, 38), max_size=4), st.floats(0, 1), st.booleans())
@slow
def test_resets_leave_the_truth_in_the_range(ticks: list[Tick], resets: set[int], where: float, at_zero: bool) -> None:
    """The counter starts at 1 GJ; each reset, somewhere within a tick, takes it to half of where it stood, or to 0 (once)."""
    counter = Counter(1e-3, None, restarts_at_zero=at_zero)
    integrator = counter_integrator(counter)
    t_ns, true_uj, counter_uj, left = S, 0, 10**15, 1 if at_zero else 4
    integrator.counter_reading(Reading(t_ns, counter_uj // UNIT_UJ))
    for i, tick in enumerate([*ticks, Tick(100, 100, 1)]):
        drawn_uj = tick.power_w * tick.ms * 1000
        t_ns += tick.ms * 10**6
        true_uj += drawn_uj
        counter_uj += drawn_uj
        if i in resets and left:
            left -= 1
            counter_uj = (0 if at_zero else (counter_uj - drawn_uj) // 2) + int(drawn_uj * where)
        for _ in range(tick.times):
            integrator.counter_reading(Reading(t_ns, counter_uj // UNIT_UJ))
        if not tick.times:
            integrator.failed("energy", t_ns, "timeout")
    assert_holds(integrator, true_uj * 1e-6, 0.02)
    assert so_far(integrator).high_j <= MAX_W * (t_ns - S) / S + 0.02  # and no reset is a spike


@given(ticks_of(400, failing=False), st.integers(21, 60), st.integers(20, 200), st.integers(0, MAX_W), st.booleans(), st.booleans())
@slow
def test_a_frozen_counter_leaves_the_truth_in_the_range(
    ticks: list[Tick], frozen: int, frozen_ms: int, frozen_w: int, counts_on: bool, with_gauge: bool
) -> None:
    """Frozen after the ticks, with or without counting on inside, and thawed again. The gauge shows the true power."""
    integrator = counter_integrator(NVML_COUNTER, {"power-instant": INSTANT} if with_gauge else {})
    t_ns, true_uj, hidden_uj, shown_uj = S, 0, 0, 0
    integrator.counter_reading(Reading(t_ns, 0))
    steps = [(t.ms, t.power_w, False) for t in ticks]
    steps += [(frozen_ms, frozen_w, True)] * frozen + [(100, 200, False)] * 5
    for ms, power_w, is_frozen in steps:
        t_ns += ms * 10**6
        true_uj += power_w * ms * 1000
        hidden_uj += power_w * ms * 1000 if counts_on or not is_frozen else 0
        shown_uj = shown_uj if is_frozen else hidden_uj
        if with_gauge:
            integrator.gauge_reading("power-instant", Reading(t_ns, float(power_w)))
        integrator.counter_reading(Reading(t_ns, shown_uj // UNIT_UJ))
    if counts_on:
        assert_holds(integrator, true_uj * 1e-6)
    elif any(e.kind == "stale" for e in integrator.events):
        # what was drawn in the reading at which it thawed is not told apart from what was filled in
        total = so_far(integrator)
        stood_j = frozen_w * frozen * frozen_ms / 1000
        assert total.low_j - 0.01 <= true_uj * 1e-6 <= max(total.high_j + 20.0, total.energy_j + stood_j + 0.01)


_value = st.one_of(st.integers(0, 2**33), st.integers(0, 10**6), st.sampled_from([0, 1, 10**18, 999_999, 1_000_000, 1_000_001]))
_watts = st.one_of(st.floats(0, 700), st.sampled_from([math.nan, math.inf, -math.inf, -1.0, 0.0, 1e6, 5e-324]))
_step = st.tuples(st.sampled_from(["counter", "power-average", "power-instant", "failed", "wait"]), st.integers(0, 3000), _value, _watts)


@given(
    st.lists(_step, max_size=80),
    st.sampled_from([None, NVML_COUNTER, Counter(1e-3, 10**6), Counter(1e-3, 2**32, restarts_at_zero=True)]),
    st.booleans(),
)
@settings(slow, max_examples=400)
def test_nothing_ever_falls_or_stops_being_a_number(
    steps: list[tuple[str, int, int, float]], counter: Counter | None, lost_at_the_end: bool
) -> None:
    """Readings of every kind in any order of kinds, sense or nonsense."""
    integrator = DeviceIntegrator(GPU, counter, {"power-average": AVERAGE, "power-instant": INSTANT})
    t_ns, before = S, Point(0)
    for what, ms, value, watts in [*steps, ("end", 100, 0, 0.0)]:
        t_ns += ms * 10**6
        if what == "counter":
            integrator.counter_reading(Reading(t_ns, value, ms % 7 * 1000))
        elif what in ("power-average", "power-instant"):
            integrator.gauge_reading(what, Reading(t_ns, watts))
        elif what == "failed":
            integrator.failed("energy" if value % 2 else "power-average", t_ns, f"error {value % 3}")
        elif what == "end" and lost_at_the_end:
            integrator.failed("energy", t_ns, "lost", lost=True)
        elif what == "end":
            integrator.finish(t_ns)
        point = integrator.curve.latest
        if point is None:
            continue
        assert all(math.isfinite(x) for x in point)
        assert point.t_ns >= before.t_ns
        for earlier, later in zip(before[1:7], point[1:7], strict=True):
            assert later >= earlier >= 0
        assert point.edge_low_j >= 0
        assert point.edge_high_j >= 0
        total = so_far(integrator)
        assert 0 <= total.low_j <= total.energy_j <= total.high_j < math.inf
        assert 0 <= integrator.covered_ns <= t_ns - S + 1000
        before = point


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 2**32), st.booleans()), min_size=1, max_size=60), st.booleans())
@slow
def test_no_readings_at_all_book_more_than_full_power(steps: list[tuple[int, int, bool]], at_zero: bool) -> None:
    """A counter of random values, wrapping, falling and jumping: never more than full power, and 0.25 s of it for a late latch. Values that
    pass the stated limit steadily raise it."""
    counter = Counter(1e-3, 2**32, restarts_at_zero=at_zero)
    integrator, t_ns, low = counter_integrator(counter), S, 0
    integrator.counter_reading(Reading(t_ns, 2**31))
    for ms, value, near in steps:
        t_ns += ms * 10**6
        integrator.counter_reading(Reading(t_ns, 2**31 + value % 10**6 if near else value))
        low += 1
    assert so_far(integrator).energy_j <= integrator.curve.max_power_w * ((t_ns - S) / S + 0.25 * low) + 0.01


@given(
    st.lists(st.tuples(st.integers(20, 300), st.floats(0, MAX_W), st.integers(0, 4)), min_size=3, max_size=50),
    st.sampled_from(["power-average", "power-instant"]),
)
@slow
def test_a_gauge_of_constant_stretches_stays_in_its_range_through_failed_reads(steps: list[tuple[int, float, int]], name: str) -> None:
    """An instantaneous gauge whose power changes right after a reading: the trapezoid errs by no more than it says. Constant power
    is exact with either gauge, however often a read fails."""
    integrator = DeviceIntegrator(GPU, None, {name: INSTANT if name == "power-instant" else AVERAGE})
    t_ns, true_j, watts = S, 0.0, steps[0][1]
    integrator.gauge_reading(name, Reading(t_ns, watts))
    for ms, power_w, failing in steps:
        if name == "power-instant" and not failing:
            watts = power_w
        t_ns += ms * 10**6
        true_j += watts * ms / 1000
        if failing == 1:
            integrator.failed(name, t_ns, "timeout")
        else:
            integrator.gauge_reading(name, Reading(t_ns, watts))
    t_ns += 100 * 10**6
    true_j += watts / 10
    integrator.gauge_reading(name, Reading(t_ns, watts))
    integrator.finish(t_ns)
    total = so_far(integrator)
    assert total.low_j - 1e-6 <= true_j <= total.high_j + 1e-6
    if name == "power-average":
        assert abs(total.energy_j - true_j) <= 1e-9 * true_j + 1e-6
    latest = integrator.curve.latest
    assert latest is not None
    assert latest.counter_j == latest.modelled_j == 0
    assert integrator.curve.power_j == latest.power_j
