"""Thousands of runs with hidden scale errors, update phases and gaps: case 43."""

from __future__ import annotations

import pytest

from tests.cases.monte_carlo import LEVEL, MACHINES, PHASES, RUNS, SEED, simulate


@pytest.mark.parametrize("name", MACHINES)
def test_case_43_the_stated_range_holds_the_truth_and_is_no_wider_than_three_times_what_is_needed(name: str) -> None:
    """This holds for whole runs and for single phases. The needed width is the one that holds the central 95 % of the actual errors."""
    runs, phases = simulate(MACHINES[name], RUNS, SEED)
    assert (len(runs.errors_j), len(phases.errors_j)) == (RUNS, PHASES * RUNS)
    for figures in (runs, phases):
        assert figures.coverage >= LEVEL
        assert figures.excess <= 3.0
