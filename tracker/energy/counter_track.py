"""PURE: what each reading of one energy counter adds to the curve."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..core.run import EventKind
from ..core.sensing import Counter, Reading
from .counter_state import CounterState, Say, SilentCounter
from .counter_steps import SLOWEST_UPDATE_S, Move, Outcome, classify, unwrapped_s
from .curve import NS, Curve
from .gauge_track import Shown

COUNTING, MUTE = CounterState.COUNTING, CounterState.MUTE
TAIL_S = 0.1
"""If the last reading is more than this before the end of the run, the rest is imputed."""


class CounterTrack(SilentCounter):
    """The counter of one device: decides what each of its readings means, and books its energy.

    Units are summed as integers, so rounding errors do not add up.
    """

    def __init__(self, counter: Counter, curve: Curve, gauge: Callable[[int], Shown | None], say: Say) -> None:
        super().__init__(counter, curve, gauge, say)
        self._modulus = math.inf if counter.modulus is None else counter.modulus
        self._most_per_ns = curve.max_power_w * NS / counter.unit_j
        self._units = 0  # booked in total
        self._baseline: int | None = None
        self._quarantined: Reading | None = None  # an impossible reading: a second one that agrees begins a new epoch
        self._read_ns = 0  # the last good reading
        self.set_lag(SLOWEST_UPDATE_S)

    def set_lag(self, seconds: float) -> None:
        """How late the counter may show energy. The energy of that time at full power is part of each point's edge."""
        self._lag_s = seconds
        self._curve.lag_high_j = seconds * self._curve.max_power_w
        self._sure_ns = unwrapped_s(self.counter, self._curve.max_power_w, seconds) / NS

    def take(self, reading: Reading) -> None:
        """A good read: integer raw units."""
        t_ns, value, uncertainty_ns = reading
        state = self.state
        if (state is COUNTING or state is MUTE) and self._baseline is not None and type(value) is int:
            step, dt_ns = value - self._baseline, t_ns - self.moved_ns
            if 0 < step <= dt_ns * self._most_per_ns and dt_ns < self._sure_ns and value < self._modulus:
                self._go_on(t_ns, value, step, t_ns - self._read_ns)  # the usual case: there is nothing to decide
                self._curve.mark(t_ns, uncertainty_ns)
                return
        self._decide(reading)

    def _decide(self, reading: Reading) -> None:
        """A reading whose meaning must be decided."""
        counter, t_ns = self.counter, max(reading.t_ns, self.booked_ns)
        if not math.isfinite(reading.value) or not 0 <= reading.value < self._modulus:
            self._say(EventKind.ABSURD, t_ns, f"the counter read {reading.value!r}, which is impossible; the reading is left out")
            return
        value = int(reading.value)
        # A counter that has not moved can only have wrapped since the last read. One that stopped may have done so during its last move.
        since_ns = self._read_ns if value == self._baseline else self.moved_ns - (self._move.ns if self._stopped else 0)
        still_s, apart_ns, self._read_ns = (t_ns - since_ns) * NS, t_ns - self._read_ns, t_ns
        expected_w = None if counter.modulus is None else self._power_w(t_ns)  # decides between numbers of wraps
        outcome = classify(self._baseline, value, still_s, counter, self._curve.max_power_w, expected_w, self._lag_s)
        if outcome.kind == "implausible":
            self._quarantine(reading, value)
            return
        self._quarantined = None
        if outcome.kind not in ("advanced", "wrapped") or outcome.ambiguous or outcome.delta == 0:
            self._give_up_gap()
        if outcome.kind == "first":
            self._begin(t_ns, value)
        elif outcome.kind == "reset":
            self._reset(t_ns, value, still_s)
        elif outcome.delta == 0 and not outcome.ambiguous:
            self._still_reads += 1
            self._stand_still(t_ns, still_s)
        else:
            self._advance(t_ns, value, still_s, apart_ns, outcome)
        self._curve.mark(t_ns, reading.uncertainty_ns, *self._unsure_j(t_ns))
        if self._stopped:
            self._curve.settle(t_ns)

    def miss(self, t_ns: int) -> None:
        """A read failed. The next good read covers the gap, but a counter that fails for long is treated like one that stands still."""
        if self._baseline is not None and t_ns >= self.booked_ns:
            self._still_reads += 1
            if self._stand_in(t_ns, CounterState.UNREADABLE):
                self._curve.mark(t_ns, 0, *self._unsure_j(t_ns))
                self._curve.settle(t_ns)

    def finish(self, t_ns: int) -> None:
        """The run ends. A counter at rest covers the time up to its last good reading; the time after that is imputed."""
        if self._baseline is None:
            return
        self._give_up_gap()
        if self.state is COUNTING:
            self.covered_ns += max(0, self._read_ns - self.booked_ns)
        if (t_ns - self._read_ns) * NS > TAIL_S:
            self.booked_ns = max(self.booked_ns, self._read_ns)
            self._impute(t_ns, self._power_w(t_ns) or 0.0, 0.0)
            self._curve.mark(t_ns)

    @property
    def doubted(self) -> bool:
        """Whether it is not known what the counter does: it was impossible, or it shows nothing although power is drawn."""
        return self._quarantined is not None or self.state.replaced

    # ---- what a reading does

    def _begin(self, t_ns: int, value: int) -> None:
        """A new epoch: differences start here."""
        self._baseline = value
        self.booked_ns = self.moved_ns = t_ns
        self._still_reads = 0
        self._move, self._stopped = Move(), False
        self._said_mute = False
        self.state = COUNTING
        self.stood_in_j = 0.0
        self.counting_since_ns = t_ns
        self._rate.restart(t_ns, self._units)

    def _go_on(self, t_ns: int, baseline: int, delta: int, apart_ns: int) -> None:
        """The counter has moved by `delta` units: all that was drawn since it moved last. The last good read was `apart_ns` before."""
        unit_j = self.counter.unit_j
        self._curve.settle(self.moved_ns)
        self._move, self._stopped = Move(apart_ns, delta * unit_j), False
        self._units += delta
        self._curve.counter_j = self._units * unit_j
        self.covered_ns += t_ns - self.booked_ns
        self.booked_ns = self.moved_ns = self._read_ns = t_ns
        self._baseline = baseline
        self._quarantined = None
        self._still_reads = 0
        self._said_mute = False
        self.state = COUNTING
        self._rate.take(t_ns, self._units, unit_j)

    def _advance(self, t_ns: int, value: int, still_s: float, apart_ns: int, outcome: Outcome) -> None:
        unit_j, delta = self.counter.unit_j, outcome.delta
        if self.state.replaced:
            stood_in = round(self.stood_in_j / unit_j)
            excess, delta = max(0, stood_in - delta), max(0, delta - stood_in)
            # While it stood still, too much (`excess`) or too little (`delta`) was booked. This correction may belong to the time before a
            # window that began in that time, so it is slack. After UNREADABLE it is not: the edges of the points in that time contain it.
            exact = self.state is CounterState.UNREADABLE
            self._curve.slack_low_j += (excess + (0 if exact else delta)) * unit_j
            self._curve.slack_high_j += 0.0 if exact else excess * unit_j
            self._say(EventKind.RESUMED, t_ns, f"the counter moves again; {self.stood_in_j:.1f} J of its advance are booked already")
            self.covered_ns += self.booked_ns - self._unread_ns if exact else 0
            self.stood_in_j = 0.0
            self.counting_since_ns = t_ns
        self._go_on(t_ns, value if outcome.kind == "wrapped" else max(value, self._baseline or 0), delta, apart_ns)
        if outcome.kind == "wrapped":
            self._say(EventKind.WRAP, t_ns, f"the counter wrapped at {(self.counter.modulus or 0) * unit_j:.0f} J")
        if outcome.ambiguous:
            self._curve.slack_low_j += (outcome.delta - outcome.fewest) * unit_j
            self._curve.slack_high_j += (outcome.most - outcome.delta) * unit_j
            self._say(
                EventKind.GAP,
                t_ns,
                f"ambiguous: no reading for {still_s:.1f} s, and more than one number of wraps fits; the number nearest to the power before"
                " is used, and the range contains the others",
            )

    def _reset(self, t_ns: int, value: int, still_s: float) -> None:
        before_j, shown_j = (self._baseline or 0) * self.counter.unit_j, value * self.counter.unit_j
        text = f"the counter fell from {before_j:.3f} J to {shown_j:.3f} J; the tick is imputed from the power before"
        self._say(EventKind.RESET, t_ns, text)
        believable = self.counter.restarts_at_zero and shown_j <= self._curve.max_power_w * (still_s + self._lag_s)
        self._bridge(t_ns, max(0.0, shown_j - self.stood_in_j) if believable else 0.0)
        self._begin(t_ns, value)

    def _quarantine(self, reading: Reading, value: int) -> None:
        """An impossible jump changes nothing. A second reading that agrees with it begins a new epoch."""
        suspect, self._quarantined = self._quarantined, reading
        if suspect is None:
            jump_j = (value - (self._baseline or 0)) * self.counter.unit_j
            self._say(
                EventKind.ABSURD,
                reading.t_ns,
                f"the counter jumped by {jump_j:.6g} J, more than the device can draw; the reading is left out",
            )
            return
        since_s = (reading.t_ns - suspect.t_ns) * NS
        if classify(int(suspect.value), value, since_s, self.counter, self._curve.max_power_w, None).kind in ("advanced", "wrapped"):
            self._say(EventKind.RESET, reading.t_ns, "the counter continues from the value that it jumped to; the time between is imputed")
            self._give_up_gap()
            self._bridge(reading.t_ns, 0.0)
            self._begin(reading.t_ns, value)
            self._quarantined = None
            self._curve.mark(reading.t_ns, reading.uncertainty_ns)
