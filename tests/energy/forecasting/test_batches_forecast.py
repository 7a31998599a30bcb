"""Forecasts from the batches of the first epoch, of trainings that are simulated to their end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate

import pytest

from tests.energy.forecasting.test_forecast import training as epochs_of
from trainwatt.energy.forecasting.forecast import Expected, at_power, expected, expected_of_batches
from trainwatt.tracking.budgeting.passes import MOST_MARKS, Mark, Marks, Pass

TRAININGS = 500


def training(seed: int, several: bool) -> tuple[int, int, list[Mark]]:
    """How many batches an epoch has, how many epochs there are, and what is used after each batch and at the end: slow first batches at
    another power, a learning-rate restart that changes the power, and a validation after each of several epochs."""
    chance = random.Random(seed)
    batches, epochs = chance.randint(40, 400), chance.randint(2, 4) if several else 1
    slow, first = chance.uniform(1.5, 5.0), max(1, round(chance.uniform(0.005, 0.05) * batches))
    restart, change = chance.uniform(1 / 3, 2 / 3) * batches * epochs, chance.uniform(0.85, 1.15)
    power_w, validation = chance.uniform(200, 2000), chance.uniform(0.05, 0.25)
    seconds = joules = 0.0
    marks = [Mark(0.0, 0.0)]
    for batch in range(batches * epochs):
        lasts_s = chance.gauss(1, 0.1) * (slow if batch < first else 1.0)
        watts = power_w * chance.gauss(1, 0.05) * (0.7 if batch < first else change if batch >= restart else 1.0)
        seconds, joules = seconds + lasts_s, joules + lasts_s * watts
        if several and (batch + 1) % batches == 0:
            seconds, joules = seconds + validation * batches, joules + 0.6 * validation * batches * watts
        marks.append(Mark(seconds, joules))
    return batches, epochs, marks


def after(done: int, of: int, marks: Sequence[Mark]) -> Marks:
    """What is known of a pass over `of` batches when so many are done."""
    batch = 0
    known = Pass(of, lambda: marks[batch])
    for batch in range(1, done + 1):  # noqa: B007
        known.done()
    return known.known


@pytest.mark.parametrize("several", [False, True], ids=["one pass", "several epochs"])
def test_after_a_fifth_of_the_batches_the_end_is_within_the_range_in_nine_of_ten(several: bool) -> None:
    held_s = held_j = 0
    for seed in range(TRAININGS):
        batches, epochs, marks = training(seed, several)
        seen = batches * epochs // 5
        every, known = after(seen, batches, marks)
        pieces = batches * epochs / every
        seconds = expected_of_batches([mark.seconds for mark in known], pieces, marks[seen].seconds, several=several)
        energy = expected_of_batches([mark.energy_j or 0.0 for mark in known], pieces, marks[seen].energy_j or 0.0, several=several)
        assert seconds is not None
        assert energy is not None
        assert seconds.high < 2 * seconds.low  # a range that holds everything says nothing
        held_s += seconds.low <= marks[-1].seconds <= seconds.high
        held_j += energy.low <= (marks[-1].energy_j or 0.0) <= energy.high
    assert min(held_s, held_j) >= 0.9 * TRAININGS


@pytest.mark.parametrize("which", [0, 1], ids=["seconds", "joules"])
def test_after_a_fifth_of_the_epochs_the_same_holds_of_a_thousand(which: int) -> None:
    held = 0
    for seed in range(1000):
        begins = list(accumulate(epochs_of(seed)[which], initial=0.0))
        known = begins[: -(-(len(begins) - 1) // 5) + 1]
        found = expected(known, len(begins) - 1, known[-1])
        assert found is not None
        held += found.low <= begins[-1] <= found.high
    assert held >= 900


def test_the_range_is_wider_the_less_has_been_seen() -> None:
    def width(pieces: float) -> float:
        found = expected_of_batches([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], pieces, 5.0, several=False)
        assert found is not None
        assert found.value == pytest.approx(pieces)
        return (found.high - found.low) / found.value

    widths = [width(pieces) for pieces in (10, 25, 50, 100, 500, 1e5)]
    assert widths == sorted(widths)
    assert widths[0] == pytest.approx(0.15)
    assert widths[-1] == pytest.approx(2.0, rel=1e-3)


def test_too_few_pieces_tell_nothing_and_the_last_ends_it() -> None:
    assert expected_of_batches([0.0, 1.0, 2.0], 10, 2.0, several=False) is None
    assert expected_of_batches([0.0, 1.0, 2.0, 3.0], 3, 3.0, several=False) is None


def test_joules_that_come_late_go_on_at_their_mean_power() -> None:
    found = at_power(200.0, 20_000.0, 100.0, Expected(300.0, 250.0, 400.0))
    assert found.value == pytest.approx(60_000)
    assert (found.low, found.high) == pytest.approx((20_000 + 0.85 * 30_000, 20_000 + 1.15 * 60_000))


def test_a_pass_keeps_a_bounded_number_of_equally_spaced_marks() -> None:
    every, marks = after(12_345, 100_000, [Mark(float(done), None) for done in range(12_346)])
    assert MOST_MARKS / 2 <= len(marks) <= MOST_MARKS
    assert [mark.seconds for mark in marks] == [every * number for number in range(len(marks))]
    assert 12_345 - marks[-1].seconds < every
