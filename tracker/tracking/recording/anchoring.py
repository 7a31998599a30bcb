"""The clock anchors of a run: the same instant on the monotonic clock, in UTC, and on the clock that also counts suspend."""

from __future__ import annotations

from ...core.clock import Anchor
from ...core.run import Event, EventKind

ANCHOR_NS = 60_000_000_000
"""An anchor is stored once a minute, and at the end."""
SUSPEND_NS = 1_000_000_000
"""The machine was suspended if the boot-time clock has advanced by more than this beyond the monotonic clock."""


class Anchoring:
    """Keeps the newest anchor as `anchor`, and decides when it is replaced."""

    def __init__(self, anchor: Anchor) -> None:
        self.anchor = anchor
        self._renewed_ns = 0

    def renew(self, now: Anchor, *, final: bool) -> tuple[bool, Event | None]:
        """Make `now` the newest anchor if the last one is old enough, or if the run ends (`final`).

        Returns whether it did, and a `suspended` event if the machine slept since the last one.
        """
        if not final and now.monotonic_ns - self._renewed_ns < ANCHOR_NS:
            return False, None
        slept_ns = (now.boottime_ns - now.monotonic_ns) - (self.anchor.boottime_ns - self.anchor.monotonic_ns)
        self.anchor, self._renewed_ns = now, now.monotonic_ns
        if slept_ns <= SUSPEND_NS:
            return True, None
        text = f"the machine slept for {slept_ns * 1e-9:.0f} s; this time and its energy are not counted"
        return True, Event(EventKind.SUSPENDED, now.monotonic_ns, None, text)
