"""From direct factors to life-cycle ones and back: a range that holds for any mix of fuels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.carbon.tables.basis import COAL, GAS, Basis, basis_named, direct_of, lifecycle_of, on_basis, require_same_basis
from trainwatt.carbon.tables.zone_rows import cloud_regions
from trainwatt.carbon.tables.zones import figure
from trainwatt.errors import ConfigurationError

G = st.floats(0, 1500)


@given(G)
def test_the_range_is_in_order_and_a_life_cycle_figure_is_the_higher_one(direct: float) -> None:
    found = lifecycle_of(direct)
    assert found.low <= found.central * (1 + 1e-12)
    assert found.central <= found.high * (1 + 1e-12)
    assert found.low > direct
    back = direct_of(direct)
    assert 0 <= back.low <= back.central * (1 + 1e-12)
    assert back.central <= back.high * (1 + 1e-12)
    assert back.high <= direct


@given(G)
def test_back_and_forth_is_where_it_began(direct: float) -> None:
    assert direct_of(lifecycle_of(direct).central).central == pytest.approx(direct, abs=1e-9)
    assert direct_of(lifecycle_of(direct).low).high == pytest.approx(direct, abs=1e-9)
    assert direct_of(lifecycle_of(direct).high).low == pytest.approx(direct, abs=1e-9)


@given(G, G)
def test_more_direct_is_more_life_cycle(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert all(x <= y for x, y in zip(lifecycle_of(low), lifecycle_of(high), strict=True))


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5).filter(lambda shares: sum(shares) > 0.01))
def test_every_mix_of_the_plants_of_the_ipcc_is_in_the_range(shares: list[float]) -> None:
    """Coal, gas, wind, hydropower and solar in any mix (AR5, medians)."""
    plants = (COAL, GAS, (0.0, 11.0), (0.0, 24.0), (0.0, 48.0))
    direct, life_cycle = (sum(s * p[i] for s, p in zip(shares, plants, strict=True)) / sum(shares) for i in (0, 1))
    found = lifecycle_of(direct)
    assert found.low - 1e-6 <= life_cycle <= found.high + 1e-6
    back = direct_of(life_cycle)
    assert back.low - 1e-6 <= direct <= back.high + 1e-6


def test_a_figure_that_has_the_basis_is_exact() -> None:
    assert on_basis(44.2, Basis.LIFECYCLE, Basis.LIFECYCLE) == (44.2, 44.2, 44.2)
    assert on_basis(0.0, Basis.LIFECYCLE, Basis.DIRECT) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "basis"), [("lifecycle", "lifecycle"), ("Life-cycle", "lifecycle"), (" DIRECT ", "direct"), ("mixed", None)]
)
def test_a_basis_by_name(text: str, basis: str | None) -> None:
    assert basis_named(text) == basis


def test_bases_are_never_mixed() -> None:
    assert require_same_basis([figure("FR"), figure("US-CA")]) is Basis.LIFECYCLE
    assert require_same_basis([figure("FR", basis=Basis.DIRECT), figure("US-CA", basis=Basis.DIRECT)]) is Basis.DIRECT
    assert require_same_basis([]) is None
    with pytest.raises(ConfigurationError, match=r"direct and lifecycle.*choose factors of one basis"):
        require_same_basis([figure("FR"), figure("US-CA", basis=Basis.DIRECT)])


@pytest.mark.parametrize("basis", list(Basis))
def test_the_range_of_each_cloud_region_overlaps_that_of_its_place(basis: Basis) -> None:
    """Two clouds in Stockholm had 2.73 (1.82–4.10) and 35.9 (17.9–71.8)."""
    for region in cloud_regions().values():
        if region.zone is None:
            continue
        here, place = figure(region.name, basis=basis), figure(region.zone, basis=basis)
        assert (here.basis, place.basis) == (basis, basis)
        assert here.low_g_per_kwh <= place.high_g_per_kwh, region
        assert place.low_g_per_kwh <= here.high_g_per_kwh, region


@pytest.mark.parametrize(
    ("one", "other"),
    [("gcp:europe-north2", "azure:swedencentral"), ("gcp:northamerica-northeast1", "CA-QC"), ("FR", "CA-QC"), ("gcp:europe-west9", "FR")],
)
def test_places_with_much_the_same_grid_are_much_the_same(one: str, other: str) -> None:
    """Whatever their sources publish: direct for the first of each pair or for the second, life-cycle for the other."""
    a, b = figure(one), figure(other)
    assert a.low_g_per_kwh < b.high_g_per_kwh
    assert b.low_g_per_kwh < a.high_g_per_kwh
    assert max(a.intensity_g_per_kwh, b.intensity_g_per_kwh) < 2 * min(a.intensity_g_per_kwh, b.intensity_g_per_kwh)
