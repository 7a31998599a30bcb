"""PURE: phases of one name that overlap, because ranks or threads do the same at the same time. Their energy is that of the union of their
times.

A share that is added to others of its name is what its window adds to the union: E(union with it) − E(union without it). It is computed
from the same points of the curve, so that the shares of all windows add up to the share of the union, with its edges and no others.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
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


class _Counted(NamedTuple):
    """A window, and the share that has been counted of it: its own, or less where it stands for several windows with gaps."""

    span: Span
    share: Share


class Union:
    """Windows of one curve, as spans that do not overlap, in order. Spans that only touch stay apart: each has edges of its own."""

    def __init__(self) -> None:
        self._spans: list[_Counted] = []

    def __len__(self) -> int:
        return len(self._spans)

    @property
    def end(self) -> Point | None:
        """The point where the newest span ends; None without spans."""
        return self._spans[-1].span.end if self._spans else None

    def add(self, new: Span, gain: float, gain_class: str) -> Share:
        """Add a window. Returns what it adds to the union; its edges may be negative where it closes a gap between two spans."""
        share = new.share(gain, gain_class)
        if not self._spans or self._spans[-1].span.end_ns <= new.start_ns:  # as most do: phases follow one another
            self._spans.append(_Counted(new, share))
            return share
        first = bisect_right(self._spans, new.start_ns, key=_end_ns)
        after = bisect_left(self._spans, new.end_ns, key=lambda s: s.span.start_ns)
        met = self._spans[first:after]
        if not met:
            self._spans[first:after] = [_Counted(new, share)]
            return share
        start, end = min(met[0].span, new, key=lambda s: s.start_ns), max(met[-1].span, new, key=lambda s: s.end_ns)
        merged = Span(start.start_ns, end.end_ns, start.start, end.end)
        whole = merged.share(gain, gain_class)
        self._spans[first:after] = [_Counted(merged, whole)]
        known = _sum([s.share for s in met])
        return whole._replace(**{name: getattr(whole, name) - getattr(known, name) for name in JOULES})

    def forget(self, before_ns: int, most: int) -> None:
        """Forget the spans that ended by `before_ns`. Of more than `most` spans, the oldest become one, with what has been counted of them:
        so what overlaps all of them still adds only what is missing, and nothing is ever more than what the curve has in all."""
        del self._spans[: bisect_right(self._spans, before_ns, key=_end_ns)]
        oldest = self._spans[: max(0, len(self._spans) - most + 1)]
        if len(oldest) > 1:
            first, last = oldest[0].span, oldest[-1].span
            lump = _Counted(Span(first.start_ns, last.end_ns, first.start, last.end), _sum([s.share for s in oldest]))
            self._spans[: len(oldest)] = [lump]


def _end_ns(counted: _Counted) -> int:
    return counted.span.end_ns


def _sum(shares: Sequence[Share]) -> Share:
    return shares[0]._replace(**{name: sum(getattr(share, name) for share in shares) for name in JOULES})
