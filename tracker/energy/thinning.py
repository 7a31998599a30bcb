"""PURE: which points of a long run's energy curves are no longer needed.

To compute grams, each curve is cut at the times when the intensity of the grid changes (carbon/join.py). An intensity holds for five
minutes or more. So of the points older than an hour only two are kept around each boundary of five minutes in UTC: the last point at or
before it, and the first at or after it. No point is invented or moved: the energy of the run, its phases and its grams do not change. Of
the anchors, those are kept that are needed to place these boundaries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..core.clock import Anchor

SLOT_NS = 300_000_000_000
"""The shortest interval of grid intensities, aligned to UTC, for which thinned curves give the same grams."""
KEEP_NS = 3_600_000_000_000
"""How long all points are kept."""
AT_ONCE_NS = 3_600_000_000_000
"""The longest part of a curve that one transaction thins. It matters after an outage."""
STEP_NS = 1_000_000
"""An anchor that moves the clock by more than this is always kept."""


class Plan(NamedTuple):
    """What can be deleted, on the monotonic clock in ns: in each of `spans` all points except its first and its last, and the anchors at
    `spare_ns`. Everything before `until_ns` is then thinned."""

    until_ns: int
    spans: list[tuple[int, int]]
    spare_ns: list[int]


class Thinning:
    """How far the curves of one segment are thinned. There is something to do every five minutes."""

    def __init__(self, start_ns: int) -> None:
        """`start_ns` is before the first point."""
        self.thinned_ns = start_ns

    def due(self, now_ns: int) -> bool:
        """Whether a plan can be made."""
        return now_ns - self.thinned_ns >= KEEP_NS + SLOT_NS

    def plan(self, anchors: Sequence[Anchor], now_ns: int) -> Plan | None:
        """The next steps, None if it is too early. After they are carried out, set `thinned_ns` to the plan's `until_ns`.

        `anchors` are the stored ones, in order, beginning with the one that holds at `thinned_ns`.
        """
        if not anchors:
            return None
        known_ns = min(now_ns - KEEP_NS, anchors[-1].monotonic_ns, self.thinned_ns + AT_ONCE_NS)
        cuts = list(instants(anchors, self.thinned_ns, known_ns))
        if not cuts:
            return None
        return Plan(cuts[-1], list(pairwise([self.thinned_ns, *cuts])), spare(anchors, cuts[-1]))


def instants(anchors: Sequence[Anchor], start_ns: int, end_ns: int) -> Iterator[int]:
    """The instants after `start_ns`, up to and including `end_ns`, at which another five minutes of UTC begin, in order.

    An anchor holds until the next one. So an anchor that moves the clock into another five minutes is itself such an instant.
    """
    for i, anchor in enumerate(anchors):
        begin_ns = anchor.monotonic_ns if i else min(start_ns, anchor.monotonic_ns)
        next_ns = anchors[i + 1].monotonic_ns if i + 1 < len(anchors) else end_ns + 1
        steps = i > 0 and _slot(anchors[i - 1], begin_ns - 1) != _slot(anchor, begin_ns)
        boundary_ns = begin_ns + -anchor.utc_of(begin_ns) % SLOT_NS
        if steps and boundary_ns != begin_ns and start_ns < begin_ns <= end_ns:
            yield begin_ns
        behind = max(0, start_ns + 1 - boundary_ns)
        boundary_ns += -(-behind // SLOT_NS) * SLOT_NS
        yield from range(boundary_ns, min(next_ns, end_ns + 1), SLOT_NS)


def spare(anchors: Sequence[Anchor], until_ns: int) -> list[int]:
    """The anchors that can be deleted. Without them no time moves by more than STEP_NS, and none into another five minutes. The first
    anchor and the one that holds at `until_ns` stay."""
    kept, found = anchors[0], []
    for anchor, after in pairwise(anchors[1:]):
        if after.monotonic_ns > until_ns:
            break
        slots = {_slot(a, t_ns) for a in (kept, anchor) for t_ns in (anchor.monotonic_ns, after.monotonic_ns)}
        if len(slots) == 1 and abs(kept.utc_of(anchor.monotonic_ns) - anchor.utc_ns) <= STEP_NS:
            found.append(anchor.monotonic_ns)
        else:
            kept = anchor
    return found


def _slot(anchor: Anchor, t_ns: int) -> int:
    """The number of the five minutes of UTC."""
    return anchor.utc_of(t_ns) // SLOT_NS
