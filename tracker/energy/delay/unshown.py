"""PURE: the energy that a counter does not show yet when it is read.

A counter that is renewed every T shows the energy up to its last renewal, on average T/2 ago. So it lacks P · T/2, where P is the power in
that time, and a run from rest to work lacks (P_end − P_start) · T/2. GPUs renew their counters every 20 to 100 ms (arXiv:2312.02741), so
a second of work lacks up to 5 %.

P is the mean of the power before the reading, as the counter has shown it over the last 1.5 T or more, and of the power that an
instantaneous gauge shows now. At the first reading the counter has shown nothing: P is then the least power that a gauge shows. Without a
gauge, the energy at the first reading is continued backward from the readings after it, as if their power began with the run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

NS = 1e-9
PERIOD_MARGIN = 1.1
"""An update period is measured a tenth longer than the mean time between two renewals, so that a range holds."""


class Seen(NamedTuple):
    """A reading: the joules that the counter has shown since the first one, and what an instantaneous gauge shows; None without one."""

    t_ns: int
    energy_j: float
    now_w: float | None = None


class Unshown:
    """What one counter does not show, which shows energy `late_s` seconds late on average. No more than `most_w` is drawn."""

    def __init__(self, late_s: float, most_w: float) -> None:
        self._late_s, self._most_w = late_s, most_w
        self._recent: deque[Seen] = deque()

    def at(self, reading: Seen) -> float:
        """Joules that are not shown at a reading. Call it for each reading, in order."""
        recent = self._recent
        recent.append(reading)
        while len(recent) > 2 and (reading.t_ns - recent[1].t_ns) * NS >= 3 * self._late_s:
            recent.popleft()
        powers_w = [w for w in (_power_w(recent[0], reading), reading.now_w) if w is not None]
        return self._late_s * min(sum(powers_w) / len(powers_w), self._most_w) if powers_w else 0.0


def at_first(readings: Sequence[Seen], late_s: float, most_w: float, rest_w: float | None, *, final: bool = False) -> float | None:
    """Joules that are not shown at the first of `readings`. `rest_w`: the power before it. Without that: None as long as the readings after
    it do not tell, or if `final`, what they tell so far."""
    if rest_w is not None:
        return late_s * min(rest_w, most_w)
    first = readings[0]
    after = next((r for r in readings if (r.t_ns - first.t_ns) * NS >= 2 * late_s), None)
    last = readings[-1]
    if after is None or (last.t_ns - after.t_ns) * NS < 4 * late_s:
        return late_s * min(_power_w(first, last) or 0.0, most_w) if final else None
    power_w = _power_w(after, last) or 0.0
    unshown_j = after.energy_j - first.energy_j + power_w * (late_s - (after.t_ns - first.t_ns) * NS)
    return min(max(0.0, unshown_j), 2 * late_s * most_w)


def _power_w(a: Seen, b: Seen) -> float | None:
    return (b.energy_j - a.energy_j) / ((b.t_ns - a.t_ns) * NS) if b.t_ns > a.t_ns else None
