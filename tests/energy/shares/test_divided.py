"""How the energy of a device is divided between the ranks of a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.energy.intervals import Interval
from trainwatt.energy.shares.policy import Use
from trainwatt.energy.shares.ranks import Held, divided

WHOLE = Interval(100.0, 90.0, 110.0)
AMOUNT = st.floats(0, 1e4, allow_nan=False)
FRACTION = st.floats(0, 1)


def test_energy_above_idle_is_divided_by_use_and_idle_energy_by_capacity() -> None:
    """40 of 100 J are idle energy. One rank has used 30 of 100 s, the other 10 s, and a stranger 20 s: half and a sixth of the 60 J above
    idle, 30 % and 10 % of the idle energy."""
    held = {"a": Held(Use(30, 30, 0, 100), 1.0), "b": Held(Use(10, 50, 0, 100), 1.0)}
    parts = divided(WHOLE, held, 2.0, 0.4)
    assert {rank: part.energy_j for rank, part in parts.items()} == pytest.approx({"a": 30 + 12, "b": 10 + 4})
    assert parts["a"].low_j < parts["a"].energy_j < parts["a"].high_j


def test_a_rank_that_was_there_for_a_quarter_of_the_energy_gets_of_that_quarter() -> None:
    [part] = divided(WHOLE, {"a": Held(Use(10, 10, 0, 20), 0.25)}, 1.0, 0.0).values()
    assert part == pytest.approx((12.5, 11.25, 13.75))


@given(
    st.dictionaries(st.text(max_size=3), st.tuples(AMOUNT, AMOUNT, AMOUNT, AMOUNT, FRACTION), max_size=5),
    st.floats(0, 1e6),
    st.floats(1, 10),
    st.none() | FRACTION,
)
def test_parts_are_never_more_than_the_whole(
    used: dict[str, tuple[float, float, float, float, float]], energy_j: float, weight: float, idle: float | None
) -> None:
    """Whatever ranks say that they have used."""
    held = {rank: Held(Use(*use), of_energy) for rank, (*use, of_energy) in used.items()}
    whole = Interval(energy_j, 0.9 * energy_j, 1.1 * energy_j)
    parts = divided(whole, held, weight, idle)
    assert parts.keys() == held.keys()
    assert sum(part.energy_j for part in parts.values()) <= energy_j * (1 + 1e-9)
    for part in parts.values():
        assert 0.0 <= part.low_j <= part.energy_j * (1 + 1e-9) <= part.high_j * (1 + 2e-9) <= whole.high_j * (1 + 3e-9)
