"""PURE: the energy counter compared with integrated power."""

from __future__ import annotations

from typing import NamedTuple

CHECK_NS = 10_000_000_000
LEAST_NS = 1_000_000_000
"""The last window of a run is compared if it is at least this long."""
DISAGREEMENT = 0.05
"""If the two figures differ by more than this share, the range is widened to contain both."""


class Disagreement(NamedTuple):
    """The energy of the counter and of integrated power over the same seconds, joules."""

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
        self.disagrees = False
        """Whether the two figures of the last window disagree."""

    @property
    def residual(self) -> float | None:
        """None before the end of the first window."""
        return self._all_counter_j / self._all_power_j - 1 if self._all_power_j > 0 else None

    def restart(self) -> None:
        """Drop the current window: the counter did not count all of its energy."""
        self._since_ns = None

    def take(self, t_ns: int, counter_j: float, power_piece_j: float, unsure_j: float) -> Disagreement | None:
        """At `t_ns` the counter's curve is at `counter_j`, and `power_piece_j` were integrated since the last call.

        `unsure_j`: how much the two may differ because of timing alone. If a window ends here and its two figures disagree, returns them.
        """
        if self._since_ns is None:
            self._since_ns, self._counter_j, self._power_j = t_ns, counter_j, 0.0
            return None
        self._power_j += power_piece_j
        self._latest_ns, self._latest_j, self._unsure_j = t_ns, counter_j, unsure_j
        return self._compare(self._since_ns) if t_ns - self._since_ns >= CHECK_NS else None

    def finish(self) -> Disagreement | None:
        """The same for the last window, which the end of the run shortens."""
        if self._since_ns is None or self._latest_ns - self._since_ns < LEAST_NS:
            return None
        return self._compare(self._since_ns)

    def _compare(self, since_ns: int) -> Disagreement | None:
        found = Disagreement(self._latest_j - self._counter_j, self._power_j, (self._latest_ns - since_ns) * 1e-9)
        self._all_counter_j += found.counter_j
        self._all_power_j += found.power_j
        self._since_ns, self._counter_j, self._power_j = self._latest_ns, self._latest_j, 0.0
        self.disagrees = abs(found.counter_j - found.power_j) > DISAGREEMENT * found.power_j + self._unsure_j
        return found if self.disagrees else None
