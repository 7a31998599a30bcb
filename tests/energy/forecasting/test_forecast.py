"""Forecasts of trainings that are simulated to their end."""

from __future__ import annotations

import random
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.energy.forecasting.forecast import expected


def training(seed: int) -> tuple[list[float], list[float]]:
    """The seconds and the joules of each epoch: slow first epochs, a validation every third epoch, and a learning-rate restart, from which
    on the power is another one."""
    chance = random.Random(seed)
    epochs = chance.randint(10, 60)
    slow, first = chance.uniform(1.2, 2.0), chance.randint(1, 2)
    restart, change = chance.randint(epochs // 3, 2 * epochs // 3), chance.uniform(0.85, 1.15)
    validation_s, train_s, power_w = chance.uniform(5, 25), 100.0, chance.uniform(200, 2000)
    seconds, joules = [], []
    for epoch in range(epochs):
        trained_s = train_s * chance.gauss(1, 0.02) * (slow if epoch < first else 1.0)
        validated_s = validation_s if epoch % 3 == 2 else 0.0
        watts = power_w * chance.gauss(1, 0.02) * (change if epoch >= restart else 1.0)
        seconds.append(trained_s + validated_s)
        joules.append(trained_s * watts + 0.6 * validated_s * watts)
    return seconds, joules


@pytest.mark.parametrize("which", [0, 1], ids=["seconds", "joules"])
@pytest.mark.parametrize("decade", range(20))
def test_after_a_fifth_of_a_training_its_end_is_within_the_range_in_nine_of_ten(which: int, decade: int) -> None:
    held = 0
    for seed in range(10 * decade, 10 * decade + 10):
        begins = list(accumulate(training(seed)[which], initial=0.0))
        epochs = len(begins) - 1
        known = begins[: -(-epochs // 5) + 1]
        found = expected(known, epochs, known[-1])
        assert found is not None
        assert found.high < 3 * found.low  # a range that holds everything says nothing
        held += found.low <= begins[-1] <= found.high
    assert held >= 9


@given(
    each=st.lists(st.floats(0, 1e12), min_size=1, max_size=40),
    more=st.integers(1, 1000),
    since=st.floats(0, 1e12),
)
def test_a_forecast_is_never_below_what_is_used_and_its_range_holds_it(each: list[float], more: int, since: float) -> None:
    begins = list(accumulate(each, initial=0.0))
    now = begins[-1] + since
    found = expected(begins, len(each) + more, now)
    assert found is not None
    assert now <= found.low <= found.value <= found.high < float("inf")


@given(epoch=st.floats(1e-3, 1e9), done=st.integers(1, 50), left=st.integers(1, 50))
def test_equal_epochs_give_their_sum(epoch: float, done: int, left: int) -> None:
    begins = [epoch * n for n in range(done + 1)]
    found = expected(begins, done + left, begins[-1])
    assert found is not None
    assert found.value == pytest.approx(epoch * (done + left))


def test_nothing_is_expected_before_an_epoch_is_complete_nor_after_the_last() -> None:
    assert expected([], 10, 5.0) is None
    assert expected([1.0], 10, 5.0) is None
    assert expected([0.0, 1.0, 2.0], 2, 5.0) is None
