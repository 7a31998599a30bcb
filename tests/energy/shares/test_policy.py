"""How the energy of a device is divided between those who use it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.energy.shares.policy import UNKNOWN, Fractions, Use, fractions

AMOUNT = st.floats(0, 1e4, allow_nan=False)
IDLE = st.none() | st.floats(0, 1)
WEIGHT = st.floats(1, 10)


@pytest.mark.parametrize(
    ("use", "idle", "expected"),
    [
        (Use(1, 1, 0, 2), 0.5, (0.5, 1 / 3, 2 / 3)),  # a machine that is full: of idle energy, too, half
        (Use(1, 3, 0, 8), 0.0, (0.25, 1 / 7, 0.4)),  # no idle energy: by use alone
        (Use(1, 3, 0, 8), 1.0, (0.125, 0.125, 0.4)),  # nothing but idle energy: an eighth of all there was
        (Use(1, 0, 0, 64), 0.25, (0.75 + 0.25 / 64, 0.75 + 0.25 / 64, 1.0)),  # alone on a large machine
        (Use(1, 0, 0, 64), None, ((1 + 1 / 64) / 2, 1 / 64, 1.0)),  # and nobody knows what it draws when it is idle
        (Use(0, 5, 0, 8), None, (0.0, 0.0, 0.0)),
        (Use(0, 0, 0, 8), None, (0.0, 0.0, 0.0)),  # nobody used it: the idle energy stays unattributed
        (Use(0, 0, 0, 0), None, (0.0, 0.0, 0.0)),
        (Use(200, 200, 0, 100), 0.5, (0.5, 1 / 3, 2 / 3)),  # shared at the same time: percentages may exceed a hundred
        (UNKNOWN, 0.5, (0.0, 0.0, 1.0)),
        (Use(1, 1, 2, 4), 0.0, (0.25, 1 / 7, 6 / 7)),  # use of unknown owners counts in the upper bound
    ],
)
def test_the_share_of_a_use(use: Use, idle: float | None, expected: tuple[float, float, float]) -> None:
    assert fractions(use, 2.0, idle) == pytest.approx(Fractions(*expected))


@given(AMOUNT, AMOUNT, AMOUNT, AMOUNT, WEIGHT, IDLE)
def test_a_share_is_within_its_range_and_never_more_than_all(
    ours: float, others: float, unknown: float, capacity: float, weight: float, idle: float | None
) -> None:
    found = fractions(Use(ours, others, unknown, capacity), weight, idle)
    assert 0.0 <= found.low <= found.central <= found.high <= 1.0


@given(st.lists(AMOUNT, min_size=1, max_size=6), AMOUNT, WEIGHT, IDLE)
def test_the_shares_of_all_processes_are_never_more_than_the_whole(
    used: list[float], capacity: float, weight: float, idle: float | None
) -> None:
    every = [fractions(Use(mine, sum(used) - mine, 0.0, capacity), weight, idle) for mine in used]
    assert sum(found.central for found in every) <= 1.0 + 1e-9
    assert sum(found.low for found in every) <= 1.0 + 1e-9


@given(AMOUNT, AMOUNT, AMOUNT, AMOUNT, WEIGHT, IDLE)
def test_more_use_is_never_a_smaller_share(
    ours: float, more: float, others: float, capacity: float, weight: float, idle: float | None
) -> None:
    capacity += ours + more + others
    less, most = (fractions(Use(mine, others, 0.0, capacity), weight, idle) for mine in (ours, ours + more))
    assert all(a <= b + 1e-9 for a, b in zip(less, most, strict=True))
