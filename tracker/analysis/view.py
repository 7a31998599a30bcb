"""PURE: a stored run as the dictionary that `show --json` prints (schema 1), and its headline."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from ..core.clock import iso
from ..core.run import DEVICE_HOURS_KEY, SOURCE_KEY, Origin
from ..core.sensing import whole_name
from ..energy.intervals import Interval, Share, at_most, between, by_sensor, interval
from ..energy.shares.told import attribution_of
from .activity import processors_of, with_activity
from .over_time.ahead import ahead_of
from .slurm.allocations import allocations_of
from .work.compute import compute_of
from .work.units import each_of_units, work_in, work_json, work_partial

if TYPE_CHECKING:
    from ..core.contract import DeviceJson, EnergyJson, EnergyRangeJson, EnergySumJson, PhaseJson, RanksJson, RunJson, SamplerJson, ShowJson
    from ..core.contract.show import UnreadDeviceJson
    from ..storage.read.records import Damage, DeviceRow, PhaseSum, RunRow, SegmentRow, StoredRun

N = TypeVar("N", int, float)
SCHEMA_VERSION = 1
NS = 1e-9
KINDS = {"gpu": "GPU", "cpu": "CPU", "dram": "DRAM", "platform": "machine"}
ORDER = {"gpu": 0, "cpu": 1, "dram": 2, "platform": 3}
UNSEEN_S, WHOLE = 0.5, 0.99
"""A device that was seen for less than this share of the run, and for UNSEEN_S less, makes the total a lower bound."""


def describe(stored: StoredRun, per: str | None = None) -> ShowJson:
    """The JSON contract of a run: joules, times in ISO 8601 UTC, intervals at 95 %. Its `carbon` is None; footprint.py fills it. `per`: the
    unit of work that the user asks for."""
    duration_s = run_duration_s(stored.run)
    of_ranks = [s for s in stored.segments if s.rank is not None]
    recorded = len({s.rank for s in of_ranks}), any(s.role == "joined" for s in of_ranks)
    run = describe_run(stored.run, duration_s, ranks_of(stored.run, *recorded), stored.damage)
    energy = energy_of(stored, duration_s)
    work = work_in(w for w in stored.work if not w.phase)
    return {
        "schema_version": SCHEMA_VERSION,
        "run": run,
        "energy": energy,
        "phases": _phases(stored, energy["high_j"] or 0.0, whole_work=not work_partial(run)),
        **work_json(run, energy, work, per),
        "events": [{"device": e.device, "kind": e.kind, "at": iso(e.utc_ns), "detail": e.detail} for e in stored.events],
        "carbon": None,
        "carbon_missing": None,
        "sampler": _sampler(stored),
        "allocations": allocations_of(stored),
        "processors": processors_of(stored),
        "compute": compute_of(stored, run, energy, work),
        **ahead_of(stored, run, energy),
    }


def describe_run(run: RunRow, duration_s: float, ranks: RanksJson | None = None, damage: Iterable[Damage] = ()) -> RunJson:
    """The `run` object of the contract. `damage` is what cannot be true in any of its rows."""
    return {
        "id": run.id,
        "project": run.project,
        "name": run.name,
        "group": run.group_name,
        "stage": run.stage,
        "status": run.status,
        "end_reason": run.end_reason,
        "started_at": iso(run.started_utc_ns),
        "ended_at": None if run.ended_utc_ns is None else iso(run.ended_utc_ns),
        "last_seen_at": iso(run.last_seen_utc_ns),
        "duration_s": duration_s,
        "host": run.host,
        "command": run.command,
        "git_commit": run.git_commit,
        "tags": run.tags,
        "external": run.external,
        "ranks": ranks,
        "damage": [{"table": d.table, "column": d.column, "value": d.value} for d in dict.fromkeys((*run.damage, *damage))],
        "origin": run.origin.value,
        "source": run.settings.get(SOURCE_KEY),
        "device_hours": run.settings.get(DEVICE_HOURS_KEY),
    }


def in_job(run: RunRow) -> bool:
    """Whether a run belongs to a job that has several ranks on its node."""
    return isinstance(of := run.settings.get("ranks_here"), int) and of > 1


def ranks_of(run: RunRow, recorded: int, joined: bool) -> RanksJson | None:
    """The ranks that have `recorded` in a run; `joined`: in that of a command around them. None if its job has one on its node only."""
    if not in_job(run):
        return None
    return {"recorded": max(1, recorded), "of": max(1, recorded, run.settings["ranks_here"]), "joined": joined or recorded > 1}


def run_duration_s(run: RunRow) -> float:
    """The duration on the monotonic clock. Only where no process of the run is known, the wall clock has to tell."""
    return run.duration_s if run.duration_s is not None else max(0, run.last_seen_utc_ns - run.started_utc_ns) * NS


def energy_of(stored: StoredRun, duration_s: float) -> EnergyJson:
    """The `energy` object of the contract, from the devices of all segments of a run."""
    energy, described = _energy(stored.devices, duration_s)
    with_activity(stored, described)
    return {**energy, "devices": described}


def energy_sum_of(devices: Iterable[DeviceRow], duration_s: float) -> EnergySumJson:
    """The same without the single devices: for a list, or for the devices of many runs."""
    return _energy(devices, duration_s)[0]


def _energy(devices: Iterable[DeviceRow], duration_s: float) -> tuple[EnergySumJson, list[DeviceJson]]:
    groups: dict[tuple[str, str, str | None, bool], list[DeviceRow]] = defaultdict(list)
    never_read: dict[object, DeviceRow] = {}
    for d in devices:
        if d.first is not None and d.last is not None:
            groups[d.host, d.name, d.uuid, d.included_in_total].append(d)
        elif d.included_in_total:
            never_read[d.host, d.name, d.uuid, True] = d
    never = sorted((d for key, d in never_read.items() if key not in groups), key=lambda d: (d.host, ORDER[d.kind], natural(d.name)))
    unmeasured: list[UnreadDeviceJson] = [
        {"device": d.name, "host": d.host, "kind": d.kind, "model": d.model, "uuid": d.uuid, "reason": d.note} for d in never
    ]
    each = (_device(rows, duration_s, host) for (host, *_), rows in groups.items())
    described = sorted(each, key=lambda d: (d["host"], ORDER[d["kind"]], natural(d["device"])))
    total = interval(map(device_share, counted := [d for rows in groups.values() for d in rows if d.included_in_total]))
    within = [d for d in described if d["included_in_total"]]
    measured = sum(d["provenance"]["measured-counter"] + d["provenance"]["measured-power"] for d in within)
    modelled, shares = sum(d["provenance"]["modelled"] for d in within), any(d["share_of"] for d in within)
    parts = measured + modelled + sum(d["provenance"]["imputed"] for d in within)  # where nothing else is added, it is `measured` exactly
    idle = [d["idle_j"] for d in within if d["idle_j"] is not None]
    idle_j = sum(idle) if idle and len(idle) == len(within) else None
    return {
        "attribution": attribution_of(described),
        "total_j": total.energy_j if counted else None,
        "low_j": total.low_j if counted else None,
        "high_j": total.high_j if counted else None,
        "interval_level": 0.95,
        "interval_kind": "confidence" if not (modelled or shares) else "mixed" if modelled < WHOLE * total.energy_j else "judged",
        "boundary": "machine" if any(d["kind"] == "platform" for d in within) else "components",
        "measured_fraction": measured / parts if parts and not unmeasured else None,
        "measured_only_j": measured,
        "unmeasured": unmeasured,
        "idle_j": idle_j,
        "above_idle_j": None if idle_j is None else max(0.0, total.energy_j - idle_j),
        "lower_bound": bool(unmeasured) or any(cut_short(d["seen_fraction"], duration_s) for d in within),
    }, described


def total_of(energy: EnergyRangeJson) -> Interval | None:
    """The energy of a run, or of several, with its range; None if none is known."""
    total_j, low_j, high_j = energy["total_j"], energy["low_j"], energy["high_j"]
    return None if total_j is None or low_j is None or high_j is None else Interval(total_j, low_j, high_j)


def interval_of_phase(phase: PhaseJson) -> Interval | None:
    """The energy of all instances of a phase with its range; None if it is not known."""
    energy_j, low_j, high_j = phase["energy_j"], phase["low_j"], phase["high_j"]
    return None if energy_j is None or low_j is None or high_j is None else Interval(energy_j, low_j, high_j)


def cut_short(seen_fraction: float, duration_s: float) -> bool:
    """Whether a device's curve ends well before the run: it was lost, and what it drew afterwards is not known."""
    return (1 - seen_fraction) * duration_s > max(UNSEEN_S, (1 - WHOLE) * duration_s)


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts gpu2 before gpu10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def device_share(d: DeviceRow) -> Share:
    """What a device, which must have a curve, used in its segment."""
    assert d.first is not None
    assert d.last is not None
    return between(d.first, d.last, d.gain, d.gain_class, d.offset_w or 0.0, d.sensor)


