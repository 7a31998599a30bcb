"""PURE: readings of a counter that are impossible: a jump, a limit that is wrong, or a counter that is wrong."""

from __future__ import annotations

import math
from enum import Enum, auto

from ...core.sensing import Counter, Reading
from ..counter_steps import classify
from .sieve import PASSES, PASSES_NS


class Suspicion(Enum):
    """What impossible readings mean."""

    OPEN = auto()
    """It is not decided yet."""
    JUMPED = auto()
    """The counter has jumped, and continues from there."""
    PASSED = auto()
    """The counter rises steadily by more than the device is said to draw."""


class Suspects:
    """Readings of a counter, one after the other, that are impossible after the last good one."""

    def __init__(self, first: Reading, step_j: float, step_s: float, part_most_w: float) -> None:
        """`step_j`: from the last good reading to `first`, in `step_s` seconds. `part_most_w`: no device of its kind draws more."""
        self.first = self.last = first
        self._count = 1
        self._step_j = step_j
        self._step_w = step_j / step_s if step_s > 0 else math.inf
        self._rate_w = 0.0
        self._part_most_w = part_most_w

    @property
    def nonsense(self) -> bool:
        """Whether no device can draw what the first of them shows, whatever its limit is."""
        return self._step_w > self._part_most_w

    @property
    def shown_w(self) -> float:
        """The power that they show."""
        return max(self._step_w, self._rate_w)

    @property
    def repeated(self) -> tuple[int, float] | None:
        """Since when (ns) there are several, and the power (W) that they show among themselves. None for a single one."""
        return (self.first.t_ns, self._rate_w) if self._count > 1 else None

    def add(self, reading: Reading, counter: Counter, limit_w: float) -> Suspicion:
        """A further one. What they mean together."""
        before, self.last = self.last, reading
        self._count += 1
        if reading.value < before.value:  # what fell does not rise steadily
            self.first, self._count = reading, 1
        passed_ns = reading.t_ns - self.first.t_ns
        if passed_ns > 0:
            self._rate_w = max(0.0, (reading.value - self.first.value) * counter.unit_j / (passed_ns * 1e-9))
        enough = self._count >= PASSES and passed_ns >= PASSES_NS
        if not self.nonsense and not enough:
            return Suspicion.OPEN
        if not self.nonsense and self._rate_w > limit_w:
            return Suspicion.PASSED
        step = classify(int(before.value), int(reading.value), (reading.t_ns - before.t_ns) * 1e-9, counter, limit_w, None)
        return Suspicion.JUMPED if step.kind in ("advanced", "wrapped") else Suspicion.OPEN

    def claimed_j(self, unit_j: float) -> float:
        """The energy that they show since the last good reading: it may be true while the limit is in doubt. 0 if it is nonsense."""
        if self.nonsense or self._count < 2:
            return 0.0
        return self._step_j + max(0.0, (self.last.value - self.first.value) * unit_j)

    def __str__(self) -> str:
        return f"the counter jumped by {self._step_j:.6g} J, more than the device can draw; the reading is left out"
