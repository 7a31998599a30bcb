"""Values over time: each has a range, and all are on the wanted basis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.carbon.grid.live import cached
from trainwatt.carbon.grid.ranged import ranged
from trainwatt.carbon.series import Series, Slot
from trainwatt.carbon.tables.basis import Basis, on_basis
from trainwatt.storage.read.records import IntensityRow

G = st.just(0.0) | st.floats(0.001, 1500)


def one(value: float, basis: Basis | None, *, estimated: bool = False) -> Series:
    return Series((Slot(0, 1, value, estimated, "grid.csv"),), "grid.csv", basis)


@given(G, st.sampled_from([None, *Basis]), st.sampled_from(list(Basis)), st.booleans())
def test_no_value_over_time_is_exact(value: float, basis: Basis | None, wanted: Basis, estimated: bool) -> None:
    found = ranged(one(value, basis, estimated=estimated), wanted)
    [slot] = found.slots
    assert slot.low is not None
    assert slot.high is not None
    assert slot.low <= slot.value <= slot.high
    assert slot.value == on_basis(value, basis or wanted, wanted).central
    if slot.value > 0:
        assert slot.low < slot.value < slot.high
    assert found.basis == (None if basis is None else wanted)
    assert found.derived_from == (basis if basis not in (None, wanted) else None)


@given(st.floats(1, 1500), st.sampled_from(list(Basis)))
def test_an_estimate_is_less_sure_than_a_value(value: float, wanted: Basis) -> None:
    [measured], [estimated] = (ranged(one(value, wanted, estimated=e), wanted).slots for e in (False, True))
    assert measured.low is not None
    assert measured.high is not None
    assert estimated.low is not None
    assert estimated.high is not None
    assert estimated.low < measured.low
    assert estimated.high > measured.high


class Cache:
    """What two providers said of Great Britain, and a third whose basis nobody knows."""

    def cache_intensities(self, values: Sequence[Mapping[str, object]]) -> None:
        raise NotImplementedError

    def cached_intensities(self, zone: str, start_utc_ns: int, end_utc_ns: int) -> list[IntensityRow]:
        assert zone == "GB"
        return [IntensityRow(name, basis, 0, 10, 100.0, False) for name, basis in (("a", "direct"), ("b", "lifecycle"), ("c", "marginal"))]


@pytest.mark.parametrize(("wanted", "order"), [(Basis.LIFECYCLE, ["b", "a", "c"]), (Basis.DIRECT, ["a", "b", "c"])])
def test_a_provider_with_the_wanted_basis_comes_first(wanted: Basis, order: list[str]) -> None:
    """The others only fill its gaps; their values are derived."""
    found = cached(Cache(), "UK", 0, 10, wanted)
    assert [series.source for series in found] == order
    assert [series.basis for series in found if series.source == "c"] == [None]
