"""PURE: readings in, points of an energy curve and events out. No threads, no clock, no I/O.

A device is integrated from its energy counter. Without a counter, and while the counter stands still, it is integrated from a power gauge.
Every joule is booked under its provenance. What may be wrong because of a gap, a reset or a model is booked as slack.
"""

from __future__ import annotations

from typing import NamedTuple

from ..core.point import Provenance
from ..core.run import Event, EventKind
from ..core.sensing import Counter, Device, Gauge, Reading
from .checks.crosscheck import Verdict, verdict
from .checks.gauges import Gauges
from .checks.in_step import InStep, StepSlack, in_step_text
from .checks.sieve import LIMIT_MARGIN, PART_MOST_W, Sieved
from .checks.two_meters import TwoMeters
from .counter_steps import SLOWEST_UPDATE_S
from .counter_track import CounterTrack
from .curve import NS, Curve
from .gauge_track import GaugeTrack, Piece
from .late_start import LateStart

LEAD_APART_S = 0.05
EVENTS_OF_A_KIND = 100


class DeviceSnapshot(NamedTuple):
    """A device at one instant; nothing in it changes any more. The fields are those of `DeviceIntegrator`."""

    device: Device
    curve: Curve
    lost: bool
    step_s: float
    covered_ns: int
    residual: float | None
    update_period_s: float | None


