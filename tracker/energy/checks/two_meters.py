"""PURE: a device with a counter and a gauge: what follows if the two do not agree."""

from __future__ import annotations

import math

from ...core.point import Provenance
from ...core.run import EventKind
from ..counter_state import Say
from ..counter_track import CounterTrack
from ..curve import NS, Curve
from ..gauge_track import GaugeTrack, Piece
from .crosscheck import Compared, CrossCheck, Timing, Verdict, verdict
from .gauges import Gauges

ROUND_NS = 50_000_000
"""The sensors of a device are read one after the other: readings so close are of one round."""


class TwoMeters:
    """Compares the counter `meter` of a device with its gauge `track`.

    If one of them cannot be right, the other one is believed: `counter_refuted`, or `refuted` of the gauges. Else the range is widened to
    contain both. A refuted counter has booked `overbooked_j` too much, and energy is measured for `covered_ns` by then.
    """

    def __init__(self, curve: Curve, meter: CounterTrack, gauges: Gauges, track: GaugeTrack, say: Say) -> None:
        self.check = CrossCheck(curve)
        self.counter_refuted = False
        self.overbooked_j = 0.0
        self.covered_ns = 0
        self._curve, self._meter, self._gauges, self._track, self._say = curve, meter, gauges, track, say
        self._said = False
        track.books_start = False  # the counter does

    def take(self, piece: Piece) -> None:
        """A piece of integrated power. It is compared with the counter, where both have measured all of it."""
        stands_in = self._meter.state.replaced and self._meter.refused is None
        imputed = piece.provenance is not Provenance.MEASURED_POWER
        counted = piece.start_ns + ROUND_NS >= self._meter.counting_since_ns
        if self._gauges.refuted or imputed or stands_in or not counted:
            self.check.drop()
        else:
            self.check.add(piece)
            self._compare()

    def finish(self, t_ns: int) -> None:
        """The run ends: compare what is left."""
        self._compare()
        if not self.counter_refuted and (found := self.check.finish()) is not None:
            self._judge(found)
        if not self.counter_refuted and self.check.disagrees and not self._gauges.refuted:
            self._contain_tail(t_ns)
        self._curve.restate()

    def _compare(self) -> None:
        """Compare up to the last time that the counter moved. If its readings are impossible for long, decide without waiting for it."""
        track, meter = self._track, self._meter
        if track.gauge.shape != "instant":  # sparse samples say only how large the power is
            window_s = track.gauge.window_s if track.averages else math.inf
            timing = Timing(self._gauges.seen_swing_w(track), self._curve.max_power_w, track.step_edge_j(1.0), meter.lag_s, window_s)
            while not self.counter_refuted and (found := self.check.settle(meter.moved_ns, timing)) is not None:
                self._judge(found)
                self.check.restart()
        if self.counter_refuted or meter.refused is None:
            return
        since_ns, counter_w = meter.refused
        gauge_w = self.check.power_w(since_ns)
        if gauge_w is not None and verdict(counter_w, gauge_w, self._curve.max_power_w) is Verdict.GAUGE:
            self._refute_counter(counter_w, gauge_w)

    def _judge(self, found: Compared) -> None:
        """What follows from a window. Nothing, if the two have always agreed."""
        if not self.check.disagrees:
            return
        counter_w, gauge_w = found.counter_j / found.seconds, found.power_j / found.seconds
        believed = verdict(counter_w, gauge_w, self._curve.max_power_w)
        if believed is Verdict.GAUGE:
            self._refute_counter(counter_w, gauge_w)
            return
        outcome = "both are possible, and the range contains both"
        if believed is Verdict.COUNTER:
            self._gauges.refuted = True
            outcome = "the device cannot draw the latter, so the gauge is wrong and is ignored"
        else:
            apart_j = found.counter_j - found.power_j
            timing_j = 0.0 if self._said else found.timing_j  # what a window lacks at its end is in the next one
            self._curve.slack_low_j += apart_j + found.less_j + timing_j if apart_j > 0 else 0.0
            self._curve.slack_high_j += found.more_j + timing_j - apart_j if apart_j < 0 else 0.0
        if self._gauges.refuted or not self._said:
            self._said = True
            text = f"the counter says {found.counter_j:.0f} J and integrated power {found.power_j:.0f} J over {found.seconds:.0f} s"
            self._say(EventKind.DISAGREEMENT, found.until_ns, f"{text}; {outcome}")

    def _contain_tail(self, t_ns: int) -> None:
        """The end of a run, which an averaging gauge shows too late: if the two disagree, any power that was seen may have been drawn."""
        since_ns, instant = self.check.compared_ns, self._gauges.instant
        place, end = self._curve.counter_at(since_ns), self._curve.counter_at(t_ns)
        shown_j = 0.0 if place is None or end is None else max(0.0, end.counter_j - place.counter_j)
        most_w = self._curve.max_power_w if instant is None else max(instant.highest_w, self._track.highest_w)
        if (self.check.residual or 0.0) > 0:
            self._curve.slack_low_j += shown_j
        else:
            self._curve.slack_high_j += max(0.0, (t_ns - since_ns) * NS * most_w - shown_j)

    def _refute_counter(self, counter_w: float, gauge_w: float) -> None:
        """The counter cannot be right. Book what the gauge has shown since the two agreed last."""
        figures, meter = self.check.unconfirmed(), self._meter
        missing_j = figures.power_j - figures.counter_j - meter.stood_in_j
        self.counter_refuted = True
        self.overbooked_j = max(0.0, -missing_j)
        self.covered_ns = max(0, meter.covered_ns + figures.until_ns - meter.booked_ns)  # the gauge goes on from there
        self._curve.book(Provenance.MEASURED_POWER, max(0.0, missing_j), figures.less_j + self.overbooked_j, figures.more_j)
        self._curve.mark(figures.until_ns)
        self._curve.settle(None)
        shown = f"the counter shows {_watts(counter_w)} and the power gauge {_watts(gauge_w)}"
        text = f"{shown}; the device can draw up to {_watts(self._curve.max_power_w)}"
        self._say(EventKind.DISAGREEMENT, figures.until_ns, f"{text}: the counter is wrong, and energy is booked from the gauge")


def _watts(power_w: float) -> str:
    return f"{power_w:,.0f} W" if power_w >= 10 else f"{power_w:.2g} W"