def _device(rows: list[DeviceRow], duration_s: float, host: str) -> DeviceJson:
    """One device over all segments."""
    last = rows[-1]
    joules = interval(device_share(d) for d in rows)
    ends = [(d.first, d.last) for d in rows if d.first is not None and d.last is not None]
    covered = sum(d.covered_ns for d in rows) * NS
    seen_s = min(duration_s, sum(b.t_ns - a.t_ns for a, b in ends) * NS)  # not after it was lost
    return {
        "device": last.name,
        "host": host,
        "machine": sha256(last.boot_id.encode()).hexdigest()[:12] if last.boot_id else None,
        "kind": last.kind,
        "model": last.model,
        "uuid": last.uuid,
        "included_in_total": last.included_in_total,
        "energy_j": joules.energy_j,
        "low_j": joules.low_j,
        "high_j": joules.high_j,
        "seen_fraction": min(1.0, seen_s / duration_s) if duration_s else 0.0,
        "coverage": min(1.0, covered / duration_s) if duration_s else 0.0,
        "provenance": {
            "measured-counter": sum(b.counter_j - a.counter_j for a, b in ends),
            "measured-power": sum(b.power_j - a.power_j for a, b in ends),
            "imputed": sum(b.imputed_j - a.imputed_j for a, b in ends),
            "modelled": sum(b.modelled_j - a.modelled_j for a, b in ends),
        },
        "idle_j": None if last.idle_w is None else last.idle_w * duration_s,
        "gain": last.gain,
        "errors": [share.as_json() for share in by_sensor(device_share(d) for d in rows)],
        "residual": last.residual,
        "update_period_s": None if last.update_period_ns is None else last.update_period_ns * NS,
        "note": last.note,
        "used": None,
        "activity": None,
        "share_of": whole_name(last.name),
        "mean_power_w": joules.energy_j / seen_s if seen_s else None,
    }


