"""Phases resolved into energy."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.sensor import GPU, NVML_COUNTER, OTHER_GPU
from trainwatt.integration import DeviceIntegrator
from trainwatt.model import Point, Reading
from trainwatt.phases import PhaseRecord
from trainwatt.windows import Interval, Share, between, interval

S = 10**9
NOW_NS = 5 * S


def ns(seconds: float) -> int:
    return round(seconds * S)


def phase(start_s: float, end_s: float | None, seq: int = 0, name: str = "train", parent: int | None = None) -> PhaseRecord:
    record = PhaseRecord("segment", seq, name, ns(start_s), parent_seq=parent)
    record.end_t_ns = None if end_s is None else ns(end_s)
    return record


def gpu(*, update_s: float | None = 0.0, tick_s: float = 0.1) -> DeviceIntegrator:
    integrator = DeviceIntegrator(GPU, NVML_COUNTER, {})
    integrator.set_update_period(update_s)
    integrator.set_tick("energy", tick_s)
    return integrator


def ramp(integrator: DeviceIntegrator, start_s: float, end_s: float, power_w: float, tick_s: float = 0.1, from_j: float = 0.0) -> float:
    """Readings of a constant power. Returns the counter's joules at the end."""
    ticks = round((end_s - start_s) / tick_s)
    for tick in range(ticks + 1):
        joules = from_j + power_w * tick * tick_s
        integrator.counter_reading(Reading(ns(start_s + tick * tick_s), round(joules * 1000)))
    return from_j + power_w * (end_s - start_s)


def total(shares: dict[str, Share] | None) -> Interval:
    assert shares is not None
    return interval(s._replace(gain=0.0) for s in shares.values())


def test_a_phase_is_the_difference_of_its_edges() -> None:
    integrator = gpu()
    ramp(integrator, 0, 5, 200)
    energy = total(phase(1.05, 3.55).resolve({"gpu0": integrator}, NOW_NS, final=False))
    assert energy.energy_j == pytest.approx(500, abs=0.01)
    assert energy.low_j <= 500 <= energy.high_j


def test_a_phase_waits_for_every_curve_to_pass_its_edges() -> None:
    ahead, behind = gpu(), gpu()
    ramp(ahead, 0, 5, 200)
    ramp(behind, 0, 2, 100)
    both, record = {"gpu0": ahead, "gpu1": behind}, phase(1, 3)
    assert record.resolve(both, NOW_NS, final=False) is None
    ramp(behind, 2.1, 3.2, 100, from_j=210)
    shares = record.resolve(both, NOW_NS, final=False)
    assert shares is not None
    assert {n: round(s.energy_j) for n, s in shares.items()} == {"gpu0": 400, "gpu1": 200}


def test_a_phase_that_has_not_ended_has_no_energy() -> None:
    integrator = gpu()
    ramp(integrator, 0, 5, 200)
    assert phase(1, None).resolve({"gpu0": integrator}, NOW_NS, final=True) is None


def test_the_end_of_the_run_resolves_with_what_there_is() -> None:
    integrator = gpu()
    ramp(integrator, 0, 5, 200)
    record = phase(4, 5.05)
    assert record.resolve({"gpu0": integrator}, NOW_NS, final=False) is None
    assert total(record.resolve({"gpu0": integrator}, NOW_NS, final=True)).energy_j == pytest.approx(200, abs=0.01)


def test_a_long_phase_keeps_its_start_after_the_ticks_around_it_are_gone() -> None:
    integrator = gpu()
    record, from_j = phase(0.55, 100.45), 0.0
    for second in range(101):
        from_j = ramp(integrator, second, second + 0.9, 200, from_j=from_j) + 20
        record.resolve({"gpu0": integrator}, NOW_NS, final=False)
    assert integrator.curve.at(ns(0.55)) is None
    assert total(record.resolve({"gpu0": integrator}, NOW_NS, final=False)).energy_j == pytest.approx(200 * 99.9, abs=0.01)


def test_a_device_whose_ticks_are_gone_is_left_out() -> None:
    integrator = gpu()
    ramp(integrator, 0, 60, 200)
    assert phase(1, 59.5).resolve({"gpu0": integrator}, NOW_NS, final=False) == {}


