"""PURE: the day, week, month or year of UTC in which something began."""

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
_DAYS: dict[Period, float] = {"day": 1, "week": 7, "month": 30.44, "year": 365.25}


def period_of(utc_ns: int, period: Period) -> str:
    """The name of the period: "2026-11-24", "2026-W48" (ISO 8601), "2026-11", "2026"."""
    return _NAMES[period](_date(utc_ns))


def periods_between(first_utc_ns: int, last_utc_ns: int, period: Period) -> list[str]:
    """Every period from the one to the other, those in which nothing happened as well."""
    first, last = _date(first_utc_ns), _date(last_utc_ns)
    days = (first + timedelta(days=i) for i in range((last - first).days + 1))
    return list(dict.fromkeys(_NAMES[period](day) for day in days))


def suiting(first_utc_ns: int, last_utc_ns: int, most: int = 60) -> Period:
    """The shortest of which not more than `most` lie between the two, else the year."""
    days = (_date(last_utc_ns) - _date(first_utc_ns)).days + 1
    found: tuple[Period, ...] = ("day", "week", "month")
    return next((period for period in found if days / _DAYS[period] <= most), "year")


def _date(utc_ns: int) -> date:
    return (_EPOCH + timedelta(seconds=utc_ns // NS_PER_S)).date()
