"""PURE: what each reading of one energy counter adds to the curve."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..core.point import Provenance
from ..core.run import EventKind
from ..core.sensing import Counter, Reading
from .checks.suspects import Suspects, Suspicion
from .counter_state import NEVER_S, CounterState, Passed, Say, SilentCounter
from .counter_steps import SLOWEST_UPDATE_S, Move, Outcome, classify, unwrapped_s
from .curve import NS, Curve
from .delay.late_counter import LateCounter
from .delay.unshown import PERIOD_MARGIN, Seen
from .gauge_track import Shown

COUNTING, MUTE = CounterState.COUNTING, CounterState.MUTE
TAIL_S = 0.1
"""If the last reading is more than this before the end of the run, the rest is imputed."""


class CounterTrack(SilentCounter):
    """The counter of one device: decides what each of its readings means, and books its energy.

    Units are summed as integers, so rounding errors do not add up. `passed` is told of a limit that is passed; no device of this kind draws
    more than `part_most_w`.
    """

    def __init__(
        self, counter: Counter, curve: Curve, gauge: Callable[[int], Shown | None], say: Say, passed: Passed, part_most_w: float
    ) -> None:
        super().__init__(counter, curve, gauge, say)
        self._modulus = math.inf if counter.modulus is None else counter.modulus
        self._passed, self._part_most_w = passed, part_most_w
        self._units = 0  # booked in total
        self._baseline: int | None = None
        self._read_ns = 0  # the last good reading
        self._late = LateCounter(curve)
        self.set_lag(SLOWEST_UPDATE_S)

    def set_update_period(self, seconds: float | None) -> None:
        """It is updated every `seconds`, as measured; None if that is unknown, and it may be as slow as any."""
        self.set_lag(SLOWEST_UPDATE_S if seconds is None else seconds)
        self._late.know((seconds or 0.0) / PERIOD_MARGIN / 2)

    def set_lag(self, seconds: float) -> None:
        """How late the counter may show energy. The energy of that time at full power is part of each point's edge."""
        self.lag_s = seconds
        self._most_per_ns = self._curve.max_power_w * NS / self.counter.unit_j
        self._curve.lag_high_j = seconds * self._curve.max_power_w
        self._sure_ns = unwrapped_s(self.counter, self._curve.max_power_w, seconds) / NS

    def raise_limit(self) -> None:
        """The curve's limit is higher now. What was impossible may be possible, and is decided with the next reading."""
        self.set_lag(self.lag_s)
        if self._quarantined is not None and not self._quarantined.nonsense:
            self._quarantined = None

    def take(self, reading: Reading) -> None:
        """A good read: integer raw units."""
        t_ns, value, uncertainty_ns = reading
        state = self.state
        if (state is COUNTING or state is MUTE) and self._baseline is not None and type(value) is int and not self._stopped:
            step, dt_ns = value - self._baseline, t_ns - self.moved_ns
            if 0 < step <= dt_ns * self._most_per_ns and dt_ns < self._sure_ns and value < self._modulus:
                self._go_on(t_ns, value, step, t_ns - self._read_ns)  # the usual case: there is nothing to decide
                self._look(t_ns)
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
        since_ns = self._read_ns if value == self._baseline else self.moved_ns - self._lacking_ns
        still_s, apart_ns = (t_ns - since_ns) * NS, t_ns - self._read_ns
        expected_w = None if counter.modulus is None else self._power_w(t_ns)  # decides between numbers of wraps
        outcome = classify(self._baseline, value, still_s, counter, self._curve.max_power_w, expected_w, self.lag_s)
        if outcome.kind == "implausible":
            self._quarantine(reading, t_ns)
            return
        self._read_ns = t_ns
        self._dismiss()
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
        if not self.state.replaced:
            self._look(t_ns)
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
        self._late.finish()
        claimed_j = self._settle_suspects()
        self._give_up_gap()
        never_moved = self.moved_ns == self.counting_since_ns and (t_ns - self.moved_ns) * NS > NEVER_S
        if never_moved and self._stand_in_modelled(t_ns):
            self._curve.mark(t_ns)
            self._curve.settle(t_ns)
            return
        if self.state is COUNTING:
            self.covered_ns += max(0, self._read_ns - self.booked_ns)
        if (t_ns - self._read_ns) * NS > TAIL_S:
            self.booked_ns = max(self.booked_ns, self._read_ns)
            most_j = (t_ns - self.booked_ns) * NS * self._curve.max_power_w
            self._impute(t_ns, self._power_w(t_ns) or 0.0, 0.0)
            self._curve.book(Provenance.IMPUTED, 0.0, 0.0, max(0.0, claimed_j - most_j))
            self._curve.mark(t_ns)

    @property
    def refused(self) -> tuple[int, float] | None:
        """Since when (ns) its readings are impossible, and the power (W) that they show. None unless there are several."""
        return None if self._quarantined is None else self._quarantined.repeated

    @property
    def doubted(self) -> bool:
        """Whether it is not known what the counter does: it was impossible, or it shows nothing although power is drawn."""
        return self._quarantined is not None or self.state.replaced

    # ---- what a reading does

    def _look(self, t_ns: int) -> None:
        """A good reading at `t_ns`: find out what the counter does not show yet."""
        shown = self._gauge(t_ns)
        least_w, now_w = (None, None) if shown is None else (shown.least_w, shown.now_w)
        self._late.take(Seen(t_ns, self._units * self.counter.unit_j, now_w), least_w)

    def _begin(self, t_ns: int, value: int) -> None:
        """A new epoch: differences start here."""
        self._baseline = value
        self.booked_ns = self.moved_ns = self._read_ns = t_ns
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
        if self._quarantined is not None:
            self._dismiss()
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
        believable = self.counter.restarts_at_zero and shown_j <= self._curve.max_power_w * (still_s + self.lag_s)
        self._bridge(t_ns, max(0.0, shown_j - self.stood_in_j) if believable else 0.0)
        self._begin(t_ns, value)

    def _quarantine(self, reading: Reading, t_ns: int) -> None:
        """An impossible step changes nothing. If later readings agree with it, it was a jump, and a new epoch begins. If the counter goes
        on to rise by more than the device can draw, the limit is wrong, or the counter."""
        suspects = self._quarantined
        if suspects is None:
            step_j = (reading.value - (self._baseline or 0)) * self.counter.unit_j
            self._quarantined = suspects = Suspects(reading, step_j, (t_ns - self.moved_ns) * NS, self._part_most_w)
            if suspects.nonsense:
                self._say(EventKind.ABSURD, reading.t_ns, str(suspects))
            return
        self._still_reads += 1
        meaning = suspects.add(reading, self.counter, self._curve.max_power_w)
        if meaning is Suspicion.PASSED and self._follow(suspects):
            return
        if meaning is Suspicion.JUMPED:
            self._dismiss()
            self._say(EventKind.RESET, t_ns, "the counter continues from the value that it jumped to; the time between is imputed")
            self._give_up_gap()
            self._bridge(t_ns, 0.0)
            self._begin(t_ns, int(reading.value))
            self._curve.mark(t_ns, reading.uncertainty_ns)
            return
        self._stand_in(t_ns, CounterState.UNREADABLE)
        less_j, more_j = self._unsure_j(t_ns)
        claimed_j = suspects.claimed_j(self.counter.unit_j) - self.stood_in_j
        self._curve.mark(t_ns, reading.uncertainty_ns, less_j, max(more_j, claimed_j))
        self._curve.settle(t_ns)

    def _follow(self, suspects: Suspects) -> bool:
        """Ask for a higher limit. If it was raised, all that the counter has shown is possible, and is booked."""
        if suspects.shown_w > self._part_most_w or not self._passed(suspects.last.t_ns, suspects.shown_w):
            return False
        self._quarantined = None
        self._decide(suspects.last)
        return True

    def _settle_suspects(self) -> float:
        """The run ends while its readings are impossible. Returns the energy that they show, if it is left out and may be true."""
        suspects, claimed_j = self._quarantined, 0.0
        if suspects is not None and suspects.repeated is not None:
            above = suspects.repeated[1] > self._curve.max_power_w
            if not (above and self._follow(suspects)):  # the time is too short to be sure of the limit, but nothing speaks against it
                claimed_j = suspects.claimed_j(self.counter.unit_j)
        self._dismiss()
        return claimed_j

    def _dismiss(self) -> None:
        """The impossible readings are left out."""
        suspects, self._quarantined = self._quarantined, None
        if suspects is not None and not suspects.nonsense:
            self._say(EventKind.ABSURD, suspects.first.t_ns, str(suspects))
