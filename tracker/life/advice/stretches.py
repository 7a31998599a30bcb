"""PURE: the time of a GPU in stretches, by how busy it was, with the energy of each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ...core.activity import ActivityPoint
from ...core.point import Point
from ...energy.mean_power import energy_at

IDLE = 0.02
"""A GPU is idle below this busy share: a share is told in whole percents, and a driver's own work makes it 1 % now and then."""
BUSY = 0.5
"""A GPU that is less busy than this waits: most experiments use 30 to 50 % of a GPU (Wu et al. 2022, Fig. 10), and 80 % is within reach
(Fig. 9)."""
_NS = 1e-9


class Stretches(NamedTuple):
    """The energy and the time of a GPU: all of it that was looked at, the part in which it was idle, and the part in which it was partly
    busy, with its busy share there (0 without such a part)."""

    energy_j: float
    seconds: float
    idle_j: float
    idle_s: float
    waiting_j: float
    waiting_s: float
    waiting_busy: float


def stretches(activity: Sequence[ActivityPoint], curve: Sequence[Point]) -> Stretches | None:
    """The stretches between points of activity, in order; None if nothing is known. `curve` is the energy of the same GPU."""
    if len(curve) < 2 or not activity:
        return None
    energy_j = seconds = idle_j = idle_s = waiting_j = waiting_s = waiting_busy_s = 0.0
    for before, after in pairwise([activity[0].zero(), *activity]):
        seen_ms = after.seen_ms - before.seen_ms
        start_ns, end_ns = max(before.t_ns, curve[0].t_ns), min(after.t_ns, curve[-1].t_ns)
        if end_ns <= start_ns or seen_ms <= 0.0 or after.busy_ms is None or before.busy_ms is None:
            continue
        used_j, passed_s = energy_at(curve, end_ns) - energy_at(curve, start_ns), (end_ns - start_ns) * _NS
        busy = (after.busy_ms - before.busy_ms) / seen_ms
        energy_j, seconds = energy_j + used_j, seconds + passed_s
        if busy < IDLE:
            idle_j, idle_s = idle_j + used_j, idle_s + passed_s
        elif busy < BUSY:
            waiting_j, waiting_s, waiting_busy_s = waiting_j + used_j, waiting_s + passed_s, waiting_busy_s + busy * passed_s
    if not seconds:
        return None
    return Stretches(energy_j, seconds, idle_j, idle_s, waiting_j, waiting_s, waiting_busy_s / waiting_s if waiting_s else 0.0)
