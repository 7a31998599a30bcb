"""Grams as they are written for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.footprints import NODE, footprint
from trainwatt.carbon.accounting import Estimate
from trainwatt.carbon.assumption import LeftOut, ranges_of
from trainwatt.carbon.terms import Terms
from trainwatt.presentation.paper.document import document
from trainwatt.presentation.words.carbon import Least, beside, carbon_headline, carbon_lines, ranges_text
from trainwatt.presentation.words.masses import format_mass


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
    bought: dict[str, Any] = {"price_per_kwh": 0.25, "currency": "EUR", "market_intensity_g_per_kwh": 5.0}
    terms = Terms(zone="FR", pue=1.2, wue_l_per_kwh=1.8, unmeasured=Estimate(0.2, 0.1, 0.3), **bought)
    return footprint(tmp_path, NODE, terms)


def test_grams_of_an_energy_that_is_a_lower_bound_are_one_too(asked: Any) -> None:
    """A device that was lost lacks electricity; the making of all that was read is known."""
    asked["energy"]["lower_bound"] = True
    carbon, least = asked["carbon"], Least.of(asked["energy"], asked["carbon"])
    headline = carbon_headline(carbon, least)
    assert headline.startswith("≥ ")
    assert [part.startswith("≥ ") for part in headline.partition(": ")[2].split(", ")] == [True, False]
    marked = {line.split()[0].rstrip(":") for line in carbon_lines(carbon, least, width=200) if "≥" in line}
    assert marked == {"operational", "total", "per", "SCI", "water", "cost", "apart", "apart,"}
    assert all("≥" in item.text for item in beside(carbon, least))
    assert "≥" not in "".join(carbon_lines(carbon, Least())) + carbon_headline(carbon, Least())


def test_the_making_of_a_gpu_that_was_never_read_is_missing_too(asked: Any) -> None:
    asked["energy"] |= {"lower_bound": True, "unmeasured": [UNREAD]}
    assert carbon_headline(asked["carbon"], Least.of(asked["energy"], asked["carbon"])).count("≥") == 3
    text = " ".join(document([asked], "text").split())
    assert text.count("at least") >= 8, text  # energy, grams and their parts, per sample, and what is beside them
    asked["energy"]["unmeasured"] = [UNREAD | {"kind": "dram"}]
    assert carbon_headline(asked["carbon"], Least.of(asked["energy"], asked["carbon"])).count("≥") == 2


@pytest.mark.parametrize(
    ("terms", "devices", "is_least"),
    [
        (Terms(zone="FR"), NODE, True),
        (Terms(intensity_g_per_kwh=50.0), NODE, True),
        (Terms(zone="FR", pue=1.0), NODE, False),  # the user says that there is no overhead
        (Terms(zone="aws:eu-north-1"), NODE, False),  # its PUE is published
    ],
)
def test_grams_without_a_known_pue_lack_the_overhead_of_the_site(tmp_path: Path, terms: Terms, devices: Any, is_least: bool) -> None:
    found = footprint(tmp_path, devices, terms)
    carbon: Any = found["carbon"]
    least = Least.of(found["energy"], carbon)
    assert (LeftOut.SITE_OVERHEAD in carbon["left_out_codes"]) is is_least
    headline = carbon_headline(carbon, least)
    assert [part.startswith("≥ ") for part in headline.replace(": ", ", ").split(", ")] == [is_least, False, is_least, False]
    water = [item.text for item in beside(carbon | {"water_l": 1.0}, least) if item.name == "water"]
    assert water == ["1.00 L"]  # WUE is defined on the energy of the computers
    assert ("≥" in document([found], "md").partition("Table:")[0]) is is_least
    assert ("at least" in document([found], "text").partition("In total,")[2]) is is_least


@pytest.mark.parametrize(
    ("terms", "devices", "text"),
    [
        (
            Terms(zone="FR"),
            NODE,
            "partly 95 % and partly judged for energy; published spread for the grid; judged for hardware and its life",
        ),
        (Terms(zone="FR"), NODE[:1], "95 % for energy; published spread for the grid; judged for hardware and its life"),
        (Terms(zone="FR"), NODE[3:], "published spread for the grid; judged for energy, hardware and its life"),
        (
            Terms(intensity_g_per_kwh=50, lifetime_years=4, lifetime_utilization=0.5),
            NODE[:1],
            "95 % for energy; judged for hardware; none for the grid and its life",
        ),
    ],
)
def test_what_the_ranges_mean_is_said_wherever_grams_stand(tmp_path: Path, terms: Terms, devices: Any, text: str) -> None:
    found = footprint(tmp_path, devices, terms)
    carbon = found["carbon"]
    assert ranges_text(carbon["ranges"]) == f"ranges: {text}"
    assert f"ranges: {text}" in " ".join(" ".join(carbon_lines(carbon, Least())).split())
    assert f"Ranges: {text}." in " ".join(document([found], "text").split())


def test_the_spread_of_a_published_footprint_is_not_judged() -> None:
    line: Any = {"footprint_low_kg": 143.0, "footprint_high_kg": 272.0, "evidence": "verified", "class_range": False}
    lines: Any = [line, {**line, "footprint_high_kg": 143.0, "evidence": "given"}]
    assert ranges_of("confidence", [], lines)["hardware"] == "published"
    assert ranges_of("confidence", [], [*lines, line | {"class_range": True}])["hardware"] == "judged"
    assert ranges_of("confidence", [], [])["hardware"] is None
