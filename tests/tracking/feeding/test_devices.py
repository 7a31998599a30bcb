"""The devices of a run while it goes on."""

from __future__ import annotations

import pytest

from tests.fakes.clock import FakeClock
from trainwatt.core.point import Point, Provenance
from trainwatt.core.sensing import Device
from trainwatt.tracking.feeding.devices import LiveDevices

GPU = Device("gpu0", "gpu", 700.0, 0.05, "gpu", "NVIDIA H100", "GPU-1")


def seen_each_s(devices: LiveDevices, clock: FakeClock, *energies_j: float) -> None:
    """A reading a second, the first one now."""
    for number, energy_j in enumerate(energies_j):
        if number:
            clock.advance(1.0)
        devices.take([(GPU, Point(clock.now_ns, counter_j=energy_j))], frozenset())


def test_between_two_readings_the_last_power_lasts() -> None:
    clock = FakeClock()
    devices = LiveDevices("here", clock)
    seen_each_s(devices, clock, 0.0, 300.0, 600.0)
    clock.advance(0.4)
    [gpu] = devices.now()
    assert gpu.energy_j == pytest.approx(720.0)
    assert gpu.power_w == pytest.approx(300.0)
    clock.advance(60.0)  # a sensor that is silent: not for ever
    assert devices.now()[0].energy_j == pytest.approx(600.0 + 3.0 * 300.0)


def test_no_energy_falls_when_a_reading_shows_less_than_the_last_power() -> None:
    clock = FakeClock()
    devices = LiveDevices("here", clock)
    seen_each_s(devices, clock, 0.0, 300.0)
    clock.advance(0.9)
    before = devices.now()[0].energy_j
    clock.advance(0.1)
    devices.take([(GPU, Point(clock.now_ns, counter_j=310.0))], frozenset())
    assert devices.now()[0].energy_j == before == pytest.approx(570.0)


def test_a_device_says_where_most_joules_come_from_and_whether_it_counts() -> None:
    clock = FakeClock()
    devices = LiveDevices("here", clock)
    devices.take([(GPU, Point(clock.now_ns, counter_j=1.0, imputed_j=2.0)), (GPU._replace(name="gpu1"), None)], frozenset({"gpu0"}))
    [gpu] = devices.now()
    assert (gpu.provenance, gpu.counts, gpu.energy_j, gpu.power_w) == (Provenance.IMPUTED, False, 3.0, None)
