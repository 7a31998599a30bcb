"""Quantities written for people, and read from them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.core.clock import Anchor, SystemClock
from trainwatt.core.units import J_PER_KWH, J_PER_WH, parse_duration_s
from trainwatt.presentation.words.quantities import energy_unit, format_duration, format_energy, format_range, significant


def test_a_kilowatt_hour_is_3_6_megajoules() -> None:
    assert J_PER_KWH == 1000 * 3600
    assert J_PER_KWH == 1000 * J_PER_WH


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.01234, "0.0123"),
        (1.84, "1.84"),
        (1.8, "1.80"),
        (12.34, "12.3"),
        (212.4, "212"),
        (1234.4, "1234"),
        (1e9, "1000000000"),
        (1e-7, "0.000000100"),
        (-1.234, "-1.23"),
        (9.996, "10.0"),
        (0.9996, "1.00"),
        (99.96, "100"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_three_significant_digits_without_exponent(value: float, text: str) -> None:
    assert significant(value) == text


@given(st.floats(1e-6, 1e12))
@settings(derandomize=True)
def test_what_is_written_is_within_half_of_its_last_digit(value: float) -> None:
    text = significant(value)
    assert "e" not in text
    assert float(text) == pytest.approx(value, rel=0.005)


@pytest.mark.parametrize(
    ("energy_j", "text"),
    [
        (0, "0 J"),
        (0.5, "0.500 J"),
        (612, "612 J"),
        (3599, "3599 J"),
        (3600, "1.00 Wh"),
        (11_520, "3.20 Wh"),
        (359_000, "99.7 Wh"),
        (360_000, "0.100 kWh"),
        (6_624_000, "1.84 kWh"),
        (3.59e9, "997 kWh"),
        (3.6e9, "1.00 MWh"),
        (4.22e12, "1.17 GWh"),
    ],
)
def test_an_energy_in_the_unit_that_suits_it(energy_j: float, text: str) -> None:
    assert format_energy(energy_j) == text
    assert text.endswith(energy_unit(energy_j)[1])


def test_a_range_is_in_the_unit_of_its_energy() -> None:
    assert format_range(6_624_000, 6_444_000, 6_840_000) == "1.84 kWh (1.79–1.90)"
    assert format_range(612, 0, 4000) == "612 J (0–4000)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (4.24, "4.2 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 00 s"),
        (60, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (86_399.9, "1 d 00 h"),
        (6 * 86_400 + 4 * 3600, "6 d 04 h"),
    ],
)
def test_a_duration(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("45s", 45), ("20m", 1200), ("6h", 21_600), ("7d", 604_800), ("2w", 1_209_600), (" 1.5 h ", 5400), ("0", 0)],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-5s", "5 years", "1e3", "nan", "5m30s", "5 m s"])
def test_what_is_no_duration_names_itself_and_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match="45s, 20m, 6h, 7d or 2w") as raised:
        parse_duration_s(text)
    assert repr(text) in str(raised.value)


def test_an_anchor_carries_monotonic_time_to_utc() -> None:
    anchor = Anchor(5_000_000_000, 1_750_000_000_000_000_000, 7_000_000_000)
    assert anchor.utc_of(6_000_000_001) == 1_750_000_001_000_000_001
    assert anchor.utc_of(4_000_000_000) == 1_749_999_999_000_000_000


def test_the_clocks_of_this_machine() -> None:
    clock = SystemClock()
    before = clock.monotonic_ns()
    anchor = clock.anchor()
    assert before <= anchor.monotonic_ns <= clock.monotonic_ns()
    assert anchor.boottime_ns >= anchor.monotonic_ns - 1_000_000_000  # boottime runs on while suspended
    assert clock.thread_cpu_s() >= 0
