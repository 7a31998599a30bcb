"""The energy curve of one device: counters, gauges, and everything that goes wrong with them."""

from __future__ import annotations

import math

import pytest

from tests.fakes.sensor import (
    AMD_COUNTER,
    AMD_PACKAGE,
    AVERAGE,
    DRAM,
    DRAM_COUNTER,
    GPU,
    INSTANT,
    INTEL_COUNTER,
    NVML_COUNTER,
    OTHER_GPU,
    PACKAGE,
    UNRANGED_COUNTER,
)
from trainwatt.integration import EVENTS_OF_A_KIND, DeviceIntegrator
from trainwatt.model import Counter, Device, Gauge, Point, Provenance, Reading
from trainwatt.windows import Interval, between, interval

S = 10**9
UNEVEN_S = (0.1, 0.13, 0.07, 0.4, 0.02, 0.1, 0.9, 0.31)


def ns(seconds: float) -> int:
    return round(seconds * S)


def latest(integrator: DeviceIntegrator) -> Point:
    point = integrator.curve.latest
    assert point is not None
    return point


def so_far(integrator: DeviceIntegrator) -> Interval:
    """Everything since the first reading, as if the gain were perfectly known."""
    return interval([between(Point(0), latest(integrator), 0.0, "")])


def kinds(integrator: DeviceIntegrator) -> list[str]:
    return [e.kind for e in integrator.events]


class Rig:
    """A device with a true power, its counter and its gauge; `run` lets it draw power and reads it."""

    def __init__(
        self,
        device: Device = GPU,
        counter: Counter | None = NVML_COUNTER,
        gauges: dict[str, Gauge] | None = None,
        start_j: float = 1000.0,
    ) -> None:
        self.integrator = DeviceIntegrator(device, counter, gauges or {})
        self.integrator.set_update_period(0.0)
        self.counter = counter
        self.gauges = gauges or {}
        self.t_ns = S
        self.true_uj = 0  # exact: watts and microseconds are integers
        self.offset_uj = round(start_j * 1e6)
        self.frozen: int | None = None
        self.power_w = 0

    @property
    def true_j(self) -> float:
        return self.true_uj * 1e-6

    @property
    def raw(self) -> int:
        assert self.counter is not None
        if self.frozen is not None:
            return self.frozen
        raw = (self.true_uj + self.offset_uj) // round(self.counter.unit_j / 1e-6)
        return raw % self.counter.modulus if self.counter.modulus else raw

    def draw(self, power_w: int, seconds: float) -> None:
        self.power_w = power_w
        self.t_ns += ns(seconds)
        self.true_uj += power_w * round(seconds * 1e6)

    def read(self) -> None:
        for name in self.gauges:
            self.integrator.gauge_reading(name, Reading(self.t_ns, float(self.power_w)))
        if self.counter is not None:
            self.integrator.counter_reading(Reading(self.t_ns, self.raw))

    def run(self, power_w: int, seconds: float, tick_s: float = 0.1) -> None:
        for _ in range(round(seconds / tick_s)):
            self.draw(power_w, tick_s)
            self.read()


# ---- counters


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


def test_a_wrap_every_82_seconds_at_800_watts_is_exact_for_an_hour() -> None:
    rig = Rig(AMD_PACKAGE, AMD_COUNTER)
    rig.read()
    rig.run(800, 3600, tick_s=1.0)
    assert so_far(rig.integrator).energy_j == pytest.approx(800 * 3600, abs=2e-6)
    assert kinds(rig.integrator) == ["wrap"] * 43  # (1000 J + 2.88 MJ) / 65.53 kJ


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
    """72, 436 and 800 W all fit 180 s without a reading: the nearest to the power before is taken, the range holds all."""
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
    """The counter ends where it began: nothing was drawn, or one whole wrap."""
    rig = Rig(AMD_PACKAGE, AMD_COUNTER)
    rig.read()
    rig.run(50, 5)
    rig.t_ns += 180 * S
    rig.true_uj += AMD_COUNTER.modulus or 0
    rig.read()
    assert so_far(rig.integrator).low_j - 1e-3 <= rig.true_j <= so_far(rig.integrator).high_j + 1e-3


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


