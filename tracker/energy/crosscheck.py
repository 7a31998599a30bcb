"""PURE: the energy counter held against integrated power."""

from __future__ import annotations

from typing import NamedTuple

CHECK_NS = 10_000_000_000
LEAST_NS = 1_000_000_000
"""The last window of a run is compared however short it is, down to this."""
DISAGREEMENT = 0.05
"""Apart by more than this share, the range is widened to contain both figures."""


class Disagreement(NamedTuple):
    """What counter and integrated power said over the same seconds, joules."""

    counter_j: float
    power_j: float
    seconds: float


class CrossCheck:
    """Compares over windows of ten seconds. `residual` is counter ÷ integrated power − 1 over all of them."""

    def __init__(self) -> None:
        self._since_ns: int | None = None
        self._counter_j = self._power_j = 0.0
        self._latest_ns, self._latest_j, self._unsure_j = 0, 0.0, 0.0
        self._all_counter_j = self._all_power_j = 0.0

    @property
    def residual(self) -> float | None:
        """None before the first window has passed."""
        return self._all_counter_j / self._all_power_j - 1 if self._all_power_j > 0 else None

    def restart(self) -> None:
        """What was seen of the current window does not count: the counter was not itself in it."""
        self._since_ns = None

    def take(self, t_ns: int, counter_j: float, power_piece_j: float, unsure_j: float) -> Disagreement | None:
        """At `t_ns` the counter's curve stands at `counter_j`, and `power_piece_j` were integrated since the last call.

        `unsure_j`: what the two may differ by for reasons of timing alone. Returns both figures of a window that ends here, where
        they disagree.
        """
        if self._since_ns is None:
            self._since_ns, self._counter_j, self._power_j = t_ns, counter_j, 0.0
            return None
        self._power_j += power_piece_j
        self._latest_ns, self._latest_j, self._unsure_j = t_ns, counter_j, unsure_j
        return self._compare(self._since_ns) if t_ns - self._since_ns >= CHECK_NS else None

    def finish(self) -> Disagreement | None:
        """The same for the window that the run's end cuts short."""
        if self._since_ns is None or self._latest_ns - self._since_ns < LEAST_NS:
            return None
        return self._compare(self._since_ns)

    def _compare(self, since_ns: int) -> Disagreement | None:
        found = Disagreement(self._latest_j - self._counter_j, self._power_j, (self._latest_ns - since_ns) * 1e-9)
        self._all_counter_j += found.counter_j
        self._all_power_j += found.power_j
        self._since_ns, self._counter_j, self._power_j = self._latest_ns, self._latest_j, 0.0
        return found if abs(found.counter_j - found.power_j) > DISAGREEMENT * found.power_j + self._unsure_j else None
