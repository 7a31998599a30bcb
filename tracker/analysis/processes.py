"""PURE: the processes of a run: which devices each has read, and what it has done."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from .view import NS, device_share

if TYPE_CHECKING:
    from ..core.contract import PhaseByRankJson, ProcessJson, ReadJson
    from ..storage.read.records import SegmentRow, StoredRun


def processes_of(stored: StoredRun) -> list[ProcessJson]:
    """The processes of a run, by rank and then in the order of their beginning. What several have read at the same time counts in the one
    that began first."""
    ordered = sorted(stored.segments, key=lambda s: (s.rank is None, s.rank or 0, s.started_utc_ns))
    return [_process(stored, segment) for segment in ordered]


def phases_by_rank(stored: StoredRun) -> list[PhaseByRankJson]:
    """The fastest and the slowest rank of each phase that several ranks were in, in order of first start."""
    ranks = {s.id: s.rank for s in stored.segments if s.rank is not None}
    seconds: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for phase in sorted(stored.phases, key=lambda p: p.first_start_utc_ns):
        if phase.segment_id in ranks:
            seconds[phase.name][ranks[phase.segment_id]] += phase.duration_s
    found: list[PhaseByRankJson] = []
    for name, by_rank in seconds.items():
        if len(by_rank) > 1:
            fastest, slowest = min(by_rank, key=lambda r: (by_rank[r], r)), max(by_rank, key=lambda r: (by_rank[r], -r))
            found.append(
                {
                    "name": name,
                    "fastest_rank": fastest,
                    "fastest_s": by_rank[fastest],
                    "slowest_rank": slowest,
                    "slowest_s": by_rank[slowest],
                }
            )
    return found


def _process(stored: StoredRun, segment: SegmentRow) -> ProcessJson:
    begun_s = (segment.started_utc_ns - min(s.started_utc_ns for s in stored.segments)) * NS

    def since_begin_s(t_ns: int) -> float:
        return begun_s + (t_ns - segment.start_t_ns) * NS

    reads: list[ReadJson] = []
    last_t_ns = segment.start_t_ns if segment.end_t_ns is None else segment.end_t_ns
    for device in stored.devices:
        if device.segment_id == segment.id and device.first is not None and device.last is not None:
            from_s, to_s = since_begin_s(device.first.t_ns), since_begin_s(device.last.t_ns)
            reads.append({"device": device.name, "from_s": from_s, "to_s": to_s, "energy_j": device_share(device).energy_j})
            last_t_ns = max(last_t_ns, device.last.t_ns)
    return {
        "rank": segment.rank,
        "role": segment.role,
        "host": segment.host,
        "pid": segment.pid,
        "status": segment.status,
        "end_reason": segment.end_reason,
        "from_s": begun_s,
        "to_s": since_begin_s(last_t_ns),
        "work": {w.unit: w.amount for w in stored.work if w.segment_id == segment.id and not w.phase},
        "reads": reads,
    }
