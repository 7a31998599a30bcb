"""Hidden scale errors, update phases and gaps, thousands of times over: case 43."""

from __future__ import annotations

import pytest

from tests.cases.monte_carlo import LEVEL, MACHINES, PHASES, RUNS, SEED, simulate


@pytest.mark.parametrize("name", MACHINES)
def test_case_43_the_stated_range_holds_the_truth_and_is_no_wider_than_three_times_what_is_needed(name: str) -> None:
    """Of whole runs and of single phases; what is needed is the width that holds the central 95 % of the errors that there are."""
    runs, phases = simulate(MACHINES[name], RUNS, SEED)
    assert (len(runs.errors_j), len(phases.errors_j)) == (RUNS, PHASES * RUNS)
    for figures in (runs, phases):
        assert figures.coverage >= LEVEL
        assert figures.excess <= 3.0
