"""Grams as they are written for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.footprints import NODE, footprint
from trainwatt.carbon.accounting import Estimate
from trainwatt.carbon.terms import Terms
from trainwatt.presentation.paper.document import document
from trainwatt.presentation.words.carbon import EXACT, Least, beside, carbon_headline, carbon_lines, format_mass


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


UNREAD = {"device": "gpu2", "host": "node-a", "kind": "gpu", "model": None, "uuid": None, "reason": "dead"}


@pytest.fixture
def asked(tmp_path: Path) -> Any:
    """A footprint with everything that can be asked for."""
    terms = Terms(
        zone="FR", wue_l_per_kwh=1.8, price_per_kwh=0.25, currency="EUR", market_intensity_g_per_kwh=5.0, unmeasured=Estimate(0.2, 0.1, 0.3)
    )
    return footprint(tmp_path, NODE, terms)


def test_grams_of_an_energy_that_is_a_lower_bound_are_one_too(asked: Any) -> None:
    """A device that was lost lacks electricity; the making of all that was read is known."""
    asked["energy"]["lower_bound"] = True
    carbon, least = asked["carbon"], Least.of(asked["energy"])
    headline = carbon_headline(carbon, least)
    assert headline.startswith("≥ ")
    assert [part.startswith("≥ ") for part in headline.partition(": ")[2].split(", ")] == [True, False]
    marked = {line.split()[0].rstrip(":") for line in carbon_lines(carbon, least, width=200) if "≥" in line}
    assert marked == {"operational", "total", "per", "SCI", "water", "cost", "apart", "apart,"}
    assert all("≥" in item.text for item in beside(carbon, least))
    assert "≥" not in "".join(carbon_lines(carbon, EXACT)) + carbon_headline(carbon, EXACT)


def test_the_making_of_a_gpu_that_was_never_read_is_missing_too(asked: Any) -> None:
    asked["energy"] |= {"lower_bound": True, "unmeasured": [UNREAD]}
    assert carbon_headline(asked["carbon"], Least.of(asked["energy"])).count("≥") == 3
    text = " ".join(document([asked], "text").split())
    assert text.count("at least") >= 8, text  # energy, grams and their parts, per sample, and what is beside them
    asked["energy"]["unmeasured"] = [UNREAD | {"kind": "dram"}]
    assert carbon_headline(asked["carbon"], Least.of(asked["energy"])).count("≥") == 2