def test_case_06_a_reset_to_a_small_value_is_no_spike() -> None:
    rig = Rig(start_j=5_000_000)
    rig.read()
    rig.run(200, 5)
    rig.draw(200, 0.1)
    rig.offset_uj = -rig.true_uj + 4 * 10**6  # 4 J since its restart
    rig.read()
    assert latest(rig.integrator).imputed_j == pytest.approx(20, rel=0.02)
    assert so_far(rig.integrator).low_j == pytest.approx(1000 + 4, abs=1e-2)  # it is known to restart at 0
    assert so_far(rig.integrator).high_j == pytest.approx(1000 + 30, abs=1e-2)
    rig.run(200, 5)
    assert so_far(rig.integrator).energy_j == pytest.approx(2020, rel=1e-3)
    assert kinds(rig.integrator) == ["reset"]


def test_case_06_a_fall_to_a_large_value_is_no_spike() -> None:
    """A counter that restarts at 0 and shows 4 MJ a tenth of a second later did not draw 4 MJ."""
    rig = Rig(start_j=5_000_000)
    rig.read()
    rig.run(200, 5)
    rig.draw(200, 0.1)
    rig.offset_uj = 4_000_000 * 10**6
    rig.read()
    assert so_far(rig.integrator).energy_j <= 1000 + 300 * 0.1 + 1e-3
    assert so_far(rig.integrator).high_j <= 1000 + 300 * (0.1 + 0.25) + 1e-3


def test_case_06_a_reset_takes_the_gauges_power_where_there_is_one() -> None:
    rig = Rig(gauges={"power-instant": INSTANT}, start_j=5_000_000)
    rig.read()
    rig.run(200, 5)
    rig.draw(280, 0.5)
    rig.offset_uj = -rig.true_uj
    rig.read()
    assert latest(rig.integrator).imputed_j == pytest.approx(140)


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


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_case_10_a_counter_that_reads_no_number_is_rejected(value: float) -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 1)
    rig.draw(200, 0.1)
    rig.integrator.counter_reading(Reading(rig.t_ns, value))
    assert kinds(rig.integrator) == ["absurd"]
    rig.run(200, 1)
    assert so_far(rig.integrator).energy_j == pytest.approx(420, abs=1e-3)


@pytest.mark.parametrize("raw", [-5, -(10**9), (AMD_COUNTER.modulus or 0) + 10])
def test_case_10_a_counter_that_reads_outside_its_range_is_rejected(raw: int) -> None:
    rig = Rig(AMD_PACKAGE, AMD_COUNTER, start_j=65_500)
    rig.read()
    rig.run(200, 0.1)
    rig.draw(200, 0.1)
    rig.integrator.counter_reading(Reading(rig.t_ns, raw))
    rig.run(200, 1)
    assert so_far(rig.integrator).energy_j == pytest.approx(240, abs=1e-3)
    assert "absurd" in kinds(rig.integrator)
    assert kinds(rig.integrator).count("wrap") == 1


@pytest.mark.parametrize("watts", [math.nan, math.inf, -math.inf, -3.0])
def test_case_10_a_gauge_that_reads_no_power_is_rejected(watts: float) -> None:
    rig = Rig(counter=None, gauges={"power-instant": INSTANT})
    rig.read()
    rig.run(200, 1)
    before = latest(rig.integrator).energy_j
    rig.draw(200, 0.1)
    rig.integrator.gauge_reading("power-instant", Reading(rig.t_ns, watts))
    assert latest(rig.integrator).energy_j == before
    assert kinds(rig.integrator) == ["absurd"]
    rig.run(200, 1)
    assert latest(rig.integrator).energy_j == pytest.approx(before + 200 * 1.1)


def test_case_11_a_megawatt_is_quarantined() -> None:
    rig = Rig(counter=None, gauges={"power-instant": INSTANT})
    rig.power_w = 200
    rig.read()
    rig.run(200, 1)
    rig.draw(200, 0.1)
    rig.integrator.gauge_reading("power-instant", Reading(rig.t_ns, 1e6))
    rig.run(200, 0.9)
    assert kinds(rig.integrator) == ["absurd"]
    assert so_far(rig.integrator).energy_j == pytest.approx(400)
    assert so_far(rig.integrator).high_j == pytest.approx(400)


def test_case_11_a_megajoule_jump_never_moves_the_baseline() -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 1)
    rig.draw(200, 0.1)
    rig.integrator.counter_reading(Reading(rig.t_ns, rig.raw + 10**9))
    assert kinds(rig.integrator) == ["absurd"]
    rig.run(200, 0.9)
    assert kinds(rig.integrator) == ["absurd"]
    assert so_far(rig.integrator).energy_j == pytest.approx(400, abs=1e-3)
    assert so_far(rig.integrator).high_j == pytest.approx(400, abs=1e-3)


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


