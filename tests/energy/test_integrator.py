"""The energy curve of one device: counters, gauges, and what goes wrong with them beyond the numbered cases."""

from __future__ import annotations

import pytest

from tests.fakes.rig import Rig, S, kinds, latest, so_far
from tests.fakes.sensor import (
    AMD_COUNTER,
    AMD_PACKAGE,
    AVERAGE,
    GPU,
    INSTANT,
    NVML_COUNTER,
    PACKAGE,
)
from trainwatt.core.point import Point, Provenance
from trainwatt.core.sensing import Gauge, Reading
from trainwatt.energy.integrator import DeviceIntegrator

# ---- counters


def test_a_wrap_every_82_seconds_at_800_watts_is_exact_for_an_hour() -> None:
    rig = Rig(AMD_PACKAGE, AMD_COUNTER)
    rig.read()
    rig.run(800, 3600, tick_s=1.0)
    assert so_far(rig.integrator).energy_j == pytest.approx(800 * 3600, abs=2e-6)
    assert kinds(rig.integrator) == ["wrap"] * 43  # (1000 J + 2.88 MJ) / 65.53 kJ


def test_a_counter_that_stands_still_while_it_is_read_has_not_wrapped() -> None:
    """Read ten times a second, it cannot have wrapped unseen, however long it stands: no energy comes of nothing."""
    rig = Rig(AMD_PACKAGE, AMD_COUNTER)
    rig.read()
    rig.run(436, 10)
    rig.frozen = rig.raw
    rig.run(436, 170)
    assert "wrap" not in kinds(rig.integrator)
    assert not any("ambiguous" in e.detail for e in rig.integrator.events)
    assert latest(rig.integrator).counter_j == pytest.approx(4360, abs=1e-3)
    assert so_far(rig.integrator).energy_j == pytest.approx(436 * 180, rel=0.02)


def test_reads_that_fail_with_one_reason_are_one_event() -> None:
    rig = Rig()
    rig.read()
    for reason in ("timeout", "timeout", "unknown", "timeout"):
        rig.draw(100, 0.1)
        rig.integrator.failed("energy", rig.t_ns, reason)
    assert kinds(rig.integrator) == ["gap", "gap"]


def test_reads_that_fail_for_long_are_filled_in_and_then_made_good() -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 5)
    for _ in range(50):
        rig.draw(200, 0.1)
        rig.integrator.failed("energy", rig.t_ns, "timeout")
    assert latest(rig.integrator).imputed_j == pytest.approx(1000, rel=0.02)
    rig.run(200, 5)
    assert so_far(rig.integrator).energy_j == pytest.approx(3000, abs=2e-3)


def test_two_jumped_readings_that_agree_begin_a_new_epoch() -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 5)
    rig.offset_uj += 10**15
    rig.run(200, 5)
    assert kinds(rig.integrator) == ["absurd", "reset"]
    assert so_far(rig.integrator).energy_j == pytest.approx(2000, rel=0.01)
    assert so_far(rig.integrator).low_j <= 2000 <= so_far(rig.integrator).high_j
    assert so_far(rig.integrator).high_j <= 2000 + 0.3 * 300


def test_two_jumped_readings_that_disagree_begin_nothing() -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 1)
    for jump in (10**9, 5 * 10**9):
        rig.draw(200, 0.1)
        rig.integrator.counter_reading(Reading(rig.t_ns, rig.raw + jump))
    rig.run(200, 1)
    assert "reset" not in kinds(rig.integrator)
    assert so_far(rig.integrator).energy_j == pytest.approx(440, abs=1e-3)


def test_a_device_that_draws_nothing_is_not_stale() -> None:
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    rig.run(0, 30)
    assert kinds(rig.integrator) == []
    assert latest(rig.integrator).energy_j == 0


def test_a_counter_stale_twice_is_filled_in_twice() -> None:
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    for _ in range(2):
        rig.frozen = None
        rig.run(200, 5)
        rig.frozen = rig.raw
        rig.run(200, 5)
    assert kinds(rig.integrator) == ["stale", "resumed", "stale"]
    assert so_far(rig.integrator).energy_j == pytest.approx(4000, rel=0.01)


# ---- gauges beside and instead of counters


def test_a_gauge_beside_a_counter_books_nothing() -> None:
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    rig.run(200, 30)
    assert latest(rig.integrator).energy_j == pytest.approx(6000, abs=1e-3)
    assert latest(rig.integrator).power_j == 0
    assert rig.integrator.residual == pytest.approx(0, abs=1e-3)


def test_a_gauge_that_disagrees_widens_the_range_to_hold_both() -> None:
    """The counter says 200 W and the gauge 280 W."""
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.power_w = 280
    rig.read()
    for _ in range(300):
        rig.draw(200, 0.1)
        rig.power_w = 280
        rig.read()
    assert kinds(rig.integrator) == ["disagreement"]
    assert rig.integrator.residual == pytest.approx(200 / 280 - 1, abs=0.01)
    checked_s = 29  # the last comparison ends a little before the last reading
    assert so_far(rig.integrator).low_j == pytest.approx(6000, abs=1)
    assert so_far(rig.integrator).high_j >= 6000 + 80 * (checked_s - 10)
    rig.integrator.finish(rig.t_ns)
    assert so_far(rig.integrator).low_j == pytest.approx(6000, abs=1)
    assert 280 * 30 <= so_far(rig.integrator).high_j <= 280 * 30 + 20 * 0.6  # the average shows the last half second too late: up to 300 W


