"""PURE: readings in, points of an energy curve and events out. No threads, no clock, no I/O.

A device is integrated from its energy counter. Without a counter, and while the counter stands still, it is integrated from a power gauge.
Every joule is booked under its provenance. What may be wrong because of a gap, a reset or a model is booked as slack.
"""

from __future__ import annotations

from typing import NamedTuple

from ..core.point import Provenance
from ..core.run import Event, EventKind
from ..core.sensing import Counter, Device, Gauge, Reading
from .counter_steps import SLOWEST_UPDATE_S
from .counter_track import CounterTrack
from .crosscheck import CrossCheck, Disagreement
from .curve import NS, Curve
from .gauge_track import GAP_S, GaugeTrack, Piece, Shown

FRESH_S = 2.0
LEAD_APART_S = 0.05
EVENTS_OF_A_KIND = 100
PREFERRED = ("window", "interval", "instant")
"""The shape of the gauge that a device is integrated from: an average misses nothing between two readings."""


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
        self._gauges = {name: GaugeTrack(gauge, device.max_power_w) for name, gauge in gauges.items()}
        self._primary = min(self._gauges.values(), key=lambda track: PREFERRED.index(track.gauge.shape), default=None)
        self._instant = next((track for track in self._gauges.values() if track.gauge.shape == "instant"), None)
        self._meter = None if counter is None else CounterTrack(counter, self.curve, self._shown, self._event)
        self._check = CrossCheck()
        self._gauge_covered_ns = 0
        self._counter_tick_s = 0.0
        self.events: list[Event] = []
        self._said: set[str] = set()
        self._counts: dict[str, int] = {}

    # ---- what comes in

    def counter_reading(self, reading: Reading) -> None:
        """A good reading of the energy counter: integer raw units."""
        if self._meter is not None and not self.lost:
            self._meter.take(reading)

    def gauge_reading(self, name: str, reading: Reading) -> None:
        """A good reading of the power gauge `name`: watts."""
        track = self._gauges[name]
        if self.lost:
            return
        if not track.plausible(float(reading.value)):
            self._event(
                EventKind.ABSURD,
                reading.t_ns,
                f"{name} read {reading.value:.6g} W, and the device can draw {self.device.max_power_w:.0f} W; the reading is left out",
            )
            return
        leads = track is self._instant and self._meter is None
        piece = None
        if track is self._primary or leads:
            piece = track.take(reading)
        else:
            track.see(reading)
        if track is self._instant and self.device.part_time_s is not None:
            self._scatter(track, self.device.part_time_s)
        if track is not self._primary:
            if self._primary is not None and leads and piece is not None:
                self._lead(self._primary, piece)
            return
        if self._meter is not None:
            if piece is not None:
                self._cross_check(self._meter, track, piece)
        elif not self.curve.ticks:
            self.curve.mark(reading.t_ns, reading.uncertainty_ns)
        elif piece is not None:
            self._book(piece)
            self.curve.lag_low_j = self.curve.lag_high_j = track.step_edge_j(self._swing_w(track))
            if piece.provenance is Provenance.IMPUTED:
                text = f"{name} was not read for {piece.dt_s:.1f} s; the gap is imputed from the power on either side"
                self._event(EventKind.GAP, piece.t_ns, text)
            self.curve.mark(piece.t_ns, reading.uncertainty_ns)

    def failed(self, name: str, t_ns: int, reason: str, *, lost: bool = False) -> None:
        """A read of sensor `name` failed. Nothing is booked; the next good reading of a counter covers the gap exactly."""
        if self.lost:
            return
        if lost:
            self._lose(name, t_ns, reason)
            return
        self._once(f"{name}: {reason}", EventKind.GAP, t_ns, f"a read of {name} failed ({reason}); nothing is booked for it")
        if name not in self._gauges and self._meter is not None:
            self._meter.miss(t_ns)

    def finish(self, t_ns: int) -> None:
        """The run ends at `t_ns`: impute what has not been read yet."""
        if self.lost:
            return
        if self._meter is not None:
            self._contain(self._check.finish(), t_ns)
            self.curve.restate()
            self._meter.finish(t_ns)
        elif self._primary is not None:
            tail = self._primary.tail(t_ns, self._instant)
            if tail is not None:
                self._book(tail)
                self.curve.mark(tail.t_ns)

    def set_update_period(self, seconds: float | None) -> None:
        """The counter is updated every `seconds`, None if this is unknown. Its value may lack the energy of that time at full power."""
        self.update_period_s = seconds
        if self._meter is not None:
            self._meter.set_lag(SLOWEST_UPDATE_S if seconds is None else seconds)

    def set_tick(self, name: str, seconds: float) -> None:
        """Sensor `name` is read every `seconds`."""
        if name in self._gauges:
            self._gauges[name].tick_s = seconds
        else:
            self._counter_tick_s = seconds

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
        return self._meter is None and any(t.gauge.shape == "instant" for t in self._gauges.values())

    @property
    def doubted(self) -> bool:
        """Whether its counter needs a closer look: more readings make the answer better."""
        return self._meter is not None and (self._meter.doubted or self._check.disagrees)

    @property
    def residual(self) -> float | None:
        """Counter ÷ integrated power − 1 over the time that was compared. None before the first comparison."""
        return self._check.residual

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

    def _book(self, piece: Piece) -> None:
        self.curve.book(piece.provenance, piece.energy_j, piece.slack_low_j, piece.slack_high_j)
        if piece.provenance is Provenance.MEASURED_POWER:
            self._gauge_covered_ns += round(piece.dt_s / NS)

    def _scatter(self, instant: GaugeTrack, part_time_s: float) -> None:
        """A sensor that samples part of the time knows the mean of n samples to s / √n, and so the energy of T to k·s·T/√n with n = T /
        `part_time_s`. The square of that is proportional to T, so it adds up. The spread s is that of successive samples, s² = E(Δw²) / 2
        (von Neumann et al. 1941): a load that only drifts adds nothing."""
        change = instant.latest_change
        if change is not None and change[1] <= GAP_S:
            self.curve.scatter_j2 += change[0] ** 2 / 2 * part_time_s * change[1]

    def _swing_w(self, average: GaugeTrack) -> float:
        """The range of power: what an instantaneous gauge has shown. Without one all that the device can draw: an average hides peaks."""
        return self.device.max_power_w if self._instant is None else max(self._instant.swing_w, average.swing_w)

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
            self.curve.slack_high_j += max(0, t_ns - last.t_ns) * NS * self.device.max_power_w
            self.curve.mark(last.t_ns + 1)
        what = reason if name in reason else f"{name}: {reason}"
        self._event(EventKind.LOST, t_ns, f"{what}; its energy until then is kept, and what it draws afterwards is unknown")

    def _shown(self, t_ns: int) -> Shown | None:
        track = self._primary
        power_w = None if track is None else track.power_w(t_ns, FRESH_S)
        if track is None or power_w is None:
            return None
        return Shown(power_w, self._swing_w(track), track.gauge.window_s / 2 + track.tick_s)

    def _cross_check(self, meter: CounterTrack, track: GaugeTrack, piece: Piece) -> None:
        """Compare the counter with integrated power. If they disagree, widen the range to contain both."""
        if track.gauge.shape != "window":
            return  # sparse instantaneous samples prove nothing
        counter_j = self.curve.counter_j_at(piece.t_ns)
        began_ns = piece.t_ns - round(piece.dt_s / NS)
        if counter_j is None or piece.provenance is Provenance.IMPUTED or meter.state.replaced or began_ns < meter.counting_since_ns:
            self._check.restart()  # one of the two did not measure all of this piece
            return
        self._contain(self._check.take(piece.t_ns, counter_j, piece.energy_j, 2 * track.step_edge_j(track.swing_w)), piece.t_ns)

    def _contain(self, found: Disagreement | None, t_ns: int) -> None:
        """Widen the range to contain both figures of a window in which they disagree."""
        if found is None:
            return
        apart_j = found.counter_j - found.power_j
        self.curve.slack_low_j += max(0.0, apart_j)
        self.curve.slack_high_j += max(0.0, -apart_j)
        text = f"the counter says {found.counter_j:.0f} J and integrated power {found.power_j:.0f} J over the same {found.seconds:.0f} s"
        self._once("disagreement", EventKind.DISAGREEMENT, t_ns, f"{text}; the range contains both")

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
