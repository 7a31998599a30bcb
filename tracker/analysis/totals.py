"""Stored runs as `list --json` prints them: what a run is, its work, and its energy without the devices; and their sums."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from ..core.run import NO_HOST, Origin
from ..core.sensing import whole_name
from ..core.units import NS_PER_S
from ..core.work import FLOPS, counted
from ..errors import ConfigurationError
from .over_time.periods import Period, period_of, periods_between, suiting
from .overlaps import Curves, Measured, Reading, at_once, identity, names_of, own_parts
from .view import describe_run, energy_sum_of, in_job, ranks_of, run_duration_s
from .work.best import best_values
from .work.compute import compute_of
from .work.target import Target, reached
from .work.units import work_json, work_partial

if TYPE_CHECKING:
    from ..core.contract import EnergySumJson, EntryJson, GroupJson, OnceJson, ShowJson, SumJson
    from ..storage.read.records import DeviceRow, RunRow, StoredRun
    from ..storage.read.store import Store

AT_ONCE = 50
"""Runs whose metrics are read at once."""
By = Literal["project", "group", "stage"] | Period


class Member(NamedTuple):
    """A run among others: its devices, and what a list says of it. `curves` are those of a run that read a device at the same time as
    another of them."""

    run: RunRow
    devices: Sequence[DeviceRow]
    entry: EntryJson
    curves: Curves | None = None

    def measured(self) -> Measured:
        """The run as far as it overlaps others."""
        return Measured(self.run.id, self.run.started_utc_ns, run_duration_s(self.run), self.devices, self.curves)


def listed(store: Store, runs: Sequence[RunRow]) -> list[EntryJson]:
    """What a list says of each run, in order. Raises StoreError."""
    return [member.entry for member in members(store, runs)]


def members(store: Store, runs: Sequence[RunRow], per: str | None = None) -> list[Member]:
    """The runs with what there is to add up, in order. `per`: the unit of work that the user asks for. Raises StoreError."""
    ids = [run.id for run in runs]
    devices, work = store.devices(ids), store.work(ids)
    ranks, damage = store.ranks(run.id for run in runs if in_job(run)), store.damage(ids)
    found: list[Member] = []
    for run in runs:
        of_run, duration_s = devices[run.id], run_duration_s(run)
        energy = energy_sum_of(of_run, duration_s)
        unsound = [*damage[run.id], *(wrong for device in of_run for wrong in device.damage)]
        described = describe_run(run, duration_s, ranks_of(run, *ranks.get(run.id, (0, False))), unsound)
        done = work_json(described, energy, work[run.id], per)
        found.append(
            Member(
                run, of_run, {"run": described, "energy": energy, "work": done["work"], "unit": done["unit"], "per_unit": done["per_unit"]}
            )
        )
    overlapping = at_once(_readings(found))
    anchors = store.anchors(overlapping)
    return [m._replace(curves=Curves(store.points(m.run.id), anchors[m.run.id])) if m.run.id in overlapping else m for m in found]


def with_compute(store: Store, of: Sequence[Member]) -> list[Member]:
    """The runs with the `compute` object of the contract, which a list leaves out unless it is asked for. Raises StoreError."""
    asked = [m.run.id for m in of if counted(m.entry["work"], FLOPS)]
    stored = {s.run.id: s for runs in store.load_all(asked, phases=False) for s in runs}
    return [m._replace(entry=_computed(m.entry, stored.get(m.run.id))) for m in of]


def with_target(store: Store, of: Sequence[Member], target: Target) -> list[Member]:
    """The runs with what each took until a metric reached a target. Raises ConfigurationError if none of them has logged the metric, and
    StoreError."""
    found: list[Member] = []
    logged: set[str] = set()
    for start in range(0, len(of), AT_ONCE):
        some = of[start : start + AT_ONCE]
        points = store.metric_points([m.run.id for m in some])
        logged |= {name for _, name in points}
        with_metric = {segment_id for segment_id, name in points if name == target.metric}
        stored = {s.run.id: s for runs in store.load_all([m.run.id for m in some], phases=False) for s in runs} if with_metric else {}
        for m in some:
            run = stored.get(m.run.id)
            has = run is not None and any(s.id in with_metric for s in run.segments)
            to = reached(run, m.entry["energy"], store.points(m.run.id), points, target) if has and run is not None else None
            found.append(m._replace(entry={**m.entry, "to": to}))
    if of and target.metric not in logged:
        others = f"they have logged {', '.join(sorted(logged))}" if logged else "they have logged none: log it with tracker.log()"
        raise ConfigurationError(f"--to {target}: none of these runs has logged {target.metric}; {others}")
    return found


def with_metric(store: Store, of: Sequence[Member], name: str) -> list[Member]:
    """The runs with the best value that each has of a metric. Raises StoreError."""
    values = best_values(store, [m.run.id for m in of], name)
    return [m._replace(entry={**m.entry, "metric": values.get(m.run.id)}) for m in of]


def _computed(entry: EntryJson, stored: StoredRun | None) -> EntryJson:
    found = None if stored is None else compute_of(stored, entry["run"], entry["energy"], entry["work"])
    return {**entry, "compute": found}


def each_of(entry: EntryJson | ShowJson) -> tuple[str, float] | None:
    """The unit of work that a figure of the run is of, and the joules of the whole run per unit. None if it was not counted, if the work of
    other ranks is not in it, or if no energy is known."""
    unit = entry["unit"]
    each = None if unit is None else entry["per_unit"].get(unit)
    return None if unit is None or each is None else (unit, each["energy_j"])


def total(of: Sequence[Member]) -> SumJson:
    """Runs as one sum: how many, their time, when the newest began, and the `energy` object of the contract.

    The devices of all runs go into one range, so that scale errors of one class add up as they do within a run. Runs without energy are
    counted apart; with those, or with one whose device was lost or never read, the sum is a lower bound. `runs_at_once`: how many read a
    device at the same time as another of them, so that this energy is counted more than once; `counted_once` is the sum without that.
    `runs_partial`: how many have the work of some ranks only. How much of it was estimated or imported is told apart.
    """
    duration_s = sum(m.entry["run"]["duration_s"] for m in of)
    energy = energy_sum_of([device for m in of for device in m.devices], duration_s)
    without = sum(m.entry["energy"]["total_j"] is None for m in of)
    energy["unmeasured"] = [device for m in of for device in m.entry["energy"]["unmeasured"]]
    if energy["unmeasured"]:
        energy["measured_fraction"] = None
    energy["lower_bound"] = any(m.entry["energy"]["lower_bound"] for m in of) or 0 < without < len(of)
    overlapping = len(at_once(_readings(of)))
    return {
        "runs": len(of),
        "runs_without_energy": without,
        "runs_at_once": overlapping,
        "runs_partial": sum(work_partial(m.entry["run"]) for m in of),
        "runs_estimated": sum(m.run.origin is Origin.ESTIMATED for m in of),
        "runs_imported": sum(m.run.origin is Origin.IMPORTED for m in of),
        "estimated_j": sum(m.entry["energy"]["total_j"] or 0.0 for m in of if m.run.origin is Origin.ESTIMATED),
        "imported_j": sum(m.entry["energy"]["total_j"] or 0.0 for m in of if m.run.origin is Origin.IMPORTED),
        "duration_s": duration_s,
        "newest_started_at": max((m.entry["run"]["started_at"] for m in of), default=None),
        "energy": energy,
        "counted_once": _once(of, energy) if overlapping else None,
    }


def _once(of: Sequence[Member], whole: EnergySumJson) -> OnceJson:
    """The sum in which each device counts once at any time. What is not known of the whole is not known of it either."""
    own = own_parts([m.measured() for m in of])
    duration_s = sum(own[m.run.id].share * m.entry["run"]["duration_s"] for m in of)
    energy = energy_sum_of([device for m in of for device in own[m.run.id].devices], duration_s)
    energy["unmeasured"], energy["lower_bound"] = whole["unmeasured"], whole["lower_bound"]
    if whole["measured_fraction"] is None:
        energy["measured_fraction"] = None
    return {"energy": energy, "duration_s": duration_s}


def _readings(of: Sequence[Member]) -> Iterator[Reading]:
    names = names_of((device.boot_id, device.host) for member in of for device in member.devices)
    for member in of:
        run, start_s = member.run, member.run.started_utc_ns / NS_PER_S
        for device in member.devices:
            if whole_name(device.name) is not None:
                continue  # shares of a device at the same time belong to different processes
            if device.included_in_total and device.first is not None and (device.uuid or device.host != NO_HOST):
                host = names.get(device.boot_id, device.host)
                yield Reading(run.id, identity(host, device.uuid, device.name), start_s, start_s + run_duration_s(run))


def grouped(of: Iterable[Member], by: By) -> list[GroupJson]:
    """One sum for each project, group, stage, or period in which runs began. Runs without a group or a stage are one sum, whose name is
    None."""
    groups: dict[str | None, list[Member]] = {}
    for member in of:
        groups.setdefault(name_in(member.run, by), []).append(member)
    return [cast("GroupJson", {by: name, **total(found)}) for name, found in groups.items()]


def name_of(group: GroupJson, by: By) -> str | None:
    """What a group is called: the value of its key `by`; None for runs without a group or stage."""
    return cast("dict[str, str | None]", group)[by]


def name_in(run: RunRow, by: By) -> str | None:
    """What the sum is called that a run belongs to; None for a run without a group or stage."""
    if by == "project":
        return run.project
    if by == "stage":
        return run.stage
    return run.group_name if by == "group" else period_of(run.started_utc_ns, by)


class OverTime(NamedTuple):
    """Runs by the period in which they began: every period from the first to the last, what its runs add up to (None if there are
    none), and the joules of each part of them."""

    period: Period
    names: list[str]
    totals: list[SumJson | None]
    parts: list[Mapping[str | None, float]]


def over_time(of: Sequence[Member], part_of: Callable[[RunRow], str | None]) -> OverTime:
    """Runs by period; there must be at least one run. `part_of` says to which part of a period a run belongs, None for the rest."""
    begun = [member.run.started_utc_ns for member in of]
    period = suiting(min(begun), max(begun))
    within: dict[str, list[Member]] = {name: [] for name in periods_between(min(begun), max(begun), period)}
    parts: dict[str, dict[str | None, float]] = {name: {} for name in within}
    for member in of:
        name, part = period_of(member.run.started_utc_ns, period), part_of(member.run)
        within[name].append(member)
        parts[name][part] = parts[name].get(part, 0.0) + (member.entry["energy"]["total_j"] or 0.0)
    return OverTime(period, list(within), [total(found) if found else None for found in within.values()], list(parts.values()))
