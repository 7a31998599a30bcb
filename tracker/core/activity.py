"""What a device does while it draws power: readings of it, sums of these over time, and the figures of a window.

Every figure is the difference of two points of sums, so any window can be asked, and points between two others can be left out.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import reduce
from typing import Any, NamedTuple

NS, MS = 1e-9, 1e-3
MIB = 2**20
ROUNDING = 0.005
"""A driver tells a share in whole percents."""


class Throttle(StrEnum):
    """Why a GPU runs at lower clocks than it could."""

    CLOCK_SETTING = "clock-setting"  # somebody has set the clocks
    POWER_CAP = "power-cap"  # the power limit
    HARDWARE = "hardware"  # the hardware has cut the clocks: heat, power brake or current
    SYNC_BOOST = "sync-boost"  # it runs at the clocks of the other GPUs of its group
    HEAT = "heat"  # the driver keeps the temperature below its limit
    HARDWARE_HEAT = "hardware-heat"  # the temperature is too high
    POWER_BRAKE = "power-brake"  # the power supply asks for less


class GpuReading(NamedTuple):
    """What a GPU does now; None for what its driver does not tell.

    `busy` is the share of the driver's last sample period in which a kernel ran, `memory_busy` that in which memory was read or written.
    """

    busy: float | None = None
    memory_busy: float | None = None
    sm_mhz: float | None = None
    memory_mhz: float | None = None
    throttled: frozenset[Throttle] | None = None
    celsius: float | None = None
    memory_mib: float | None = None
    limit_w: float | None = None


class ActivityPoint(NamedTuple):
    """Sums since a process began to look at a device, until `t_ns`; None for what is not known. The names carry the units.

    `seen_ms` is the time that the readings stand for, `busy_scatter_ms2` the variance of `busy_ms`. The maxima are of the time since the
    point before. `throttled` has milliseconds by `Throttle`. For processors `busy_ms` is CPU time, and `cpus` is how many there are.
    """

    t_ns: int
    seen_ms: float = 0.0
    busy_ms: float | None = 0.0
    busy_scatter_ms2: float | None = 0.0
    memory_busy_ms: float | None = 0.0
    sm_mhz_ms: float | None = 0.0
    memory_mhz_ms: float | None = 0.0
    celsius_ms: float | None = 0.0
    celsius_max: float | None = 0.0
    memory_mib_ms: float | None = 0.0
    memory_mib_max: float | None = 0.0
    limit_w_ms: float | None = 0.0
    throttled: Mapping[str, float] | None = {}
    cpus: float | None = None

    def extended(self, t_ns: int, ms: float, before: GpuReading, now: GpuReading) -> ActivityPoint:
        """The sums at `t_ns`, where the GPU was read again. The reading stands for the last `ms`, and the busy share is linear between the
        one `before` and this one.

        The variance of a busy share that changes by d in the time t is (d · t)² / 2: that is right where readings are independent, and
        more than the most that one change in between can make, (d · t)² / 4.
        """
        busy = now.busy if before.busy is None or now.busy is None else (before.busy + now.busy) / 2
        change = None if before.busy is None or now.busy is None else now.busy - before.busy
        of_reason = None if now.throttled is None else {str(reason): ms for reason in now.throttled}
        return ActivityPoint(
            t_ns,
            self.seen_ms + ms,
            _plus(self.busy_ms, busy, ms),
            _plus(self.busy_scatter_ms2, change and change**2 / 2, ms * ms),
            _plus(self.memory_busy_ms, now.memory_busy, ms),
            _plus(self.sm_mhz_ms, now.sm_mhz, ms),
            _plus(self.memory_mhz_ms, now.memory_mhz, ms),
            _plus(self.celsius_ms, now.celsius, ms),
            _most(self.celsius_max, now.celsius),
            _plus(self.memory_mib_ms, now.memory_mib, ms),
            _most(self.memory_mib_max, now.memory_mib),
            _plus(self.limit_w_ms, now.limit_w, ms),
            _added(self.throttled, of_reason),
        )

    def zero(self) -> ActivityPoint:
        """Where these sums began, if everything was seen since then."""
        none: dict[str, Any] = {name: None if getattr(self, name) is None else 0.0 for name in (*SUMS, *PEAKS)}
        reasons: Mapping[str, float] | None = None if self.throttled is None else {}
        return self._replace(**none, t_ns=self.t_ns - round(self.seen_ms * 1e6), throttled=reasons)

    def plus(self, other: ActivityPoint) -> ActivityPoint:
        """Both sums together. What one of them does not know is not known."""
        return self._joined(other, 1.0)._replace(t_ns=max(self.t_ns, other.t_ns))

    def less(self, before: ActivityPoint) -> ActivityPoint:
        """What came after `before`, an earlier point of the same sums. The maxima stay."""
        return self._joined(before, -1.0)._replace(celsius_max=self.celsius_max, memory_mib_max=self.memory_mib_max)

    def towards(self, after: ActivityPoint, t_ns: int) -> ActivityPoint:
        """The sums at an instant between this point and a later one, linear between them, with the maxima of the later one."""
        x = (t_ns - self.t_ns) / max(1, after.t_ns - self.t_ns)
        return (
            after.less(self)._joined(self, 1.0, x)._replace(t_ns=t_ns, celsius_max=after.celsius_max, memory_mib_max=after.memory_mib_max)
        )

    def _joined(self, other: ActivityPoint, sign: float, x: float = 1.0) -> ActivityPoint:
        """x times these sums, and those of `other` with a sign."""
        sums: dict[str, Any] = {name: _plus(_times(getattr(self, name), x), getattr(other, name), sign) for name in SUMS}
        peaks: dict[str, Any] = {name: _most(getattr(self, name), getattr(other, name)) for name in PEAKS}
        mine = self.throttled and {reason: x * ms for reason, ms in self.throttled.items()}
        theirs = other.throttled and {reason: sign * ms for reason, ms in other.throttled.items()}
        return self._replace(**sums, **peaks, throttled=_added(mine, theirs), cpus=self.cpus if self.cpus is not None else other.cpus)


PEAKS = ("celsius_max", "memory_mib_max")
SUMS = tuple(name for name in ActivityPoint._fields if name not in ("t_ns", "throttled", "cpus", *PEAKS))
SUMS_AND_PEAKS = tuple(name for name in ActivityPoint._fields if name not in ("t_ns", "seen_ms", "throttled", "cpus"))
"""The numbers of a point that may be unknown."""


class Activity(NamedTuple):
    """The activity of a window; None for what is not known. `busy` with its 95 % interval and the other means are over `seen_s`, the part
    of the window that was looked at; `busy` of processors is a share of all `cpus`."""

    seen_s: float
    busy: float | None
    busy_low: float | None
    busy_high: float | None
    memory_busy: float | None
    sm_mhz: float | None
    memory_mhz: float | None
    celsius: float | None
    celsius_max: float | None
    memory_bytes: float | None
    memory_bytes_max: float | None
    limit_w: float | None
    throttled_s: Mapping[str, float] | None
    cpus: float | None

    @property
    def busy_s(self) -> float | None:
        """The seconds in which a GPU was busy, or the CPU seconds of processors."""
        return None if self.busy is None else self.busy * self.seen_s * (self.cpus or 1.0)


def figures(sums: ActivityPoint) -> Activity | None:
    """The figures of the sums of a window; None if nothing was seen in it."""
    if sums.seen_ms <= 0:
        return None

    def mean(sum_ms: float | None) -> float | None:
        return None if sum_ms is None else max(0.0, sum_ms / sums.seen_ms)

    busy = mean(sums.busy_ms)
    busy = None if busy is None else min(1.0, busy / (sums.cpus or 1.0))
    scatter = sums.busy_scatter_ms2
    error = None if scatter is None else ROUNDING + 2 * math.sqrt(max(0.0, scatter)) / sums.seen_ms
    memory_mib, memory_mib_max = mean(sums.memory_mib_ms), sums.memory_mib_max
    return Activity(
        seen_s=sums.seen_ms * MS,
        busy=busy,
        busy_low=None if busy is None or error is None else max(0.0, busy - error),
        busy_high=None if busy is None or error is None else min(1.0, busy + error),
        memory_busy=mean(sums.memory_busy_ms),
        sm_mhz=mean(sums.sm_mhz_ms),
        memory_mhz=mean(sums.memory_mhz_ms),
        celsius=mean(sums.celsius_ms),
        celsius_max=sums.celsius_max,
        memory_bytes=None if memory_mib is None else memory_mib * MIB,
        memory_bytes_max=None if memory_mib_max is None else memory_mib_max * MIB,
        limit_w=mean(sums.limit_w_ms),
        throttled_s=None if sums.throttled is None else {k: v * MS for k, v in sums.throttled.items() if v > 0},
        cpus=sums.cpus,
    )


def total(windows: Iterable[ActivityPoint]) -> ActivityPoint | None:
    """The sums of several windows, such as those of the processes of a run; None of no window."""
    every = list(windows)
    return reduce(ActivityPoint.plus, every) if every else None


def window(points: Sequence[ActivityPoint], start_ns: int, end_ns: int) -> ActivityPoint | None:
    """What points of sums, in order, gained between two instants. None if they do not reach into that time.

    Where the window begins or ends between two points, the sums are linear there. The maxima are those of all points that have a part in
    the window.
    """
    start_ns, end_ns = max(start_ns, points[0].t_ns if points else end_ns), min(end_ns, points[-1].t_ns if points else start_ns)
    if end_ns <= start_ns:
        return None
    touched = points[bisect_right(points, start_ns, key=_t_ns) : bisect_left(points, end_ns, key=_t_ns) + 1]
    peaks = {name: reduce(_most, (getattr(point, name) for point in touched)) for name in PEAKS}
    return _at(points, end_ns).less(_at(points, start_ns))._replace(**peaks)


def _at(points: Sequence[ActivityPoint], t_ns: int) -> ActivityPoint:
    after = bisect_left(points, t_ns, key=_t_ns)
    return points[after] if points[after].t_ns == t_ns else points[after - 1].towards(points[after], t_ns)


def _t_ns(point: ActivityPoint) -> int:
    return point.t_ns


def _plus(total: float | None, value: float | None, weight: float) -> float | None:
    return None if total is None or value is None else total + value * weight


def _times(value: float | None, x: float) -> float | None:
    return None if value is None else x * value


def _most(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else max(a, b)


def _added(a: Mapping[str, float] | None, b: Mapping[str, float] | None) -> Mapping[str, float] | None:
    return None if a is None or b is None else {key: a.get(key, 0.0) + b.get(key, 0.0) for key in {**a, **b}}
