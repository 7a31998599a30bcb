"""PURE: an energy curve that grows: running totals, the ticks of the last seconds, and the curve between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from ..core.point import Point, Provenance

NS = 1e-9
KEEP_NS = 12_000_000_000
"""How long ticks are kept. Edges of phases are interpolated from them, at most a few seconds after the edge."""


class Place(NamedTuple):
    """The joules of a counter at one instant, and how far apart in time the ticks around it are, in seconds."""

    counter_j: float
    spacing_s: float


class Curve:
    """Cumulative joules of one device by provenance, with their slack, and ticks of these totals over time.

    `lag_low_j` and `lag_high_j` are the part of every point's edge that comes from the delay of the sensor (a latched counter, an
    averaging gauge). They may become known after the first points, so they are added when a point is returned. `unshown_j` is what the
    counter does not show yet at its newest reading, and `unshown_first_j` what it did not show at its first one: each tick has the
    difference. `provisional`: it is being found out how late the counter is, and no tick is final.
    """

    def __init__(self, max_power_w: float) -> None:
        self.max_power_w = max_power_w
        self.lag_low_j = self.lag_high_j = 0.0
        self.counter_j = self.power_j = self.imputed_j = self.modelled_j = 0.0
        self.slack_low_j = self.slack_high_j = self.scatter_j2 = 0.0
        self.unshown_j = self.unshown_first_j = 0.0
        self.provisional = False
        self.ticks: deque[Point] = deque()
        self._trimmed = False
        self._settled_ns: int | None = None  # None: all of them

    def book(self, provenance: Provenance, energy_j: float, slack_low_j: float = 0.0, slack_high_j: float = 0.0) -> None:
        """Add joules and their slack. All are at least 0."""
        match provenance:
            case Provenance.MEASURED_COUNTER:
                self.counter_j += energy_j
            case Provenance.MEASURED_POWER:
                self.power_j += energy_j
            case Provenance.IMPUTED:
                self.imputed_j += energy_j
            case Provenance.MODELLED:
                self.modelled_j += energy_j
        self.slack_low_j += slack_low_j
        self.slack_high_j += slack_high_j

    def mark(self, t_ns: int, uncertainty_ns: int = 0, less_j: float = 0.0, more_j: float = 0.0) -> None:
        """Make the totals a tick at `t_ns`, ± `uncertainty_ns`. Up to `less_j` less or `more_j` more may have been drawn by then.

        If `t_ns` is not after the last tick, the totals replace that tick.
        """
        edge_j = uncertainty_ns * NS * self.max_power_w
        ticks = self.ticks
        replaces = bool(ticks) and ticks[-1].t_ns >= t_ns
        tick = Point(
            ticks[-1].t_ns if replaces else t_ns,
            self.counter_j,
            self.power_j,
            self.imputed_j,
            self.modelled_j,
            self.slack_low_j,
            self.slack_high_j,
            edge_j + less_j,
            edge_j + more_j,
            self.scatter_j2,
        )
        least_j = ticks[-1].counter_j if ticks else 0.0
        if self.unshown_j or self.unshown_first_j or self.counter_j < least_j:
            tick = self._shown_in_time(tick, self.unshown_j, least_j)
        if replaces:
            ticks[-1] = tick
        else:
            ticks.append(tick)
        while len(ticks) > 2 and ticks[1].t_ns < t_ns - KEEP_NS:
            ticks.popleft()
            self._trimmed = True

    def settle(self, t_ns: int | None) -> None:
        """Ticks up to `t_ns` are final, or all of them for None. A tick of a counter is final when the next one shows that the counter has
        not stopped before it."""
        self._settled_ns = t_ns
        self.provisional = self.provisional and t_ns is not None

    def widen(self, since_ns: int, more_j: float) -> None:
        """The ticks from `since_ns` on may lack this much energy."""
        for i in range(len(self.ticks) - 1, -1, -1):
            if self.ticks[i].t_ns < since_ns:
                break
            self.ticks[i] = self.ticks[i]._replace(edge_high_j=self.ticks[i].edge_high_j + more_j)

    def restate(self) -> None:
        """Give the newest tick the slack that was added after it."""
        if self.ticks:
            self.ticks[-1] = self.ticks[-1]._replace(slack_low_j=self.slack_low_j, slack_high_j=self.slack_high_j)

    def restate_unshown(self, unshown_j: Sequence[tuple[int, float]]) -> None:
        """Give the ticks so far what the counter did not show yet: from each of these instants (ns) on, so many joules."""
        self.unshown_first_j, self.unshown_j = unshown_j[0][1], unshown_j[-1][1]
        known, least_j = 0, 0.0
        for i, tick in enumerate(self.ticks):
            while known < len(unshown_j) and unshown_j[known][0] <= tick.t_ns:
                known += 1
            if known:
                self.ticks[i] = tick = self._shown_in_time(tick, unshown_j[known - 1][1], least_j)
            least_j = tick.counter_j

    def _shown_in_time(self, tick: Point, unshown_j: float, least_j: float) -> Point:
        """A tick with the joules that the counter does not show. What may be drawn by then stays; energy never falls below `least_j`."""
        counter_j = max(tick.counter_j + unshown_j - self.unshown_first_j, least_j)
        unshown_j = counter_j - tick.counter_j + self.unshown_first_j
        return tick._replace(counter_j=counter_j, edge_low_j=tick.edge_low_j + unshown_j, edge_high_j=tick.edge_high_j - unshown_j)

    def copy(self) -> Curve:
        """The curve as it is now; what is booked later does not change it."""
        twin = Curve.__new__(Curve)
        twin.__dict__.update(self.__dict__)
        twin.ticks = self.ticks.copy()
        return twin

    @property
    def first(self) -> Point | None:
        """The curve's first point, while its tick is still kept. None before and after that."""
        return self._lagged(self.ticks[0]) if self.ticks and not self._trimmed else None

    @property
    def latest(self) -> Point | None:
        """The newest point, with its complete edges. None before the first tick."""
        return self._lagged(self.ticks[-1]) if self.ticks else None

    def reaches(self, t_ns: int) -> bool:
        """Whether there is a final tick at `t_ns` or later."""
        if self.provisional or not self.ticks:
            return False
        return (self.ticks[-1].t_ns if self._settled_ns is None else self._settled_ns) >= t_ns

    def at(self, t_ns: int) -> Point | None:
        """The curve at `t_ns`, interpolated between ticks and flat beyond its ends. None if the ticks are no longer kept."""
        a, b = self._around(t_ns)
        if a is not None and b is not None:
            return self._between(a, b, t_ns)
        end = a or b
        return None if end is None else self._lagged(end)

    def counter_at(self, t_ns: int) -> Place | None:
        """The joules of the counter alone at `t_ns`, as in `at`. None if the ticks are no longer kept."""
        a, b = self._around(t_ns)
        if a is not None and b is not None:
            counter_j = a.counter_j + (t_ns - a.t_ns) / (b.t_ns - a.t_ns) * (b.counter_j - a.counter_j)
            return Place(counter_j, (b.t_ns - a.t_ns) * NS)
        end = a or b
        return None if end is None else Place(end.counter_j, 0.0)

    def _around(self, t_ns: int) -> tuple[Point | None, Point | None]:
        """The tick at or before `t_ns` and the tick after it. None beyond an end; both None if the ticks are no longer kept."""
        after: Point | None = None
        for tick in reversed(self.ticks):
            if tick.t_ns <= t_ns:
                return tick, after
            after = tick
        return None, None if self._trimmed else after

    def _between(self, a: Point, b: Point, t_ns: int) -> Point:
        """Linear between two ticks. E never falls, and rises by at most `max_power_w`. So each tick bounds the true value, more tightly
        near the tick. Lags are added."""
        x = (t_ns - a.t_ns) / (b.t_ns - a.t_ns)
        counter_j = a.counter_j + x * (b.counter_j - a.counter_j)
        power_j = a.power_j + x * (b.power_j - a.power_j)
        imputed_j = a.imputed_j + x * (b.imputed_j - a.imputed_j)
        modelled_j = a.modelled_j + x * (b.modelled_j - a.modelled_j)
        energy, ea, eb = counter_j + power_j + imputed_j + modelled_j, a.energy_j, b.energy_j
        rise_a, rise_b = ((t_ns - a.t_ns) * NS * self.max_power_w, (b.t_ns - t_ns) * NS * self.max_power_w)
        low = max(ea - a.edge_low_j, eb - b.edge_low_j - rise_b)
        high = min(eb + b.edge_high_j, ea + a.edge_high_j + rise_a)
        return Point(
            t_ns,
            counter_j,
            power_j,
            imputed_j,
            modelled_j,
            a.slack_low_j + x * (b.slack_low_j - a.slack_low_j),
            a.slack_high_j + x * (b.slack_high_j - a.slack_high_j),
            max(0.0, energy - low + self.lag_low_j),
            max(0.0, high - energy + self.lag_high_j),
            a.scatter_j2 + x * (b.scatter_j2 - a.scatter_j2),
        )

    def _lagged(self, point: Point) -> Point:
        low_j, high_j = point.edge_low_j + self.lag_low_j, max(0.0, point.edge_high_j + self.lag_high_j)
        return point._replace(edge_low_j=low_j, edge_high_j=high_j)