def test_case_12_a_frozen_counter_is_stale_and_the_gauge_takes_over() -> None:
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    rig.run(200, 5)
    rig.frozen, frozen_ns = rig.raw, rig.t_ns
    rig.run(250, 10)
    [stale] = [e for e in rig.integrator.events if e.kind == "stale"]
    assert stale.t_ns - frozen_ns <= ns(2.2)
    assert "gauge" in stale.detail
    assert latest(rig.integrator).counter_j == pytest.approx(1000, abs=1e-3)
    assert latest(rig.integrator).power_j == pytest.approx(2500, rel=0.02)
    assert latest(rig.integrator).imputed_j == 0


def test_case_12_without_a_gauge_the_power_before_is_held_and_bounded() -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 5)
    rig.frozen = rig.raw
    rig.run(250, 10)
    assert kinds(rig.integrator) == ["stale"]
    assert latest(rig.integrator).imputed_j == pytest.approx(2000, rel=0.02)
    assert so_far(rig.integrator).low_j == pytest.approx(1000, abs=1e-2)
    assert so_far(rig.integrator).high_j == pytest.approx(1000 + 300 * 10, abs=1e-2)


def test_case_12_a_counter_that_stands_for_less_than_two_seconds_is_not_stale() -> None:
    rig = Rig()
    rig.read()
    rig.run(200, 5)
    rig.frozen = rig.raw
    rig.run(200, 1.9)
    rig.frozen = None
    rig.run(200, 1)
    assert kinds(rig.integrator) == []
    assert so_far(rig.integrator).energy_j == pytest.approx(rig.true_j, abs=1e-3)


def test_a_device_that_draws_nothing_is_not_stale() -> None:
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    rig.run(0, 30)
    assert kinds(rig.integrator) == []
    assert latest(rig.integrator).energy_j == 0


def test_case_13_a_constant_gauge_is_not_stale() -> None:
    rig = Rig(counter=None, gauges={"power-instant": INSTANT})
    rig.power_w = 200
    rig.read()
    rig.run(200, 60)
    rig.integrator.finish(rig.t_ns)
    assert kinds(rig.integrator) == []
    assert so_far(rig.integrator).energy_j == pytest.approx(12_000)
    assert latest(rig.integrator).power_j == latest(rig.integrator).energy_j
    assert rig.integrator.covered_ns == pytest.approx(60 * S, rel=1e-6)


@pytest.mark.parametrize("gauge", [INSTANT, Gauge("interval"), Gauge("window", 0.1)], ids=["instant", "interval", "window"])
def test_case_14_unchanged_samples_are_integrated_too(gauge: Gauge) -> None:
    rig = Rig(counter=None, gauges={"power": gauge})
    rig.power_w = 100
    rig.read()
    rig.run(100, 9.8)
    rig.draw(100, 0.1)
    rig.power_w = 500 if gauge.shape == "instant" else 100
    rig.read()
    rig.run(500, 0.1)
    rig.integrator.finish(rig.t_ns)
    assert rig.true_j == pytest.approx(1040)
    assert so_far(rig.integrator).energy_j == pytest.approx(1040, rel=0.02)
    assert so_far(rig.integrator).low_j <= 1040 <= so_far(rig.integrator).high_j


def test_case_15_850_joules_between_uneven_ticks_are_850_joules() -> None:
    integrator = DeviceIntegrator(GPU, NVML_COUNTER, {})
    for t_s, joules in ((1.0, 12_000), (1.07, 12_020), (3.9, 12_840), (3.95, 12_850)):
        integrator.counter_reading(Reading(ns(t_s), joules * 1000))
    assert latest(integrator).energy_j == pytest.approx(850, abs=1e-9)


def test_case_16_thirty_days_of_a_counter_telescope_exactly() -> None:
    """2.6 million seconds at 300 W: 777.6 MJ, wrapping 2,966 times; no rounding adds up."""
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


# ---- thawing


def test_case_46_a_thawed_counter_books_no_joule_twice() -> None:
    """It stood for 10 s and went on counting inside: the gauge's 2.5 kJ and its 2.5 kJ are the same joules."""
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    rig.run(250, 5)
    rig.frozen = rig.raw
    rig.run(250, 10)
    rig.frozen = None
    rig.run(250, 5)
    assert kinds(rig.integrator) == ["stale", "resumed"]
    assert so_far(rig.integrator).energy_j == pytest.approx(5000, abs=0.01)


