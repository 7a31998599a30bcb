"""PURE: the points of a curve, with the energy that the counter had not shown yet."""

from __future__ import annotations

from ..curve import Curve
from .unshown import Seen, Unshown, at_first

MOST_EARLY = 256
"""The most readings that are kept until it is known how late the counter is."""


class LateCounter:
    """How late one counter is, and what that adds to the points of `curve`.

    Until it is known how late it is, and what it did not show at its first reading, points are as the counter shows them. Then the points
    so far are restated.
    """

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        self._late_s = 0.0
        self._rest_w: float | None = None
        self._early: list[Seen] = []
        self._unshown: Unshown | None = None

    def know(self, late_s: float) -> None:
        """It shows energy `late_s` seconds late on average."""
        if self._unshown is None:
            self._late_s = late_s
            self._curve.provisional = late_s > 0
            self._restate(final=False)

    def take(self, reading: Seen, rest_w: float | None) -> None:
        """A good reading. Call it before its point is marked. `rest_w`: the least that gauges show, None without one."""
        if self._unshown is not None:
            self._curve.unshown_j = self._unshown.at(reading)
        elif len(self._early) < MOST_EARLY:
            if not self._early:
                self._rest_w = rest_w
            self._early.append(reading)
            self._restate(final=False)

    def finish(self) -> None:
        """No more readings come."""
        self._restate(final=True)

    def _restate(self, *, final: bool) -> None:
        curve, early = self._curve, self._early
        if self._unshown is not None or not self._late_s or not early:
            return
        first_j = at_first(early, self._late_s, curve.max_power_w, self._rest_w, final=final)
        if first_j is None:
            return
        curve.provisional = False
        self._unshown = unshown = Unshown(self._late_s, curve.max_power_w)
        at_j = [(seen.t_ns, unshown.at(seen)) for seen in early]
        curve.restate_unshown([(early[0].t_ns, first_j), *at_j[1:]])
        self._early = []