def test_case_21_a_phase_shorter_than_two_ticks_is_not_resolved_and_its_range_holds() -> None:
    """50 ms on a 100 ms sensor: 200 W on average over the tick, but anything from 0 to 15 J in the phase."""
    integrator = gpu()
    ramp(integrator, 0, 5, 200)
    record = phase(2.02, 2.07)
    assert not record.long_enough({"gpu0": integrator})
    energy = total(record.resolve({"gpu0": integrator}, NOW_NS, final=False))
    assert energy.energy_j == pytest.approx(10, abs=0.01)
    assert energy.low_j <= 5 + 0.01  # the tick's 20 J may have fallen outside the phase for all but 5 J
    assert energy.high_j >= 15 - 0.01


@pytest.mark.parametrize(
    ("length_s", "period_s", "update_s", "enough"),
    [(0.2, 0.1, 0.02, True), (0.199, 0.1, 0.02, False), (0.2, 0.1, 0.15, False), (0.3, 0.1, 0.15, True), (0.2, 0.1, None, True)],
)
def test_two_of_the_coarser_of_tick_and_update_are_enough(length_s: float, period_s: float, update_s: float | None, enough: bool) -> None:
    integrators = {"gpu0": gpu(update_s=update_s, tick_s=period_s)}
    assert phase(1, 1 + length_s).long_enough(integrators) is enough
    assert not phase(1, None).long_enough(integrators)


