"""The clocks of a machine. They are injected wherever time matters.

Intervals are integrated on CLOCK_MONOTONIC, in integer nanoseconds. UTC and CLOCK_BOOTTIME are only recorded beside it, in anchors. So a
change of the wall clock changes no joule, and a suspend can be detected.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NamedTuple, Protocol


def iso(utc_ns: int) -> str:
    """UTC nanoseconds as ISO 8601 with milliseconds."""
    return datetime.fromtimestamp(utc_ns * 1e-9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Anchor(NamedTuple):
    """The same instant on three clocks, each in integer nanoseconds."""

    monotonic_ns: int
    utc_ns: int
    boottime_ns: int

    def utc_of(self, t_ns: int) -> int:
        """UTC nanoseconds of the monotonic instant `t_ns`, according to this anchor."""
        return self.utc_ns + (t_ns - self.monotonic_ns)


class Clock(Protocol):
    """The clocks that the tracker reads."""

    def monotonic_ns(self) -> int: ...
    def anchor(self) -> Anchor: ...
    def thread_cpu_s(self) -> float: ...


class SystemClock:
    """The clocks of this machine."""

    monotonic_ns = staticmethod(time.monotonic_ns)
    thread_cpu_s = staticmethod(time.thread_time)

    def anchor(self) -> Anchor:
        """Read the three clocks in quick succession."""
        monotonic_ns = time.monotonic_ns()
        return Anchor(monotonic_ns, time.time_ns(), _boottime_ns(monotonic_ns))


def _boottime_ns(monotonic_ns: int) -> int:
    try:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    except (AttributeError, OSError):  # not Linux: a suspend cannot be detected
        return monotonic_ns
