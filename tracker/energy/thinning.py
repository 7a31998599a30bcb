"""PURE: what of a long run's energy curves nothing needs any more.

Grams are worked out by cutting each curve where the intensity of the grid changes (carbon/join.py), and intensities hold for five minutes
or more. So of the points that are older than an hour only those are kept between which a curve is ever cut: the last at or before, and
the first at or after, each instant at which another five minutes of UTC begin. No point is invented, and none is moved: run, phases and
grams stay what they were. Of the anchors, those are kept that say where these instants lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..core.clock import Anchor

SLOT_NS = 300_000_000_000
"""The shortest interval of a grid for which thinned curves give the same grams, aligned to UTC."""
KEEP_NS = 3_600_000_000_000
"""How long everything is kept."""
AT_ONCE_NS = 3_600_000_000_000
"""The most of a curve that one transaction thins, after an outage."""
STEP_NS = 1_000_000
"""An anchor that moves the clock by more than this is kept, whatever it moves."""


class Plan(NamedTuple):
    """What can go, on the monotonic clock in ns: within each of `spans` all points but its first and its last, and the anchors at
    `spare_ns`. All before `until_ns` is then thinned."""

    until_ns: int
    spans: list[tuple[int, int]]
    spare_ns: list[int]


class Thinning:
    """How far the curves of one segment are thinned; every five minutes there is something to do."""

    def __init__(self, start_ns: int) -> None:
        """`start_ns` is before the first point."""
        self.thinned_ns = start_ns

    def due(self, now_ns: int) -> bool:
        """Whether a plan can be made."""
        return now_ns - self.thinned_ns >= KEEP_NS + SLOT_NS

    def plan(self, anchors: Sequence[Anchor], now_ns: int) -> Plan | None:
        """The next steps; None where it is too early to tell. When they are carried out, set `thinned_ns` to the plan's `until_ns`.

        `anchors` are those that are stored, in order, from the one that holds at `thinned_ns` on.
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

    From one anchor to the next the first holds, so that an anchor may itself be such an instant: where it steps into another five minutes.
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
    """The anchors that can go, none of them the first, and none that still held at `until_ns`: without them no time moves by more than
    STEP_NS, and none into another five minutes."""
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
    """Which five minutes of UTC it was."""
    return anchor.utc_of(t_ns) // SLOT_NS
