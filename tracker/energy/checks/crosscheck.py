"""PURE: the energy counter compared with integrated power, and which of the two cannot be right."""

from __future__ import annotations

import math
from collections import deque
from enum import Enum, auto
from typing import NamedTuple

from ..curve import NS, Curve, Place
from ..gauge_track import Piece

CHECK_NS, CHECK_PIECES = 10_000_000_000, 20
"""A window is at least this long, and has at least so many readings of the gauge."""
EARLY_NS, LEAST_NS, LEAST_PIECES = 1_000_000_000, 250_000_000, 10
"""A window ends early, but not before the first of these, if its figures are far apart. The last window of a run is compared if it is at
least as long as the second. Both need so many readings of a gauge whose windows leave more than UNSEEN_SHARE of the time unseen."""
UNSEEN_SHARE, MOSTLY_UNSEEN = 0.15, 0.6
"""From the second share on, a load in step with the readings may have drawn anything in between."""
DISAGREEMENT, FAR_APART = 0.05, 0.25
"""If the two figures differ by more than the first share, the range is widened to contain both. The second share is far apart."""

REST_SHARE = 0.01
"""Of its limit: a device that is switched on draws more (an H100 at rest draws a tenth, the GPU of a laptop 3 %)."""
ABOVE_LIMIT = 1.25
"""A limit holds for an average, and short peaks pass it. Above it by this factor, a power is not possible."""
ABOVE, BELOW = 1.5, 10.0
"""A meter is refuted only if it also exceeds the other one by the first factor, or is below it by the second: a wrong unit is wrong by a
power of ten."""


class Verdict(Enum):
    """Which of two meters that disagree can be right."""

    EITHER = auto()
    COUNTER = auto()
    GAUGE = auto()


def verdict(counter_w: float, gauge_w: float, limit_w: float) -> Verdict:
    """Decide between two powers of one device over the same time. It can draw at most `limit_w`, and draws something always."""

    def refuted(power_w: float, other_w: float) -> bool:
        if not REST_SHARE * limit_w <= other_w <= limit_w:
            return False
        above = power_w > ABOVE_LIMIT * limit_w and power_w > ABOVE * other_w
        return above or (power_w < REST_SHARE * limit_w and power_w * BELOW < other_w)

    if refuted(counter_w, gauge_w):
        return Verdict.GAUGE
    return Verdict.COUNTER if refuted(gauge_w, counter_w) else Verdict.EITHER


class Compared(NamedTuple):
    """The energy of counter and integrated power over the same `seconds`, joules. `less_j` and `more_j`: how much less and more may have
    been drawn than was integrated, because of what lies between readings. `timing_j`: how far both may be apart because of their timing.
    `disagree`: they are further apart than that."""

    counter_j: float
    power_j: float
    less_j: float
    more_j: float
    timing_j: float
    until_ns: int
    seconds: float
    disagree: bool


class Timing(NamedTuple):
    """Why two meters that are right may differ. `swing_w`: the range of power that gauges have seen. `most_w`: the most that can be drawn.
    In seconds: how late the gauge shows a step, how late the counter shows energy, and the time before it of which a reading of the gauge
    shows the power."""

    swing_w: float
    most_w: float
    gauge_late_s: float
    counter_late_s: float
    window_s: float


