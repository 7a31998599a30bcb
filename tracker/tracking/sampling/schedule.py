"""Which sensors are read at which tick."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.sensing import Counter
from .channel import Channel


class Schedule:
    """Most channels are read at each tick. The next tick of a channel with a lower rate is in an agenda."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._tick = 0  # the last one
        self._each_tick: list[Channel] = []
        self._agenda: dict[int, list[Channel]] = {}  # by tick
        for channel in channels:
            self._plan(channel, 1)

    def due(self, tick: int) -> list[Channel]:
        """The channels to read at `tick`: those in the agenda up to this tick, and those that are read at each tick. The former go into the
        agenda again, `every` ticks later."""
        due = [channel for t in range(self._tick + 1, tick + 1) for channel in self._agenda.pop(t, ())]
        self._tick = tick
        for channel in due:
            self._plan(channel, tick + channel.every)
        return due + self._each_tick

    def slow_down(self, channel: Channel) -> None:
        """The rate of `channel` has become lower. A channel in the agenda is read at its new rate from its next tick on."""
        if channel in self._each_tick:
            self._each_tick.remove(channel)
            self._plan(channel, self._tick + channel.every)

    @property
    def at_edges(self) -> list[Channel]:
        """The channels to read at the edge of a phase: counters at full rate. Reads of a gauge in step with training would be biased."""
        return [c for c in self._each_tick if isinstance(c.sensor.kind, Counter)]

    def _plan(self, channel: Channel, tick: int) -> None:
        if channel.every == 1:
            self._each_tick.append(channel)
        else:
            self._agenda.setdefault(tick, []).append(channel)