def test_a_run_shorter_than_a_comparison_is_compared_at_its_end() -> None:
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.power_w = 280
    rig.read()
    for _ in range(60):
        rig.draw(200, 0.1)
        rig.power_w = 280
        rig.read()
    rig.integrator.finish(rig.t_ns)
    assert kinds(rig.integrator) == ["disagreement"]
    assert so_far(rig.integrator).low_j == pytest.approx(1200, abs=1)
    assert 280 * 6 <= so_far(rig.integrator).high_j <= 280 * 6 + 20 * 0.6


def test_what_agrees_at_its_end_stays_exact() -> None:
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.power_w = 200
    rig.read()
    rig.run(200, 6)
    rig.integrator.finish(rig.t_ns)
    assert so_far(rig.integrator) == pytest.approx((1200,) * 3, abs=0.01)


def test_a_model_is_labelled_and_ranged() -> None:
    gauge = Gauge("interval", provenance=Provenance.MODELLED, low_factor=0.6, high_factor=1.5)
    rig = Rig(PACKAGE, None, {"model": gauge})
    rig.read()
    rig.run(100, 10)
    assert latest(rig.integrator).modelled_j == pytest.approx(1000)
    assert so_far(rig.integrator) == pytest.approx((1000, 600, 1500))
    assert rig.integrator.covered_ns == 0


# ---- loss and end


def test_a_loss_before_the_first_reading_is_survived() -> None:
    integrator = DeviceIntegrator(GPU, NVML_COUNTER, {})
    integrator.failed("energy", S, "GPU is lost", lost=True)
    integrator.finish(2 * S)
    assert integrator.curve.latest is None
    assert kinds(integrator) == ["lost"]


def test_the_lag_of_a_counter_is_an_edge() -> None:
    """Renewed every 20 ms, up to 300 W: the truth may be 6 J ahead. Unmeasured, 100 ms are assumed."""
    integrator = DeviceIntegrator(GPU, NVML_COUNTER, {})
    integrator.counter_reading(Reading(S, 5))
    assert latest(integrator).edge_high_j == pytest.approx(30)
    integrator.set_update_period(0.02)
    assert latest(integrator).edge_high_j == pytest.approx(6)
    assert latest(integrator).edge_low_j == 0
    integrator.set_update_period(None)
    assert latest(integrator).edge_high_j == pytest.approx(30)


def test_a_counter_at_rest_to_the_end_is_covered() -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 1)
    rig.frozen = rig.raw
    rig.run(0, 1)
    rig.integrator.finish(rig.t_ns)
    assert rig.integrator.covered_ns == 2 * S


def test_events_are_handed_over_once() -> None:
    integrator = DeviceIntegrator(GPU, NVML_COUNTER, {})
    integrator.failed("energy", S, "timeout")
    [event] = integrator.take_events()
    assert (event.kind, event.t_ns, event.device) == ("gap", S, "gpu0")
    assert integrator.take_events() == []


def test_a_gauge_is_known_by_its_shape_whatever_its_name() -> None:
    """The mean of a window is integrated, and an instantaneous gauge stands in where the windows reach back before the run."""

    def integrated(instant: str, average: str) -> tuple[Point, float]:
        integrator = DeviceIntegrator(GPU, None, {instant: INSTANT, average: AVERAGE})
        for tick in range(40):
            power_w = 100.0 if tick % 20 < 10 else 250.0
            integrator.gauge_reading(instant, Reading(tick * S // 10, power_w))
            integrator.gauge_reading(average, Reading(tick * S // 10, 175.0))
        integrator.finish(4 * S)
        return latest(integrator), integrator.step_s

    usual = integrated("power-instant", "power-average")
    assert integrated("meter", "meter over a second") == usual
    assert integrated("power", "power-instant") == usual
    assert usual[0].energy_j == pytest.approx(700, abs=20)


def test_a_counter_is_what_is_no_gauge_whatever_its_name() -> None:
    ticks = []
    for name in ("energy", "kilowatt hours"):
        integrator = DeviceIntegrator(GPU, NVML_COUNTER, {"power": AVERAGE})
        integrator.set_tick(name, 0.5)
        for tick in range(60):
            integrator.gauge_reading("power", Reading(tick * S // 10, 100.0))
            if tick < 20:
                integrator.counter_reading(Reading(tick * S // 10, tick * 10_000))
            else:
                integrator.failed(name, tick * S // 10, "busy")
        ticks.append((latest(integrator), integrator.step_s))
    assert ticks[0] == ticks[1]
    assert ticks[0][0].power_j > 100  # the gauge stands in
