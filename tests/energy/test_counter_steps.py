"""What one new counter value means."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.sensor import AMD_COUNTER, DRAM_COUNTER, INTEL_COUNTER, NVML_COUNTER, UNRANGED_COUNTER
from trainwatt.core.sensing import Counter
from trainwatt.energy.counter_steps import Outcome, classify

LATE_S = 0.25
"""The longest that a counter may show its energy late before a value counts as impossible."""
quick = settings(derandomize=True, max_examples=300)


def test_the_first_reading_books_nothing() -> None:
    assert classify(None, 123_456, 0.0, INTEL_COUNTER, 400.0, None) == Outcome("first", 0, 0, 0)


@pytest.mark.parametrize("counter", [NVML_COUNTER, INTEL_COUNTER, UNRANGED_COUNTER])
def test_an_advance_is_its_difference(counter: Counter) -> None:
    joule = round(1 / counter.unit_j)
    assert classify(50 * joule, 80 * joule, 0.1, counter, 400.0, None) == Outcome("advanced", 30 * joule, 30 * joule, 30 * joule)


def test_no_movement_is_an_advance_of_nothing() -> None:
    assert classify(5_000_000, 5_000_000, 0.1, INTEL_COUNTER, 400.0, 200.0) == Outcome("advanced", 0, 0, 0)


def test_a_wrap_is_exact() -> None:
    modulus = INTEL_COUNTER.modulus
    assert modulus is not None
    outcome = classify(modulus - 12_000_000, 18_000_000, 0.1, INTEL_COUNTER, 400.0, 300.0)
    assert outcome == Outcome("wrapped", 30_000_000, 30_000_000, 30_000_000)


@pytest.mark.parametrize(("expected_w", "drawn_w"), [(60.0, 72), (430.0, 436), (790.0, 800), (250.0, 72), (260.0, 436), (None, 72)])
def test_the_nearest_number_of_wraps_and_the_range_of_all(expected_w: float | None, drawn_w: int) -> None:
    """72, 436 and 800 W all fit an AMD counter that was not read for 180 s."""
    value = 1_000_000 + 72 * 180 * 10**6
    outcome = classify(1_000_000, value, 180.0, AMD_COUNTER, 800.0, expected_w)
    assert outcome.ambiguous
    assert outcome.delta * 1e-6 / 180 == pytest.approx(drawn_w, abs=0.5)
    assert outcome.fewest * 1e-6 / 180 == pytest.approx(72, abs=0.01)
    assert outcome.most * 1e-6 / 180 == pytest.approx(800, abs=0.5)


def test_a_gap_too_short_for_a_second_wrap_is_not_ambiguous() -> None:
    assert not classify(1_000_000, 40 * 800 * 10**6, 60.0, AMD_COUNTER, 800.0, None).ambiguous


def test_a_fall_with_unknown_range_is_a_reset() -> None:
    assert classify(10**9, 5 * 10**6, 0.1, UNRANGED_COUNTER, 400.0, 300.0) == Outcome("reset")


def test_a_fall_too_deep_for_a_wrap_is_a_reset() -> None:
    """From 1 kJ to 5 J by a wrap would need 261 kJ in a tenth of a second."""
    assert classify(10**9, 5 * 10**6, 0.1, INTEL_COUNTER, 400.0, 300.0) == Outcome("reset")


@pytest.mark.parametrize("counter", [NVML_COUNTER, INTEL_COUNTER, UNRANGED_COUNTER])
def test_one_unit_backwards_books_nothing(counter: Counter) -> None:
    assert classify(7_000_000, 6_999_999, 0.1, counter, 400.0, 300.0) == Outcome("advanced", 0, 0, 0)


def test_a_jump_beyond_what_can_be_drawn_is_implausible() -> None:
    assert classify(10**6, 10**6 + 10**9, 0.1, NVML_COUNTER, 300.0, 200.0).kind == "implausible"


def test_a_late_latch_is_not_implausible() -> None:
    """A counter renewed every 100 ms and read every 10 ms shows 30 J at once."""
    assert classify(10**6, 10**6 + 30_000, 0.01, NVML_COUNTER, 300.0, 300.0) == Outcome("advanced", 30_000, 30_000, 30_000)


def test_a_gap_of_whole_wraps_that_ends_a_hair_below_where_it_began_may_have_been_wraps() -> None:
    """180 s at 364 W is one wrap of 65.5 kJ: a counter that ends 50 mJ lower than it began has not stood still."""
    previous = 10**9
    outcome = classify(previous, previous - 50_000, 180.0, AMD_COUNTER, 800.0, 364.0)
    assert outcome.most * 1e-6 >= 65_532


@st.composite
def _falls_and_rises(draw: st.DrawFn) -> tuple[int, int, float, Counter, float, float | None]:
    counter = draw(st.sampled_from([NVML_COUNTER, INTEL_COUNTER, AMD_COUNTER, DRAM_COUNTER, UNRANGED_COUNTER, Counter(1e-3, 400_000)]))
    limit = (counter.modulus or 10**12) - 1
    return (
        draw(st.integers(0, limit)),
        draw(st.integers(0, limit)),
        draw(st.floats(0, 3600)),
        counter,
        draw(st.floats(1, 2000)),
        draw(st.none() | st.floats(0, 4000)),
    )


@given(_falls_and_rises())
@quick
def test_nothing_beyond_full_power_is_ever_booked(case: tuple[int, int, float, Counter, float, float | None]) -> None:
    previous, value, dt_s, counter, max_power_w, expected_w = case
    outcome = classify(previous, value, dt_s, counter, max_power_w, expected_w)
    assert 0 <= outcome.fewest <= outcome.delta <= outcome.most
    assert outcome.most * counter.unit_j <= max_power_w * (dt_s + LATE_S) * (1 + 1e-12)
    if outcome.kind in ("first", "reset", "implausible"):
        assert outcome.most == 0
    if counter.modulus is not None and outcome.delta:
        off = (previous + outcome.delta - value) % counter.modulus
        assert min(off, counter.modulus - off) * counter.unit_j <= 0.1  # a step back of that much is held
    if counter.modulus is None:
        assert outcome.kind != "wrapped"


@given(
    start=st.integers(0, 399_999),
    drawn_w=st.floats(0, 300),
    dt_s=st.floats(0.001, 60),
    expected_w=st.none() | st.floats(0, 300),
)
@quick
def test_what_was_drawn_is_always_among_the_candidates(start: int, drawn_w: float, dt_s: float, expected_w: float | None) -> None:
    """A counter of 400 J that may wrap many times, at any place."""
    counter = Counter(1e-3, 400_000)
    drawn = int(drawn_w * dt_s / counter.unit_j)
    outcome = classify(start, (start + drawn) % 400_000, dt_s, counter, 300.0, expected_w)
    assert outcome.kind in ("advanced", "wrapped")
    assert outcome.fewest - 100 <= drawn <= outcome.most + 100  # a step back of a tenth of a joule is held
    if not outcome.ambiguous and drawn >= 100:
        assert abs(outcome.delta - drawn) <= 100