class CrossCheck:
    """Compares over windows of ten seconds or more. `residual` is counter ÷ integrated power − 1 over all of them.

    A piece of integrated power waits until the counter has been read after it. The counter is not read where the piece begins and ends, so
    its joules are interpolated there: between two readings these are wrong by at most a quarter of the time between them at the swing of
    the load. Between the windows of the gauge the load may have been at either end of its swing.
    """

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        self._waiting: deque[Piece] = deque()
        self._all_counter_j = self._all_power_j = 0.0
        self._lowest_w, self._highest_w = math.inf, 0.0  # of the counter's means over a piece
        self.disagrees = False
        """Whether the two figures of a window have disagreed. Then windows are short."""
        self.compared_ns = 0
        """Where the last window ended that was compared."""
        self.restart()

    @property
    def residual(self) -> float | None:
        """None before the end of the first window."""
        return self._all_counter_j / self._all_power_j - 1 if self._all_power_j > 0 else None

    def restart(self) -> None:
        """Begin a new window with the next piece."""
        self._start: Place | None = None
        self._end = Place(0.0, 0.0)
        self._since_ns = self._until_ns = self._pieces = 0
        self._power_j = self._slack_low_j = self._slack_high_j = self._timing_j = self._unseen_s = self._unseen_j = 0.0

    def drop(self) -> None:
        """Begin a new window, without the pieces that wait: one of the two meters did not measure all of them."""
        self._waiting.clear()
        self.restart()

    def add(self, piece: Piece) -> None:
        """A piece of integrated power. The pieces follow one another without gaps."""
        self._waiting.append(piece)

    def settle(self, moved_ns: int, timing: Timing) -> Compared | None:
        """Compare up to `moved_ns`, when the counter moved last. Returns the figures of the window if it is complete; then `restart`, and
        call again."""
        while self._waiting and self._waiting[0].t_ns <= moved_ns:
            piece = self._waiting.popleft()
            start = self._curve.counter_at(piece.start_ns) if self._start is None else self._end
            end = self._curve.counter_at(piece.t_ns)
            if start is None or end is None:
                self.restart()
                continue
            self._take(piece, start, end, timing)
            length_ns = self._until_ns - self._since_ns
            if length_ns >= CHECK_NS and self._pieces >= CHECK_PIECES:
                return self._compare(DISAGREEMENT)
            if length_ns >= EARLY_NS and self._telling and (self.disagrees or self._figures(FAR_APART).disagree):
                return self._compare(FAR_APART)
        return None

    def finish(self) -> Compared | None:
        """The same for the last window, which the end of the run shortens."""
        return self._compare(DISAGREEMENT) if self._telling and self._until_ns - self._since_ns >= LEAST_NS else None

    def power_w(self, since_ns: int) -> float | None:
        """The mean of integrated power since then, as far as it waits for the counter. None if there is none."""
        later = [piece for piece in self._waiting if piece.t_ns > since_ns]
        seconds = sum(piece.dt_s for piece in later)
        return sum(piece.energy_j for piece in later) / seconds if seconds > 0 else None

    def unconfirmed(self) -> Compared:
        """Everything since the last comparison, with the pieces that wait, beside all that the counter has shown by now."""
        figures = self._figures(DISAGREEMENT)
        start = self._start
        if start is None and self._waiting:
            start = self._curve.counter_at(self._waiting[0].start_ns)
        return figures._replace(
            counter_j=0.0 if start is None else self._curve.counter_j - start.counter_j,
            power_j=figures.power_j + sum(piece.energy_j for piece in self._waiting),
            less_j=figures.less_j + sum(piece.slack_low_j for piece in self._waiting),
            more_j=figures.more_j + sum(piece.slack_high_j for piece in self._waiting),
            until_ns=self._waiting[-1].t_ns if self._waiting else figures.until_ns,
        )

    @property
    def _telling(self) -> bool:
        """Whether the window says anything: a few readings with much time between them do not."""
        length_s = (self._until_ns - self._since_ns) * NS
        return self._pieces >= LEAST_PIECES or (self._start is not None and self._unseen_s <= UNSEEN_SHARE * length_s)

    def _take(self, piece: Piece, start: Place, end: Place, timing: Timing) -> None:
        if self._start is None:
            self._since_ns, self._start = piece.start_ns, start
        self._until_ns, self._end = piece.t_ns, end
        self._pieces += 1
        self._power_j += piece.energy_j
        self._slack_low_j += piece.slack_low_j
        self._slack_high_j += piece.slack_high_j
        mean_w = max(0.0, end.counter_j - start.counter_j) / piece.dt_s
        self._lowest_w, self._highest_w = min(self._lowest_w, mean_w), max(self._highest_w, mean_w)
        swing_w = max(timing.swing_w, self._highest_w - self._lowest_w)
        late_s = 2 * timing.gauge_late_s + (self._start.spacing_s + end.spacing_s) / 4
        unseen_s = max(0.0, piece.dt_s - timing.window_s)
        self._unseen_s += unseen_s
        self._unseen_j += unseen_s * (timing.most_w if unseen_s > MOSTLY_UNSEEN * piece.dt_s else swing_w / 2)
        self._timing_j = swing_w * late_s + self._unseen_j + timing.counter_late_s * min(mean_w, piece.energy_j / piece.dt_s)

    def _figures(self, share: float) -> Compared:
        """The window so far; `share`: how far apart its figures may be."""
        counter_j = 0.0 if self._start is None else self._end.counter_j - self._start.counter_j
        less_j, more_j = self._slack_low_j, self._slack_high_j
        disagree = abs(counter_j - self._power_j) > share * self._power_j + max(less_j, more_j) + self._timing_j
        seconds = (self._until_ns - self._since_ns) * NS
        return Compared(counter_j, self._power_j, less_j, more_j, self._timing_j, self._until_ns, seconds, disagree)

    def _compare(self, share: float) -> Compared:
        found = self._figures(share)
        self._all_counter_j += found.counter_j
        self._all_power_j += found.power_j
        self.disagrees = self.disagrees or found.disagree
        self.compared_ns = found.until_ns
        return found
