"""A device whose true power is known, read into its integrator, and what that then says."""

from __future__ import annotations

from tests.fakes.sensor import GPU, NVML_COUNTER
from trainwatt.core.point import Point
from trainwatt.core.sensing import Counter, Device, Gauge, Reading
from trainwatt.energy.integrator import DeviceIntegrator
from trainwatt.energy.intervals import Interval, Share, between, interval
from trainwatt.tracking.recording.phases.phase_record import PhaseRecord

S = 10**9
NOW_NS = 5 * S
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
