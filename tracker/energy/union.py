"""PURE: phases of one name that overlap, because ranks or threads do the same at the same time. Their energy is that of the union of their
times.

A share that is added to others of its name is what its window adds to the union: E(union with it) − E(union without it). It is computed
from the same points of the curve, so that the shares of all windows add up to the share of the union, with its edges and no others.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from ..core.point import Point
from .intervals import JOULES, Share, between


class Span(NamedTuple):
    """A window of one curve: its times, and the curve's points at them."""

    start_ns: int
    end_ns: int
    start: Point
    end: Point

    def share(self, gain: float, gain_class: str) -> Share:
        """The share of this window. A window of no length has no edges."""
        share = between(self.start, self.end, gain, gain_class)
        return share._replace(edge_low_j=0.0, edge_high_j=0.0) if self.start_ns == self.end_ns else share


class Union:
    """Windows of one curve, as spans that do not overlap, in order. Spans that only touch stay apart: each has edges of its own."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, new: Span, gain: float, gain_class: str) -> Share:
        """Add a window. Returns what it adds to the union; its edges may be negative where it closes a gap between two spans."""
        share = new.share(gain, gain_class)
        if not self._spans or self._spans[-1].end_ns <= new.start_ns:  # as most do: phases follow one another
            self._spans.append(new)
            return share
        first = bisect_right(self._spans, new.start_ns, key=lambda s: s.end_ns)
        after = bisect_left(self._spans, new.end_ns, key=lambda s: s.start_ns)
        met = self._spans[first:after]
        if met:
            start, end = min(met[0], new, key=lambda s: s.start_ns), max(met[-1], new, key=lambda s: s.end_ns)
            new = Span(start.start_ns, end.end_ns, start.start, end.end)
            share = _less(new.share(gain, gain_class), [s.share(gain, gain_class) for s in met])
        self._spans[first:after] = [new]
        return share

    def forget(self, before_ns: int, most: int) -> None:
        """Forget the spans that ended by `before_ns`, and the oldest ones beyond `most`."""
        del self._spans[: max(bisect_right(self._spans, before_ns, key=lambda s: s.end_ns), len(self._spans) - most)]


def _less(whole: Share, parts: list[Share]) -> Share:
    return whole._replace(**{name: getattr(whole, name) - sum(getattr(part, name) for part in parts) for name in JOULES})
