"""PURE: how much of the energy of a run was used by an instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...core.point import Point
from ...energy.mean_power import energy_at

if TYPE_CHECKING:
    from ...storage.read.records import StoredRun

Curves = Mapping[tuple[str, str], Sequence[Point]]


def used_share(stored: StoredRun, curves: Curves, utc_ns: int) -> float | None:
    """The share of the energy of a run that it had used by an instant of UTC; None if it has no energy."""
    used_j = whole_j = 0.0
    for row in stored.devices:
        curve, offset_ns = curves.get((row.segment_id, row.name), ()), offset_of(stored, row.segment_id)
        if row.included_in_total and len(curve) > 1 and offset_ns is not None:
            t_ns = min(max(utc_ns - offset_ns, curve[0].t_ns), curve[-1].t_ns)
            used_j += energy_at(curve, t_ns) - curve[0].energy_j
            whole_j += curve[-1].energy_j - curve[0].energy_j
    return used_j / whole_j if whole_j > 0.0 else None


def offset_of(stored: StoredRun, segment_id: str) -> int | None:
    """What is to be added to the clock of a process to get UTC: by its first anchor, or else by its start. None for an unknown process."""
    anchors = stored.anchors.get(segment_id, ())
    if anchors:
        return anchors[0].utc_ns - anchors[0].monotonic_ns
    return next((s.started_utc_ns - s.start_t_ns for s in stored.segments if s.id == segment_id), None)
