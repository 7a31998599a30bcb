"""Sensors of a simulated device: what a counter and the two kinds of gauge show of a load whose true joules are known in closed form.

Nothing is averaged or accumulated over time: every value is worked out from the load's own integral at the moment of the read.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from trainwatt.core.point import Point
from trainwatt.core.sensing import Counter, Device, Gauge
from trainwatt.energy.intervals import Interval, Share, between, interval
from trainwatt.errors import ReadError
from trainwatt.tracking.recording.phases.phase_record import PhaseRecord
from trainwatt.tracking.sampling.calibration import CALIBRATION_S, Renewals
from trainwatt.tracking.sampling.sampler import Sampler
from trainwatt.tracking.sampling.schedule import CALM_S

from .clock import FakeClock
from .sensor import AVERAGE, INSTANT, NVML_COUNTER, ScriptedSensor

NS = 1e-9


class Load:
    """A device's true power: `steps` are (from when, watts), in seconds of the fake clock; before the first, the first holds."""

    def __init__(self, steps: Iterable[tuple[float, float]]) -> None:
        in_order = sorted(steps)
        self._at_s = [at_s for at_s, _ in in_order]
        self._watts = [watts for _, watts in in_order]
        self._joules = [0.0]
        for (a, watts), (b, _) in pairwise(zip(self._at_s, self._watts, strict=True)):
            self._joules.append(self._joules[-1] + watts * (b - a))

    @classmethod
    def square(cls, low_w: float, high_w: float, period_s: float, begin_s: float, end_s: float, duty: float = 0.5) -> Load:
        """High for `duty` of each period, then low, from `begin_s` on; low before."""
        steps = [(begin_s - 1e3, low_w)]
        for n in range(int((end_s - begin_s) / period_s) + 2):
            steps += [(begin_s + n * period_s, high_w), (begin_s + (n + duty) * period_s, low_w)]
        return cls(steps)

    def power_w(self, t_s: float) -> float:
        """The power at `t_s`."""
        return self._watts[max(0, bisect_right(self._at_s, t_s) - 1)]

    def joules(self, t_s: float, since_s: float = 0.0) -> float:
        """The true energy from `since_s` to `t_s`."""
        return self._until(t_s) - self._until(since_s)

    def _until(self, t_s: float) -> float:
        i = max(0, bisect_right(self._at_s, t_s) - 1)
        return self._joules[i] + self._watts[i] * (t_s - self._at_s[i])


def latched(
    device: Device,
    load: Load,
    clock: FakeClock,
    update_s: float,
    *,
    phase_s: float = 0.0,
    gain: float = 1.0,
    kind: Counter = NVML_COUNTER,
    failing: Callable[[float], bool] | None = None,
    frozen_s: tuple[float, float] = (0.0, 0.0),
) -> ScriptedSensor:
    """A counter renewed every `update_s`, `phase_s` after the whole multiples of it. While frozen it counts on, and does not show it."""

    def read() -> int:
        t_s = clock.now_ns * NS
        if failing is not None and failing(t_s):
            raise ReadError("timeout")
        if frozen_s[0] <= t_s < frozen_s[1]:
            t_s = frozen_s[0]
        units = int((1000.0 + gain * load.joules(_renewed(t_s, update_s, phase_s))) / kind.unit_j)
        return units % kind.modulus if kind.modulus else units

    return ScriptedSensor(device, kind, [read])


def averaged(
    device: Device,
    load: Load,
    clock: FakeClock,
    *,
    update_s: float = 0.0,
    phase_s: float = 0.0,
    gain: float = 1.0,
    kind: Gauge = AVERAGE,
    period_s: float | None = None,
    failing: Callable[[float], bool] | None = None,
) -> ScriptedSensor:
    """A gauge that shows the mean of the last window."""

    def read() -> float:
        t_s = clock.now_ns * NS
        if failing is not None and failing(t_s):
            raise ReadError("timeout")
        end_s = _renewed(t_s, update_s, phase_s)
        return gain * load.joules(end_s, end_s - kind.window_s) / kind.window_s

    return ScriptedSensor(device, kind, [read], "power-average", period_s=period_s)


def instantaneous(
    device: Device,
    load: Load,
    clock: FakeClock,
    *,
    gain: float = 1.0,
    period_s: float | None = None,
    failing: Callable[[float], bool] | None = None,
) -> ScriptedSensor:
    """A gauge that shows the power now."""

    def read() -> float:
        t_s = clock.now_ns * NS
        if failing is not None and failing(t_s):
            raise ReadError("timeout")
        return gain * load.power_w(t_s)

    return ScriptedSensor(device, INSTANT, [read], period_s=period_s)


COMMIT_NS = 1_750_000_000
"""About the time between two commits."""


