"""Days, weeks, months and years of UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.analysis.over_time.periods import Period, period_of, periods_between, suiting

S = 10**9
PERIODS: tuple[Period, ...] = ("day", "week", "month", "year")
TIMES = st.integers(0, 4_000_000_000).map(lambda s: s * S)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


@pytest.mark.parametrize(("period", "name"), [("day", "2026-01-01"), ("week", "2026-W01"), ("month", "2026-01"), ("year", "2026")])
def test_names(period: Period, name: str) -> None:
    assert period_of(at("2026-01-01T00:00:00"), period) == name
    assert period_of(at("2026-01-01T23:59:59"), period) == name


def test_a_week_belongs_to_the_year_of_its_thursday() -> None:
    """ISO 8601."""
    assert period_of(at("2027-01-03T12:00"), "week") == "2026-W53"
    assert period_of(at("2024-12-30T12:00"), "week") == "2025-W01"


def test_every_period_between_also_the_empty_ones() -> None:
    assert periods_between(at("2026-11-29T23:00"), at("2026-12-02T01:00"), "day") == [
        "2026-11-29",
        "2026-11-30",
        "2026-12-01",
        "2026-12-02",
    ]
    assert periods_between(at("2025-12-15T00:00"), at("2026-02-01T00:00"), "month") == ["2025-12", "2026-01", "2026-02"]


@pytest.mark.parametrize("period", ["day", "week", "month", "year"])
@pytest.mark.parametrize("first", ["2023-12-31T23:59", "2024-02-29T00:00", "2026-01-01T00:00"])
def test_no_period_is_left_out(period: Period, first: str) -> None:
    days = [period_of(at(first) + day * 86_400 * 10**9, period) for day in range(1200)]
    assert periods_between(at(first), at(first) + 1199 * 86_400 * 10**9, period) == list(dict.fromkeys(days))


@given(a=TIMES, b=TIMES)
def test_the_suiting_period_has_few_and_both_ends(a: int, b: int) -> None:
    first, last = min(a, b), max(a, b)
    period = suiting(first, last)
    names = periods_between(first, last, period)
    assert names[0] == period_of(first, period)
    assert names[-1] == period_of(last, period)
    assert names == sorted(set(names))
    if period != "year":
        assert len(names) <= 62
