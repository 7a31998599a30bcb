"""PURE: how busy a GPU was over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..core.activity import ActivityPoint
from ..core.point import Point

IDLE = 0.02
"""A GPU is idle below this busy share: a share is told in whole percents, and a driver's own work makes it 1 % now and then."""


def between(activity: Sequence[ActivityPoint], curve: Sequence[Point]) -> Iterator[tuple[int, int, float]]:
    """The stretches between two points, as far as the energy is known there: start, end, and the busy share, in devices."""
    if len(curve) < 2 or not activity:
        return
    for before, after in pairwise([activity[0].zero(), *activity]):
        seen_ms = after.seen_ms - before.seen_ms
        start_ns, end_ns = max(before.t_ns, curve[0].t_ns), min(after.t_ns, curve[-1].t_ns)
        if end_ns > start_ns and seen_ms > 0.0 and after.busy_ms is not None and before.busy_ms is not None:
            yield start_ns, end_ns, (after.busy_ms - before.busy_ms) / seen_ms
