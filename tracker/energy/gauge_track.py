"""PURE: power readings in, pieces of energy out."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from ..core.point import Provenance
from ..core.sensing import Gauge, Reading
from .delay.averages import Averages

NS = 1e-9
GAP_PERIODS = 5.0
GAP_S = 1.5
TAIL_S = 0.05


class Piece(NamedTuple):
    """Energy up to `t_ns` over the last `dt_s` seconds, its slack, and where it comes from."""

    t_ns: int
    dt_s: float
    energy_j: float
    slack_low_j: float
    slack_high_j: float
    provenance: Provenance

    @property
    def start_ns(self) -> int:
        """Where it begins."""
        return self.t_ns - round(self.dt_s / NS)

    def moved(self, start_ns: int, end_ns: int) -> Piece:
        """A piece of the same mean power from `start_ns` to `end_ns`."""
        x = (end_ns - start_ns) * NS / self.dt_s
        return Piece(end_ns, x * self.dt_s, x * self.energy_j, x * self.slack_low_j, x * self.slack_high_j, self.provenance)


class Shown(NamedTuple):
    """What gauges show: the power, the range of power seen so far, and how late this power shows a change. `least_w`: the least that any of
    them shows. `now_w`: what an instantaneous gauge shows, if it is read with the counter."""

    power_w: float
    swing_w: float
    late_s: float
    least_w: float | None = None
    now_w: float | None = None


class GaugeTrack:
    """One power gauge, integrated.

    - "window": a mean over the last W seconds is the power at t − W/2, the middle of its window. The energy is the trapezoid between such
      points, from the start of the run, and what the start and the end add (delay/averages.py). If the value is renewed every U seconds, it
      is U/2 old on average.
    - "instant": the energy is the trapezoid between samples. The power between two samples that differ is unknown, so half of their
      difference is slack.
    - "interval": a mean since the last read (a model) holds for that time exactly.

    Readings that repeat are integrated like all others.
    """

    def __init__(self, gauge: Gauge, max_power_w: float) -> None:
        self.gauge = gauge
        self.max_power_w = max_power_w
        self.tick_s = 0.0  # how often it is read
        self.lowest_w, self.highest_w = math.inf, 0.0
        self._half_ns = round(gauge.window_s / NS / 2) if gauge.shape == "window" else 0
        self._late_ns = round(gauge.renewed_s / NS / 2) if self.averages else 0
        self._averages: Averages | None = None
        self.books_start = gauge.shape == "window"
        """Whether the start of the run is booked from it, although its windows still contain the time before."""
        self._first_ns: int | None = None
        self._begin_ns: int | None = None
        self._last: tuple[int, float] | None = None
        self._recent: deque[tuple[int, float]] = deque(maxlen=32)
        self._usual_s = 0.0

    def take(self, reading: Reading) -> Piece | None:
        """The energy that this reading adds. None for the first reading, and while the window still begins before the run."""
        self.see(reading)
        end_ns, power_w = reading.t_ns - self._late_ns, float(reading.value)
        t_ns = end_ns - self._half_ns
        if self._first_ns is None or self._begin_ns is None:
            self._first_ns = self._begin_ns = reading.t_ns
            if self.averages:
                self._averages = Averages(reading.t_ns, end_ns, power_w, 2 * self._half_ns)
        elif self._averages is not None:
            self._averages.take(end_ns, power_w)
        last, self._last = self._last, (t_ns, power_w)
        if last is None:
            return None
        start_ns = max(last[0], self._begin_ns)
        if t_ns <= start_ns:
            return None
        dt_s = (t_ns - start_ns) * NS
        if self.gauge.shape == "interval":
            energy_j, factors = power_w * dt_s, self.gauge
            return Piece(
                t_ns,
                dt_s,
                energy_j,
                energy_j * (1 - factors.low_factor),
                energy_j * (factors.high_factor - 1),
                self.gauge.provenance,
            )
        first_w = last[1] + (power_w - last[1]) * (start_ns - last[0]) / (t_ns - last[0])
        energy_j = (first_w + power_w) / 2 * dt_s
        if self._averages is not None and self.books_start:
            energy_j = max(0.0, energy_j + self._averages.lacking_j(start_ns, t_ns))
        if dt_s > max(GAP_S, GAP_PERIODS * (self._usual_s or self.tick_s)):
            return self._imputed(t_ns, dt_s, energy_j, 0.0)
        self._usual_s = dt_s if not self._usual_s else 0.9 * self._usual_s + 0.1 * dt_s
        unseen_s = max(0.0, dt_s - self.gauge.window_s)  # for an instantaneous gauge, all of it
        slack_j = abs(power_w - last[1]) * unseen_s / 2
        return Piece(t_ns, dt_s, energy_j, min(slack_j, energy_j), slack_j, self.gauge.provenance)

    def see(self, reading: Reading) -> None:
        """Keep a reading without integrating it."""
        power_w = float(reading.value)
        self.lowest_w, self.highest_w = min(self.lowest_w, power_w), max(self.highest_w, power_w)
        self._recent.append((reading.t_ns, power_w))

    @property
    def averages(self) -> bool:
        """Whether it shows the mean of a window: the last half of the window is then not known yet."""
        return self._half_ns > 0

    @property
    def latest_change(self) -> tuple[float, float] | None:
        """How many watts the last two readings differ by, and how many seconds are between them. None before the second reading."""
        if len(self._recent) < 2:
            return None
        (before_ns, before_w), (t_ns, power_w) = self._recent[-2], self._recent[-1]
        return power_w - before_w, (t_ns - before_ns) * NS

    def lead_end_ns(self) -> int | None:
        """The time until which its windows begin before the run. None before the first reading."""
        return None if self._first_ns is None else self._first_ns + self._half_ns

    def begin_at(self, t_ns: int) -> None:
        """The energy before `t_ns` is booked from another gauge."""
        self._begin_ns, self.books_start = t_ns, False

    def tail(self, t_ns: int, instant: GaugeTrack | None) -> Piece | None:
        """The energy that is missing up to the end of the run, `t_ns`. It is imputed: from the instantaneous gauge if there is one, else
        from the last window if the start is booked from it too, else by holding the last power. None if nothing is missing."""
        if self._last is None or self._begin_ns is None or self.gauge.shape == "interval":
            return None
        start_ns = max(self._last[0], self._begin_ns)
        dt_s = (t_ns - start_ns) * NS
        if dt_s <= (0.0 if self.averages else TAIL_S):
            return None
        energy_j = self._last[1] * dt_s
        if self._averages is None:
            return self._imputed(t_ns, dt_s, energy_j, self.lowest_w * dt_s)
        most_j = self.max_power_w * dt_s
        unsure_j = self.max_power_w * self._late_ns * NS  # when the last window ended is known to that
        low_j = min(most_j, max(0.0, self._averages.least_tail_j(start_ns, self.max_power_w) - unsure_j))
        sampled_j = None if instant is None else instant.sampled_j(start_ns, t_ns)
        if instant is not None:
            low_j = max(low_j, min(self.lowest_w, instant.lowest_w) * dt_s)
        if sampled_j is not None:
            energy_j = sampled_j
        elif self.books_start:
            energy_j = self._averages.tail_j(start_ns, t_ns, self.max_power_w)
        return self._imputed(t_ns, dt_s, max(low_j, min(energy_j, most_j)), low_j)

    def sampled_j(self, start_ns: int, end_ns: int) -> float | None:
        """The energy of a time by the mean of the samples in it. None without any."""
        samples = [w for t, w in self._recent if start_ns <= t <= end_ns]
        return sum(samples) / len(samples) * (end_ns - start_ns) * NS if samples else None

    def power_w(self, t_ns: int, fresh_s: float) -> float | None:
        """The last reading, if it is at most `fresh_s` seconds old at `t_ns`."""
        if self._recent and (t_ns - self._recent[-1][0]) * NS <= fresh_s:
            return self._recent[-1][1]
        return None

    @property
    def swing_w(self) -> float:
        """The range of power seen."""
        return max(0.0, self.highest_w - self.lowest_w)

    def step_edge_j(self, swing_w: float) -> float:
        """How wrong one point may be while the load changes by ΔP = `swing_w`. Between instantaneous samples: one tick of ΔP. With an
        averaging window: W · ΔP / 8, and what linear interpolation between its ticks misses."""
        if self.averages:
            return (self.gauge.window_s / 8 + self._usual_s**2 / (2 * self.gauge.window_s)) * swing_w
        return self._usual_s * swing_w if self.gauge.shape == "instant" else 0.0

    def _imputed(self, t_ns: int, dt_s: float, energy_j: float, low_j: float) -> Piece:
        """An imputed piece: the truth lies between `low_j` and the most that the device can draw."""
        high_j = self.max_power_w * dt_s
        return Piece(t_ns, dt_s, energy_j, max(0.0, energy_j - low_j), max(0.0, high_j - energy_j), Provenance.IMPUTED)
