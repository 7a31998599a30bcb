"""The curves of a run in few points, kept from one look at the run to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...core.point import Point

if TYPE_CHECKING:
    from ...storage.read.records import StoredRun
    from ...storage.read.store import Store

PIECES = 600
"""The number of parts of a run's time. The mean power of each part is shown."""

Key = tuple[str, str]
"""A curve: the id of its segment, and its device."""


class Outlines:
    """The outlines of one run's curves. Each has at most twice PIECES points, even for a long run."""

    def __init__(self) -> None:
        self.curves: Mapping[Key, Sequence[Point]] = {}

    def grow(self, store: Store, stored: StoredRun, recent: Mapping[Key, Sequence[Point]]) -> None:
        """Extend all curves to the ends that `stored` has. `recent` are the latest points of curves that may grow. Raises StoreError.

        The database is asked only for what cannot be continued: a curve that is new, or points that are older than `recent`.
        """
        ends = {(d.segment_id, d.name): d.last.t_ns for d in stored.devices if d.last is not None}
        grown = {key: _continued(self.curves.get(key, ()), recent.get(key, ())) for key in ends}
        complete = all(curve and curve[-1].t_ns >= ends[key] for key, curve in grown.items())
        self.curves = grown if complete else store.outline(stored, PIECES)


def _continued(curve: Sequence[Point], recent: Sequence[Point]) -> Sequence[Point]:
    """The curve with those points of `recent` that come after it; the curve itself where points between the two are missing."""
    if not curve or not recent or recent[0].t_ns > curve[-1].t_ns:
        return curve
    return thinned([*curve, *(point for point in recent if point.t_ns > curve[-1].t_ns)], PIECES)


def thinned(curve: Sequence[Point], pieces: int) -> Sequence[Point]:
    """A curve with more than twice `pieces` points, made smaller: its ends, and the points at which equal parts of its time begin."""
    if len(curve) <= 2 * pieces:
        return curve
    start_ns, span_ns = curve[0].t_ns, curve[-1].t_ns - curve[0].t_ns
    kept, at = [curve[0]], 0
    for part in range(1, pieces):
        while curve[at + 1].t_ns <= start_ns + span_ns * part // pieces:
            at += 1
        if kept[-1] is not curve[at]:
            kept.append(curve[at])
    return [*kept, curve[-1]]
