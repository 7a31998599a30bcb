"""PURE: a training loop in step with a sensor that looks at part of the time only.

On A100 and H100 the sensor looks at 25 of every 100 ms (arXiv:2312.02741). If the steps of a loop take k/n of 100 ms, the sensor sees the
same parts of each step, and its energy may be far off, for as long as the loop runs so. No counter and no gauge of the device shows this.
But the tracker knows when steps begin.

Let φ(t) be the place within a step at time t, from 0 to 1, and P the length of a step. The power within a step is a series of harmonics
p_k·exp(2πikφ). The sensor's mean of harmonic k is p_k·s_k·Q_k, where s_k = sin(πka/P)/(πka/P) is what its aperture a leaves of it, and Q_k
is the mean of exp(2πikφ) over the instants at which it looks. If these fall on all parts of the step alike, Q_k is 0; if they fall on one
part, |Q_k| is 1. A load that swings by A within a step has |p_k| ≤ A/(πk) (as a rectangle has). So the mean power is off by at most

    A · (2/π) · Σ |s_k|·|Q_k| / k

Instants at random have |Q_k|² of 1/N by chance. That error is in the scatter of the curve (gauges.py), so 3/N is taken off |Q_k|² here.
"""

from __future__ import annotations

import cmath
import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..curve import Curve

NS = 1e-9
CYCLE_S, APERTURE_S = 0.1, 0.025
"""The sensor looks at so much of each cycle (arXiv:2312.02741)."""
HARMONICS = 12
LEAST_STEPS, LEAST_LOOKS = 8, 4
LEAST_STEP_S = 0.01
"""Within its aperture, the sensor averages over steps that are shorter than this."""
EVERY_S = 10.0
"""How often the steps are looked at."""
MOST_STEPS, MOST_NAMES = 4_000, 8
CERTAIN = 0.05
"""A smaller part of the swing is not worth an event."""


class InStep(NamedTuple):
    """What a sensor may miss of steps of `step_s` seconds that lasted for `seconds` in all: `share` of the swing of the power."""

    share: float
    step_s: float
    seconds: float


def in_step(starts_ns: Sequence[int]) -> InStep | None:
    """What the sensor may miss of steps that began at these instants, in order. None if there are too few, or they are too short."""
    if len(starts_ns) < LEAST_STEPS or any(b <= a for a, b in pairwise(starts_ns)):
        return None
    seconds = (starts_ns[-1] - starts_ns[0]) * NS
    step_s = seconds / (len(starts_ns) - 1)
    if step_s < LEAST_STEP_S:
        return None
    sums, looks = _sums(starts_ns)
    if looks < LEAST_LOOKS:
        return None
    share = 0.0
    for k, total in enumerate(sums, 1):
        square = abs(total / looks) ** 2 - 3 / looks
        if square > 0:
            x = math.pi * k * APERTURE_S / step_s
            share += math.sqrt(square) * abs(math.sin(x) / x) / k
    return InStep(min(1.0, 2 / math.pi * share), step_s, seconds)


def _sums(starts_ns: Sequence[int]) -> tuple[list[complex], int]:
    """The sums of exp(2πikφ) over the instants at which a sensor looks, for each harmonic k, and how many instants there are. Where in its
    cycle the sensor is does not matter for their amounts."""
    sums = [0j] * HARMONICS
    looks, at, cycle_ns = 0, 0, round(CYCLE_S / NS)
    for t_ns in range(starts_ns[0], starts_ns[-1], cycle_ns):
        while starts_ns[at + 1] <= t_ns:
            at += 1
        turn = cmath.exp(2j * math.pi * (t_ns - starts_ns[at]) / (starts_ns[at + 1] - starts_ns[at]))
        power = 1 + 0j
        for k in range(HARMONICS):
            power *= turn
            sums[k] += power
        looks += 1
    return sums, looks


class Steps:
    """The starts of steps by name, as the training thread reports them. Another thread looks at them about every ten seconds."""

    def __init__(self) -> None:
        self._starts: dict[str, deque[int]] = {}
        self._looked_ns: int | None = None

    def begin(self, name: str, t_ns: int) -> None:
        """A step of this name begins: a batch is handed over, work is counted, or a phase begins. Never blocks."""
        starts = self._starts.get(name)
        if starts is None:
            if len(self._starts) >= MOST_NAMES:
                return
            starts = self._starts.setdefault(name, deque(maxlen=MOST_STEPS))
        starts.append(t_ns)

    def due(self, now_ns: int) -> bool:
        """Whether it is time to look again."""
        if self._looked_ns is None:
            self._looked_ns = now_ns
        return (now_ns - self._looked_ns) * NS >= EVERY_S

    def look(self, now_ns: int) -> InStep | None:
        """Of the steps since the last look, those that are most in step with the sensor. None if none are."""
        self._looked_ns = now_ns
        found = [of for starts in list(self._starts.values()) if (of := in_step(_taken(starts))) is not None and of.share > 0]
        return max(found, default=None)


class StepSlack:
    """Books on a curve what a sensor may have missed of steps since the last call."""

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        self._booked_j = 0.0
        self._said = False

    def book(self, found: InStep | None) -> bool:
        """The steps since the last call were in step as `found` says; None if they were not. Whether the run should have an event."""
        last = self._curve.latest
        if last is None:
            return False
        energy_j, self._booked_j = last.energy_j - self._booked_j, last.energy_j
        if found is None or found.share <= 0:
            return False
        most_j = self._curve.max_power_w * found.seconds
        self._curve.slack_low_j += min(found.share * most_j, max(0.0, energy_j))
        self._curve.slack_high_j += min(found.share * most_j, max(0.0, most_j - energy_j))
        self._curve.restate()
        said, self._said = self._said, self._said or found.share >= CERTAIN
        return self._said and not said


def _taken(starts: deque[int]) -> list[int]:
    """The starts so far, which are removed but for the last one: with it, the next steps begin."""
    taken = [starts.popleft() for _ in range(len(starts))]
    if taken:
        starts.appendleft(taken[-1])
    return sorted(set(taken))


def in_step_text(found: InStep) -> str:
    """What is in step, what it does to the figures, and what helps."""
    return (
        f"steps of {found.step_s * 1e3:.0f} ms are in step with the sensor, which looks at {APERTURE_S * 1e3:.0f} of every"
        f" {CYCLE_S * 1e3:.0f} ms and may see the same part of each step only: the range is wider by {100 * found.share:.0f} % of what the"
        " device can draw. Vary the length of the steps, for example by a random pause of up to 50 ms, or train with another batch size"
    )
