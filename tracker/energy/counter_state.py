"""PURE: the states of an energy counter, as its readings show them, and what is booked while it shows nothing."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from ..core.point import Provenance
from ..core.run import EventKind
from ..core.sensing import Counter, StandIn
from .checks.suspects import Suspects
from .counter_steps import SLOWEST_UPDATE_S, Move, Rate
from .curve import NS, Curve
from .gauge_track import Shown

STALE_READS = 10
STALE_S = 2.0
NEVER_S = 0.25
"""At the end of a run a counter that has not moved for this long since its beginning is taken for one that never moves."""
STILL_S = 0.3
"""A counter stands still if it shows nothing new for this long, and for three of its updates."""

Say = Callable[[EventKind, int, str], None]
"""Reports an event: its kind, its time (ns) and its detail."""
Passed = Callable[[int, float], bool]
"""Told that the counter shows so many watts (second), more than the limit, for some time up to an instant (ns, first). Returns whether the
limit was raised."""


class CounterState(Enum):
    """::

        FIRST ──first reading──▶ COUNTING ◀──it moves, or a new epoch begins── MUTE, STALE, UNREADABLE
                                    │
              stands still, power unknown ──▶ MUTE
              stands still while power is drawn ──▶ STALE
              cannot be read while power is drawn ──▶ UNREADABLE ──readable, but not moved──▶ STALE

    Standing still or failing becomes a state only after STALE_READS reads and STALE_S seconds. From MUTE it may become STALE or UNREADABLE
    once the power is known.
    """

    FIRST = auto()
    """No good reading yet."""
    COUNTING = auto()
    """Its advance is the energy drawn."""
    MUTE = auto()
    """It stands still, and nothing else shows the power: up to full power may be drawn."""
    STALE = auto()
    """It stands still while power is drawn: energy is booked from the gauge, or from the power held."""
    UNREADABLE = auto()
    """It cannot be read for long: energy is booked as for STALE, and the next good reading makes all of it exact."""

    @property
    def replaced(self) -> bool:
        """Whether energy is booked by other means than the counter."""
        return self is CounterState.STALE or self is CounterState.UNREADABLE


class SilentCounter:
    """The counter of one device, as far as it shows nothing: it stands still, cannot be read, or its readings are impossible.

    Energy is booked on `curve`. `gauge` returns what a gauge shows at an instant, None without a fresh reading. `say` receives events.
    `covered_ns` is the time for which energy is measured. `state` says what the counter does now.
    """

    def __init__(self, counter: Counter, curve: Curve, gauge: Callable[[int], Shown | None], say: Say) -> None:
        self.counter = counter
        self.covered_ns = 0
        self.state = CounterState.FIRST
        self.counting_since_ns = 0  # since when no energy is booked by other means
        self.stood_in_j = 0.0  # booked by other means since the counter was replaced
        self.booked_ns = 0  # up to here the energy is booked
        self.moved_ns = 0  # the last reading with a new value
        self._unread_ns = 0  # since when it is UNREADABLE
        self._curve = curve
        self._gauge = gauge
        self._say = say
        self.lag_s = SLOWEST_UPDATE_S
        self.model: StandIn | None = None  # stands in if the counter never shows a power
        self._quarantined: Suspects | None = None
        self._move = Move()  # its last one
        self._stopped = False  # it stands still for longer than its updates take, so it may have stopped during its last move
        self._still_reads = 0  # since it last moved, those that failed too
        self._said_mute = False  # the event is kept once for each time that it stands still
        self._rate = Rate()

    def _stand_in(self, t_ns: int, replaced: CounterState) -> bool:
        """Book the energy of a counter that stands still or cannot be read: from the gauge, or from the power held. The first time the
        state becomes `replaced`. Returns whether anything was booked."""
        counter, still_s = self.counter, (t_ns - self.moved_ns) * NS
        if self._still_reads <= STALE_READS or still_s <= STALE_S:
            return False
        shown = self._gauge(t_ns)
        power_w = self._power_w(t_ns)
        if power_w is None:
            if self._stand_in_modelled(t_ns):
                return True
            self._fall_mute(t_ns, still_s)
            return False
        if power_w * still_s < STALE_READS * counter.quantum * counter.unit_j:
            return False  # less is drawn than the counter can show
        dt_s = (t_ns - self.booked_ns) * NS
        unseen_j = 0.0
        if not self.state.replaced:
            unseen_j = 0.0 if shown is None else shown.swing_w * dt_s  # how the power varied in this time was not booked
            if replaced is CounterState.STALE:
                self._complete_move(power_w)
            self.state, self._unread_ns = replaced, self.booked_ns
            by = "the power before" if shown is None else "the power gauge"
            what = (
                "stood still" if replaced is CounterState.STALE else "not been readable" if self._quarantined is None else "been impossible"
            )
            text = f"the counter has {what} for {still_s:.1f} s while about {power_w:.0f} W are drawn; energy is booked from {by}"
            self._say(EventKind.STALE, t_ns, text)
        self.stood_in_j += power_w * dt_s
        if self.state is CounterState.UNREADABLE:
            self._curve.book(Provenance.IMPUTED if shown is None else Provenance.MEASURED_POWER, power_w * dt_s)
            self.booked_ns = t_ns
        elif shown is None:
            self._impute(t_ns, power_w, 0.0)
        else:
            self._curve.book(Provenance.MEASURED_POWER, power_w * dt_s, min(unseen_j, power_w * dt_s), unseen_j)
            self.covered_ns += t_ns - self.booked_ns
            self.booked_ns = t_ns
        return True

    def _stand_in_modelled(self, t_ns: int) -> bool:
        """If there is a model of the device: book what that says. Returns whether it was booked. For a counter that has never moved, or not
        for long enough to show a power."""
        model = self.model
        if model is None:
            return False
        if not self.state.replaced:
            self._complete_move(model.power_w)
            self.state, self._unread_ns = CounterState.STALE, self.booked_ns
            still_s, never = (t_ns - self.moved_ns) * NS, self.moved_ns == self.counting_since_ns
            what = f"not moved once in {still_s:.1f} s" if never else f"stood still for {still_s:.1f} s and shown no power before"
            self._say(EventKind.STALE, t_ns, f"the counter has {what}; a model stands in: {model.words}")
        energy_j = model.power_w * (t_ns - self.booked_ns) * NS
        self._curve.book(Provenance.MODELLED, energy_j, energy_j * (1 - model.low_factor), energy_j * (model.high_factor - 1))
        self.stood_in_j += energy_j
        self.booked_ns = t_ns
        return True

    def _stand_still(self, t_ns: int, still_s: float) -> None:
        """A good read, and the counter has not moved."""
        if not self._stopped and still_s > max(STILL_S, 3 * self.lag_s):
            self._stopped = True
            self._curve.widen(self.moved_ns, self._move.lacks_j(self._curve.max_power_w))
        self._stand_in(t_ns, CounterState.STALE)

    @property
    def _lacking_ns(self) -> int:
        """How long before its last move the counter may have stopped: what the move lacks, at full power."""
        return round(self._move.lacks_j(self._curve.max_power_w) / self._curve.max_power_w / NS) if self._stopped else 0

    def _complete_move(self, power_w: float) -> None:
        """The counter is stale: impute what its last move lacks if the power before it, or else `power_w`, was drawn."""
        energy_j, most_j = self._move.lacks_j(self._rate.before_w or power_w), self._move.lacks_j(self._curve.max_power_w)
        self._curve.book(Provenance.IMPUTED, energy_j, energy_j, max(0.0, most_j - energy_j))
        self.stood_in_j += energy_j

    def _fall_mute(self, t_ns: int, still_s: float) -> None:
        """Nothing shows the power of a counter that stands still."""
        if self.state is CounterState.COUNTING:
            self.state = CounterState.MUTE
        if not self._said_mute:
            self._said_mute = True
            what = "stood still" if self._quarantined is None else "been impossible"
            text = f"the counter has {what} for {still_s:.1f} s, and nothing else shows the power: it may be up to full power"
            self._say(EventKind.STALE, t_ns, text)

    def _unsure_j(self, t_ns: int) -> tuple[float, float]:
        """How much less and more may have been drawn than is booked."""
        if self.state is CounterState.UNREADABLE:
            return self.stood_in_j, max(0.0, (t_ns - self._unread_ns) * NS * self._curve.max_power_w - self.stood_in_j)
        if self.state is CounterState.STALE:
            shown = self._gauge(t_ns)
            late_j = 0.0 if shown is None else shown.swing_w * shown.late_s
            return late_j, late_j
        still_s = (t_ns - self.booked_ns) * NS
        undecided = self.state is CounterState.MUTE or self._still_reads <= STALE_READS or still_s <= STALE_S  # it may be stale already
        unseen_j = self._move.lacks_j(self._curve.max_power_w) if self._stopped else 0.0
        return 0.0, still_s * self._curve.max_power_w + unseen_j if undecided else 0.0

    def _give_up_gap(self) -> None:
        """The energy booked while the counter was UNREADABLE will not be replaced by a reading: its possible error becomes slack."""
        if self.state is CounterState.UNREADABLE:
            most_j = (self.booked_ns - self._unread_ns) * NS * self._curve.max_power_w
            self._curve.book(Provenance.IMPUTED, 0.0, self.stood_in_j, max(0.0, most_j - self.stood_in_j))
            self.state = CounterState.STALE

    def _bridge(self, t_ns: int, at_least_j: float) -> None:
        """Impute the energy up to a new epoch. Energy that the counter did not show before it, and does not show after it, is unknown
        too."""
        lag_j = self._curve.lag_high_j
        self._impute(t_ns, self._power_w(t_ns) or 0.0, at_least_j)
        self._curve.book(Provenance.IMPUTED, 0.0, 0.0 if at_least_j else lag_j, lag_j)

    def _impute(self, t_ns: int, power_w: float, at_least_j: float) -> None:
        """Impute the energy from the last booked instant to `t_ns` by holding `power_w`. The truth is from `at_least_j` to full power."""
        dt_s = (t_ns - self.booked_ns) * NS
        most_j = max(dt_s * self._curve.max_power_w, at_least_j)
        energy_j = min(max(power_w * dt_s, at_least_j), most_j)
        self._curve.book(Provenance.IMPUTED, energy_j, energy_j - at_least_j, most_j - energy_j)
        self.booked_ns = t_ns

    def _power_w(self, t_ns: int) -> float | None:
        """The best guess at the power just before `t_ns`: the gauge's, else the counter's own rate."""
        shown, rate_w = self._gauge(t_ns), self._rate.power_w if self._still_reads == 0 else self._rate.before_w or self._rate.power_w
        return shown.power_w if shown is not None else None if rate_w is None else min(rate_w, self._curve.max_power_w)
