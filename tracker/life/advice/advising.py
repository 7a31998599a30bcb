"""PURE: what runs have lost, from their views, their activity and their curves."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ...analysis.footprint_totals import counted_share, tally
from ...carbon.accounting import NOTHING, Estimate
from ...core.activity import ActivityPoint
from ...core.point import Point
from ...core.run import Status
from ...core.units import J_PER_KWH
from ..figures import figures_of
from ..inference import as_range, product
from .stretches import Stretches, stretches

if TYPE_CHECKING:
    from ...core.contract import AdviceJson, AdvisedJson, DeviceJson, FootprintJson, ShowJson
    from ...storage.read.records import StoredRun

SCHEMA_VERSION = 1
LEAST_SHARE = 0.01
"""What is less of the energy of all runs is not worth a line."""
MOST_CHECKS = 0.25
"""Validation and checkpoints may take this share of the energy of a run."""
LEAST_HEAT = 0.05
"""Less time than this share of a run at lower clocks because of heat is usual."""
_CHECKS = re.compile(r"^(val|eval|test|check|save)", re.IGNORECASE)
_HEAT = ("heat", "hardware-heat", "power-brake", "hardware")


class Kind(StrEnum):
    """What was lost."""

    IDLE_GPU = "idle-gpu"
    WAITING_GPU = "waiting-gpu"
    HEAT = "heat"
    CHECKS = "checks"
    LOST_RUNS = "lost-runs"


class Looked(NamedTuple):
    """A run: what is stored of it, its view with a footprint, its activity, and its curves, both by segment and device."""

    stored: StoredRun
    view: ShowJson
    activity: Mapping[tuple[str, str], Sequence[ActivityPoint]]
    curves: Mapping[tuple[str, str], Sequence[Point]]


class Found(NamedTuple):
    """A loss, before it is known whether it is worth a line. `energy` is None where no joules can be said."""

    kind: Kind
    of: Looked | None
    host: str | None
    names: tuple[str, ...]
    energy: Estimate | None
    seconds: float
    of_seconds: float
    busy: float | None = None
    processors_busy: float | None = None


def advised(runs: Sequence[Looked], footprints: Sequence[FootprintJson]) -> AdvisedJson:
    """The losses of runs. `footprints` are theirs, with what each adds to a sum. What is less than the error of the measurement, which is
    half of the range of the energy of all runs, is counted and not advised."""
    whole = tally(footprints)
    energy = whole.energy if whole.once is None else whole.once.energy
    error_j = 0.0 if energy is None else (energy.high - energy.low) / 2
    least_j = 0.0 if energy is None else max(error_j, LEAST_SHARE * energy.central)
    by_id = {f["run"]["id"]: f for f in footprints}
    of_runs = (loss for run in runs for loss in _counting(_of_run(run), counted_share(by_id[run.stored.run.id])))
    found = [*_lost_runs(footprints), *of_runs]
    kept = [loss for loss in found if loss.energy is None or loss.energy.central > least_j]
    kept.sort(key=lambda loss: -loss.energy.central if loss.energy is not None else 0.0)
    return {
        "schema_version": SCHEMA_VERSION,
        "runs": [run.stored.run.id for run in runs],
        "energy_j": as_range(energy),
        "advice": [_as_json(loss, energy, by_id) for loss in kept],
        "below_error": len(found) - len(kept),
        "without_activity": [run.stored.run.id for run in runs if _has_gpus(run) and not run.activity],
    }


def _of_run(run: Looked) -> Iterator[Found]:
    duration_s = run.view["run"]["duration_s"] or 0.0
    by_gpu: dict[tuple[str, str], list[Stretches]] = defaultdict(list)
    for row in run.stored.devices:
        if row.kind == "gpu" and row.included_in_total:
            of = stretches(run.activity.get((row.segment_id, row.name), ()), run.curves.get((row.segment_id, row.name), ()))
            if of is not None:
                by_gpu[row.host, row.name].append(of)
    gpus = {(d["host"], d["device"]): d for d in run.view["energy"]["devices"] if d["kind"] == "gpu"}
    processors = max((p["busy_fraction"] for p in run.view["processors"]), default=None)
    for (host, name), parts in by_gpu.items():
        seconds = sum(part.seconds for part in parts)
        idle_j, idle_s = sum(part.idle_j for part in parts), sum(part.idle_s for part in parts)
        error = _relative_error(gpus.get((host, name)))
        if idle_s > 0.0:
            yield Found(Kind.IDLE_GPU, run, host, (name,), Estimate(idle_j, idle_j * (1 - error), idle_j * (1 + error)), idle_s, seconds)
        waiting_j, waiting_s = sum(part.waiting_j for part in parts), sum(part.waiting_s for part in parts)
        if waiting_s > 0.0:
            busy = sum(part.waiting_busy * part.waiting_s for part in parts) / waiting_s
            most_j = waiting_j * (1.0 - busy)  # if a GPU that waits took as much power as one that computes
            yield Found(Kind.WAITING_GPU, run, host, (name,), Estimate(most_j / 2, 0.0, most_j), waiting_s, seconds, busy, processors)
        hot_s = _heat_s(gpus.get((host, name)))
        if hot_s > LEAST_HEAT * seconds:
            yield Found(Kind.HEAT, run, host, (name,), None, hot_s, seconds)
    yield from _checks(run, duration_s)


def _checks(run: Looked, duration_s: float) -> Iterator[Found]:
    """Validation and saving, where they take more than usual."""
    phases = [p for p in run.view["phases"] if _CHECKS.match(p["name"]) and p["energy_j"] is not None]
    total_j = run.view["energy"]["total_j"] or 0.0
    central = sum(p["energy_j"] or 0.0 for p in phases)
    if total_j and central > MOST_CHECKS * total_j:
        low, high = sum(p["low_j"] or 0.0 for p in phases), sum(p["high_j"] or 0.0 for p in phases)
        names = tuple(p["name"] for p in phases)
        yield Found(Kind.CHECKS, run, None, names, Estimate(central, low, high), sum(p["duration_s"] for p in phases), duration_s)


def _lost_runs(footprints: Sequence[FootprintJson]) -> Iterator[Found]:
    lost = [f for f in footprints if f["run"]["status"] in (Status.FAILED, Status.INTERRUPTED)]
    if any(f["energy"]["total_j"] is not None for f in lost):
        seconds, of_seconds = (3600 * figures_of(some).hours for some in (lost, footprints))
        yield Found(Kind.LOST_RUNS, None, None, tuple(f["run"]["id"] for f in lost), figures_of(lost).energy, seconds, of_seconds)


def _counting(losses: Iterable[Found], share: float) -> Iterator[Found]:
    """The part of losses that counts where runs have read a device at the same time."""
    yield from (loss if loss.energy is None else loss._replace(energy=loss.energy.times(share)) for loss in losses)


def _has_gpus(run: Looked) -> bool:
    return any(device.kind == "gpu" and device.included_in_total for device in run.stored.devices)


def _relative_error(device: DeviceJson | None) -> float:
    """How far off the energy of a device may be, as a share of it."""
    return (device["high_j"] - device["low_j"]) / 2 / device["energy_j"] if device is not None and device["energy_j"] else 0.0


def _heat_s(device: DeviceJson | None) -> float:
    activity = None if device is None else device["activity"]
    throttled = None if activity is None else activity["throttled_s"]
    return max((throttled.get(reason, 0.0) for reason in _HEAT), default=0.0) if throttled else 0.0


def _as_json(loss: Found, whole: Estimate | None, footprints: Mapping[str, FootprintJson]) -> AdviceJson:
    ids = [loss.of.stored.run.id] if loss.of is not None else list(loss.names)
    return {
        "kind": loss.kind.value,
        "run": None if loss.of is None else loss.of.stored.run.id,
        "host": loss.host,
        "names": list(loss.names),
        "energy_j": as_range(loss.energy),
        "grams": as_range(None if loss.energy is None else _grams(loss.energy, [footprints[id_] for id_ in ids if id_ in footprints])),
        "share": None if loss.energy is None or whole is None or not whole.central else loss.energy.central / whole.central,
        "seconds": loss.seconds,
        "of_seconds": loss.of_seconds,
        "busy": loss.busy,
        "processors_busy": loss.processors_busy,
    }


def _grams(energy: Estimate, footprints: Sequence[FootprintJson]) -> Estimate | None:
    """The operational grams of an energy that runs have lost, at their mean intensity and PUE. None if one of them has no grams."""
    joules, per_j = 0.0, NOTHING
    for f in footprints:
        carbon, used_j = f["carbon"], f["energy"]["total_j"]
        if carbon is None or used_j is None:
            return None
        of_grid = Estimate(carbon["intensity_g_per_kwh"], carbon["intensity_low_g_per_kwh"], carbon["intensity_high_g_per_kwh"])
        joules, per_j = joules + used_j, per_j.plus(of_grid.times(carbon["pue"] * used_j / J_PER_KWH))
    return product(energy, per_j.times(1.0 / joules)) if joules else None
