"""Grams as they are written for people."""

from __future__ import annotations

import pytest

from trainwatt.presentation.words.carbon import format_mass


@pytest.mark.parametrize(
    ("grams", "text"),
    [
        ((0.0, None, None), "0 g"),
        ((1840.0, 1200.0, 2500.0), "1.84 kg (1.20–2.50)"),
        ((4.03e-5, 4.85e-6, 0.025055), "40.3 µg (4.85 µg–25.1 mg)"),  # each end in a unit of its own where they lie far apart
        ((6.79e-7, None, None), "0.679 µg"),
        ((6.79e-9, 6.79e-9, 6.79e-9), "6.79 ng"),
        ((2.5e6, 0.0, 3e6), "2.50 t (0–3.00)"),
    ],
)
def test_a_mass_in_the_unit_that_suits_it(grams: tuple[float, float | None, float | None], text: str) -> None:
    assert format_mass(*grams) == text