class Simulation:
    """A run of simulated sensors on a fake clock, which begins when it is made: ticks, phases, and what they come to.

    Ticks are moved at random as the sampler moves them, but in every run of the test alike. The ticks are those of the
    schedule; with `calm_s=None` every sensor is read at each tick. Unless told, ranges are given as if every gain
    were perfectly known, so that gain hides no error.
    """

    def __init__(
        self,
        clock: FakeClock,
        sensors: Sequence[ScriptedSensor],
        period_s: float = 0.1,
        *,
        calm_s: float | None = CALM_S,
        gains: bool = False,
        seed: int = 0,
    ) -> None:
        self.clock = clock
        self._chance = random.Random(seed)
        self._gains = gains
        self.sampler = Sampler(sensors, clock, period_s, calm_s)
        self._calm = calm_s is not None
        self.begin_ns = self.sampler.poll()
        self._ticks = self._looked_ns = 0
        self._records: list[PhaseRecord] = []
        self._shares: dict[int, dict[str, Share]] = {}
        self._firsts: dict[str, Point] = {}

    def calibrate(self) -> None:
        """Measure how often the counters are renewed, as the sampling thread does when it begins."""
        watched = [Renewals(c.sensor, c.integrator) for c in self.sampler.channels if isinstance(c.sensor.kind, Counter)]
        pending, begin_ns = list(watched), self.clock.now_ns
        while pending and (self.clock.now_ns - begin_ns) * NS < CALIBRATION_S:
            pending = [r for r in pending if not r.look(self.clock)]
            self.clock.advance(0.0015)
        for renewals in watched:
            if renewals.period_s is not None:
                renewals.integrator.set_update_period(renewals.period_s)

    def phases(self, *edges_s: tuple[float, float]) -> None:
        """Phases of the run, from and to these instants, none of them yet in the past."""
        for a_s, b_s in edges_s:
            record = PhaseRecord("segment", len(self._records), "phase", round(a_s / NS))
            record.end_t_ns = round(b_s / NS)
            self._records.append(record)

    def run(self, until_s: float, *, nudged: bool = False) -> None:
        """Tick until then. `nudged`: read soon after each edge of a phase too, as is done for counters at full rate."""
        if self._calm:
            late = [round(t) + 800_000 for r in self._records for t in (r.start_t_ns, r.end_t_ns or 0) if nudged]
            self.follow(round(until_s / NS), late)
            return
        end_ns, period_ns = round(until_s / NS), round(self.sampler.period_s / NS)
        edges = [t for r in self._records for t in (r.start_t_ns, r.end_t_ns or 0) if nudged]
        times = [t + 800_000 for t in edges]
        ticks = range(1, (end_ns - self.begin_ns) // period_ns)
        times += [self.begin_ns + round((tick + self.sampler.schedule.jitter * self._chance.uniform(-1, 1)) * period_ns) for tick in ticks]
        for t_ns in sorted(t for t in times if self.clock.now_ns < t < end_ns):
            self.tick(t_ns)
        self.clock.now_ns = end_ns

    def follow(self, end_ns: int, nudges_ns: Sequence[int]) -> None:
        """Tick as the schedule says until then. At each of the nudges the sampling thread wakes up for an edge."""
        schedule, period_ns = self.sampler.schedule, round(self.sampler.period_s / NS)
        waiting = sorted(t for t in nudges_ns if self.clock.now_ns < t < end_ns)
        while True:
            tick = schedule.next_tick()
            due_ns = self.begin_ns + round((tick + schedule.jitter * self._chance.uniform(-1, 1)) * period_ns)
            nudged = bool(waiting) and waiting[0] < due_ns
            t_ns = max(self.clock.now_ns, waiting.pop(0) if nudged else due_ns)
            if t_ns >= end_ns:
                break
            self.clock.now_ns = t_ns
            if nudged:
                self.sampler._at_edge(self.begin_ns)
            else:
                self.sampler._sample(tick)
            if t_ns - self._looked_ns > COMMIT_NS:
                self._look(final=False)
                self._looked_ns = t_ns
        self.clock.now_ns = end_ns

    def tick(self, t_ns: int) -> None:
        """Read every sensor then."""
        self.clock.now_ns = max(self.clock.now_ns, t_ns)
        self.sampler.poll()
        if self._ticks % 10 == 0:  # about as often as at a commit
            self._look(final=False)
        self._ticks += 1

    def finish(self) -> None:
        """The run ends now."""
        self.sampler.finish()
        self._look(final=True)

    @property
    def total(self) -> Interval:
        """The whole run so far."""
        integrators = self.sampler.integrators.items()
        ends = [(n, i.device, p) for n, i in integrators if (p := i.curve.latest) is not None]
        return self._sum(between(self._firsts[name], last, device.gain, device.gain_class) for name, device, last in ends)

    @property
    def parts(self) -> list[tuple[float, float, Interval]]:
        """The phases that are over: from, to, and their energy."""
        return [
            (r.start_t_ns * NS, (r.end_t_ns or 0) * NS, self._sum(self._shares[r.seq].values()))
            for r in self._records
            if r.seq in self._shares
        ]

    def kinds(self, device: str) -> list[str]:
        """The kinds of the events of a device."""
        return [e.kind for e in self.sampler.integrators[device].events]

    def assert_holds(self, load: Load) -> None:
        """The run's range and every phase's hold the truth of its one device."""
        true_j = load.joules(self.clock.now_ns * NS, self.begin_ns * NS)
        assert self.total.low_j - 0.01 <= true_j <= self.total.high_j + 0.01, (self.total, true_j)
        assert len(self.parts) == len(self._records)
        for a_s, b_s, stated in self.parts:
            assert stated.low_j - 0.01 <= load.joules(b_s, a_s) <= stated.high_j + 0.01, (a_s, b_s, stated, load.joules(b_s, a_s))

    def _sum(self, shares: Iterable[Share]) -> Interval:
        return interval(shares if self._gains else (s._replace(gain=0.0) for s in shares))

    def _look(self, *, final: bool) -> None:
        """As at a commit: the curves' ticks are not kept for long."""
        integrators = self.sampler.integrators
        for name, integrator in integrators.items():
            if (first := integrator.curve.first) is not None:
                self._firsts[name] = first
        for record in self._records:
            if record.seq not in self._shares and self.clock.now_ns > record.start_t_ns:
                shares = record.resolve(integrators, self.clock.now_ns, final=final)
                if shares is not None:
                    self._shares[record.seq] = shares


def _renewed(t_s: float, update_s: float, phase_s: float) -> float:
    """When what is read at `t_s` was renewed."""
    return t_s if not update_s else (t_s - phase_s) // update_s * update_s + phase_s
