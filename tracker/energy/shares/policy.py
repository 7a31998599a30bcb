"""PURE: how the energy of a device is divided between those who use it.

The policy: energy above idle is divided by the use in the same interval, and of the idle energy those who use the device get the part that
they use of all that there was. The rest of the idle energy stays unattributed. Use is CPU time for processors and memory, and the time of
the streaming multiprocessors for GPUs. No sensor measures a single process, so a share is a judgement, and its range is wide.
"""

from __future__ import annotations

from typing import NamedTuple

POLICY = "above-idle-by-use, idle-by-capacity"
"""The name of the policy in the JSON."""
WEIGHTS = {"cpu": 2.0, "dram": 4.0, "gpu": 4.0}
"""How many times as much power a unit of use of one process may take as that of another, by kind of device. Judged: vector code draws up to
twice as much as scalar code; CPU time tells little about memory traffic, and the time of a multiprocessor little about how full it is."""


MACHINE, CGROUP = "machine", "cgroup"
"""The names of what CPU time is a part of: that of all processors of the machine, and that of the control group that limits a process."""


class Use(NamedTuple):
    """What was used of a device in an interval, in one unit, such as CPU seconds. `unknown`: by processes of which nobody knows whose they
    are. `capacity`: what there was."""

    ours: float
    others: float
    unknown: float
    capacity: float


UNKNOWN = Use(0.0, 0.0, 1.0, 1.0)
"""Nothing is known about the interval: the share is anything from nothing to all."""


class Fractions(NamedTuple):
    """The part of an energy that is attributed, from 0 to 1, with its bounds."""

    central: float
    low: float
    high: float


def fractions(use: Use, weight: float, idle: float | None) -> Fractions:
    """The part of the energy of an interval that its use gets under the policy.

    `idle`: the idle energy as a part of all energy in the interval, at most 1; None if it is not known. Then the share is halfway between
    that of no idle energy and that of nothing else, and the bounds contain both. Use of unknown owners counts in the upper bound only. The
    bounds also let a unit of our use take `weight` times as much power as one of the others, or as little.
    """
    ours, others, unknown = (max(0.0, part) for part in use[:3])
    capacity = max(use.capacity, ours + others + unknown)
    if capacity <= 0.0:
        return Fractions(0.0, 0.0, 0.0)

    def part(mine: float, rest: float, idle: float) -> float:
        return (1.0 - idle) * (mine / (mine + rest) if mine > 0.0 else 0.0) + idle * min(1.0, mine / capacity)

    most_idle = 1.0 if idle is None else min(1.0, max(0.0, idle))
    central = part(ours, others + unknown, 0.5 if idle is None else most_idle)
    low = min(part(ours, weight * (others + unknown), i) for i in (0.0, most_idle))
    high = max(part(ours + unknown, others / weight, i) for i in (0.0, most_idle))
    return Fractions(central, min(low, central), min(1.0, max(high, central)))
