"""When each sensor is read. Time is counted in ticks, one period of the full rate each.

A counter is exact at any rate: frequent readings only make the edges of phases finer, and an edge asks for a reading of its own. So a
device with a counter is read at the calm rate, except in the first seconds of a run, for a moment after each edge (edges may follow each
other more closely than readings), and while the counter is in doubt. A device that is integrated from a gauge is always read at the full
rate.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from .channel import Channel

NS = 1e-9
FULL_S = 0.1
CALM_S = 1.0
"""Seconds between two readings at the full rate, and the most at the calm rate, where half of the readings come one tick earlier: so they
are not in step with a load. A commit after every second calm reading stores all but the last two seconds of a run."""
FIRST_S = 3.0
EDGE_S = 0.5
DOUBT_S = 3.0
"""How long the full rate lasts at the start of a run, after an edge, and after a reason for doubt. The last is longer than the time between
two commits, because some doubts are found only when readings are integrated."""
JITTER, SAMPLED_JITTER = 0.1, 0.5
"""Share of the period by which each tick is moved at random, in both directions. It is a half if instantaneous samples are integrated: a
load that swings once per period must be sampled at any moment of its swing."""
IDLE_S = 1.0
"""Without any channel, a tick comes this often."""


class Schedule:
    """Decides at which ticks the channels are read. `tick` is the last one."""

    def __init__(self, channels: Sequence[Channel], period_s: float) -> None:
        self.tick = 0
        self._look_tick: float = math.inf
        self._channels = channels
        self._period_s = period_s
        self.jitter = JITTER
        self._random = int.from_bytes(os.urandom(4))  # state of a linear congruential generator (Press et al., Numerical Recipes, 7.1)
        self._calm_every = 1
        self._calm_tick = 0  # the next tick of all calm channels: to wake the thread up costs more than a reading
        self.add(channels)

    def add(self, new: Sequence[Channel]) -> None:
        """Read `new` channels from the next tick on. They are among the channels already."""
        for channel in new:
            channel.next_tick = self.tick + 1
            channel.full_until = math.inf
            if channel.calm_every > channel.every:
                channel.full_until, self._calm_every = self._in(FIRST_S), channel.calm_every
            self.jitter = SAMPLED_JITTER if channel.integrator.sampled else self.jitter

    @property
    def at_edges(self) -> list[Channel]:
        """The channels to read at the edge of a phase: counters at full rate. Reads of a gauge in step with training would be biased."""
        return [c for c in self._channels if c.counts and c.every == 1]

    def next_tick(self) -> int:
        """The next tick at which something is due: a channel, or a look at something else."""
        return max(self.tick + 1, round(min(self.next_read(), self._look_tick)))

    def look_in(self, seconds: float) -> None:
        """In so many seconds at the latest there is a tick, whatever the channels need: something else is looked at then."""
        self._look_tick = math.inf if math.isinf(seconds) else self._in(seconds)

    def next_read(self) -> int:
        """The next tick at which a channel is due."""
        return max(self.tick + 1, min((c.next_tick for c in self._channels), default=self._in(IDLE_S)))

    def due_ns(self, begin_ns: int, tick: int) -> int:
        """When a tick is due: `tick` periods after the beginning, moved at random."""
        return begin_ns + round((tick + self.jitter * self._chance()) * self._period_s / NS)

    def due(self, tick: int) -> list[Channel]:
        """The channels to read at `tick`, in their order."""
        self.tick = tick
        due = [c for c in self._channels if c.next_tick <= tick]
        if tick >= self._calm_tick:
            self._calm_tick = tick + self._calm_every - (self._calm_every > 1 and self._chance() > 0)
        for channel in due:
            calm = channel.calm_every > channel.every and tick >= channel.full_until
            channel.next_tick = self._calm_tick if calm else tick + channel.every
        return due

    def slow_down(self, channel: Channel) -> None:
        """The rates of `channel` have become lower."""
        channel.next_tick = self.tick + channel.every

    def hurry(self, channels: Sequence[Channel], seconds: float, tick: int = 0) -> None:
        """Read `channels` at the full rate for some seconds. `tick` is the tick that it is now, if it is later than the last one."""
        self.tick = max(self.tick, tick)
        until = self._in(seconds)
        for channel in channels:
            channel.full_until = max(channel.full_until, until)
            channel.next_tick = min(channel.next_tick, self.tick + channel.every)

    def _chance(self) -> float:
        """A random number from -1 to 1."""
        self._random = (1_664_525 * self._random + 1_013_904_223) % 2**32
        return self._random / 2**31 - 1

    def _in(self, seconds: float) -> int:
        """The tick some seconds after the last one."""
        return self.tick + math.ceil(seconds / self._period_s)