def test_case_22_a_thousand_adjacent_phases_sum_to_the_run_exactly() -> None:
    """Phases of uneven length, resolved as the readings of a load that changes come in; neither joule nor slack goes missing."""
    integrator, other = gpu(), DeviceIntegrator(OTHER_GPU, NVML_COUNTER, {})
    both = {"gpu0": integrator, "gpu1": other}
    edges = [ns(0.5)]
    for i in range(1000):
        edges.append(edges[-1] + 7_000_001 + i * 7919 % 83 * 1_000_003)
    records = [PhaseRecord("segment", i, "step", a) for i, a in enumerate(edges[:-1])]
    for record, end_ns in zip(records, edges[1:], strict=True):
        record.end_t_ns = end_ns
    waiting, shares, starts, joules = list(records), [], None, [0, 10**12]
    for tick in range((edges[-1] // (S // 10)) + 3):
        t_ns = tick * S // 10
        joules[0] += 20_000 + tick * 37 % 9_000
        joules[1] = joules[1] + 10_000 if tick != 200 else 5_000  # and the other one's counter is reset once
        integrator.counter_reading(Reading(t_ns, joules[0]))
        other.counter_reading(Reading(t_ns, joules[1]))
        if starts is None and t_ns >= edges[0]:
            starts = {name: i.curve.at(edges[0]) for name, i in both.items()}
        while waiting and (resolved := waiting[0].resolve(both, NOW_NS, final=False)) is not None:
            shares.append(resolved)
            waiting.pop(0)
    assert not waiting
    assert starts is not None
    for name, curve in ((n, device.curve) for n, device in both.items()):
        start, end = starts[name], curve.at(edges[-1])
        assert start is not None
        assert end is not None
        whole = between(start, end, 0.0, "")
        for field in ("energy_j", "slack_low_j", "slack_high_j"):
            assert sum(getattr(s[name], field) for s in shares) == pytest.approx(getattr(whole, field), rel=1e-9, abs=1e-9)
    assert sum(s["gpu1"].slack_high_j for s in shares) > 1


def test_case_23_nested_and_overlapping_phases_are_each_right() -> None:
    """100 W to 5 s, then 300 W. Epoch 1–9 s; train 2–6 s inside it; data 4–8 s across train's end."""
    integrator = gpu()
    from_j = ramp(integrator, 0, 5, 100)
    ramp(integrator, 5, 10, 300, from_j=from_j)
    expected = {(1.0, 9.0): 400 + 1200, (2.0, 6.0): 300 + 300, (4.0, 8.0): 100 + 900}
    for (start, end), joules in expected.items():
        assert total(phase(start, end).resolve({"gpu0": integrator}, NOW_NS, final=False)).energy_j == pytest.approx(joules, abs=0.01)
    inner = [total(phase(a, b).resolve({"gpu0": integrator}, NOW_NS, final=False)).energy_j for a, b in ((1, 2), (2, 6), (6, 9))]
    assert sum(inner) == pytest.approx(1600, abs=1e-6)  # the parts of the epoch and nothing twice


def test_case_24_a_phase_of_no_length_is_zero_joules() -> None:
    integrator = gpu(update_s=None)
    ramp(integrator, 0, 5, 200)
    record = phase(2.03, 2.03)
    assert total(record.resolve({"gpu0": integrator}, NOW_NS, final=False)) == Interval(0.0, 0.0, 0.0)
    assert not record.long_enough({"gpu0": integrator})


def test_case_32_a_lost_device_does_not_hold_up_the_phases_of_the_others() -> None:
    gone, other = gpu(), gpu()
    ramp(gone, 0, 2, 200)
    gone.failed("energy", ns(2.1), "GPU is lost", lost=True)
    ramp(other, 0, 5, 100)
    shares = phase(1, 4).resolve({"gpu0": gone, "gpu1": other}, NOW_NS, final=False)
    assert shares is not None
    assert shares["gpu0"].energy_j == pytest.approx(200, abs=0.01)
    assert shares["gpu0"].slack_high_j == pytest.approx(30, abs=0.01)
    assert shares["gpu1"].energy_j == pytest.approx(300, abs=0.01)


def test_case_47_a_latched_counter_and_short_phases() -> None:
    """Renewed every 100 ms, read in between; 300 W in every second phase of 0.2 s, else 50 W: the range of each holds."""
    integrator = gpu(update_s=0.1)
    pattern = [300, 300, 50, 50]  # W in each tenth
    true_j = [0.0]
    for tenth in range(60):
        true_j.append(true_j[-1] + pattern[tenth % 4] / 10)
    for tick in range(120):
        t_ms = tick * 50 + 20  # the counter was renewed at the last multiple of 100 ms
        integrator.counter_reading(Reading(t_ms * 10**6, round(true_j[t_ms // 100] * 1000)))
    for number in range(5, 25):
        shares = phase(number * 0.2, number * 0.2 + 0.2).resolve({"gpu0": integrator}, NOW_NS, final=False)
        energy, drawn_j = total(shares), true_j[number * 2 + 2] - true_j[number * 2]
        assert energy.low_j - 1e-6 <= drawn_j <= energy.high_j + 1e-6


@given(
    st.lists(st.tuples(st.integers(5, 400), st.integers(0, 300)), min_size=3, max_size=25),
    st.lists(st.integers(0, 1000), min_size=2, max_size=2),
)
@settings(deadline=None, derandomize=True, max_examples=150)
def test_the_range_of_any_phase_holds_the_truth(steps: list[tuple[int, int]], where: list[int]) -> None:
    """The power changes at every second tick only, between the readings; edges fall anywhere."""
    integrator, t_ms, mj, knots = gpu(), 0, 0, [(0, 0)]
    integrator.counter_reading(Reading(0, 0))
    for i, (ms, power_w) in enumerate(steps):
        t_ms += ms
        mj += ms * power_w
        knots.append((t_ms, mj))
        if i % 2 or i == len(steps) - 1:
            integrator.counter_reading(Reading(t_ms * 10**6, mj))

    def true_j(at_ms: int) -> float:
        (a, ea), (b, eb) = next(pair for pair in pairwise(knots) if pair[1][0] >= at_ms)
        return (ea + (eb - ea) * (at_ms - a) / (b - a)) / 1000

    start, end = sorted(w * t_ms // 1000 for w in where)
    energy = total(phase(start / 1000, end / 1000).resolve({"gpu0": integrator}, NOW_NS, final=True))
    assert energy.low_j - 0.01 <= true_j(end) - true_j(start) <= energy.high_j + 0.01
    assert energy.high_j <= 300 * t_ms / 1000 + 0.01


def test_a_point_sums_its_provenances() -> None:
    assert Point(0, 1.0, 2.0, 4.0, 8.0).energy_j == 15.0
