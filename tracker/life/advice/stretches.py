"""PURE: the time of a GPU in stretches, by how busy it and the processors were, with the energy of each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...core.activity import ActivityPoint
from ...core.point import Point
from ...energy.mean_power import energy_at
from ..busy import IDLE, between

BUSY = 0.5
"""A GPU that is less busy than this waits: most experiments use 30 to 50 % of a GPU (Wu et al. 2022, Fig. 10), and 80 % is within reach
(Fig. 9)."""
PROCESSORS_BUSY = 0.5
"""Processors that are busier than this, while a GPU waits, are what it waits for."""
IDLE_PROCESSORS = 0.1
"""Processors are idle if they work for less than this share of one processor: the tracker itself takes less."""
_NS = 1e-9


class Stretch(NamedTuple):
    """Some stretches together: their joules and seconds, and how long the device was busy. `processors_s` is the busy share of the
    processors times the seconds, over the `seen_s` for which it is known."""

    energy_j: float = 0.0
    seconds: float = 0.0
    busy_s: float = 0.0
    processors_s: float = 0.0
    seen_s: float = 0.0

    def plus(self, other: Stretch) -> Stretch:
        """Both together."""
        return Stretch(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def busy(self) -> float | None:
        """The busy share of the device."""
        return self.busy_s / self.seconds if self.seconds else None

    @property
    def processors_busy(self) -> float | None:
        """The busy share of the processors."""
        return self.processors_s / self.seen_s if self.seen_s else None


class Stretches(NamedTuple):
    """The time of a GPU: all that was looked at, the part in which it was idle, and the parts in which it waited while the processors were
    busy, and while they were not or that is not known."""

    whole: Stretch = Stretch()
    idle: Stretch = Stretch()
    data_bound: Stretch = Stretch()
    waiting: Stretch = Stretch()

    def plus(self, other: Stretches) -> Stretches:
        """Those of two processes that have read the GPU one after the other."""
        return Stretches(*(a.plus(b) for a, b in zip(self, other, strict=True)))


class _Part(NamedTuple):
    """A stretch between two points: its seconds and joules, the busy share of the device, and that of the processors if it is known."""

    seconds: float
    energy_j: float
    busy: float
    processors_busy: float | None

    def cut(self, seconds: float, energy_j: float, busy: float) -> _Part:
        """A part of it."""
        return self._replace(seconds=seconds, energy_j=energy_j, busy=busy)

    @property
    def power_w(self) -> float:
        """Its mean power."""
        return self.energy_j / self.seconds


class Processors:
    """The busy share of processors between two instants. That of `core.activity` has all figures, and takes ten times as long."""

    def __init__(self, points: Sequence[ActivityPoint]) -> None:
        known = [p for p in points if p.busy_ms is not None]
        self._t_ns = [p.t_ns for p in known]
        self._busy_ms = [p.busy_ms or 0.0 for p in known]
        self._whole_ms = [p.seen_ms * (p.cpus or 1.0) for p in known]

    def between(self, start_ns: int, end_ns: int) -> float | None:
        """None if nothing is known of that time."""
        if len(self._t_ns) < 2:
            return None
        start_ns, end_ns = max(start_ns, self._t_ns[0]), min(end_ns, self._t_ns[-1])
        if end_ns <= start_ns:
            return None
        (busy_before, whole_before), (busy_after, whole_after) = self._at(start_ns), self._at(end_ns)
        whole_ms = whole_after - whole_before
        return min(1.0, (busy_after - busy_before) / whole_ms) if whole_ms > 0.0 else None

    def _at(self, t_ns: int) -> tuple[float, float]:
        """The sums at an instant, linear between two points."""
        i = bisect_left(self._t_ns, t_ns, lo=1, hi=len(self._t_ns) - 1)
        x = (t_ns - self._t_ns[i - 1]) / max(1, self._t_ns[i] - self._t_ns[i - 1])
        busy, whole = self._busy_ms, self._whole_ms
        return busy[i - 1] + x * (busy[i] - busy[i - 1]), whole[i - 1] + x * (whole[i] - whole[i - 1])


def stretches(activity: Sequence[ActivityPoint], curve: Sequence[Point], processors: Sequence[ActivityPoint] = ()) -> Stretches | None:
    """The stretches between points of activity, in order; None if nothing is known. `curve` is the energy of the same GPU, and `processors`
    the activity of the processors on the same clock."""
    parts: list[_Part] = []
    beside = Processors(processors)
    for start_ns, end_ns, busy in between(activity, curve):
        parts.append(_Part((end_ns - start_ns) * _NS, _used_j(curve, start_ns, end_ns), busy, beside.between(start_ns, end_ns)))
    found = Stretches()
    for part in _divided(_apart(parts)):
        of_processors = part.processors_busy
        seen_s = 0.0 if of_processors is None else part.seconds
        stretch = Stretch(part.energy_j, part.seconds, part.busy * part.seconds, (of_processors or 0.0) * part.seconds, seen_s)
        found = found._replace(whole=found.whole.plus(stretch))
        if part.busy < IDLE:
            found = found._replace(idle=found.idle.plus(stretch))
        elif part.busy < BUSY and of_processors is not None and of_processors >= PROCESSORS_BUSY:
            found = found._replace(data_bound=found.data_bound.plus(stretch))
        elif part.busy < BUSY:
            found = found._replace(waiting=found.waiting.plus(stretch))
    return found if found.whole.seconds else None


def _apart(parts: Sequence[_Part]) -> list[_Part]:
    """The stretches, where an idle one beside a busy one has at most the power of the idle one on its other side: between two points of the
    curve, the energy of a change is spread over both. What is more belongs to the busy one."""
    found = list(parts)
    for step in (1, -1):
        for i in range(1, len(found) - 1):
            busy, idle, inner = found[i - step], found[i], found[i + step]
            if idle.busy < IDLE <= busy.busy and inner.busy < IDLE and idle.power_w > inner.power_w:
                more_j = idle.energy_j - inner.power_w * idle.seconds
                found[i], found[i - step] = idle._replace(energy_j=idle.energy_j - more_j), busy._replace(energy_j=busy.energy_j + more_j)
    return found


def _divided(parts: Sequence[_Part]) -> Iterator[_Part]:
    """The stretches, where one between an idle and a busier one is divided: it was as busy as the busier one, and then idle, or the other
    way round. Otherwise each change would take half a stretch from the idle time. One with no other neighbour than idle ones was as busy as
    the device ever was, for a part of it."""
    most = max((part.busy for part in parts), default=0.0)
    for i, part in enumerate(parts):
        beside = [*parts[max(0, i - 1) : i], *parts[i + 1 : i + 2]]
        idle = min((of for of in beside if of.busy < IDLE), key=lambda of: of.power_w, default=None)
        busy = max((of.busy for of in beside if of.busy >= IDLE), default=most)
        if idle is None or not IDLE <= part.busy < busy:
            yield part
            continue
        idle_s = part.seconds * (1.0 - part.busy / busy)
        idle_j = min(part.energy_j, idle_s * idle.power_w)
        yield part.cut(idle_s, idle_j, 0.0)
        yield part.cut(part.seconds - idle_s, part.energy_j - idle_j, busy)


def idle_processors(processors: Sequence[ActivityPoint], curve: Sequence[Point]) -> tuple[Stretch, Stretch]:
    """All of the time that was looked at, and the part in which the processors were idle, with the joules of a device."""
    whole = idle = Stretch()
    for start_ns, end_ns, busy in between(processors, curve):
        stretch = Stretch(_used_j(curve, start_ns, end_ns), (end_ns - start_ns) * _NS)
        whole = whole.plus(stretch)
        idle = idle.plus(stretch) if busy < IDLE_PROCESSORS else idle
    return whole, idle


def _used_j(curve: Sequence[Point], start_ns: int, end_ns: int) -> float:
    return energy_at(curve, end_ns) - energy_at(curve, start_ns)
