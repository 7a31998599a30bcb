"""Counters that work: cases 1 to 5, 7, 8, 15 and 16."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.powercap import INTEL_RANGE_UJ, FakePowercap
from tests.fakes.recorded import Package, RecordedRun
from tests.fakes.rig import UNEVEN_S, Rig, S, kinds, latest, ns, so_far
from tests.fakes.sensor import (
    AMD_COUNTER,
    AMD_PACKAGE,
    DRAM,
    DRAM_COUNTER,
    GPU,
    INSTANT,
    INTEL_COUNTER,
    NVML_COUNTER,
    PACKAGE,
    UNRANGED_COUNTER,
)
from tests.fakes.views import device
from trainwatt.core.point import Provenance
from trainwatt.core.sensing import Counter, Reading
from trainwatt.energy.integrator import EVENTS_OF_A_KIND, DeviceIntegrator
from trainwatt.energy.intervals import between, interval


@pytest.mark.parametrize("counter", [NVML_COUNTER, INTEL_COUNTER, UNRANGED_COUNTER])
def test_case_01_constant_power_at_irregular_ticks_is_exact_to_a_unit(counter: Counter) -> None:
    rig = Rig(PACKAGE, counter, start_j=17.1234567)
    rig.read()
    for _ in range(20):
        for tick_s in UNEVEN_S:
            rig.draw(251, tick_s)
            rig.read()
    assert rig.true_j == pytest.approx(251 * 20 * sum(UNEVEN_S))
    assert abs(so_far(rig.integrator).energy_j - rig.true_j) <= counter.unit_j
    assert latest(rig.integrator).counter_j == latest(rig.integrator).energy_j
    assert kinds(rig.integrator) == []
    assert rig.integrator.covered_ns == rig.t_ns - S


def test_case_02_one_wrap_is_exact_and_one_event() -> None:
    rig = Rig(PACKAGE, INTEL_COUNTER, start_j=262_143.328911 - 500)
    rig.read()
    rig.run(200, 10)
    assert so_far(rig.integrator).energy_j == pytest.approx(2000, abs=2e-6)
    assert kinds(rig.integrator) == ["wrap"]
    assert so_far(rig.integrator).low_j == pytest.approx(2000, abs=1e-5)
    assert so_far(rig.integrator).high_j == pytest.approx(2000, abs=1e-5)


def test_case_02_a_wrap_in_a_powercap_tree_is_exact_and_one_event(machine: FakePowercap) -> None:
    """The counter starts at 0 again one unit after max_energy_range_uj."""
    clock, package = FakeClock(), Package(machine, 200.0, start_uj=INTEL_RANGE_UJ - 500 * 10**6)
    run = RecordedRun(machine, clock, package.draw)
    run.move(10.0, tick_s=0.1)
    run.end()
    assert device(run.view, "package-0")["energy_j"] == pytest.approx(2000, abs=2e-6)
    assert [e["kind"] for e in run.view["events"]] == ["wrap"]


def test_case_03_only_the_dram_wraps() -> None:
    package, dram = Rig(PACKAGE, INTEL_COUNTER), Rig(DRAM, DRAM_COUNTER, start_j=65_713.0 - 100)
    for rig, power_w in ((package, 200), (dram, 40)):
        rig.read()
        rig.run(power_w, 10)
    assert so_far(package.integrator).energy_j == pytest.approx(2000, abs=2e-6)
    assert so_far(dram.integrator).energy_j == pytest.approx(400, abs=2e-6)
    assert kinds(package.integrator) == []
    assert kinds(dram.integrator) == ["wrap"]


@pytest.mark.parametrize(("before_w", "in_gap_w"), [(430, 436), (430, 72), (430, 800), (80, 72), (790, 800), (80, 800)])
def test_case_04_ambiguous_gap_on_amd(before_w: int, in_gap_w: int) -> None:
    """72, 436 and 800 W all fit 180 s without a reading. The one nearest to the power before is taken, and the range holds all three."""
    rig = Rig(AMD_PACKAGE, AMD_COUNTER)
    rig.integrator.set_update_period(None)
    rig.read()
    rig.run(before_w, 5)
    before = so_far(rig.integrator)
    rig.draw(in_gap_w, 180)
    rig.read()
    after = so_far(rig.integrator)
    gap_w = (after.energy_j - before.energy_j) / 180
    assert gap_w == pytest.approx(min((72, 436, 800), key=lambda w: abs(w - before_w)), abs=1.0)
    assert after.low_j - before.low_j == pytest.approx(72 * 180, abs=150)
    assert after.high_j - before.high_j == pytest.approx(800 * 180, abs=150)
    assert after.low_j - 1e-3 <= rig.true_j <= after.high_j + 1e-3
    assert any(e.kind == "gap" and "ambiguous" in e.detail for e in rig.integrator.events)


def test_case_04_a_gap_of_exactly_one_wrap_is_in_the_range() -> None:
    """The counter ends where it began: either nothing was drawn, or exactly one whole wrap."""
    rig = Rig(AMD_PACKAGE, AMD_COUNTER)
    rig.read()
    rig.run(50, 5)
    rig.t_ns += 180 * S
    rig.true_uj += AMD_COUNTER.modulus or 0
    rig.read()
    assert so_far(rig.integrator).low_j - 1e-3 <= rig.true_j <= so_far(rig.integrator).high_j + 1e-3


def test_case_05_a_fall_with_an_unreadable_range_books_no_counter_energy() -> None:
    rig = Rig(PACKAGE, UNRANGED_COUNTER, start_j=100_000)
    rig.read()
    rig.run(200, 5)
    before = latest(rig.integrator)
    rig.draw(200, 0.5)
    rig.offset_uj = -rig.true_uj + 40 * 10**6
    rig.read()
    after = latest(rig.integrator)
    assert after.counter_j == before.counter_j
    assert after.imputed_j - before.imputed_j == pytest.approx(100, rel=0.02)
    assert so_far(rig.integrator).low_j == pytest.approx(1000, abs=1e-3)  # 0 W …
    assert so_far(rig.integrator).high_j == pytest.approx(1000 + 400 * 0.5, abs=1e-3)  # … to full power
    assert kinds(rig.integrator) == ["reset"]
    rig.run(200, 5)
    assert latest(rig.integrator).counter_j == pytest.approx(2000, abs=1e-3)


def test_case_05_a_tree_that_does_not_tell_its_range_books_no_counter_energy_for_a_fall(machine: FakePowercap) -> None:
    """The fall may be a wrap or a reset: the energy of the tick is imputed, bounded and never negative."""
    clock, package = FakeClock(), Package(machine, range_uj="")
    run = RecordedRun(machine, clock, package.draw)
    run.move(5.0, tick_s=0.1)
    package.show(7)
    run.move(5.0, tick_s=0.1)
    run.end()
    found = device(run.view, "package-0")
    assert found["provenance"]["imputed"] == pytest.approx(10, rel=0.02)
    assert found["provenance"]["measured-counter"] == pytest.approx(990, abs=1)
    assert found["low_j"] <= 1000 <= found["high_j"]
    assert [e["kind"] for e in run.view["events"]] == ["reset"]
    assert all(a.energy_j <= b.energy_j for a, b in pairwise(run.curves["package-0"]))


def test_case_07_one_unit_backwards_is_nothing_now_and_exact_later() -> None:
    rig = Rig(start_j=77)
    rig.read()
    rig.run(200, 1)
    before = latest(rig.integrator).energy_j
    rig.t_ns += S // 10
    rig.integrator.counter_reading(Reading(rig.t_ns, rig.raw - 1))
    assert latest(rig.integrator).energy_j == before
    rig.run(200, 1)
    assert so_far(rig.integrator).energy_j == pytest.approx(rig.true_j, abs=1e-3)
    assert kinds(rig.integrator) == []


def test_case_08_one_failed_read_loses_nothing() -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 1)
    before = latest(rig.integrator)
    rig.draw(250, 0.1)
    rig.integrator.failed("energy", rig.t_ns, "Unknown Error")
    assert latest(rig.integrator).energy_j == before.energy_j
    rig.run(250, 1)
    assert so_far(rig.integrator).energy_j == pytest.approx(200 + 25 + 250, abs=1e-3)
    assert latest(rig.integrator).imputed_j == 0
    assert kinds(rig.integrator) == ["gap"]


def test_case_08_an_outage_of_failed_reads_is_exact_afterwards_and_bounded_meanwhile() -> None:
    """Windows around it lose nothing, and their range does not grow. One that ends within it may have any energy that is possible."""
    rig = Rig()
    rig.read()
    rig.run(80, 5)
    before = latest(rig.integrator)
    for watts in (80, 300, 0, 200) * 10:
        rig.draw(watts, 0.1)
        rig.integrator.failed("energy", rig.t_ns, "timeout")
    within, true_within_j = latest(rig.integrator), rig.true_j
    rig.run(80, 5)
    after = latest(rig.integrator)
    assert so_far(rig.integrator) == pytest.approx((rig.true_j,) * 3, abs=0.002)
    first, second = (interval([between(a, b, 0.0, "")]) for a, b in ((before, within), (within, after)))
    assert first.low_j <= true_within_j - 400 <= first.high_j
    assert second.low_j <= rig.true_j - true_within_j <= second.high_j
    assert first.high_j - first.low_j > 500
    rig.integrator.finish(rig.t_ns)
    assert rig.integrator.covered_ns == pytest.approx(14 * S)


def test_case_08_an_outage_that_ends_in_a_jump_keeps_its_bounds() -> None:
    """The reading that would have covered it comes after a reset, so the imputed energy stays uncertain."""
    rig = Rig()
    rig.read()
    rig.run(80, 5)
    for _ in range(40):
        rig.draw(300, 0.1)
        rig.integrator.failed("energy", rig.t_ns, "timeout")
    rig.offset_uj += 10**13
    rig.run(80, 3)
    rig.integrator.finish(rig.t_ns)
    assert kinds(rig.integrator)[-2:] == ["absurd", "reset"]
    assert so_far(rig.integrator).low_j <= rig.true_j <= so_far(rig.integrator).high_j


def test_case_08_an_outage_until_the_end_keeps_its_bounds() -> None:
    rig = Rig()
    rig.read()
    rig.run(80, 5)
    for _ in range(40):
        rig.draw(200, 0.1)
        rig.integrator.failed("energy", rig.t_ns, "timeout")
    rig.integrator.finish(rig.t_ns)
    total = so_far(rig.integrator)
    assert total.low_j <= rig.true_j <= total.high_j
    assert total.energy_j == pytest.approx(9 * 80)


def test_case_15_850_joules_between_uneven_ticks_are_850_joules() -> None:
    integrator = DeviceIntegrator(GPU, NVML_COUNTER, {})
    for t_s, joules in ((1.0, 12_000), (1.07, 12_020), (3.9, 12_840), (3.95, 12_850)):
        integrator.counter_reading(Reading(ns(t_s), joules * 1000))
    assert latest(integrator).energy_j == pytest.approx(850, abs=1e-9)


def test_case_16_thirty_days_of_a_counter_telescope_exactly() -> None:
    """2.6 million seconds at 300 W: 777.6 MJ, with 2,966 wraps. No rounding errors add up."""
    rig = Rig(PACKAGE, INTEL_COUNTER, start_j=123.456789)
    rig.read()
    ticks = 50_000
    for tick in range(ticks):
        rig.draw(300, 51.84 + (tick % 7 - 3) * 0.01)
        rig.integrator.counter_reading(Reading(rig.t_ns, rig.raw))
    assert rig.true_j == pytest.approx(777_600_000, rel=1e-4)
    assert latest(rig.integrator).counter_j == rig.true_uj * 1e-6
    assert kinds(rig.integrator) == ["wrap"] * EVENTS_OF_A_KIND  # of 2,966


@pytest.mark.parametrize("power_w", [299.7, 312.33, 123.4])
def test_case_16_thirty_days_of_a_gauge_do_not_drift(power_w: float) -> None:
    """26 million readings at 10 Hz, of which a stretch is taken at each of 40 levels of the total: the rounding of a stretch, times
    the stretches there are, stays below 1e-9 of the total."""
    levels, stretch, all_ticks = 40, 3000, 30 * 86_400 * 10
    total_j, drift_j = power_w * all_ticks / 10, 0.0
    for level in range(levels):
        integrator = DeviceIntegrator(GPU, None, {"power-instant": INSTANT})
        integrator.gauge_reading("power-instant", Reading(0, power_w))
        before_j = total_j * level / levels
        integrator.curve.book(Provenance.MEASURED_POWER, before_j)
        for tick in range(1, stretch + 1):
            integrator.gauge_reading("power-instant", Reading(tick * S // 10, power_w))
        drift_j += latest(integrator).power_j - before_j - power_w * stretch / 10
    assert abs(drift_j) * all_ticks / levels / stretch < 1e-9 * total_j
