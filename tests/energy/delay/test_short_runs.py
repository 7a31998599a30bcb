"""Runs of 0.5 to 5 s from rest to work and back: right on average, and held by their range, which is no wider than before."""

from __future__ import annotations

from statistics import median

import pytest

from tests.energy.delay.short_runs import BOARDS, aligned, bias, runs_of, steady, within

COUNTERS = [name for name, board in BOARDS.items() if board.update_s is not None]
MEANS = [name for name, board in BOARDS.items() if board.update_s is None and not board.instant]


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTERS)
def test_a_counter_is_right_on_average_within_one_percent(name: str) -> None:
    runs, before = runs_of(BOARDS[name], aligned), runs_of(BOARDS[name], aligned, corrected=False)
    assert abs(bias(runs)) < 0.01
    assert bias(before) < -0.025 or "20 ms" in name
    assert sum(run.held and run.phases_held for run in runs) >= 0.94 * len(runs)
    assert median(run.width for run in runs) <= 1.01 * median(run.width for run in before)


@pytest.mark.slow
@pytest.mark.parametrize("name", MEANS)
def test_a_mean_is_right_on_average_within_three_percent(name: str) -> None:
    runs = runs_of(BOARDS[name], aligned)
    assert abs(bias(runs)) < 0.03
    assert bias(runs_of(BOARDS[name], aligned, corrected=False)) < -0.03
    assert sum(run.held and run.phases_held for run in runs) >= 0.94 * len(runs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["counter, 100 ms", "counter, 100 ms, no gauge", "mean of 1 s"])
def test_a_run_that_rests_at_both_ends_stays_within_three_percent(name: str) -> None:
    runs = runs_of(BOARDS[name], within)
    assert abs(bias(runs)) < 0.03
    assert sum(run.held and run.phases_held for run in runs) >= 0.94 * len(runs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["counter, 20 ms", "counter, 100 ms", "counter, 100 ms, no gauge", "mean of 1 s"])
def test_a_steady_load_stays_as_it_was(name: str) -> None:
    runs, before = runs_of(BOARDS[name], steady), runs_of(BOARDS[name], steady, corrected=False)
    assert abs(bias(runs) - bias(before)) < 0.005
    assert sum(run.held and run.phases_held for run in runs) >= 0.94 * len(runs)
