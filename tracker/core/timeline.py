"""PURE: from the monotonic clock of a segment to UTC."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .clock import Anchor


class Span(NamedTuple):
    """A piece of monotonic time in which UTC is `t_ns + offset_ns`."""

    start_ns: int
    end_ns: int
    offset_ns: int


class Timeline:
    """The clock anchors of a segment as a function of time.

    The wall clock may be set while a run is under way. An anchor therefore holds from its own instant to the next one, and the first
    anchor holds for the time before it too.
    """

    __slots__ = ("_anchors", "_instants")

    def __init__(self, anchors: Sequence[Anchor]) -> None:
        """`anchors` in any order. Raises ValueError if there are none, because UTC is then unknown."""
        if not anchors:
            raise ValueError("a timeline needs an anchor")
        self._anchors = sorted(anchors)
        self._instants = [anchor.monotonic_ns for anchor in self._anchors]

    @classmethod
    def of_segment(cls, anchors: Sequence[Anchor], start_t_ns: int, started_utc_ns: int) -> Timeline:
        """The timeline of a segment that began at `start_t_ns`; a segment without anchors has its start as the only one."""
        return cls(anchors or [Anchor(start_t_ns, started_utc_ns, start_t_ns)])

    def utc_ns(self, t_ns: int) -> int:
        """UTC nanoseconds of the monotonic instant `t_ns`."""
        return self._anchors[max(0, bisect_right(self._instants, t_ns) - 1)].utc_of(t_ns)

    def spans(self, start_ns: int, end_ns: int, drift_ns: int = 0) -> Iterator[Span]:
        """The time from `start_ns` to `end_ns` in pieces that each have one offset, in order and without gaps.

        The two clocks drift apart. An anchor whose offset differs from the one before by at most `drift_ns` begins no new piece.
        """
        at_ns, offset_ns = start_ns, self._anchors[0].utc_ns - self._anchors[0].monotonic_ns
        for anchor in self._anchors:
            if anchor.monotonic_ns >= end_ns:
                break
            new_ns = anchor.utc_ns - anchor.monotonic_ns
            if anchor.monotonic_ns > at_ns and abs(new_ns - offset_ns) > drift_ns:
                yield Span(at_ns, anchor.monotonic_ns, offset_ns)
                at_ns = anchor.monotonic_ns
            offset_ns = new_ns
        yield Span(at_ns, end_ns, offset_ns)