class DeviceIntegrator:
    """The energy curve of one device. Call `counter_reading`, `gauge_reading` and `failed` in order of time, and `finish` at the end."""

    def __init__(self, device: Device, counter: Counter | None, gauges: dict[str, Gauge]) -> None:
        self.device = device
        self.counter = counter
        self.curve = Curve(device.max_power_w)
        self.update_period_s: float | None = None
        self.lost = False
        self._gauges = Gauges(device, gauges)
        self._primary, self._instant = self._gauges.primary, self._gauges.instant
        self._part_most_w = max(PART_MOST_W[device.kind], device.max_power_w)
        self._meter: CounterTrack | None = None
        if counter is not None:
            self._meter = CounterTrack(counter, self.curve, self._gauges.shown, self._event, self._limit_passed, self._part_most_w)
            self._meter.model = device.stand_in
        self._meters: TwoMeters | None = None
        if self._meter is not None and self._primary is not None:
            self._meters = TwoMeters(self.curve, self._meter, self._gauges, self._primary, self._event)
        self._overbooked_j = 0.0
        self._start: LateStart | None = None
        self._gauge_covered_ns = 0
        self._counter_tick_s = 0.0
        self._step_slack = None if device.part_time_s is None else StepSlack(self.curve)
        self.events: list[Event] = []
        self._said: set[str] = set()
        self._counts: dict[str, int] = {}

    def begin(self, begin_ns: int, asleep_ns: int = 0) -> None:
        """The run began at `begin_ns`, and the device slept until `asleep_ns` at least. If its first reading is late, what it drew before
        is imputed."""
        self._start = LateStart(begin_ns, asleep_ns)

    # ---- what comes in

    def counter_reading(self, reading: Reading) -> None:
        """A good reading of the energy counter: integer raw units."""
        if self._meter is not None and not self.lost:
            if not self.curve.ticks:
                shown = self._gauges.shown(reading.t_ns)
                self._impute_start(reading.t_ns, 0.0 if shown is None else shown.power_w)
            self._meter.take(reading)

    def gauge_reading(self, name: str, reading: Reading) -> None:
        """A good reading of the power gauge `name`: watts."""
        if self.lost:
            return
        sieve = self._gauges.sieves[name]
        if sieve.passes(reading, self.curve.max_power_w):
            self._take(name, reading)
        else:
            self._sift(name, sieve.take(reading, self.curve.max_power_w))

    def failed(self, name: str, t_ns: int, reason: str, *, lost: bool = False) -> None:
        """A read of sensor `name` failed. Nothing is booked; the next good reading of a counter covers the gap exactly."""
        if self.lost:
            return
        if lost:
            self._lose(name, t_ns, reason)
            return
        self._once(f"{name}: {reason}", EventKind.GAP, t_ns, f"a read of {name} failed ({reason}); nothing is booked for it")
        if name not in self._gauges.tracks and self._meter is not None:
            self._meter.miss(t_ns)

    def finish(self, t_ns: int) -> None:
        """The run ends at `t_ns`: impute what has not been read yet."""
        if self.lost:
            return
        for name, sieve in self._gauges.sieves.items():
            self._sift(name, sieve.finish(self.curve.max_power_w))
        if self._meters is not None:
            self._meters.finish(t_ns)
            if self._meters.counter_refuted:
                self._without_counter(self._meters)
        if self._meter is not None:
            self._meter.finish(t_ns)
        elif self._primary is not None:
            tail = self._primary.tail(t_ns, self._instant)
            if tail is not None:
                self._book(tail)
                self.curve.mark(tail.t_ns)

    def set_update_period(self, seconds: float | None) -> None:
        """The counter is updated every `seconds`, None if this is unknown. Its value lacks up to the energy of that time at full power."""
        self.update_period_s = seconds
        if self._meter is not None:
            self._meter.set_update_period(seconds)

    def set_tick(self, name: str, seconds: float) -> None:
        """Sensor `name` is read every `seconds`."""
        if name in self._gauges.tracks:
            self._gauges.tracks[name].tick_s = seconds
        else:
            self._counter_tick_s = seconds

    def steps(self, t_ns: int, found: InStep | None) -> None:
        """The steps of the loop since the last call were in step with the sensor as `found` says; None if they were not."""
        if self._step_slack is not None and not self.lost and self._step_slack.book(found) and found is not None:
            self._event(EventKind.IN_STEP, t_ns, in_step_text(found))

    # ---- results

    @property
    def step_s(self) -> float:
        """The shortest time that the curve resolves: the longer of a tick and of the sensor's update period or window."""
        if self._meter is not None:
            return max(self._counter_tick_s, self.update_period_s or SLOWEST_UPDATE_S)
        return 0.0 if self._primary is None else max(self._primary.tick_s, self._primary.gauge.window_s)

    @property
    def sampled(self) -> bool:
        """Whether its energy depends on instantaneous samples, which must not be in step with the load."""
        return self._meter is None and any(t.gauge.shape == "instant" for t in self._gauges.tracks.values())

    @property
    def doubted(self) -> bool:
        """Whether its counter needs a closer look: more readings make the answer better."""
        disagree = self._meters is not None and self._meters.check.disagrees and not self._gauges.refuted
        return self._meter is not None and (self._meter.doubted or disagree)

    @property
    def residual(self) -> float | None:
        """Counter ÷ integrated power − 1 over the time that was compared. None before the first comparison."""
        return None if self._meters is None else self._meters.check.residual

    @property
    def covered_ns(self) -> int:
        """The time for which energy is measured."""
        return self._gauge_covered_ns if self._meter is None else self._meter.covered_ns

    def snapshot(self) -> DeviceSnapshot:
        """The device as it is now."""
        return DeviceSnapshot(self.device, self.curve.copy(), self.lost, self.step_s, self.covered_ns, self.residual, self.update_period_s)

    def take_events(self) -> list[Event]:
        """The events since the last call."""
        events, self.events = self.events, []
        return events

    # ---- how the results are made

    def _impute_start(self, t_ns: int, power_w: float) -> None:
        """The first reading is at `t_ns`, and the device draws `power_w` then."""
        text = None if self._start is None else self._start.impute(self.curve, t_ns, power_w)
        if text is not None:
            self._event(EventKind.FOUND, t_ns, text)

    def _sift(self, name: str, sieved: Sieved) -> None:
        """Integrate the readings of a gauge that can be true, and report the others."""
        if sieved.limit_w is not None:
            self._raise_limit(sieved.taken[-1].t_ns, sieved.limit_w)
        for reading in sieved.absurd:
            text = f"{name} read {reading.value:.6g} W, and the device can draw {self.curve.max_power_w:.0f} W; the reading is left out"
            self._event(EventKind.ABSURD, reading.t_ns, text)
        for reading in sieved.taken:
            self._take(name, reading)

    def _take(self, name: str, reading: Reading) -> None:
        """A reading of a gauge, in order of time."""
        track = self._gauges.tracks[name]
        leads = track is self._instant and self._meter is None
        piece = None
        if track is self._primary or leads:
            piece = track.take(reading)
        else:
            track.see(reading)
        if track is self._instant and self.device.part_time_s is not None:
            self.curve.scatter_j2 += self._gauges.scatter_j2(self.device.part_time_s)
        if track is not self._primary:
            if self._primary is not None and leads and piece is not None:
                self._lead(self._primary, piece)
            return
        if self._meters is not None:
            if piece is not None:
                self._meters.take(piece)
                if self._meters.counter_refuted:
                    self._without_counter(self._meters)
        elif not self.curve.ticks:
            self._impute_start(reading.t_ns, float(reading.value))
            self.curve.mark(reading.t_ns, reading.uncertainty_ns)
        elif piece is not None:
            self._book(piece)
            self.curve.lag_low_j = self.curve.lag_high_j = track.step_edge_j(self._gauges.swing_w(track))
            if piece.provenance is Provenance.IMPUTED:
                text = f"{name} was not read for {piece.dt_s:.1f} s; the gap is imputed from the power on either side"
                self._event(EventKind.GAP, piece.t_ns, text)
            self.curve.mark(piece.t_ns, reading.uncertainty_ns)

    def _book(self, piece: Piece) -> None:
        energy_j = piece.energy_j
        if self._overbooked_j:
            # What a refuted counter has booked too much is taken from what follows, so any window in this time may lack it.
            repaid_j = min(self._overbooked_j, energy_j)
            self._overbooked_j -= repaid_j
            energy_j -= repaid_j
            self.curve.slack_high_j += repaid_j
        self.curve.book(piece.provenance, energy_j, piece.slack_low_j, piece.slack_high_j)
        if piece.provenance is Provenance.MEASURED_POWER:
            self._gauge_covered_ns += round(piece.dt_s / NS)

    def _lead(self, primary: GaugeTrack, piece: Piece) -> None:
        """At the start the windows of an averaging gauge begin before the run. For that time the instantaneous gauge is integrated."""
        last, end_ns = self.curve.latest, primary.lead_end_ns()
        if not primary.averages or end_ns is None or last is None or last.t_ns >= min(end_ns, piece.t_ns):
            return
        if abs((piece.t_ns - last.t_ns) * NS - piece.dt_s) > LEAD_APART_S:
            return  # the piece does not begin at the last point
        lead = piece.moved(last.t_ns, min(piece.t_ns, end_ns))
        self._book(lead)
        self.curve.mark(lead.t_ns)
        primary.begin_at(lead.t_ns)

    def _lose(self, name: str, t_ns: int, reason: str) -> None:
        """The device is gone. Its energy up to the last reading is kept; what it drew between that and its loss is slack."""
        self.lost = True
        last = self.curve.latest
        if last is not None:
            self.curve.slack_high_j += max(0, t_ns - last.t_ns) * NS * self.curve.max_power_w
            self.curve.mark(last.t_ns + 1)
        what = reason if name in reason else f"{name}: {reason}"
        self._event(EventKind.LOST, t_ns, f"{what}; its energy until then is kept, and what it draws afterwards is unknown")

    # ---- two meters, and the limit

    def _limit_passed(self, t_ns: int, power_w: float) -> bool:
        """The counter shows more than the limit for some time. Raise the limit, unless the gauge shows that it is the counter that errs."""
        shown = self._gauges.shown(t_ns)
        if shown is not None and verdict(power_w, shown.power_w, self.curve.max_power_w) is Verdict.GAUGE:
            return False
        self._raise_limit(t_ns, LIMIT_MARGIN * power_w)
        return True

    def _raise_limit(self, t_ns: int, limit_w: float) -> None:
        """The device draws more than its stated limit. From now on more is possible."""
        before_w, self.curve.max_power_w = self.curve.max_power_w, max(limit_w, self.curve.max_power_w)
        self._gauges.raise_limit(self.curve.max_power_w)
        if self._meter is not None:
            self._meter.raise_limit()
        text = (
            f"about {limit_w / LIMIT_MARGIN:.0f} W are drawn, more than the {before_w:.0f} W of its stated limit; the limit is not believed"
        )
        self._event(EventKind.LIMIT, t_ns, text)

    def _without_counter(self, meters: TwoMeters) -> None:
        """The counter cannot be right. The gauge is integrated in its place."""
        self._overbooked_j, self._gauge_covered_ns = meters.overbooked_j, meters.covered_ns
        self._meter = self._meters = self.counter = None

    def _once(self, cause: str, kind: EventKind, t_ns: int, detail: str) -> None:
        if cause not in self._said:
            if len(self._said) < EVENTS_OF_A_KIND:  # a driver may give each of its errors another text
                self._said.add(cause)
            self._event(kind, t_ns, detail)

    def _event(self, kind: EventKind, t_ns: int, detail: str) -> None:
        """Keep an event. Of a kind that repeats endlessly, only the first ones are kept."""
        self._counts[kind] = count = self._counts.get(kind, 0) + 1
        if count <= EVENTS_OF_A_KIND:
            last = "; more of this kind are not listed" if count == EVENTS_OF_A_KIND else ""
            self.events.append(Event(kind, t_ns, self.device.name, detail + last))
