"""PURE: the hardware of the runs of a stage, and for how long it was held."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ...analysis.footprint_totals import counted, gpu_hours
from ...carbon.accounting import NOTHING, Estimate

if TYPE_CHECKING:
    from ...core.contract import FootprintJson, HardwareHoursJson, HardwareUsedJson
    from ..plan import Added


def hardware_of(footprints: Iterable[FootprintJson]) -> list[HardwareUsedJson]:
    """Devices of each model, and how many of them a run had at most."""
    most: Counter[tuple[str, str]] = Counter()
    for f in footprints:
        of_run = Counter((d["kind"], d["model"]) for d in counted(f) if d["model"] and d["kind"] in ("gpu", "cpu"))
        for key, count in of_run.items():
            most[key] = max(most[key], count)
    return [
        {"kind": kind, "model": model, "count": count}
        for (kind, model), count in sorted(most.items(), key=lambda item: item[0][0] != "gpu")
    ]


def hours_of(footprints: Iterable[FootprintJson], added: Sequence[Added]) -> list[HardwareHoursJson]:
    """The hours of the GPUs of each model, the most first. Where runs overlap, each GPU counts once at any time."""
    by_model: defaultdict[str | None, Estimate] = defaultdict(lambda: NOTHING)
    for f in footprints:
        once, models = f.get("counted_once"), [d["model"] for d in counted(f) if d["kind"] == "gpu"]
        hours = once["gpu_hours"] if once else gpu_hours(f)
        for model in models or ([None] if hours else []):
            by_model[model] = by_model[model].plus(Estimate.exact(hours / len(models or [None])))
    for one in added:
        if one.gpu_hours is not None:
            model = None if one.plan is None else one.plan.device
            by_model[model] = by_model[model].plus(one.gpu_hours)
    ordered = sorted(by_model.items(), key=lambda item: -item[1].central)
    return [{"model": model, "hours": of.central, "low": of.low, "high": of.high} for model, of in ordered]


def wall_clock_s(footprints: Iterable[FootprintJson]) -> float:
    """The time in which at least one of the runs was there."""
    begun = sorted((datetime.fromisoformat(f["run"]["started_at"]).timestamp(), f["run"]["duration_s"] or 0.0) for f in footprints)
    found, until = 0.0, float("-inf")
    for start, lasts in begun:
        found += max(0.0, start + lasts - max(start, until))
        until = max(until, start + lasts)
    return found
