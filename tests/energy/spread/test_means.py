"""Several runs a side: what the spread between runs and the errors of the sensors say about the difference of the means."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.energy.difference import change
from trainwatt.energy.intervals import Share
from trainwatt.energy.spread.chance import between_runs
from trainwatt.energy.spread.means import change_of_means
from trainwatt.energy.spread.needed import runs_needed

TRIALS = 2000
OWN_J = 5.0 * math.sqrt(2 * (1 - 0.3**2))
"""What two boards leave open of 100 J each, whose common part cancels."""


def run(energy_j: float, board: str = "a", *, gain: float = 0.05, edge_j: float = 0.0, slack_j: float = 0.0) -> list[Share]:
    return [Share(energy_j, slack_j, slack_j, edge_j, edge_j, gain, "gpu", sensor=(board,))]


def runs(*energies_j: float, board: str = "a", edge_j: float = 0.0, slack_j: float = 0.0) -> list[list[Share]]:
    return [run(energy_j, board, edge_j=edge_j, slack_j=slack_j) for energy_j in energies_j]


def test_two_samples_of_welch() -> None:
    found = change_of_means(runs(99, 100, 101), runs(109, 110, 111))
    half = 2.8693 * math.sqrt(1 / 3 + 1 / 3)
    assert found.difference == pytest.approx(10)
    # The board's 5 % are on the difference of 10 J only.
    assert (found.low, found.high) == pytest.approx((10 - math.hypot(half, 0.5), 10 + math.hypot(half, 0.5)), rel=2e-3)


def test_unequal_spreads_have_fewer_degrees_of_freedom() -> None:
    chance = between_runs([99, 100, 101], [100, 100, 100])
    assert chance is not None
    assert chance.t == pytest.approx(4.5266, abs=1e-3)


def test_what_both_runs_of_a_pair_have_cancels() -> None:
    warming = [0.0, 5.0, 10.0, 15.0]
    base, other = runs(*(100 + w for w in warming)), runs(*(103 + w + e for w, e in zip(warming, (0.1, -0.1, 0.1, -0.1), strict=True)))
    assert change_of_means(base, other).direction == 0
    assert change_of_means(base, other, paired=True).direction == 1


def test_one_run_on_one_side_is_assumed_to_vary_as_the_others() -> None:
    for base, other in (((98, 100, 102), (101,)), ((101,), (98, 100, 102))):
        found = change_of_means(runs(*base), runs(*other))
        assert found.low is not None
        assert found.high is not None
        assert found.high - found.low == pytest.approx(2 * 4.5266 * 2 * math.sqrt(4 / 3), rel=0.02)


def test_one_run_a_side_is_a_difference_of_two_measurements() -> None:
    base, other = run(1000, edge_j=3), run(1100, edge_j=5)
    assert change_of_means([base], [other]) == change(base, other)


@pytest.mark.parametrize(("edge_j", "board", "width_j"), [(2.0, "a", 0.0), (3.0, "a", 2.0), (2.0, "b", 2 * (4.0 + OWN_J))])
def test_an_equal_edge_of_one_sensor_cancels_and_others_do_not(edge_j: float, board: str, width_j: float) -> None:
    found = change_of_means(runs(100, 100, 100, edge_j=2), runs(100, 100, 100, board=board, edge_j=edge_j))
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(width_j, abs=1e-9)


def test_slack_stays_in_full() -> None:
    found = change_of_means(runs(100, 100, slack_j=5), runs(100, 100, slack_j=5))
    assert (found.low, found.high) == pytest.approx((-10, 10))


def test_a_side_that_may_have_used_more_has_no_upper_end() -> None:
    found = change_of_means(runs(100, 101), runs(100, 101), other_is_least=True)
    assert found.high is None


@pytest.mark.parametrize(("base", "other", "paired"), [([], [1.0], False), ([1.0], [], False), ([1.0, 2.0], [1.0], True)])
def test_sides_that_cannot_be_compared(base: list[float], other: list[float], paired: bool) -> None:
    with pytest.raises(ValueError, match="run"):
        between_runs(base, other, paired=paired)


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.floats(50, 150), min_size=2, max_size=6), st.lists(st.floats(50, 150), min_size=2, max_size=6), st.floats(0, 5))
def test_the_ratio_excludes_1_if_and_only_if_the_difference_excludes_0(base: list[float], other: list[float], edge_j: float) -> None:
    found = change_of_means(runs(*base, edge_j=edge_j), runs(*other, edge_j=edge_j / 2))
    assert found.ratio_low is not None
    assert found.low is not None
    assert found.high is not None
    assert (found.low > 0) == (found.ratio_low > 1)
    assert (found.high < 0) == (found.ratio_high is not None and found.ratio_high < 1)


# ---- simulated set-ups


def simulated(rng: random.Random, gains: dict[str, float], board: str, true_j: float, variation: float) -> list[Share]:
    """A run of a minute on a counter that is renewed every 0.1 s: it is read at any time after an update, at both ends."""
    true_j *= 1 + variation * rng.gauss(0, 1)
    edge_j = true_j / 60 * 0.1
    return run(true_j / (1 + gains[board]) - edge_j * rng.random() + edge_j * rng.random(), board, edge_j=edge_j)


def directions(variation: float, effect: float, count: int, *, trials: int = TRIALS, paired: bool = False, boards: str = "aa") -> list[int]:
    """The verdicts on simulated set-ups whose true energies differ by `effect`. Each board has a hidden scale error."""
    rng = random.Random(17)

    def verdict() -> int:
        gains = {board: 0.025 * rng.gauss(0, 1) for board in "ab"}
        sides: Sequence[list[list[Share]]] = [
            [simulated(rng, gains, board, true_j, variation) for _ in range(count)]
            for board, true_j in zip(boards, (10_000.0, 10_000.0 * (1 + effect)), strict=True)
        ]
        return change_of_means(sides[0], sides[1], paired=paired).direction

    return [verdict() for _ in range(trials)]


@pytest.mark.slow
@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize(("variation", "count"), [(0.002, 2), (0.002, 5), (0.01, 3), (0.01, 5), (0.03, 5)])
def test_equal_set_ups_are_seldom_called_different(variation: float, count: int, paired: bool) -> None:
    found = directions(variation, 0.0, count, paired=paired)
    assert sum(d != 0 for d in found) <= 0.06 * TRIALS


@pytest.mark.parametrize("paired", [False, True])
def test_a_true_3_percent_is_found_with_five_runs_a_side(paired: bool) -> None:
    found = directions(0.01, 0.03, 5, trials=500, paired=paired)
    assert found.count(1) >= 0.8 * 500
    assert found.count(-1) == 0


def test_equal_set_ups_on_two_boards_are_seldom_called_different() -> None:
    found = directions(0.01, 0.0, 5, trials=500, boards="ab")
    assert sum(d != 0 for d in found) <= 0.06 * 500


# ---- how many runs would decide


def test_the_runs_that_are_needed_are_those_that_would_decide() -> None:
    base, other = runs(99, 101, 100, 98, 102), runs(100, 102, 101, 99, 103)
    assert change_of_means(base, other).direction == 0
    needed = runs_needed(base, other)
    assert needed is not None
    # By hand: 2·1.58·√(2/n) < 1, so that n is about 20 (with a little more for Student).
    assert 20 <= needed <= 25


def test_no_number_of_runs_decides_what_the_sensors_leave_open() -> None:
    assert runs_needed(runs(99, 101), runs(100, 102, board="b")) is None
    assert runs_needed(runs(99, 101), runs(99, 101)) is None


def test_pairs_need_fewer_runs() -> None:
    warming = [0.0, 5.0, 10.0, 15.0]
    base, other = runs(*(100 + w for w in warming)), runs(*(101 + w + e for w, e in zip(warming, (1.0, -1.0, 1.0, -1.0), strict=True)))
    apart, paired = runs_needed(base, other), runs_needed(base, other, paired=True)
    assert apart is not None
    assert paired is not None
    assert paired < apart


def test_one_run_says_nothing_about_how_many_are_needed() -> None:
    with pytest.raises(ValueError, match="two runs"):
        runs_needed(runs(99), runs(100, 101))
