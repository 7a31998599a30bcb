"""The order of commands, goals in the output, and the rest before a run."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.errors import ConfigurationError
from trainwatt.tracking.benching.cooling import Cooling
from trainwatt.tracking.benching.goal import parse_goal
from trainwatt.tracking.benching.order import order


def test_two_commands_change_places() -> None:
    assert [order(2, number) for number in range(4)] == [[0, 1], [1, 0], [1, 0], [0, 1]]


@settings(derandomize=True, max_examples=50)
@given(st.integers(1, 6), st.integers(0, 20))
def test_each_round_has_each_command_once(commands: int, number: int) -> None:
    assert sorted(order(commands, number)) == list(range(commands))
    assert order(commands, 2 * number + 1) == order(commands, 2 * number)[::-1]


def test_each_command_begins_as_often_as_the_others() -> None:
    assert set(Counter(order(3, number)[0] for number in range(12)).values()) == {4}


@pytest.mark.parametrize(
    ("goal", "line", "met"),
    [
        ("val_accuracy>=0.98", "epoch 3: val_accuracy=0.981 loss=0.1", True),
        ("val_accuracy>=0.98", "val_accuracy: 0.98", True),
        ("val_accuracy>=0.98", "{'val_accuracy': 0.99, 'loss': 0.2}", True),
        ("val_accuracy>=0.98", "val_accuracy 0.985", True),
        ("val_accuracy>=0.98", "val_accuracy=0.979", False),
        ("val_accuracy>=0.98", "best_val_accuracy=0.99", False),
        ("accuracy>=0.98", "val.accuracy=0.99", False),
        ("val_accuracy>=0.98", "val_accuracy=0.9 val_accuracy=0.98", True),
        ("val_accuracy>=0.98", "val_accuracy=nan", False),
        ("val_accuracy>=0.98", "val_accuracy_2=0.99", False),
        ("loss<=1e-3", "loss=9.5E-4", True),
        ("loss<0.1", "loss=0.1", False),
        ("loss < 0.1", "loss = .05", True),
        ("top-1>90", "top-1: 91.2%", True),
        ("epoch>4", "epoch=5/10", True),
    ],
)
def test_a_goal_is_met_by_what_is_printed(goal: str, line: str, met: bool) -> None:
    assert parse_goal(goal).met(line) is met


@pytest.mark.parametrize("text", ["", "accuracy", "accuracy=0.9", ">=0.9", "accuracy>=high", "accuracy>=nan", "accuracy>=0.9 please"])
def test_a_goal_that_is_none_is_named_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--to .*val_accuracy>=0\.98"):
        parse_goal(text)


def test_a_long_line_is_read_at_its_beginning_only() -> None:
    goal = parse_goal("x>=1")
    assert not goal.met("y" * 20_000 + " x=2")
    assert goal.met("x=2 " + "y" * 20_000)


def test_a_rest_ends_when_the_machine_is_as_idle_as_before() -> None:
    powers = iter([100.0, 180.0, 140.0, 104.0])
    rest = Cooling(lambda: next(powers)).wait()
    assert rest is not None
    assert (rest.reached, rest.power_w, rest.idle_w) == (True, 104.0, 100.0)


def test_the_lowest_power_counts_as_idle() -> None:
    powers = iter([100.0, 50.0, 90.0, 52.0])
    cooling = Cooling(lambda: next(powers))
    cooling.wait()
    rest = cooling.wait()
    assert rest is not None
    assert (rest.power_w, rest.idle_w) == (52.0, 50.0)


def test_a_rest_ends_after_its_longest_time() -> None:
    powers = iter([100.0, 200.0])
    rest = Cooling(lambda: next(powers), most_s=0.0).wait()
    assert rest is not None
    assert not rest.reached


def test_a_machine_that_cannot_be_read_needs_no_rest() -> None:
    assert Cooling(lambda: None).wait() is None


def test_the_orders_of_two_commands_make_pairs() -> None:
    runs = [of for number in range(8) for of in order(2, number)]
    assert all(a != b for a, b in list(pairwise(runs))[::2])