def _phases(stored: StoredRun, most_j: float, *, whole_work: bool) -> list[PhaseJson]:
    """One entry per name, in order of first start, over all segments. No phase can have more than `most_j`, the most that the run may have.

    Ranks do the same steps at the same time. So the count and the time of a phase are those of the rank that has the most; of processes
    without a rank, which may do anything, all count. Energies are stored as what each instance adds to the union of all."""
    ranks = {s.id: s.rank for s in stored.segments}

    def once(sums: Iterable[PhaseSum], of: Callable[[PhaseSum], N]) -> N:
        by_rank: dict[int | None, N] = {}
        for p in sums:
            by_rank[ranks.get(p.segment_id)] = of(p) + by_rank.get(ranks.get(p.segment_id), 0)
        return by_rank.pop(None, 0) + max(by_rank.values(), default=0)

    devices = {(d.segment_id, d.name): d for d in stored.devices}
    has_gpu = any(d.kind == "gpu" for d in stored.devices)
    names = dict.fromkeys(p.name for p in sorted(stored.phases, key=lambda p: p.first_start_utc_ns))
    described: list[PhaseJson] = []
    for name in names:
        sums = [p for p in stored.phases if p.name == name]
        shares = [
            s.share(d, p.duration_s)
            for p in sums
            for s in p.devices
            if (d := devices.get((s.owner_segment_id, s.device))) is not None and d.included_in_total and not d.damage
        ]
        joules = interval(shares) if shares else None
        count = once(sums, lambda p: p.instances)
        unresolved = once(sums, lambda p: p.unresolved)
        ends = at_most(joules, most_j) if joules else (None, None, None)
        pending, work = any(p.pending for p in sums), work_in(w for w in stored.work if w.phase == name)
        described.append(
            {
                "name": name,
                "count": count,
                "duration_s": once(sums, lambda p: p.duration_s),
                "energy_j": ends[0],
                "low_j": ends[1],
                "high_j": ends[2],
                "resolved": bool(joules) and unresolved == 0 and not pending,
                "unresolved_count": unresolved,
                "pending_count": count - once(sums, lambda p: p.instances - p.pending),
                "host_side": has_gpu and any(p.synchronized < p.instances for p in sums),
                "work": work,
                "per_unit": each_of_units(ends, work) if whole_work and not pending else {},
            }
        )
    return described


def known_count(phase: PhaseJson) -> int:
    """The instances of a phase whose energy is known: one that is under way, or is still being computed, has none."""
    return phase["count"] - phase["pending_count"]


def energy_each_j(phase: PhaseJson) -> float | None:
    """The mean energy of an instance of a phase, over those whose energy is known; None if there are none."""
    known = known_count(phase)
    return None if phase["energy_j"] is None or not known else phase["energy_j"] / known


def _sampler(stored: StoredRun) -> SamplerJson | None:
    owners: list[SegmentRow] = [s for s in stored.segments if s.role == "owner"]
    if not owners or stored.run.origin is not Origin.TRACKED:
        return None
    cpu_s, seconds = sum(s.cpu_s for s in owners), run_duration_s(stored.run)
    return {
        "period_s": owners[0].period_s,
        "samples": sum(s.samples for s in owners),
        "missed": sum(s.missed for s in owners),
        "cpu_s": cpu_s,
        "cpu_fraction": cpu_s / seconds if seconds else 0.0,
        "startup_cpu_s": sum(s.startup_cpu_s for s in owners),
    }
