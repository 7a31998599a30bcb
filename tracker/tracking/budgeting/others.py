"""What the other processes of a run have stored: its other ranks, those before a restart, the command around it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

NS = 1e-9
MEAN_NS = 2_000_000_000
"""The power is the mean of this time, or of the time since the start: a counter that is renewed ten times a second shows it to some
per cent."""
LEAST_NS = 500_000_000
"""What others have stored of a shorter time tells no power."""
AHEAD_NS = 3_000_000_000
"""For so long the last power is taken to last, until a reading shows more."""
GONE_NS = 7_000_000_000
"""A device of which nothing new is stored for so long is not read any more. What is read is stored every two seconds."""
_OF = "segment_id = d.segment_id AND device = d.name"
_JOULES = "{0}.counter_j + {0}.power_j + {0}.imputed_j + {0}.modelled_j"
STORED = (
    f"SELECT s.id, d.name, s.status = 'running', p.t_ns, {_JOULES.format('p')}, q.t_ns, {_JOULES.format('q')}"
    " FROM segment s JOIN device d ON d.segment_id = s.id"
    " JOIN curve_point p ON p.segment_id = d.segment_id AND p.device = d.name AND p.t_ns ="
    f" (SELECT MAX(t_ns) FROM curve_point WHERE {_OF})"
    " JOIN curve_point q ON q.segment_id = d.segment_id AND q.device = d.name AND q.t_ns ="
    f" COALESCE((SELECT MAX(t_ns) FROM curve_point WHERE {_OF} AND t_ns <= p.t_ns - {MEAN_NS}),"
    f" (SELECT MIN(t_ns) FROM curve_point WHERE {_OF}))"
    " WHERE s.run_id = ? AND s.id <> ? AND d.included_in_total = 1"
)
"""Of each of their devices the last point, and the one MEAN_NS before, else the first one."""
Row = tuple[str, str, int, int, float, int, float]
"""Segment, device, whether the segment is under way, and nanoseconds (of the clock of that segment) and joules of both points."""


class _Seen(NamedTuple):
    """The last point of a device: its time on the clock of who stored it, and when it was found. `power_w`: the watts before it. They are
    None if they are not known, also when the device was found for the first time: who stored it may have been killed long ago."""

    t_ns: int
    energy_j: float
    found_ns: int
    power_w: float | None


class Others:
    """The joules and watts of the devices that other processes read. Times are those of the monotonic clock of this process."""

    def __init__(self) -> None:
        self.energy_j = 0.0
        """The joules that they have stored."""
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._powers: dict[int, float | None] = {}
        """The watts of the devices that are read, by when their last points were found. None if those of one are not known."""

    def learn(self, stored: Iterable[Row], now_ns: int) -> None:
        """Take the rows of STORED for the run and the segment of this process."""
        powers: dict[int, float | None] = {}
        for segment, name, running, t_ns, energy_j, from_ns, from_j in stored:
            seen = self._seen.get((segment, name))
            if seen is None or t_ns > seen.t_ns:
                known = seen is not None and t_ns >= from_ns + LEAST_NS
                power_w = max(0.0, (energy_j - from_j) / ((t_ns - from_ns) * NS)) if known else None
                seen = self._seen[segment, name] = _Seen(t_ns, energy_j, now_ns, power_w)
            if running and now_ns - seen.found_ns < GONE_NS:
                before_w = powers.get(seen.found_ns, 0.0)
                powers[seen.found_ns] = None if before_w is None or seen.power_w is None else before_w + seen.power_w
        self._powers = powers
        self.energy_j = sum(seen.energy_j for seen in self._seen.values())

    def power_w(self, now_ns: int) -> float | None:
        """The watts of the devices that are still read. None as long as those of one are not known."""
        powers = [power_w for found_ns, power_w in self._powers.items() if now_ns - found_ns < GONE_NS]
        known = [power_w for power_w in powers if power_w is not None]
        return sum(known) if len(known) == len(powers) else None

    def ahead_j(self, now_ns: int) -> float:
        """The joules since the last points were found, if the last power has lasted."""
        return sum((power_w or 0.0) * NS * min(max(0, now_ns - at_ns), AHEAD_NS) for at_ns, power_w in self._powers.items())
