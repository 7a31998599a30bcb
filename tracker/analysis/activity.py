"""PURE: what the devices of a run did, as `show --json` prints it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.activity import Activity, ActivityPoint, figures, total, window
from ..energy.shares.policy import CGROUP, MACHINE

if TYPE_CHECKING:
    from ..core.contract import ActivityJson, DeviceJson, ProcessorsJson
    from ..storage.read.records import StoredRun

LATEST_NS = 2**62


def with_activity(stored: StoredRun, devices: Iterable[DeviceJson]) -> None:
    """Give the devices of a run their activity over all segments, and whether a process of the run was seen on them. The time that another
    process has read too counts once."""
    used = {(piece.host, piece.name): piece.detail.get("used") for piece in stored.inventory if piece.kind == "gpu"}
    found: dict[tuple[str, str, str | None], list[ActivityPoint]] = defaultdict(list)
    for row in stored.devices:
        point = stored.activity.get((row.segment_id, row.name))
        if point is not None and row.first is not None and row.last is not None:
            of_run = window([point.zero(), point], row.first.t_ns, row.last.t_ns) or point.zero()
            found[row.host, row.name, row.uuid].append(of_run)
    for device in devices:
        device["used"] = used.get((device["host"], device["device"]))
        sums = total(found[device["host"], device["device"], device["uuid"]])
        activity = None if sums is None else figures(sums)
        device["activity"] = None if activity is None else described(activity)


def described(activity: Activity) -> ActivityJson:
    """The `activity` object of a GPU."""
    return {
        "seen_s": activity.seen_s,
        "busy_s": activity.busy_s,
        "busy_fraction": activity.busy,
        "busy_low": activity.busy_low,
        "busy_high": activity.busy_high,
        "memory_busy_fraction": activity.memory_busy,
        "sm_clock_mhz": activity.sm_mhz,
        "memory_clock_mhz": activity.memory_mhz,
        "throttled_s": None if activity.throttled_s is None else dict(activity.throttled_s),
        "temperature_c": activity.celsius,
        "temperature_max_c": activity.celsius_max,
        "memory_bytes": activity.memory_bytes,
        "memory_max_bytes": activity.memory_bytes_max,
        "power_limit_w": activity.limit_w,
    }


def busy_now(stored: StoredRun, newest: Mapping[tuple[str, str], Sequence[ActivityPoint]]) -> dict[tuple[str, str], float | None]:
    """How busy each device was between its `newest` two points, by host and device; of a device that several processes have read one after
    the other, the last one tells."""
    hosts = {s.id: s.host for s in stored.segments}
    found: dict[tuple[str, str], float | None] = {}
    for (segment_id, device), points in sorted(newest.items(), key=lambda of: of[1][-1].t_ns):
        if segment_id in hosts and len(points) > 1 and (last := figures(points[-1].less(points[-2]))) is not None:
            found[hosts[segment_id], device] = last.busy
    return found


def processors_of(stored: StoredRun) -> list[ProcessorsJson]:
    """How busy the processors of each host were. A time that several processes have counted counts once."""
    sums: dict[tuple[str, str], list[ActivityPoint]] = defaultdict(list)
    until_ns: dict[tuple[str, str], int] = {}
    hosts = {s.id: (s.host, s.boot_id or s.id) for s in stored.segments}
    of_processors = [(key, point) for key, point in stored.activity.items() if key[1] in (CGROUP, MACHINE) and key[0] in hosts]
    for (segment_id, of), point in sorted(of_processors, key=lambda found: found[1].zero().t_ns):
        host, boot = hosts[segment_id]
        added = window([point.zero(), point], until_ns.get((boot, of), -LATEST_NS), LATEST_NS)
        if added is not None:
            sums[host, of].append(added)
            until_ns[boot, of] = point.t_ns
    described: list[ProcessorsJson] = []
    for (host, of), windows in sorted(sums.items()):
        whole = total(windows)
        activity = None if whole is None else figures(whole)
        if activity is not None and activity.busy is not None and activity.busy_s is not None and activity.cpus:
            described.append(
                {
                    "host": host,
                    "of": of,
                    "cpus": activity.cpus,
                    "seen_s": activity.seen_s,
                    "busy_cpu_s": activity.busy_s,
                    "busy_fraction": activity.busy,
                }
            )
    return described
