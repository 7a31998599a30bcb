"""Adjacent, nested and empty phases: cases 22, 23 and 24."""

from __future__ import annotations

import time

import pytest

from tests.fakes.clock import HeldClock
from tests.fakes.rig import NOW_NS, S, gpu, ns, phase, ramp, total
from tests.fakes.sensor import NVML_COUNTER, OTHER_GPU
from tests.fakes.views import STEP_S, assert_true, phase_named, rows
from tests.fakes.world import World
from trainwatt import EnergyTracker
from trainwatt.core.sensing import Reading
from trainwatt.energy.integrator import DeviceIntegrator
from trainwatt.energy.intervals import Interval, between
from trainwatt.tracking.recording.phases.phase_record import PhaseRecord

TICK_NS = 100_000_000


def test_case_22_a_thousand_adjacent_phases_sum_to_the_run_exactly() -> None:
    """Phases of uneven length, resolved while the readings of a changing load arrive. No joule and no slack is missing."""
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
    """100 W to 5 s, then 300 W. Epoch 1–9 s; train 2–6 s within it; data 4–8 s, across the end of train."""
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


def test_case_22_a_thousand_stored_phases_sum_to_the_one_around_them(here: World) -> None:
    with EnergyTracker() as tracker:
        clock = HeldClock()
        assert tracker._begun is not None
        tracker._begun.clock = clock
        short = 0  # all of them, unless a loaded machine holds one up for long enough to be told apart
        with tracker.phase("whole"):
            for i in range(1000):
                begin_ns = clock.monotonic_ns()
                with tracker.phase(f"part{i % 3}"):
                    time.sleep(0.001)
                    clock.go_on()
                    short += clock.monotonic_ns() - begin_ns < 2 * TICK_NS
    view = tracker.summary().to_dict()
    parts = [p for p in view["phases"] if p["name"] != "whole"]
    assert sum(p["count"] for p in parts) == 1000
    assert sum(p["energy_j"] for p in parts) == pytest.approx(phase_named(view, "whole")["energy_j"], rel=1e-9)
    assert sum(p["duration_s"] for p in parts) == pytest.approx(phase_named(view, "whole")["duration_s"], rel=1e-9)
    assert phase_named(view, "whole")["energy_j"] <= view["energy"]["total_j"]
    outside_s = view["run"]["duration_s"] - phase_named(view, "whole")["duration_s"]
    assert view["energy"]["total_j"] - phase_named(view, "whole")["energy_j"] <= here.total_w * (outside_s + STEP_S)
    assert not any(p["resolved"] for p in parts)
    assert sum(p["unresolved_count"] for p in parts) == short


def test_case_23_nested_and_overlapping_phases_of_a_run_are_each_right(here: World) -> None:
    with EnergyTracker() as tracker:
        first, second = tracker.phase("first"), tracker.phase("second")
        first.__enter__()
        time.sleep(0.3)
        second.__enter__()
        with tracker.phase("nested"):
            time.sleep(0.3)
        first.__exit__(None, None, None)
        time.sleep(0.3)
        second.__exit__(None, None, None)
    view = tracker.summary().to_dict()
    assert [p["name"] for p in view["phases"]] == ["first", "second", "nested"]
    for p in view["phases"]:
        assert_true(p, here.total_w, p["duration_s"])
    assert phase_named(view, "nested")["energy_j"] < phase_named(view, "first")["energy_j"]
    assert_true(
        {"energy_j": view["energy"]["total_j"], "low_j": view["energy"]["low_j"], "high_j": view["energy"]["high_j"]},
        here.total_w,
        view["run"]["duration_s"],
    )
    parents = dict(rows(here, "SELECT p.name, q.name FROM phase p LEFT JOIN phase q ON q.seq = p.parent_seq"))
    assert parents == {"first": None, "second": "first", "nested": "second"}


def test_case_24_a_phase_of_no_length_is_no_energy_and_no_error(here: World) -> None:
    with EnergyTracker() as tracker:
        assert tracker._begun is not None
        tracker._begun.clock = HeldClock()
        with tracker.phase("nothing"):
            pass
        time.sleep(0.2)
    nothing = phase_named(tracker.summary().to_dict(), "nothing")
    assert (nothing["count"], nothing["duration_s"], nothing["energy_j"]) == (1, 0.0, 0.0)
    assert not nothing["resolved"]
