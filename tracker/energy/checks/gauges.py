"""PURE: the power gauges of one device, and which of them its energy comes from."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.sensing import Device, Gauge
from ..gauge_track import GAP_S, GaugeTrack, Shown
from .sieve import Sieve

FRESH_S = 2.0
ROUND_S = 0.05
"""The sensors of a device are read one after the other: readings so close are of one round."""
PREFERRED = ("window", "interval", "instant")
"""The shape of the gauge that a device is integrated from: an average misses nothing between two readings."""


class Gauges:
    """The gauges of one device. `primary` is the one to integrate, `instant` one that shows the power now. `refuted`: they are wrong."""

    def __init__(self, device: Device, gauges: Mapping[str, Gauge]) -> None:
        self.tracks = {name: GaugeTrack(gauge, device.max_power_w) for name, gauge in gauges.items()}
        self.sieves = {name: Sieve(device.kind, device.max_power_w) for name in gauges}
        self.primary = min(self.tracks.values(), key=lambda track: PREFERRED.index(track.gauge.shape), default=None)
        self.instant = next((track for track in self.tracks.values() if track.gauge.shape == "instant"), None)
        self.refuted = False
        self._most_w = device.max_power_w

    def raise_limit(self, limit_w: float) -> None:
        """The device can draw up to `limit_w`."""
        self._most_w = limit_w
        for track in self.tracks.values():
            track.max_power_w = limit_w

    def swing_w(self, average: GaugeTrack) -> float:
        """The range of power: what an instantaneous gauge has shown. Without one all that the device can draw: an average hides peaks."""
        return self._most_w if self.instant is None else self.seen_swing_w(average)

    def seen_swing_w(self, average: GaugeTrack) -> float:
        """The range of power that the gauges have shown."""
        return average.swing_w if self.instant is None else max(self.instant.swing_w, average.swing_w)

    def shown(self, t_ns: int) -> Shown | None:
        """What they show at `t_ns`. None without a fresh reading."""
        track = self.primary
        power_w = None if track is None or self.refuted else track.power_w(t_ns, FRESH_S)
        if track is None or power_w is None:
            return None
        now_w = None if self.instant is None else self.instant.power_w(t_ns, ROUND_S)
        least_w = min(w for t in self.tracks.values() if (w := t.power_w(t_ns, FRESH_S)) is not None)
        return Shown(power_w, self.swing_w(track), track.gauge.window_s / 2 + track.tick_s, least_w, now_w)

    def scatter_j2(self, part_time_s: float) -> float:
        """What the last sample adds to the variance (J²).

        A sensor that samples part of the time knows the mean of n samples to s / √n, and so the energy of T to k·s·T/√n with n = T /
        `part_time_s`. The square of that is proportional to T. The spread s is that of successive samples, s² = E(Δw²) / 2 (von Neumann et
        al. 1941): a load that only drifts adds nothing.
        """
        change = None if self.instant is None else self.instant.latest_change
        return change[0] ** 2 / 2 * part_time_s * change[1] if change is not None and change[1] <= GAP_S else 0.0
