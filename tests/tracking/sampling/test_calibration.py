"""The update periods of all counters, measured when the sampling begins."""

from __future__ import annotations

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.sensor import GPU, INSTANT, NVML_COUNTER, PACKAGE, ScriptedSensor
from trainwatt.tracking.sampling.calibration import Calibration
from trainwatt.tracking.sampling.sampler import Sampler

UPDATE_S = 0.1


def sampled(clock: FakeClock) -> Sampler:
    """A GPU whose counter is renewed every 0.1 s and a package whose counter stands still."""
    counter = ScriptedSensor(GPU, NVML_COUNTER, [lambda: int(clock.now_ns * 1e-9 / UPDATE_S + 1e-6) * 20_000])
    return Sampler([counter, ScriptedSensor(GPU, INSTANT, [200.0]), ScriptedSensor(PACKAGE, NVML_COUNTER, [5])], clock, 0.1)


def look(sampler: Sampler, clock: FakeClock, seconds: float) -> Calibration:
    measured = sampler._measured = Calibration(sampler.channels)
    for _ in range(round(seconds / 0.002)):
        measured.look(clock)
        clock.advance(0.002)
    return measured


def test_no_point_is_final_until_the_periods_are_told() -> None:
    clock = FakeClock()
    sampler = sampled(clock)
    sampler.poll()
    measured = look(sampler, clock, 0.5)
    gpu, package = (sampler.integrators[name] for name in ("gpu0", "package-0"))
    assert gpu.curve.provisional
    assert package.curve.provisional
    measured.tell()
    sampler.poll()
    sampler.snapshot()
    assert gpu.update_period_s == pytest.approx(1.1 * UPDATE_S, rel=0.05)
    assert package.update_period_s is None
    assert not gpu.curve.provisional
    assert not package.curve.provisional


def test_a_run_that_ends_meanwhile_uses_what_was_seen_by_then() -> None:
    clock = FakeClock()
    sampler = sampled(clock)
    sampler.poll()
    measured = look(sampler, clock, 0.45)
    sampler.finish()
    gpu = sampler.integrators["gpu0"]
    assert gpu.update_period_s == pytest.approx(1.1 * UPDATE_S, rel=0.05)
    latest = gpu.curve.latest
    assert latest is not None
    assert latest.edge_low_j == pytest.approx(0.05 * 200, rel=0.2)
    gpu.update_period_s = None
    measured.tell()  # by the thread, which ends later
    assert gpu.update_period_s is None


def test_a_run_that_ends_before_three_changes_shows_what_the_counter_shows() -> None:
    clock = FakeClock()
    sampler = sampled(clock)
    sampler.poll()
    look(sampler, clock, 0.15)
    sampler.finish()
    latest = sampler.integrators["gpu0"].curve.latest
    assert latest is not None
    assert latest.edge_low_j == 0
    assert latest.edge_high_j == pytest.approx(0.1 * GPU.max_power_w)
