"""The curve of an attributed share, beside that of the whole device."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.core.point import Provenance
from trainwatt.core.sensing import Device
from trainwatt.energy.curve import Curve
from trainwatt.energy.intervals import between, interval
from trainwatt.energy.shares.curve import ShareCurve
from trainwatt.energy.shares.policy import UNKNOWN, Use

S = 1_000_000_000
DEVICE = Device("share of gpu0", "gpu", 500.0, 0.05, "gpu", offset_w=5.0)
NUMBER = st.floats(0, 100, allow_nan=False)
STEP = st.tuples(NUMBER, NUMBER, NUMBER, st.integers(1, S // 2))  # joules, slack below and above, and time
LOOK = st.tuples(st.lists(STEP, min_size=1, max_size=4), st.builds(Use, NUMBER, NUMBER, NUMBER, NUMBER) | st.just(UNKNOWN))


def grown(looks: list[tuple[list[tuple[float, float, float, int]], Use]], idle_w: float | None = None) -> tuple[Curve, ShareCurve]:
    whole, share, t_ns = Curve(500.0), ShareCurve(DEVICE, idle_w, 4.0), 0
    whole.lag_low_j, whole.lag_high_j = 0.0, 3.0
    whole.mark(0, 1000)
    for steps, use in looks:
        for energy_j, low_j, high_j, apart_ns in steps:
            t_ns += apart_ns
            whole.book(Provenance.MEASURED_COUNTER, energy_j, min(low_j, energy_j), high_j)
            whole.scatter_j2 += low_j
            whole.mark(t_ns, 1000)
        share.extend(whole, use)
    return whole, share


@settings(max_examples=40)
@given(st.lists(LOOK, min_size=1, max_size=3), st.none() | st.floats(0, 50))
def test_a_share_never_is_more_than_the_whole_nor_its_range(
    looks: list[tuple[list[tuple[float, float, float, int]], Use]], idle_w: float | None
) -> None:
    whole, share = grown(looks, idle_w)
    shares = []
    for curve in (whole, share.curve):
        assert curve.first is not None
        assert curve.latest is not None
        shares.append(interval([between(curve.first, curve.latest, DEVICE.gain, "gpu", DEVICE.offset_w)]))
    machine, of_run = shares
    assert of_run.low_j <= of_run.energy_j <= of_run.high_j
    assert of_run.energy_j <= machine.energy_j * (1 + 1e-9) + 1e-9
    assert of_run.high_j <= machine.high_j * (1 + 1e-9) + 1e-9


@settings(max_examples=40)
@given(st.lists(LOOK, min_size=1, max_size=3))
def test_a_share_only_grows_and_its_parts_sum_to_all_of_it(looks: list[tuple[list[tuple[float, float, float, int]], Use]]) -> None:
    _, share = grown(looks)
    energies = [tick.energy_j for tick in share.curve.ticks]
    assert all(a <= b + 1e-9 for a, b in pairwise(energies))
    parts = [b - a for a, b in pairwise(energies)]
    assert list(accumulate(parts, initial=energies[0]))[-1] == pytest.approx(energies[-1])


def test_within_an_interval_the_use_may_have_been_at_any_time() -> None:
    """100 J in each of two seconds, of which a half is ours: at the first second it may be none of them, or all."""
    _, share = grown([([(100.0, 0.0, 0.0, S), (100.0, 0.0, 0.0, S)], Use(50, 50, 0, 100))])
    middle = share.curve.ticks[1]
    assert middle.energy_j == pytest.approx(50.0)
    assert (middle.energy_j - middle.edge_low_j, middle.energy_j + middle.edge_high_j) == pytest.approx((0.0, 100.0), abs=1e-3)
    assert share.curve.ticks[-1].edge_high_j == pytest.approx(0.0, abs=1e-3)


def test_the_edges_of_the_first_reading_may_become_known_later() -> None:
    whole, share = grown([([(100.0, 0.0, 0.0, S)], Use(100, 0, 0, 100))])
    whole.ticks[0] = whole.ticks[0]._replace(edge_low_j=7.0)
    share.begin(whole)
    assert share.curve.ticks[0].edge_low_j == 7.0
    assert [tick.energy_j for tick in share.curve.ticks] == pytest.approx([0.0, 100.0])


def test_nothing_is_attributed_before_the_first_reading_or_twice() -> None:
    share = ShareCurve(DEVICE, None, 4.0)
    share.extend(Curve(500.0), Use(1, 0, 0, 1))
    assert not share.curve.ticks
    whole, share = grown([([(100.0, 0.0, 0.0, S)], Use(100, 0, 0, 100))])
    share.extend(whole, Use(100, 0, 0, 100))  # no new reading since
    assert share.curve.modelled_j == pytest.approx(100.0)
    assert len(share.curve.ticks) == 2
