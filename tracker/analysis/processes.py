"""PURE: the processes of a run: which devices each has read, and what it has done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..energy.curve import Curve
from ..energy.intervals import Interval, interval
from ..energy.shares.policy import CGROUP, MACHINE, POLICY, WEIGHTS
from ..energy.shares.ranks import Held, divided
from .view import NS, device_share
from .work.units import work_in

if TYPE_CHECKING:
    from ..core.contract import DeviceOfRankJson, PhaseByRankJson, ProcessJson, RankSharesJson, ReadJson
    from ..core.point import Point
    from ..storage.read.records import DeviceRow, SegmentRow, StoredRun, UseRow

_Parts = dict[tuple[str, str, str | None], Interval]
"""Parts of the energies of devices, by host, name and UUID."""


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


def shares_of_ranks(stored: StoredRun, uses: Sequence[UseRow], curves: Mapping[tuple[str, str], Sequence[Point]]) -> RankSharesJson | None:
    """What is attributed to each rank of the devices in the total, by what it has used of them; None if that is not known of any rank.
    `curves`: by segment id and device."""
    ranks = {segment.id: segment for segment in stored.segments if segment.rank is not None}
    used = {(use.segment_id, use.device, use.user_segment_id): use for use in uses if use.user_segment_id in ranks}
    if not used:
        return None
    by_rank: dict[int, _Parts] = {segment.rank: {} for segment in ranks.values() if segment.rank is not None}
    left: _Parts = {}
    for device in stored.devices:
        if not device.included_in_total or device.first is None or device.last is None:
            continue
        whole = interval([device_share(device)])
        idle = None if device.idle_w is None or whole.energy_j <= 0.0 else device.idle_w * _seconds(device) / whole.energy_j
        held = _held(device, ranks, used, curves.get((device.segment_id, device.name), ()))
        parts = divided(whole, held, WEIGHTS[device.kind], idle) if held else {}
        for segment_id, part in parts.items():
            if (rank := ranks[segment_id].rank) is not None:
                _add(by_rank[rank], device, part)
        given_j = sum(part.energy_j for part in parts.values())
        _add(left, device, Interval(max(0.0, whole.energy_j - given_j), 0.0, whole.high_j))
    return {
        "policy": POLICY,
        "ranks": [
            {
                "rank": rank,
                "energy_j": sum(part.energy_j for part in parts.values()),
                "low_j": sum(part.low_j for part in parts.values()),
                "high_j": sum(part.high_j for part in parts.values()),
                "devices": _as_json(parts),
            }
            for rank, parts in sorted(by_rank.items())
        ],
        "unattributed_j": sum(part.energy_j for part in left.values()),
        "unattributed": _as_json(left),
    }


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
        "work": work_in(w for w in stored.work if w.segment_id == segment.id and not w.phase),
        "reads": reads,
    }


def _held(
    device: DeviceRow, ranks: Mapping[str, SegmentRow], used: Mapping[tuple[str, str, str], UseRow], points: Sequence[Point]
) -> dict[str, Held]:
    """What each rank has used of a device, by its segment. Who reads a GPU has looked at all ranks, in all of the time. Of the processors
    and the memory each rank has looked at itself, in its own time."""
    if device.kind == "gpu":
        return {
            user: Held(use.use, 1.0)
            for (segment_id, name, user), use in used.items()
            if (segment_id, name) == (device.segment_id, device.name)
        }
    if device.kind not in WEIGHTS:  # a meter of the whole machine: nothing tells how much of it a process uses
        return {}
    found: dict[str, Held] = {}
    for segment_id, rank in ranks.items():
        of_group = used.get((segment_id, CGROUP, segment_id)) if device.gain_class == "model" else None
        use = of_group or used.get((segment_id, MACHINE, segment_id))
        if use is not None and (rank.host, rank.boot_id) == (device.host, device.boot_id):
            found[segment_id] = Held(use.use, _part_of_energy(device, points, rank.start_t_ns, _last_t_ns(rank)))
    return found


def _part_of_energy(device: DeviceRow, points: Sequence[Point], start_t_ns: int, end_t_ns: int) -> float:
    """The part of the energy of a device that it drew from one instant to another."""
    curve = Curve(device.max_power_w)
    curve.ticks.extend(points)
    if device.first is None or device.last is None or end_t_ns <= start_t_ns:
        return 0.0
    ends = device.first.t_ns, device.last.t_ns
    at = [curve.at(min(max(t_ns, ends[0]), ends[1])) for t_ns in (*ends, start_t_ns, end_t_ns)]
    first_j, last_j, start_j, end_j = (0.0 if point is None else point.energy_j for point in at)
    return (end_j - start_j) / (last_j - first_j) if last_j > first_j else 0.0


def _last_t_ns(segment: SegmentRow) -> int:
    """When a process was last there, on its monotonic clock."""
    seen_t_ns = segment.start_t_ns + segment.last_seen_utc_ns - segment.started_utc_ns
    return seen_t_ns if segment.end_t_ns is None else segment.end_t_ns


def _seconds(device: DeviceRow) -> float:
    return 0.0 if device.first is None or device.last is None else (device.last.t_ns - device.first.t_ns) * NS


def _add(parts: _Parts, device: DeviceRow, part: Interval) -> None:
    """Add what was given of a device in one of the processes that have read it."""
    key = device.host, device.name, device.uuid
    before = parts.get(key, Interval(0.0, 0.0, 0.0))
    parts[key] = Interval(*(a + b for a, b in zip(before, part, strict=True)))


def _as_json(parts: _Parts) -> list[DeviceOfRankJson]:
    return [
        {"host": host, "device": name, "uuid": uuid, "energy_j": part.energy_j, "low_j": part.low_j, "high_j": part.high_j}
        for (host, name, uuid), part in parts.items()
    ]
