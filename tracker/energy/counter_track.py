"""PURE: what each reading of one energy counter adds to the curve, and what is booked while the counter shows nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..core.point import Provenance
from ..core.run import EventKind
from ..core.sensing import Counter, Reading
from .counter_state import CounterState
from .counter_steps import SLOWEST_UPDATE_S, Outcome, Rate, classify, unwrapped_s
from .curve import NS, Curve
from .gauge_track import Shown

COUNTING, MUTE = CounterState.COUNTING, CounterState.MUTE
STALE_READS = 10
STALE_S = 2.0
TAIL_S = 0.1
"""If the last reading is more than this before the end of the run, the rest is imputed."""


Say = Callable[[EventKind, int, str], None]
"""Reports an event: its kind, its time (ns) and its detail."""


class CounterTrack:
    """The counter of one device. Its energy is booked on `curve`.

    Units are summed as integers, so rounding errors do not add up. `gauge` returns what a gauge shows at an instant, None without a fresh
    reading. `say` receives events. `covered_ns` is the time for which energy is measured. `state` says what the counter does now.
    """

    def __init__(self, counter: Counter, curve: Curve, gauge: Callable[[int], Shown | None], say: Say) -> None:
        self.counter = counter
        self._modulus = math.inf if counter.modulus is None else counter.modulus
        self._most_per_ns = curve.max_power_w * NS / counter.unit_j
        self.covered_ns = 0
        self.state = CounterState.FIRST
        self.counting_since_ns = 0  # since when no energy is booked by other means
        self._stood_in_j = 0.0  # booked by other means since the counter was replaced
        self._unread_ns = 0  # since when it is UNREADABLE
        self._curve = curve
        self._gauge = gauge
        self._say = say
        self._lag_s = SLOWEST_UPDATE_S
        self._units = 0  # booked in total
        self._baseline: int | None = None
        self._quarantined: Reading | None = None  # an impossible reading: a second one that agrees begins a new epoch
        self._booked_ns = 0  # up to here the energy is booked
        self._read_ns = 0  # the last good reading
        self._moved_ns = 0  # the last reading with a new value
        self._still_reads = 0  # since it last moved, those that failed too
        self._said_mute = False  # the event is kept once for each time that it stands still
        self._rate = Rate()
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
            step, dt_ns = value - self._baseline, t_ns - self._moved_ns
            if 0 < step <= dt_ns * self._most_per_ns and dt_ns < self._sure_ns and value < self._modulus:
                self._go_on(t_ns, value, step)  # the usual case: there is nothing to decide
                self._curve.mark(t_ns, uncertainty_ns)
                return
        self._decide(reading)

    def _decide(self, reading: Reading) -> None:
        """A reading whose meaning must be decided."""
        counter, t_ns = self.counter, max(reading.t_ns, self._booked_ns)
        if not math.isfinite(reading.value) or not 0 <= reading.value < self._modulus:
            self._say(EventKind.ABSURD, t_ns, f"the counter read {reading.value!r}, which is impossible; the reading is left out")
            return
        value = int(reading.value)
        since_ns = self._read_ns if value == self._baseline else self._moved_ns  # not moved: it can only have wrapped since the last read
        still_s = (t_ns - since_ns) * NS
        self._read_ns = t_ns
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
            self._stand_in(t_ns, CounterState.STALE)
        else:
            self._advance(t_ns, value, still_s, outcome)
        self._curve.mark(t_ns, reading.uncertainty_ns, *self._unsure_j(t_ns))

    def miss(self, t_ns: int) -> None:
        """A read failed. The next good read covers the gap, but a counter that fails for long is treated like one that stands still."""
        if self._baseline is not None and t_ns >= self._booked_ns:
            self._still_reads += 1
            if self._stand_in(t_ns, CounterState.UNREADABLE):
                self._curve.mark(t_ns, 0, *self._unsure_j(t_ns))

    def finish(self, t_ns: int) -> None:
        """The run ends. A counter at rest covers the time up to its last good reading; the time after that is imputed."""
        if self._baseline is None:
            return
        self._give_up_gap()
        if self.state is COUNTING:
            self.covered_ns += max(0, self._read_ns - self._booked_ns)
        if (t_ns - self._read_ns) * NS > TAIL_S:
            self._booked_ns = max(self._booked_ns, self._read_ns)
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
        self._booked_ns = self._moved_ns = t_ns
        self._still_reads = 0
        self._said_mute = False
        self.state = COUNTING
        self._stood_in_j = 0.0
        self.counting_since_ns = t_ns
        self._rate.restart(t_ns, self._units)

    def _go_on(self, t_ns: int, baseline: int, delta: int) -> None:
        """The counter has moved by `delta` units: all that was drawn since it moved last."""
        unit_j = self.counter.unit_j
        self._units += delta
        self._curve.counter_j = self._units * unit_j
        self.covered_ns += t_ns - self._booked_ns
        self._booked_ns = self._moved_ns = self._read_ns = t_ns
        self._baseline = baseline
        self._quarantined = None
        self._still_reads = 0
        self._said_mute = False
        self.state = COUNTING
        self._rate.take(t_ns, self._units, unit_j)

    def _advance(self, t_ns: int, value: int, still_s: float, outcome: Outcome) -> None:
        unit_j, delta = self.counter.unit_j, outcome.delta
        if self.state.replaced:
            stood_in = round(self._stood_in_j / unit_j)
            excess, delta = max(0, stood_in - delta), max(0, delta - stood_in)
            # While it stood still, too much (`excess`) or too little (`delta`) was booked. This correction may belong to the time before a
            # window that began in that time, so it is slack. After UNREADABLE it is not: the edges of the points in that time contain it.
            exact = self.state is CounterState.UNREADABLE
            self._curve.slack_low_j += (excess + (0 if exact else delta)) * unit_j
            self._curve.slack_high_j += 0.0 if exact else excess * unit_j
            self._say(EventKind.RESUMED, t_ns, f"the counter moves again; {self._stood_in_j:.1f} J of its advance are booked already")
            self.covered_ns += self._booked_ns - self._unread_ns if exact else 0
            self._stood_in_j = 0.0
            self.counting_since_ns = t_ns
        self._go_on(t_ns, value if outcome.kind == "wrapped" else max(value, self._baseline or 0), delta)
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
        self._bridge(t_ns, max(0.0, shown_j - self._stood_in_j) if believable else 0.0)
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

    # ---- what is booked while it shows nothing

    def _stand_in(self, t_ns: int, replaced: CounterState) -> bool:
        """Book the energy of a counter that stands still or cannot be read: from the gauge, or from the power held. The first time the
        state becomes `replaced`. Returns whether anything was booked."""
        counter, still_s = self.counter, (t_ns - self._moved_ns) * NS
        if self._still_reads <= STALE_READS or still_s <= STALE_S:
            return False
        shown = self._gauge(t_ns)
        power_w = self._power_w(t_ns)
        if power_w is None:
            self._fall_mute(t_ns, still_s)
            return False
        if power_w * still_s < STALE_READS * counter.quantum * counter.unit_j:
            return False  # less is drawn than the counter can show
        dt_s = (t_ns - self._booked_ns) * NS
        unseen_j = 0.0
        if not self.state.replaced:
            unseen_j = 0.0 if shown is None else shown.swing_w * dt_s  # how the power varied in this time was not booked
            self.state, self._unread_ns = replaced, self._booked_ns
            by = "the power before" if shown is None else "the power gauge"
            what = "stood still" if replaced is CounterState.STALE else "not been readable"
            text = f"the counter has {what} for {still_s:.1f} s while about {power_w:.0f} W are drawn; energy is booked from {by}"
            self._say(EventKind.STALE, t_ns, text)
        self._stood_in_j += power_w * dt_s
        if self.state is CounterState.UNREADABLE:
            self._curve.book(Provenance.IMPUTED if shown is None else Provenance.MEASURED_POWER, power_w * dt_s)
            self._booked_ns = t_ns
        elif shown is None:
            self._impute(t_ns, power_w, 0.0)
        else:
            self._curve.book(Provenance.MEASURED_POWER, power_w * dt_s, min(unseen_j, power_w * dt_s), unseen_j)
            self.covered_ns += t_ns - self._booked_ns
            self._booked_ns = t_ns
        return True

    def _fall_mute(self, t_ns: int, still_s: float) -> None:
        """Nothing shows the power of a counter that stands still."""
        if self.state is COUNTING:
            self.state = MUTE
        if not self._said_mute:
            self._said_mute = True
            text = f"the counter has stood still for {still_s:.1f} s, and nothing else shows the power: it may be up to full power"
            self._say(EventKind.STALE, t_ns, text)

    def _unsure_j(self, t_ns: int) -> tuple[float, float]:
        """How much less and more may have been drawn than is booked."""
        if self.state is CounterState.UNREADABLE:
            return self._stood_in_j, max(0.0, (t_ns - self._unread_ns) * NS * self._curve.max_power_w - self._stood_in_j)
        if self.state is CounterState.STALE:
            shown = self._gauge(t_ns)
            late_j = 0.0 if shown is None else shown.swing_w * shown.late_s
            return late_j, late_j
        still_s = (t_ns - self._booked_ns) * NS
        undecided = self.state is MUTE or self._still_reads <= STALE_READS or still_s <= STALE_S  # it may be stale already
        return 0.0, still_s * self._curve.max_power_w if undecided else 0.0

    def _give_up_gap(self) -> None:
        """The energy booked while the counter was UNREADABLE will not be replaced by a reading: its possible error becomes slack."""
        if self.state is CounterState.UNREADABLE:
            most_j = (self._booked_ns - self._unread_ns) * NS * self._curve.max_power_w
            self._curve.book(Provenance.IMPUTED, 0.0, self._stood_in_j, max(0.0, most_j - self._stood_in_j))
            self.state = CounterState.STALE

    def _bridge(self, t_ns: int, at_least_j: float) -> None:
        """Impute the energy up to a new epoch. Energy that the counter did not show before it, and does not show after it, is unknown
        too."""
        lag_j = self._curve.lag_high_j
        self._impute(t_ns, self._power_w(t_ns) or 0.0, at_least_j)
        self._curve.book(Provenance.IMPUTED, 0.0, 0.0 if at_least_j else lag_j, lag_j)

    def _impute(self, t_ns: int, power_w: float, at_least_j: float) -> None:
        """Impute the energy from the last booked instant to `t_ns` by holding `power_w`. The truth is from `at_least_j` to full power."""
        dt_s = (t_ns - self._booked_ns) * NS
        most_j = max(dt_s * self._curve.max_power_w, at_least_j)
        energy_j = min(max(power_w * dt_s, at_least_j), most_j)
        self._curve.book(Provenance.IMPUTED, energy_j, energy_j - at_least_j, most_j - energy_j)
        self._booked_ns = t_ns

    def _power_w(self, t_ns: int) -> float | None:
        """The best guess at the power just before `t_ns`: the gauge's, else the counter's own rate."""
        shown, rate_w = self._gauge(t_ns), self._rate.power_w
        return shown.power_w if shown is not None else None if rate_w is None else min(rate_w, self._curve.max_power_w)
