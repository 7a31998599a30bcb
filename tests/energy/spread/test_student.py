"""Student's t against printed tables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.energy.spread.student import two_sigma, within


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(1, 13.97), (2, 4.53), (3, 3.31), (4, 2.87), (5, 2.65), (8, 2.37), (10, 2.28), (20, 2.13), (50, 2.05), (100, 2.025), (1e7, 2.0)],
)
def test_table_g2_of_the_guide(degrees: float, quantile: float) -> None:
    assert two_sigma(degrees) == pytest.approx(quantile, abs=0.005)


def test_one_degree_of_freedom_is_the_distribution_of_cauchy() -> None:
    assert within(1.0, 1) == pytest.approx(0.5)


@settings(derandomize=True, max_examples=200)
@given(st.floats(0.5, 1e4))
def test_the_quantile_encloses_the_level_and_falls_with_more_runs(degrees: float) -> None:
    assert within(two_sigma(degrees), degrees) == pytest.approx(0.954499736, abs=1e-9)
    assert two_sigma(degrees) >= two_sigma(degrees * 1.1) > 1.999


@pytest.mark.parametrize("degrees", [0, -1, float("nan")])
def test_no_degree_of_freedom_has_no_quantile(degrees: float) -> None:
    with pytest.raises(ValueError, match="at least two runs"):
        two_sigma(degrees)
