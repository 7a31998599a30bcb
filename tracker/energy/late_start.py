"""PURE: what a device drew before its first reading, if that comes late."""

from __future__ import annotations

from ..core.point import Provenance
from .curve import NS, Curve

LATE_S = 0.1
"""A first reading that comes later than this after the start of the run is late: the time before it is imputed."""
IDLE_SHARE = 0.15
"""The most that a suspended device draws, as a share of the most that it can draw. A judged bound: an idle GPU draws about a tenth."""


class LateStart:
    """When the run began, and until when the device slept at least (0 if it did not), in ns."""

    def __init__(self, begin_ns: int, asleep_ns: int) -> None:
        self._begin_ns = begin_ns
        self._asleep_ns = asleep_ns

    def impute(self, curve: Curve, t_ns: int, power_w: float) -> str | None:
        """The first reading is at `t_ns`, and the device draws `power_w` then. If that is late, the curve gets its beginning: half of an
        idle power while the device slept, from nothing to all of it; then the power that it shows, from nothing to all that it can draw.
        Returns the text for an event; None if it is not late."""
        begin_ns, most_w = self._begin_ns, curve.max_power_w
        if (t_ns - begin_ns) * NS <= LATE_S:
            return None
        awake_ns = max(begin_ns, min(self._asleep_ns, t_ns))
        curve.mark(begin_ns)
        _book(curve, begin_ns, awake_ns, IDLE_SHARE * most_w / 2, IDLE_SHARE * most_w)
        _book(curve, awake_ns, t_ns, min(power_w, most_w), most_w)
        slept = f", {(awake_ns - begin_ns) * NS:.1f} s of it asleep" if awake_ns > begin_ns else ""
        return f"it is read from here on; the {(t_ns - begin_ns) * NS:.1f} s before are imputed{slept}"


def _book(curve: Curve, from_ns: int, until_ns: int, held_w: float, most_w: float) -> None:
    seconds = (until_ns - from_ns) * NS
    curve.book(Provenance.IMPUTED, held_w * seconds, held_w * seconds, (most_w - held_w) * seconds)
    curve.mark(until_ns)
