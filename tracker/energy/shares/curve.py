"""PURE: the energy curve of an attributed share, made from the curve of the whole device."""

from __future__ import annotations

from ...core.point import Point, Provenance
from ...core.sensing import Device
from ..curve import NS, Curve
from .policy import Fractions, Use, fractions


class ShareCurve:
    """The curve of a share: for each interval, a part of what the whole device drew.

    Its joules are modelled, because no sensor measures them. Where the range of the whole ends, that of the share ends at the latest.
    `idle_w` is the power of the idle device; None if it is not known.
    """

    def __init__(self, device: Device, idle_w: float | None, weight: float) -> None:
        self.curve = Curve(device.max_power_w)
        self._idle_w = idle_w
        self._weight = weight
        self._until: Point | None = None

    def begin(self, whole: Curve) -> None:
        """Let the share begin where `whole`, the curve of the device, begins. Its edges there may become known later: call it again."""
        if not whole.ticks:
            return
        first = whole.ticks[0]
        if self._until is None:
            self._until = Point(first.t_ns)
            self.curve.mark(first.t_ns)
        if self.curve.ticks[0].t_ns == first.t_ns:
            self.curve.ticks[0] = self.curve.ticks[0]._replace(edge_low_j=first.edge_low_j, edge_high_j=first.edge_high_j)
        self.curve.lag_low_j, self.curve.lag_high_j = whole.lag_low_j, whole.lag_high_j

    def extend(self, whole: Curve, use: Use) -> None:
        """Attribute what the device drew since the last call; `whole` is its curve, and `use` what was used of it in this time."""
        self.begin(whole)
        if self._until is None or whole.ticks[-1].t_ns <= self._until.t_ns:
            return
        start, end = self._until, whole.ticks[-1]
        energy_j = end.energy_j - start.energy_j
        of = self._of(use, energy_j, (end.t_ns - start.t_ns) * NS)
        for tick in [tick for tick in whole.ticks if start.t_ns < tick.t_ns < end.t_ns]:
            # Within the interval nobody knows when the device was used: it may have been all before this tick, or all after it.
            passed_j = tick.energy_j - start.energy_j
            to_come_j = energy_j - passed_j
            less_j = min(of.central * passed_j, (1.0 - of.central) * to_come_j)
            more_j = min(of.central * to_come_j, (1.0 - of.central) * passed_j)
            self._mark(start, tick, of, max(0.0, less_j), max(0.0, more_j))
        self._book(start, end, of)
        self._until = end

    def _of(self, use: Use, energy_j: float, seconds: float) -> Fractions:
        idle = None if self._idle_w is None or energy_j <= 0.0 else self._idle_w * seconds / energy_j
        return fractions(use, self._weight, idle)

    def _mark(self, start: Point, tick: Point, of: Fractions, less_j: float, more_j: float) -> None:
        """A tick within an interval: what is booked up to it, and taken back, because the interval is booked as a whole."""
        curve = self.curve
        totals = curve.modelled_j, curve.slack_low_j, curve.slack_high_j, curve.scatter_j2
        self._add(start, tick, of)
        curve.mark(tick.t_ns, 0, tick.edge_low_j + less_j, tick.edge_high_j + more_j)
        curve.modelled_j, curve.slack_low_j, curve.slack_high_j, curve.scatter_j2 = totals

    def _book(self, start: Point, end: Point, of: Fractions) -> None:
        self._add(start, end, of)
        self.curve.mark(end.t_ns, 0, end.edge_low_j, end.edge_high_j)

    def _add(self, start: Point, end: Point, of: Fractions) -> None:
        energy_j = max(0.0, end.energy_j - start.energy_j)
        least_j = max(0.0, energy_j - max(0.0, end.slack_low_j - start.slack_low_j))
        most_j = energy_j + max(0.0, end.slack_high_j - start.slack_high_j)
        given_j = of.central * energy_j
        self.curve.book(Provenance.MODELLED, given_j, max(0.0, given_j - of.low * least_j), max(0.0, of.high * most_j - given_j))
        self.curve.scatter_j2 += of.high**2 * max(0.0, end.scatter_j2 - start.scatter_j2)
