"""Grams from joules and from hardware: published runs reproduced, and what must hold of any."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.carbon.accounting import (
    DEFAULT_AMORTISATION,
    HOURS_PER_YEAR,
    NOTHING,
    Amortisation,
    Amortisations,
    Estimate,
    amortisations,
    carbon_object,
    embodied_g,
    operational_g,
    sci,
    strict,
    total,
)
from trainwatt.carbon.assumption import Assumption, FactorKind, FactorStatus, LeftOut
from trainwatt.carbon.embodied import line_given
from trainwatt.carbon.tables.basis import Basis
from trainwatt.core.units import J_PER_KWH
from trainwatt.energy.intervals import Interval

quick = settings(derandomize=True, max_examples=100)
positive = st.floats(1e-3, 1e9)


@st.composite
def estimates(draw: st.DrawFn, highest: float = 1e6) -> Estimate:
    low, central, high = sorted(draw(st.tuples(*[st.floats(0, highest)] * 3)))
    return Estimate(central, low, high)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    return Interval(*draw(estimates(1e12)))


def kwh(value: float) -> Interval:
    return Interval(*[value * J_PER_KWH] * 3)


# Patterson et al. 2021, "Carbon Emissions and Large Neural Network Training", arXiv:2104.10350, Table 4. Power is the measured mean of
# one accelerator with its share of the host; the energy has PUE in it.
PATTERSON = [
    pytest.param("TPU v2", 200, 208, 6.8, 1.10, 7.5, 431, 3.2, id="Evolved Transformer NAS"),
    pytest.param("TPU v3", 512, 310, 20, 1.12, 85.7, 545, 46.7, id="T5"),
    pytest.param("TPU v3", 1024, 289, 30, 1.09, 232, 415, 96.4, id="Meena"),
    pytest.param("TPU v3", 1024, 288, 3.1, 1.09, 24.1, 201, 4.8, id="GShard-600B"),
    pytest.param("TPU v3", 1024, 245, 27, 1.10, 179, 403, 72.2, id="Switch"),
    pytest.param("V100", 10000, 330, 14.8, 1.10, 1287, 429, 552.1, id="GPT-3"),
]


@pytest.mark.parametrize(("device", "chips", "watts", "days", "pue", "mwh", "intensity", "tonnes"), PATTERSON)
def test_patterson_table_4(
    device: str, chips: int, watts: float, days: float, pue: float, mwh: float, intensity: float, tonnes: float
) -> None:
    energy = kwh(chips * watts * days * 24 / 1000)
    assert energy.energy_j * pue / J_PER_KWH / 1000 == pytest.approx(mwh, rel=0.01)
    grams = operational_g(energy, pue, Estimate.exact(intensity))
    assert grams.central / 1e6 == pytest.approx(tonnes, rel=0.025)
    assert grams.low == grams.central == grams.high


def test_bloom_line_by_line() -> None:
    """Luccioni et al. 2022, arXiv:2211.02001: 1,082,990 A100 hours at 400 W and 57 g/kWh, 150 kg a GPU, 2,500 kg a server of eight, 6 years
    at 85 %."""
    gpu_hours, grid = 1_082_990, Estimate.exact(57.0)
    life = amortisations(6, 0.85)
    dynamic_kwh = gpu_hours * 0.4
    assert dynamic_kwh == pytest.approx(433_196, rel=1e-6)
    dynamic, all_in = operational_g(kwh(dynamic_kwh), 1.0, grid), operational_g(kwh(689_842), 1.0, grid)
    assert dynamic.central / 1e6 == pytest.approx(24.69, rel=0.01)
    assert (all_in.central - dynamic.central) / 1e6 == pytest.approx(14.6, rel=0.01)
    gpu = embodied_g(Estimate.exact(150), gpu_hours, life)
    server = embodied_g(Estimate.exact(2500), gpu_hours, life, share=Estimate.exact(1 / 8))
    assert gpu.central / gpu_hours == pytest.approx(3.358, rel=0.01)
    assert gpu.central / 1e6 == pytest.approx(3.64, rel=0.01)
    assert server.central / 1e6 == pytest.approx(7.58, rel=0.01)
    assert gpu.plus(server).central / 1e6 == pytest.approx(11.2, rel=0.01)
    assert total([all_in, gpu, server]).central / 1e6 == pytest.approx(50.5, rel=0.01)


def test_wu_et_al_own_arithmetic() -> None:
    """Wu et al. 2022, arXiv:2111.00364: PUE 1.1; a GPU server of 2,000 kg over 3 to 5 years at 30 to 60 %."""
    server = Estimate.exact(2000.0)
    hour = embodied_g(server, 1.0)
    assert hour.low == pytest.approx(2_000_000 / (5 * 8760 * 0.6))  # 76.1 g/h
    assert hour.high == pytest.approx(2_000_000 / (3 * 8760 * 0.3))  # 253.7 g/h
    assert hour.central == pytest.approx(2_000_000 / (4 * 8760 * 0.5))  # 114.2 g/h
    assert hour.high / hour.low == pytest.approx(10 / 3)
    assert operational_g(kwh(100), 1.1, Estimate.exact(400)).central == pytest.approx(44_000)


def test_hardware_in_use_all_its_life_has_carried_its_whole_footprint() -> None:
    life = amortisations(4, 0.5)
    assert embodied_g(Estimate.exact(164), 4 * HOURS_PER_YEAR * 0.5, life).central == pytest.approx(164_000)


def test_what_the_user_knows_takes_the_place_of_all_three() -> None:
    assert amortisations() == DEFAULT_AMORTISATION
    only_life = amortisations(lifetime_years=6)
    assert {a.lifetime_years for a in only_life} == {6}
    assert [a.utilisation for a in only_life] == [a.utilisation for a in DEFAULT_AMORTISATION]
    assert amortisations(6, 0.85) == Amortisations(*[Amortisation(6, 0.85)] * 3)
    assert {a.utilisation for a in strict(amortisations(6, 0.85))} == {1.0}


def test_bounds_multiply_low_with_low_and_high_with_high() -> None:
    energy = Interval(2 * J_PER_KWH, 1 * J_PER_KWH, 3 * J_PER_KWH)
    assert operational_g(energy, 1.5, Estimate(100, 50, 200)) == pytest.approx((300, 75, 900))


def test_grams_per_unit_and_the_standards_own() -> None:
    score = sci(Estimate(80, 60, 100), Estimate(20, 10, 60), 10, "token", Estimate(10, 5, 20))
    assert (score["g_per_unit"], score["low_g_per_unit"], score["high_g_per_unit"]) == (10, 7, 16)
    assert score["strict"] == {"g_per_unit": 9, "low_g_per_unit": 6.5, "high_g_per_unit": 12}
    assert (score["unit"], score["units"], score["without_embodied"]) == ("token", 10, False)
    alone = sci(Estimate.exact(80), None, 10, "token")
    assert (alone["g_per_unit"], alone["without_embodied"]) == (8, True)


CONTRACT = {
    *("operational_g", "operational_low_g", "operational_high_g", "embodied_g", "embodied_low_g", "embodied_high_g"),
    *("total_g", "total_low_g", "total_high_g", "zone", "intensity_g_per_kwh", "intensity_source", "pue", "assumptions", "sci"),
}


def test_the_carbon_object_of_the_contract() -> None:
    gpu = line_given("gpu", "A100", 150, 10, DEFAULT_AMORTISATION, 2, "a paper")
    carbon = carbon_object(
        operational=Estimate(100, 90, 120),
        embodied=gpu.grams,
        zone="NO",
        intensity_g_per_kwh=Estimate(30, 20, 40),
        intensity_source="somebody",
        intensity_basis=Basis.LIFECYCLE,
        pue=1.1,
        assumptions=[Assumption(FactorKind.PUE, 1.1, "", "me", None, FactorStatus.GIVEN)],
        lines=[gpu],
    )
    assert carbon.keys() >= CONTRACT
    assert carbon["zone"] == "NO"
    assert carbon["total_g"] == pytest.approx(100 + gpu.grams.central)
    assert carbon["embodied_gpu_g"] == carbon["embodied_g"]
    assert carbon["embodied_host_g"] is None
    assert carbon["assumptions"] == [
        {
            "name": "PUE", "value": 1.1, "unit": "", "source": "me", "year": None, "status": "given", "low": None, "high": None,
            "kind": "pue", "evidence": "given", "grid": None, "pue_kind": None, "host": None,
        }
    ]  # fmt: skip
    assert carbon["embodied_lines"][0]["count"] == 2


def test_unknown_hardware_is_unknown_and_not_zero() -> None:
    carbon = carbon_object(
        operational=Estimate.exact(100), embodied=None, zone=None, intensity_g_per_kwh=Estimate.exact(30), intensity_source="",
        intensity_basis=None, pue=1.0,
        assumptions=[], left_out=[LeftOut.HARDWARE],
    )  # fmt: skip
    assert carbon["embodied_g"] is carbon["embodied_low_g"] is carbon["embodied_high_g"] is None
    assert carbon["total_g"] == 100
    assert carbon["left_out"] == ["the making of the hardware: none was recorded"]
    assert carbon["left_out_codes"] == ["hardware"]


@quick
@given(intervals(), st.floats(1, 3), estimates(2000), st.floats(0, 1000))
def test_scaling_the_energy_scales_the_grams(energy: Interval, pue: float, intensity: Estimate, factor: float) -> None:
    scaled = operational_g(Interval(*(value * factor for value in energy)), pue, intensity)
    assert scaled == pytest.approx(operational_g(energy, pue, intensity).times(factor), rel=1e-12)


@quick
@given(intervals(), st.floats(1, 3), estimates(2000), estimates(), st.floats(0, 1e5), st.floats(0, 1))
def test_low_is_below_central_is_below_high(
    energy: Interval, pue: float, intensity: Estimate, footprint: Estimate, hours: float, share: float
) -> None:
    operational, embodied = operational_g(energy, pue, intensity), embodied_g(footprint, hours, share=Estimate.exact(share))
    for grams in (operational, embodied, operational.plus(embodied), total([operational, embodied, NOTHING])):
        assert 0 <= grams.low <= grams.central <= grams.high


@quick
@given(st.lists(st.floats(0, 1e4), max_size=20), estimates(), st.floats(0.1, 20), st.floats(0.01, 1), st.floats(0, 1))
def test_splitting_the_time_changes_no_gram(
    parts: list[float], footprint: Estimate, years: float, utilisation: float, share: float
) -> None:
    life = amortisations(years, utilisation)
    pieces = total(embodied_g(footprint, hours, life, Estimate.exact(share)) for hours in parts)
    assert pieces == pytest.approx(embodied_g(footprint, sum(parts), life, Estimate.exact(share)), rel=1e-9)


@quick
@given(st.lists(intervals(), max_size=20), st.floats(1, 3), estimates(2000))
def test_splitting_the_energy_changes_no_gram(parts: list[Interval], pue: float, intensity: Estimate) -> None:
    whole = Interval(*(sum(values) for values in zip(*parts, strict=True))) if parts else Interval(0, 0, 0)
    pieces = total(operational_g(part, pue, intensity) for part in parts)
    assert pieces == pytest.approx(operational_g(whole, pue, intensity), rel=1e-9)