def test_case_46_a_counter_that_missed_its_frozen_time_books_never_below_zero() -> None:
    """It counted nothing while it stood: what was filled in stays, and the range says that it may have been too much."""
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    rig.run(250, 5)
    rig.frozen = rig.raw
    rig.run(250, 10)
    rig.frozen, rig.offset_uj = None, rig.offset_uj - 2500 * 10**6
    before = latest(rig.integrator)
    rig.run(250, 0.1)
    after = latest(rig.integrator)
    assert after.counter_j == before.counter_j
    assert after.slack_low_j > before.slack_low_j
    rig.run(250, 4.9)
    assert so_far(rig.integrator).low_j <= rig.true_j <= so_far(rig.integrator).high_j + 30
    assert so_far(rig.integrator).energy_j == pytest.approx(5000, rel=0.01)


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
    assert so_far(rig.integrator).high_j <= 280 * 30 + 1


def test_case_19_a_stopped_process_leaves_the_counter_exact_and_no_disagreement() -> None:
    """Stopped for 60 s in which the load went away: the gauge, which saw nothing of it, proves nothing against the counter."""
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    rig.run(250, 5)
    rig.draw(60, 59.9)
    rig.run(250, 15)
    assert so_far(rig.integrator).energy_j == pytest.approx(rig.true_j, abs=1e-3)
    assert "disagreement" not in kinds(rig.integrator)
    assert so_far(rig.integrator).high_j == pytest.approx(rig.true_j, abs=1.0)


def test_case_19_a_stopped_process_leaves_an_imputed_gap_in_a_gauge() -> None:
    rig = Rig(counter=None, gauges={"power-instant": INSTANT})
    rig.power_w = 60
    rig.read()
    rig.run(60, 1)
    rig.run(250, 4)
    measured = rig.integrator.covered_ns
    rig.draw(100, 60)
    rig.power_w = 250
    rig.read()
    assert kinds(rig.integrator) == ["gap"]
    assert latest(rig.integrator).imputed_j == pytest.approx(15_000)
    assert rig.integrator.covered_ns == measured
    assert so_far(rig.integrator).low_j <= rig.true_j <= so_far(rig.integrator).high_j


def test_case_53_stopped_within_a_window_of_a_load_step() -> None:
    """The average has hardly seen the last 0.3 s: the range has."""
    rig = Rig(counter=None, gauges={"power-average": AVERAGE})
    rig.power_w = 100
    rig.read()
    rig.run(100, 10)
    for tick in (1, 2, 3):
        rig.draw(300, 0.1)
        rig.integrator.gauge_reading("power-average", Reading(rig.t_ns, 100 + 20 * tick))
    rig.integrator.finish(rig.t_ns)
    assert rig.true_j == pytest.approx(1090)
    assert so_far(rig.integrator).low_j <= 1090 <= so_far(rig.integrator).high_j
    assert latest(rig.integrator).t_ns == rig.t_ns


def test_a_model_is_labelled_and_ranged() -> None:
    gauge = Gauge("interval", provenance=Provenance.MODELLED, low_factor=0.6, high_factor=1.5)
    rig = Rig(PACKAGE, None, {"model": gauge})
    rig.read()
    rig.run(100, 10)
    assert latest(rig.integrator).modelled_j == pytest.approx(1000)
    assert so_far(rig.integrator) == pytest.approx((1000, 600, 1500))
    assert rig.integrator.covered_ns == 0


# ---- loss and end


def test_case_32_a_lost_device_keeps_its_joules_and_the_others_go_on() -> None:
    lost, other = Rig(GPU), Rig(OTHER_GPU)
    for rig in (lost, other):
        rig.read()
        rig.run(200, 5)
    lost.draw(200, 0.1)
    lost.integrator.failed("energy", lost.t_ns, "GPU is lost", lost=True)
    lost.run(200, 5)
    other.run(200, 5)
    assert kinds(lost.integrator) == ["lost"]
    assert so_far(lost.integrator).energy_j == pytest.approx(1000, abs=1e-3)
    assert so_far(lost.integrator).low_j == pytest.approx(1000, abs=1e-3)
    assert so_far(lost.integrator).high_j == pytest.approx(1000 + 0.1 * 300, abs=1e-3)  # unseen between last reading and loss
    assert so_far(other.integrator).energy_j == pytest.approx(2000, abs=1e-3)


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
