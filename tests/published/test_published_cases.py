"""Published footprints, run as a user types them, beside the published figures: `cases.csv` has the command, the source and the tolerance.

A tolerance follows from the rounding of the published inputs and results. Where ours is not within it, the table has the reason, and the
deviation that was seen.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.published.published import Case, Kind, Making, cases, makings, ours, said_by

CASES = cases()
COMPUTED = [case for case in CASES if case.kind not in (Kind.RANGE, Kind.BEYOND)]
DOCS = Path(__file__).parents[2] / "docs" / "carbon.md"


def of_kind(*kinds: Kind) -> list[Case]:
    return [case for case in CASES if case.kind in kinds]


def deviation_pct(case: Case) -> float:
    """Of ours from the published figure; 0 where both are 0."""
    found = ours(case)
    return 0.0 if found == case.published else 100 * (found - case.published) / case.published


@pytest.mark.parametrize("case", COMPUTED, ids=lambda case: case.id)
def test_a_published_figure_is_met_within_its_tolerance(case: Case) -> None:
    deviation = deviation_pct(case)
    if case.deviation_pct is None:
        assert abs(deviation) <= case.tolerance_pct, f"{deviation:+.2f} %"
    else:
        assert deviation == pytest.approx(case.deviation_pct, abs=0.05)


@pytest.mark.parametrize("case", [case for case in CASES if case.wrong is not None], ids=lambda case: case.id)
def test_we_do_not_fall_into_the_trap(case: Case) -> None:
    assert case.kind is Kind.TRAP
    assert case.wrong is not None
    assert ours(case) != pytest.approx(case.wrong, rel=max(case.tolerance_pct, 5) / 100)


@pytest.mark.parametrize("case", of_kind(Kind.RANGE), ids=lambda case: case.id)
def test_our_range_contains_what_was_published_with_other_factors(case: Case) -> None:
    assert ours(case, "operational_low") <= case.published <= ours(case, "operational_high")


@pytest.mark.parametrize("making", makings(), ids=lambda making: f"{making.asked[-1]}-{making.published_kg:g}")
def test_every_published_footprint_of_hardware_is_in_the_stated_range(making: Making) -> None:
    row = said_by(["hardware", *making.asked])["row"]
    assert row["scope"] == "model"
    assert row["low_kg"] <= making.published_kg <= row["high_kg"]


def test_the_share_of_development_in_the_life_of_a_model(tmp_path: Path) -> None:
    """Morrison et al. 2025, arXiv:2503.05804, section 4.1: development 159 t, final trainings 312 t, manufacture 22 t, together 493 t."""
    kept = f"--save --project olmo --db {tmp_path / 'runs.db'}"
    made = "--gpu-hours 1.65e6 --energy-kwh 0 --embodied-kg 463 --lifetime-years 4 --lifetime-utilization 1"
    said_by(f"estimate --energy-kwh 159000 --intensity 1000 --group development {kept}")
    said_by(f"estimate --energy-kwh 312000 --intensity 1000 --group training {kept}")
    said_by(f"estimate {made} --group manufacture {kept}")
    life = said_by(f"footprint --project olmo --db {tmp_path / 'runs.db'}")["total"]["all"]["total_g"]
    of = {group: said_by(f"footprint --group {group} --db {tmp_path / 'runs.db'}")["total"]["all"]["total_g"] / life for group in SHARES}
    assert life / 1e6 == pytest.approx(493, rel=0.002)
    assert of == pytest.approx(SHARES, abs=0.005)


SHARES = {"development": 0.32, "training": 0.63, "manufacture": 0.045}


def test_the_parts_of_the_energy_of_a_prompt(tmp_path: Path) -> None:
    """Google 2025, arXiv:2508.15734, Table 1: 0.24 Wh, of which accelerators 0.14; only these in the best sites, 0.10: a factor of 2.4."""
    for part, wh in (("accelerators", 0.14), ("host", 0.06), ("idle machines", 0.02), ("overhead", 0.02)):
        said_by(f"estimate --energy-kwh {wh / 1000} --zone US --save --name '{part}' --project prompt --db {tmp_path / 'runs.db'}")
    [whole] = said_by(f"list --by project --db {tmp_path / 'runs.db'}")["groups"]
    wh = whole["energy"]["total_j"] / 3600
    assert wh == pytest.approx(0.24)
    assert wh / 0.10 == pytest.approx(2.4)


def test_every_case_has_its_source_and_every_exception_its_reason() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    for case in CASES:
        assert 2019 <= case.year <= 2026, case.id
        assert re.search(r"arXiv:\d{4}\.\d{5}|model card|README|Summaries|draft", case.source), case.id
        assert case.note or case.kind is Kind.IDENTITY or case.kind is Kind.RANGE, case.id
        if case.deviation_pct is not None:
            assert abs(case.deviation_pct) > case.tolerance_pct, f"{case.id} is within its tolerance: leave the deviation out"
        assert bool(case.command) == (case.kind is not Kind.BEYOND), case.id


def test_the_documentation_has_these_counts() -> None:
    deviations = [abs(deviation_pct(case)) for case in COMPUTED]
    within = {limit: sum(deviation <= limit for deviation in deviations) for limit in (0.1, 2.0)}
    outside = sum(case.deviation_pct is not None for case in COMPUTED)
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    for said in (
        f"Of {len(COMPUTED)} published figures that one command can compute, {within[0.1]} are met within 0.1 %",
        f"{within[2.0]} within 2 %",
        f"{len(COMPUTED) - outside} are met within the rounding of what is printed",
        f"{outside} do not follow from their inputs",
        f"{len(of_kind(Kind.IMPLIED))} of them are `implied`",
        f"{len(of_kind(Kind.RANGE))} figures that were published with other factors",
        f"{len(makings())} published footprints of making a device or a server",
    ):
        assert said in text, said
