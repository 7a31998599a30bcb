"""Impossible readings of a counter, taken together."""

from __future__ import annotations

import pytest

from tests.fakes.sensor import NVML_COUNTER
from trainwatt.core.sensing import Reading
from trainwatt.energy.checks.suspects import Suspects, Suspicion

MS = 10**6


def meaning(*values: tuple[int, int]) -> Suspicion:
    """What readings (milliseconds, millijoules) mean together, after a last good one of 0 at 0 ms. The limit is 300 W."""
    (first_ms, first), *later = values
    suspects = Suspects(Reading(first_ms * MS, first), first * 1e-3, first_ms * 1e-3, 4000.0)
    found = Suspicion.OPEN
    for ms, value in later:
        found = suspects.add(Reading(ms * MS, value), NVML_COUNTER, 300.0)
    return found


def test_a_counter_that_rises_steadily_above_the_limit_shows_a_wrong_limit() -> None:
    assert meaning(*((100 * n, 42_000 * n) for n in range(4, 11))) is Suspicion.PASSED


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([(22, 81_301), (23, 2**31), (24, 2**31), (25, 2**31), (522, 606_611)], id="far up and down again"),
        pytest.param([(100, 150_000), (200, 290_000), (300, 160_000), (650, 500_000)], id="down between two rises"),
        pytest.param([(100, 150_000), (700, 700_000), (800, 690_000)], id="down at the end"),
    ],
)
def test_readings_that_fall_in_between_show_no_limit(values: list[tuple[int, int]]) -> None:
    assert meaning(*values) is not Suspicion.PASSED


def test_what_rises_steadily_after_a_fall_shows_a_wrong_limit() -> None:
    assert meaning((100, 150_000), (200, 90_000), *((100 * n, 90_000 + 42_000 * (n - 2)) for n in range(3, 9))) is Suspicion.PASSED
