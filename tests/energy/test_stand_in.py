"""A counter that never moves: a model of its device stands in, labelled."""

from __future__ import annotations

import pytest

from tests.fakes.rig import Rig, kinds, latest, so_far
from tests.fakes.sensor import DRAM, DRAM_COUNTER
from trainwatt.core.sensing import StandIn

MODELLED = DRAM._replace(stand_in=StandIn(20.0, 0.25, 1.5, "64 GB of memory"))


def at_zero(seconds: float, tick_s: float = 0.1) -> Rig:
    rig = Rig(MODELLED, DRAM_COUNTER, start_j=0.0)
    rig.frozen = 0
    rig.read()
    rig.run(25, seconds, tick_s)
    return rig


@pytest.mark.parametrize("tick_s", [0.1, 1.0])
@pytest.mark.parametrize("seconds", [30.0, 300.0])
def test_a_memory_counter_that_stays_at_zero_is_modelled(seconds: float, tick_s: float) -> None:
    rig = at_zero(seconds, tick_s)
    rig.integrator.finish(rig.t_ns)
    assert latest(rig.integrator).modelled_j == pytest.approx(20 * seconds)
    assert so_far(rig.integrator) == pytest.approx((20 * seconds, 5 * seconds, 30 * seconds))
    assert rig.integrator.covered_ns == 0
    [event] = rig.integrator.events
    assert (event.kind, "a model stands in: 64 GB of memory" in event.detail) == ("stale", True)


def test_until_it_is_decided_anything_up_to_full_power_may_have_been_drawn() -> None:
    rig = at_zero(1.5)
    assert so_far(rig.integrator) == pytest.approx((0, 0, 150))


@pytest.mark.parametrize("seconds", [0.3, 1.0])
def test_a_short_run_whose_memory_counter_never_moves_is_modelled_at_its_end(seconds: float) -> None:
    rig = at_zero(seconds)
    rig.integrator.finish(rig.t_ns)
    assert latest(rig.integrator).modelled_j == pytest.approx(20 * seconds)


@pytest.mark.parametrize("tick_s", [0.1, 1.0])
@pytest.mark.parametrize("moves_s", [0.1, 0.3])
@pytest.mark.parametrize("least_uj", [None, 1])
def test_a_memory_counter_that_moves_once_and_freezes_is_modelled_from_then_on(tick_s: float, moves_s: float, least_uj: int | None) -> None:
    """It moved for too short a time to show a power, or by its smallest step only."""
    rig = Rig(MODELLED, DRAM_COUNTER, start_j=0.0)
    rig.read()
    rig.frozen = least_uj
    rig.run(25, moves_s)
    rig.frozen = rig.raw
    rig.run(25, 300.0, tick_s)
    rig.integrator.finish(rig.t_ns)
    assert latest(rig.integrator).modelled_j == pytest.approx(20 * 300, rel=0.01)
    assert so_far(rig.integrator).low_j <= rig.true_j <= so_far(rig.integrator).high_j < 1.6 * 25 * 300
    [event] = rig.integrator.events
    assert "and shown no power before; a model stands in: 64 GB of memory" in event.detail


def test_a_memory_counter_that_froze_after_its_first_move_and_goes_on_counts_nothing_twice() -> None:
    rig = Rig(MODELLED, DRAM_COUNTER, start_j=0.0)
    rig.read()
    rig.run(25, 0.1)
    rig.frozen = rig.raw
    rig.run(25, 10)
    rig.frozen = None
    rig.run(25, 10)
    rig.integrator.finish(rig.t_ns)
    assert kinds(rig.integrator) == ["stale", "resumed"]
    assert so_far(rig.integrator).energy_j == pytest.approx(rig.true_j, rel=0.02)


def test_it_counts_from_when_it_moves_after_all_and_nothing_counts_twice() -> None:
    rig = at_zero(10.0)
    rig.frozen = None
    rig.run(25, 10)
    rig.integrator.finish(rig.t_ns)
    assert kinds(rig.integrator) == ["stale", "resumed"]
    assert so_far(rig.integrator).energy_j == pytest.approx(25 * 20, rel=0.02)
    assert so_far(rig.integrator).low_j <= 25 * 20 <= so_far(rig.integrator).high_j + 0.1


def test_a_memory_counter_that_moves_is_never_modelled() -> None:
    rig = Rig(MODELLED, DRAM_COUNTER)
    rig.read()
    rig.run(25, 30)
    rig.integrator.finish(rig.t_ns)
    assert latest(rig.integrator).modelled_j == 0
    assert so_far(rig.integrator) == pytest.approx((750,) * 3)


def test_without_a_model_it_books_nothing_and_says_how_much_it_may_be() -> None:
    rig = Rig(DRAM, DRAM_COUNTER, start_j=0.0)
    rig.frozen = 0
    rig.read()
    rig.run(25, 10)
    assert so_far(rig.integrator) == pytest.approx((0, 0, 1000), rel=0.02)
