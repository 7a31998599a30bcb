"""PURE: the start and the end of a run that only a mean of the last W seconds shows.

A reading g(t) says W · g(t) = E(t) − E(t − W) exactly. Integrated, it gives the mean of E over the window, which is E(t − W/2) as long as
the power in the window is steady. At the start of a run it is not: the windows still contain the time before. Let that have been at the
power g₀ of the first reading. Then the mean of E over a window is

    E(start) + g₀ · (t − W/2 − start) + X(t),   X(t) = ∫ (g − g₀) from the start to t

and what the integral from W/2 after the start lacks is X(start + W/2): ΔP · W/8 for a step at the start. Until then it has built up to the
share f(τ) = 4 τ/W − 4 (τ/W)² of it, as it does for such a step. The end of the run is E(end − W) + W · g(end), so a step within the last
window is in it, and so are runs that are shorter than a window.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

NS = 1e-9


class Window(NamedTuple):
    """A reading: when its window ended, the mean power, and X at that time."""

    end_ns: int
    power_w: float
    excess_j: float


class Averages:
    """The windows of one gauge. The run began at `begin_ns`, and the first window is before it."""

    def __init__(self, begin_ns: int, first_end_ns: int, power_w: float, window_ns: int) -> None:
        self._begin_ns, self._window_ns, self._rest_w = begin_ns, window_ns, power_w
        self._windows = deque([Window(first_end_ns, power_w, 0.0)])
        self._lacking_j = 0.0
        self._settled = False

    def take(self, end_ns: int, power_w: float) -> None:
        """A reading whose window ended at `end_ns`."""
        last = self._windows[-1]
        if end_ns <= last.end_ns:
            return
        mean_w = (last.power_w + power_w) / 2 - self._rest_w
        self._windows.append(Window(end_ns, power_w, last.excess_j + mean_w * (end_ns - last.end_ns) * NS))
        known_ns = self._begin_ns + self._window_ns // 2
        if not self._settled and end_ns >= known_ns:
            self._lacking_j, self._settled = self._at(known_ns).excess_j, True
        while len(self._windows) > 2 and self._windows[1].end_ns <= end_ns - self._window_ns // 2:
            self._windows.popleft()

    def lacking_j(self, start_ns: int, end_ns: int) -> float:
        """What the integral from `start_ns` to `end_ns` lacks because of the start. It may be negative."""
        return self._lacking_j * (self._share(end_ns) - self._share(start_ns))

    def tail_j(self, start_ns: int, end_ns: int, most_w: float) -> float:
        """The energy from `start_ns` to `end_ns`, the end of the run, which the integral does not have. No more than `most_w` is drawn."""
        last_ns, half_ns = self._windows[-1].end_ns, self._window_ns // 2
        energy_j = self._until_j(last_ns)
        power_w = (energy_j - self._until_j(last_ns - half_ns)) / (half_ns * NS)
        return energy_j + min(max(0.0, power_w), most_w) * (end_ns - last_ns) * NS - self._until_j(start_ns)

    def least_tail_j(self, start_ns: int, most_w: float) -> float:
        """The least that the last window leaves for the time since `start_ns`: before that, no more than `most_w` was drawn."""
        last = self._windows[-1]
        before_ns = self._window_ns - (last.end_ns - start_ns)
        return (last.power_w * self._window_ns - most_w * before_ns) * NS

    def _until_j(self, t_ns: int) -> float:
        """E(t) − E(start)."""
        rest_j = self._rest_w * (t_ns - self._begin_ns) * NS
        if t_ns <= self._begin_ns:
            return rest_j
        middle_ns = t_ns + self._window_ns // 2
        if middle_ns > self._windows[-1].end_ns:
            return self._until_j(t_ns - self._window_ns) + self._at(t_ns).power_w * self._window_ns * NS
        return rest_j + self._at(middle_ns).excess_j - self._lacking_j * (1 - self._share(t_ns))

    def _share(self, t_ns: int) -> float:
        x = min(max(0.0, (t_ns - self._begin_ns) / self._window_ns), 0.5)
        return 4 * x - 4 * x * x

    def _at(self, t_ns: int) -> Window:
        """The window that ends at `t_ns`, interpolated between readings. Before the first and after the last, that one."""
        after = self._windows[-1]
        for window in reversed(self._windows):
            if window.end_ns <= t_ns < after.end_ns:
                x = (t_ns - window.end_ns) / (after.end_ns - window.end_ns)
                power_w = window.power_w + x * (after.power_w - window.power_w)
                mean_w = (window.power_w + power_w) / 2 - self._rest_w
                return Window(t_ns, power_w, window.excess_j + mean_w * (t_ns - window.end_ns) * NS)
            if window.end_ns <= t_ns:
                return window
            after = window
        return after
