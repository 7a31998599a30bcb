"""Stored runs as `list --json` prints them: what a run is, and its energy without the devices; and their sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from .describe import describe_run, energy_of, run_duration_s

if TYPE_CHECKING:
    from .storage.records import DeviceRow, RunRow
    from .storage.store import Store

View = dict[str, Any]


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


def grouped(runs: Iterable[RunRow], devices: Mapping[str, Sequence[DeviceRow]], by: Literal["project", "group"]) -> list[View]:
    """One entry a project, or a group; runs without a group are one entry, whose name is None."""
    groups: dict[str | None, list[RunRow]] = {}
    for run in runs:
        groups.setdefault(run.project if by == "project" else run.group_name, []).append(run)
    return [{by: name, **total(members, devices)} for name, members in groups.items()]


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
