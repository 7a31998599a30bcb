"""PURE: readings in, points of an energy curve and events out. No threads, no clock, no I/O.

A device is integrated from its energy counter where it has one, from a power gauge where it has not, and from the gauge too while
the counter stands still. Every joule is booked under its provenance; what a gap, a reset or a model may have got wrong is booked
beside it as slack.
"""

from __future__ import annotations

from .counting import SLOWEST_UPDATE_S, Rate, classify
from .crosscheck import CrossCheck
from .curve import NS, Curve
from .gauging import GaugeTrack
from .model import Counter, Device, Event, Gauge, Provenance, Reading

STALE_TICKS = 20
STALE_S = 2.0
FRESH_S = 2.0


class DeviceIntegrator:
    """The energy curve of one device. Feed it in order of time: `counter_reading`, `gauge_reading`, `failed`, then `finish`.

    `events` collects what happened, for the caller to take away; `covered_ns` is the time that measured energy spans.
    """

    def __init__(self, device: Device, counter: Counter | None, gauges: dict[str, Gauge]) -> None:
        self.device = device
        self.counter = counter
        self.curve = Curve(device.max_power_w)
        self.events: list[Event] = []
        self.covered_ns = 0
        self.lost = False
        self._gauges = {name: GaugeTrack(gauge, device.max_power_w) for name, gauge in gauges.items()}
        self._primary = next((n for n in ("power-average", "power", "power-instant", *gauges) if n in gauges), None)
        self._units = 0  # raw units booked: the total telescopes in integers, so nothing drifts
        self._baseline: int | None = None
        self._suspect: Reading | None = None
        self._booked_ns = 0  # up to here the energy is booked
        self._moved_ns = 0  # the last reading with a new value
        self._unchanged = 0
        self._stood_in_j: float | None = None  # booked by other means while the counter is stale
        self._rate = Rate()
        self._check = CrossCheck()
        self._said: set[str] = set()
        self._tick_s: dict[str, float] = {}
        self._lag_s = 0.0
        self.set_update_period(None)

    # ---- what comes in

    def counter_reading(self, reading: Reading) -> None:
        """A good reading of the energy counter: integer raw units."""
        counter, value, t_ns = self.counter, int(reading.value), reading.t_ns
        if counter is None or self.lost:
            return
        still_s = (t_ns - self._moved_ns) * NS
        outcome = classify(self._baseline, value, still_s, counter, self.device.max_power_w, self._power_w(t_ns), self._lag_s)
        if outcome.kind == "implausible":
            self._quarantine(reading, counter)
            return
        self._suspect = None
        if outcome.kind == "first":
            self._begin(reading, value)
        elif outcome.kind == "reset":
            self._event(
                "reset",
                t_ns,
                f"the counter fell from {(self._baseline or 0) * counter.unit_j:.3f} J to {value * counter.unit_j:.3f} J;"
                " the tick is filled in from the power before",
            )
            self._bridge(t_ns, value * counter.unit_j if counter.restarts_at_zero else 0.0)
            self._begin(reading, value)
        elif outcome.delta == 0:
            self._unchanged += 1
            self._stand_in(t_ns)
        else:
            self._advance(t_ns, outcome.delta, counter)
            self._baseline = value
            if outcome.kind == "wrapped":
                self._event("wrap", t_ns, f"the counter wrapped at {(counter.modulus or 0) * counter.unit_j:.0f} J")
            if outcome.ambiguous:
                self.curve.slack_low_j += (outcome.delta - outcome.fewest) * counter.unit_j
                self.curve.slack_high_j += (outcome.most - outcome.delta) * counter.unit_j
                self._event(
                    "gap",
                    t_ns,
                    f"ambiguous: no reading for {still_s:.1f} s, more than one number of wraps fits; the one nearest to"
                    " the power before was taken and the range widened by the others",
                )
        self.curve.mark(t_ns, reading.uncertainty_ns)

    def gauge_reading(self, name: str, reading: Reading) -> None:
        """A good reading of the power gauge `name`: watts."""
        track = self._gauges[name]
        if self.lost:
            return
        if not track.plausible(float(reading.value)):
            self._event(
                "absurd",
                reading.t_ns,
                f"{name} read {reading.value:.6g} W, and the device can draw {self.device.max_power_w:.0f} W; the reading is left out",
            )
            return
        first = name == self._primary and self.counter is None and not self.curve.ticks
        piece = track.take(reading)
        if name != self._primary:
            return
        if self.counter is not None:
            if piece is not None:
                self._cross_check(track, piece.t_ns, piece.energy_j)
        elif first:
            self.curve.mark(reading.t_ns, reading.uncertainty_ns)
        elif piece is not None:
            self.curve.book(piece.provenance, piece.energy_j, piece.slack_low_j, piece.slack_high_j)
            self.curve.lag_low_j = self.curve.lag_high_j = track.step_edge_j
            if piece.provenance is Provenance.IMPUTED:
                self._event("gap", piece.t_ns, f"{name} was not read for {piece.dt_s:.1f} s; filled in from the power on either side")
            elif piece.provenance is Provenance.MEASURED_POWER:
                self.covered_ns += round(piece.dt_s / NS)
            self.curve.mark(piece.t_ns, reading.uncertainty_ns)

    def failed(self, name: str, t_ns: int, reason: str, *, lost: bool = False) -> None:
        """A read of sensor `name` failed. Nothing is booked; the next good reading of a counter covers the gap exactly."""
        if self.lost:
            return
        if lost:
            self.lost = True
            last = self.curve.latest
            if last is not None:  # what it drew between the last reading and its loss was not seen
                self.curve.slack_high_j += max(0, t_ns - last.t_ns) * NS * self.device.max_power_w
                self.curve.mark(last.t_ns + 1)
            self._event("lost", t_ns, f"{name}: {reason}; its energy until then is kept")
            return
        if f"{name}: {reason}" not in self._said:
            self._said.add(f"{name}: {reason}")
            self._event("gap", t_ns, f"a read of {name} failed ({reason}); nothing is booked for it")
        if name == "energy" and self._baseline is not None:
            self._unchanged += 1
            if self._stand_in(t_ns):
                self.curve.mark(t_ns)

    def finish(self, t_ns: int) -> None:
        """The run ends at `t_ns`: fill in what an averaging gauge has not shown yet; count a counter at rest as covered."""
        if self.lost:
            return
        if self.counter is not None:
            if self._baseline is not None and self._stood_in_j is None:
                self.covered_ns += max(0, t_ns - self._booked_ns)
        elif self._primary is not None:
            tail = self._gauges[self._primary].tail(t_ns, self._gauges.get("power-instant"))
            if tail is not None:
                self.curve.book(tail.provenance, tail.energy_j, tail.slack_low_j, tail.slack_high_j)
                self.curve.mark(tail.t_ns)

    def set_update_period(self, seconds: float | None) -> None:
        """How often the counter is renewed, once measured: the truth may be ahead of it by that long at full power."""
        if self.counter is not None:
            self.update_period_s = seconds
            self._lag_s = SLOWEST_UPDATE_S if seconds is None else seconds
            self.curve.lag_high_j = self._lag_s * self.device.max_power_w
        else:
            self.update_period_s = None

    def set_tick(self, name: str, seconds: float) -> None:
        """How often sensor `name` is read."""
        self._tick_s[name] = seconds

    # ---- what is asked

    @property
    def step_s(self) -> float:
        """The finest time that the curve resolves: the coarser of a tick and of the sensor's own update or window."""
        if self.counter is not None:
            return max(self._tick_s.get("energy", 0.0), self.update_period_s or 0.0)
        gauge = self._gauges.get(self._primary) if self._primary else None
        return 0.0 if gauge is None else max(self._tick_s.get(self._primary or "", 0.0), gauge.gauge.window_s)

    @property
    def residual(self) -> float | None:
        """Counter ÷ integrated power − 1 over the time compared; None before the first comparison."""
        return self._check.residual

    def take_events(self) -> list[Event]:
        """The events since the last call."""
        events, self.events = self.events, []
        return events

    # ---- within

    def _begin(self, reading: Reading, value: int) -> None:
        """A new epoch of the counter: differences start here."""
        self._baseline = value
        self._booked_ns = self._moved_ns = reading.t_ns
        self._unchanged = 0
        self._stood_in_j = None
        self._rate.restart(reading.t_ns, self._units)
        self._check.restart()

    def _advance(self, t_ns: int, delta: int, counter: Counter) -> None:
        if self._stood_in_j is not None:
            stood_in = round(self._stood_in_j / counter.unit_j)
            self.curve.slack_low_j += max(0, stood_in - delta) * counter.unit_j  # more was filled in than was drawn
            delta = max(0, delta - stood_in)
            self._event("resumed", t_ns, f"the counter moves again; {self._stood_in_j:.1f} J of its advance were booked while it stood")
            self._stood_in_j = None
        self._units += delta
        self.curve.joules[Provenance.MEASURED_COUNTER] = self._units * counter.unit_j
        self.covered_ns += t_ns - self._booked_ns
        self._booked_ns = self._moved_ns = t_ns
        self._unchanged = 0
        self._rate.take(t_ns, self._units, counter.unit_j)

    def _stand_in(self, t_ns: int) -> bool:
        """Book a stale counter's energy by the gauge, or by holding the power before. True if anything was booked."""
        counter, still_s = self.counter, (t_ns - self._moved_ns) * NS
        if counter is None or self._unchanged <= STALE_TICKS or still_s <= STALE_S:
            return False
        gauge_w = self._gauge_w(t_ns)
        power_w = self._rate.power_w if gauge_w is None else gauge_w
        if power_w is None or power_w * still_s < STALE_TICKS * counter.quantum * counter.unit_j:
            return False  # nothing is drawn that it should have shown
        if self._stood_in_j is None:
            self._stood_in_j = 0.0
            by = "held power" if gauge_w is None else "the power gauge"
            self._event(
                "stale",
                t_ns,
                f"the counter has stood still for {still_s:.1f} s while about {power_w:.0f} W are drawn; booked by {by}",
            )
        dt_s = (t_ns - self._booked_ns) * NS
        self._stood_in_j += power_w * dt_s
        if gauge_w is not None:
            self.curve.book(Provenance.MEASURED_POWER, gauge_w * dt_s)
            self.covered_ns += t_ns - self._booked_ns
            self._booked_ns = t_ns
        else:
            self._impute(t_ns, power_w, 0.0)
        return True

    def _bridge(self, t_ns: int, at_least_j: float) -> None:
        """Book the tick in which the counter was lost."""
        self._impute(t_ns, self._power_w(t_ns) or 0.0, at_least_j)

    def _impute(self, t_ns: int, power_w: float, at_least_j: float) -> None:
        """Fill in from the last booked instant to `t_ns`: `power_w` held, the truth between `at_least_j` and full power."""
        most_j = (t_ns - self._booked_ns) * NS * self.device.max_power_w
        energy_j = min(max(power_w * (t_ns - self._booked_ns) * NS, at_least_j), max(most_j, at_least_j))
        self.curve.book(Provenance.IMPUTED, energy_j, energy_j - min(at_least_j, energy_j), max(0.0, most_j - energy_j))
        self._booked_ns = t_ns

    def _quarantine(self, reading: Reading, counter: Counter) -> None:
        """An impossible jump moves nothing; a second reading that agrees with it is a new epoch."""
        suspect, self._suspect = self._suspect, reading
        if suspect is None:
            self._event(
                "absurd",
                reading.t_ns,
                f"the counter jumped by {(int(reading.value) - (self._baseline or 0)) * counter.unit_j:.6g} J,"
                " more than the device can draw; the reading is left out",
            )
            return
        agrees = classify(
            int(suspect.value), int(reading.value), (reading.t_ns - suspect.t_ns) * NS, counter, self.device.max_power_w, None
        )
        if agrees.kind in ("advanced", "wrapped"):
            self._event("reset", reading.t_ns, "the counter goes on from where it jumped to; the time between is filled in")
            self._bridge(reading.t_ns, 0.0)
            self._begin(reading, int(reading.value))
            self._suspect = None
            self.curve.mark(reading.t_ns, reading.uncertainty_ns)

    def _gauge_w(self, t_ns: int) -> float | None:
        track = self._gauges.get(self._primary) if self._primary else None
        return track.power_w(t_ns, FRESH_S) if track is not None else None

    def _power_w(self, t_ns: int) -> float | None:
        """The best guess at the power just before `t_ns`: the gauge's, else the counter's own rate."""
        gauge_w = self._gauge_w(t_ns)
        return self._rate.power_w if gauge_w is None else gauge_w

    def _cross_check(self, track: GaugeTrack, t_ns: int, energy_j: float) -> None:
        """Hold the counter against integrated power; where they disagree, let the range contain both."""
        if track.gauge.shape != "window":
            return  # sparse instantaneous samples prove nothing
        here = self.curve.at(t_ns)
        if here is None or self._stood_in_j is not None:
            self._check.restart()
            return
        found = self._check.take(t_ns, here.counter_j, energy_j, 2 * track.step_edge_j)
        if found is None:
            return
        apart_j = found.counter_j - found.power_j
        self.curve.slack_low_j += max(0.0, apart_j)
        self.curve.slack_high_j += max(0.0, -apart_j)
        if "disagreement" not in self._said:
            self._said.add("disagreement")
            self._event(
                "disagreement",
                t_ns,
                f"the counter says {found.counter_j:.0f} J and integrated power {found.power_j:.0f} J over the same"
                f" {found.seconds:.0f} s; the range contains both",
            )

    def _event(self, kind: str, t_ns: int, detail: str) -> None:
        self.events.append(Event(kind, t_ns, self.device.name, detail))
