"""PURE: the day, week, month or year, in UTC, in which something began."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from ...core.units import NS_PER_S

Period = Literal["day", "week", "month", "year"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES: dict[Period, Callable[[date], str]] = {
    "day": lambda d: d.isoformat(),
    "week": lambda d: "{}-W{:02d}".format(*d.isocalendar()),
    "month": lambda d: f"{d:%Y-%m}",
    "year": lambda d: f"{d:%Y}",
}
_NEXT: dict[Period, Callable[[date], date]] = {
    "day": lambda d: d + timedelta(days=1),
    "week": lambda d: d + timedelta(days=7 - d.weekday()),
    "month": lambda d: (d.replace(day=1) + timedelta(days=32)).replace(day=1),
    "year": lambda d: date(d.year + 1, 1, 1),
}
"""The first day of the next period."""
_DAYS: dict[Period, float] = {"day": 1, "week": 7, "month": 30.44, "year": 365.25}


def period_of(utc_ns: int, period: Period) -> str:
    """The name of the period: "2026-11-24", "2026-W48" (ISO 8601), "2026-11", "2026"."""
    return _NAMES[period](_date(utc_ns))


def periods_between(first_utc_ns: int, last_utc_ns: int, period: Period) -> list[str]:
    """All periods from the first to the last, including those in which nothing happened."""
    day, last = _date(first_utc_ns), _date(last_utc_ns)
    names = []
    while day <= last:
        names.append(_NAMES[period](day))
        day = _NEXT[period](day)
    return names


def suiting(first_utc_ns: int, last_utc_ns: int, most: int = 60) -> Period:
    """The shortest period with at most `most` of them between the two instants; the year if there is none."""
    days = (_date(last_utc_ns) - _date(first_utc_ns)).days + 1
    found: tuple[Period, ...] = ("day", "week", "month")
    return next((period for period in found if days / _DAYS[period] <= most), "year")


def _date(utc_ns: int) -> date:
    return (_EPOCH + timedelta(seconds=utc_ns // NS_PER_S)).date()
