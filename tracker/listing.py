"""Stored runs as `list --json` prints them: what a run is, and its energy without the devices; and their sums."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .describe import describe_run, energy_of, run_duration_s
from .periods import Period, period_of, periods_between, suiting

if TYPE_CHECKING:
    from .storage.records import DeviceRow, RunRow
    from .storage.store import Store

View = dict[str, Any]
By = Literal["project", "group"] | Period


def listed(store: Store, runs: Sequence[RunRow]) -> list[View]:
    """One entry a run, in order. Raises StoreError."""
    return entries(runs, store.devices([run.id for run in runs]))


def entries(runs: Iterable[RunRow], devices: Mapping[str, Sequence[DeviceRow]]) -> list[View]:
    """The same of runs whose `devices` are at hand, by run."""
    views = []
    for run in runs:
        duration_s = run_duration_s(run)
        energy = energy_of(devices.get(run.id, []), duration_s)
        del energy["devices"]
        views.append({"run": describe_run(run, duration_s), "energy": energy})
    return views


def grouped(runs: Iterable[RunRow], devices: Mapping[str, Sequence[DeviceRow]], by: By) -> list[View]:
    """One entry a project, a group, or a period in which runs began; runs without a group are one entry, whose name is None."""
    groups: dict[str | None, list[RunRow]] = {}
    for run in runs:
        groups.setdefault(_name_of(run, by), []).append(run)
    return [{by: name, **total(members, devices)} for name, members in groups.items()]


class OverTime(NamedTuple):
    """Runs by the period in which they began: every period from the first to the last, what its runs add up to (None where there are
    none), and the joules of each part of them."""

    period: Period
    names: list[str]
    totals: list[View | None]
    parts: list[Mapping[str, float]]


def over_time(runs: Sequence[RunRow], devices: Mapping[str, Sequence[DeviceRow]], part_of: Callable[[RunRow], str]) -> OverTime:
    """Runs, of which there is one at least, by period; `part_of` says which part of it a run is."""
    begun = [run.started_utc_ns for run in runs]
    period = suiting(min(begun), max(begun))
    names = periods_between(min(begun), max(begun), period)
    members: dict[str, list[RunRow]] = {name: [] for name in names}
    parts: dict[str, dict[str, float]] = {name: {} for name in names}
    for run, entry in zip(runs, entries(runs, devices), strict=True):
        name, part = period_of(run.started_utc_ns, period), part_of(run)
        members[name].append(run)
        parts[name][part] = parts[name].get(part, 0.0) + (entry["energy"]["total_j"] or 0.0)
    totals = [total(members[name], devices) if members[name] else None for name in names]
    return OverTime(period, names, totals, list(parts.values()))


def _name_of(run: RunRow, by: By) -> str | None:
    if by == "project":
        return run.project
    return run.group_name if by == "group" else period_of(run.started_utc_ns, by)


def total(runs: Sequence[RunRow], devices: Mapping[str, Sequence[DeviceRow]]) -> View:
    """Runs as one sum: how many, their time, when the newest began, and the `energy` object of the contract.

    The devices of all runs go into one range, so that scale errors of one class add up as they do within a run. Runs without energy are
    counted apart; with those, or with one whose device was lost, the sum is a lower bound.
    """
    each = entries(runs, devices)
    duration_s = sum(entry["run"]["duration_s"] for entry in each)
    energy = energy_of([d for run in runs for d in devices.get(run.id, [])], duration_s)
    del energy["devices"]
    without = sum(entry["energy"]["total_j"] is None for entry in each)
    energy["lower_bound"] = any(entry["energy"]["lower_bound"] for entry in each) or 0 < without < len(each)
    return {
        "runs": len(each),
        "runs_without_energy": without,
        "duration_s": duration_s,
        "newest_started_at": max((entry["run"]["started_at"] for entry in each), default=None),
        "energy": energy,
    }
