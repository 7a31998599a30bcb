"""PURE: what a new value of a cumulative counter means, compared with the last one."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from ..core.sensing import Counter

Kind = Literal["first", "advanced", "wrapped", "reset", "implausible"]

SLOWEST_UPDATE_S = 0.1
"""A counter that is updated only from time to time may show energy late: energy that was drawn before the previous read. The slowest update
seen on GPUs is 100 ms (arXiv 2312.02741)."""

LENIENT = 2.5
"""A value is impossible only if it exceeds what this many of the slowest updates explain: refusing a correct reading does more harm than
accepting a wrong one."""

RATE_NS = 500_000_000

STEP_BACK_J = 0.1
"""A step back of at most this is noise, and the high-water mark stays: no device restarts its counter this close to its last value."""


class Outcome(NamedTuple):
    """What a new value means. `delta`: the raw units to book. If several numbers of wraps fit, the truth lies in [fewest, most]; otherwise
    all three are equal."""

    kind: Kind
    delta: int = 0
    fewest: int = 0
    most: int = 0

    @property
    def ambiguous(self) -> bool:
        """Whether more than one number of wraps fits what the device can draw."""
        return self.fewest != self.most


def classify(
    previous: int | None,
    value: int,
    dt_s: float,
    counter: Counter,
    max_power_w: float,
    expected_w: float | None,
    lag_s: float = SLOWEST_UPDATE_S,
) -> Outcome:
    """Decide between the five things a new reading can mean.

    `previous`: the highest value booked in this epoch, None for a first reading. `dt_s`: seconds since the counter last moved.
    `max_power_w`: the most the device can draw. `expected_w`: the power just before, if it is known. `lag_s`: how late the counter may
    show energy, in seconds. A fall is a wrap only if the range of the counter is known and the device can have drawn the energy that the
    wrap implies. Otherwise the counter was reset.
    """
    if previous is None:
        return Outcome("first")
    step = value - previous
    possible = int(max_power_w * (dt_s + LENIENT * SLOWEST_UPDATE_S) / counter.unit_j)
    likely = int(max_power_w * (dt_s + lag_s) / counter.unit_j) + counter.quantum
    if step >= 0:
        return _chosen("advanced", step, likely, counter, dt_s, expected_w) if step <= possible else Outcome("implausible")
    if -step * counter.unit_j <= STEP_BACK_J:
        return _chosen("advanced", 0, likely, counter, dt_s, expected_w)
    if counter.modulus is not None and 0 <= step + counter.modulus <= possible:
        return _chosen("wrapped", step + counter.modulus, likely, counter, dt_s, expected_w)
    return Outcome("reset")


def _chosen(kind: Kind, fewest: int, likely: int, counter: Counter, dt_s: float, expected_w: float | None) -> Outcome:
    """Choose among the numbers of whole wraps that fit: the one nearest to the expected power, or the smallest if no power is expected."""
    modulus = counter.modulus
    if modulus is None or fewest + modulus > likely:
        return Outcome(kind, fewest, fewest, fewest)
    extra = (likely - fewest) // modulus
    wraps = 0
    if expected_w is not None:
        wraps = min(extra, max(0, round((expected_w * dt_s / counter.unit_j - fewest) / modulus)))
    delta = fewest + wraps * modulus
    return Outcome("wrapped" if wraps else kind, delta, fewest, fewest + extra * modulus)


def unwrapped_s(counter: Counter, max_power_w: float, lag_s: float) -> float:
    """For `classify`: a counter that has risen within this many seconds since it last moved cannot have wrapped too."""
    if counter.modulus is None:
        return math.inf
    return (counter.modulus - counter.quantum) * counter.unit_j / max_power_w - lag_s


class Move(NamedTuple):
    """How far a counter moved, in joules, over how many ns. It may have stopped at any moment of them."""

    ns: int = 0
    energy_j: float = 0.0

    def lacks_j(self, power_w: float) -> float:
        """The energy that it does not show if `power_w` was drawn all the time."""
        return max(0.0, self.ns * 1e-9 * power_w - self.energy_j)


class Rate:
    """The power that a counter shows: its mean over about the last half second in which the counter moved.

    `before_w` is that of the time before: a counter that has just stopped may have shown only a part of the last energy.
    """

    def __init__(self) -> None:
        self.power_w: float | None = None
        self.before_w: float | None = None
        self._since: tuple[int, int] | None = None  # ns, raw units

    def restart(self, t_ns: int, units: int) -> None:
        """The counter continues from `units` at `t_ns`. The power that it showed before stays."""
        self._since = (t_ns, units)

    def take(self, t_ns: int, units: int, unit_j: float) -> None:
        """The counter has moved: `units` are booked in total at `t_ns`."""
        if self._since is None:
            self._since = (t_ns, units)
        elif t_ns - self._since[0] >= RATE_NS:
            since_ns, before = self._since
            self.before_w = self.power_w
            self.power_w = (units - before) * unit_j / ((t_ns - since_ns) * 1e-9)
            self._since = (t_ns, units)
