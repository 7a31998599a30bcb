"""PURE: what a disclosure is made of, from the footprints of the runs and the user's file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from .._version import __version__
from ..analysis.footprint_totals import counted
from ..carbon.accounting import NOTHING, Estimate
from ..carbon.assumption import LeftOut
from ..carbon.tables.hardware import HardwareTable
from ..carbon.terms import Terms
from ..core.run import Origin, Stage
from ..energy.intervals import Share, interval
from .choosing import Chosen
from .entries import figures_of_added, over
from .figures import Figures, figures_of
from .inference import range_of
from .plan import Added, Life

if TYPE_CHECKING:
    from ..core.contract import BoundaryJson, DisclosedStageJson, DisclosureJson, FootprintJson, HardwareUsedJson, LifeJson

SCHEMA_VERSION = 1


def disclosure(
    life: Life,
    of: Chosen,
    footprints: Sequence[FootprintJson],
    whole: LifeJson,
    method: str,
    made_at: str,
    terms: Terms,
    rows: HardwareTable,
) -> DisclosureJson:
    """All that the forms are made of. `method`: how the energy is known, in words. Raises ConfigurationError."""
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    stages = []
    for stage in Stage:
        mine = [f for f in footprints if of.stages[f["run"]["id"]] is stage]
        added = {one: figures_of_added(one, terms, rows) for one in life.added if one.stage is stage}
        if mine or added:
            stages.append(_stage(stage, mine, added, terms))
    return {
        "schema_version": SCHEMA_VERSION,
        "name": life.name,
        "software": f"trainwatt {__version__}",
        "made_at": made_at,
        "stages": stages,
        "zones": list(dict.fromkeys(c["zone"] for c in carbons if c["zone"])),
        "pues": list(dict.fromkeys(c["pue"] for c in carbons if LeftOut.SITE_OVERHEAD not in c["left_out_codes"])),
        "method": method,
        "stated": life.stated.as_json(),
        "life": whole,
    }


def _stage(stage: Stage, footprints: Sequence[FootprintJson], added: Mapping[Added, Figures], terms: Terms) -> DisclosedStageJson:
    figures = figures_of(footprints, added.values())
    by_sensors_j = sum(
        _scale(f) * (f["energy"]["total_j"] or 0.0) * (f["energy"]["measured_fraction"] or 0.0) for f in footprints if _tracked(f)
    )
    return {
        "stage": stage.value,
        "boundaries": [
            _boundary("accelerators", _of_gpus(footprints, added), bool(added) or figures.energy_least),
            _boundary("node", figures.energy, figures.energy_least),
            _boundary("site", _of_site(footprints, added, terms), figures.energy_least or figures.operational_least),
        ],
        "operational_g": range_of(figures.operational),
        "embodied_g": range_of(figures.embodied),
        "total_g": range_of(figures.total),
        "lower_bound": figures.least,
        "wall_clock_s": _wall_clock_s(footprints),
        "device_hours": figures.gpu_hours,
        "hardware": _hardware(footprints),
        "measured_share": by_sensors_j / figures.energy.central if figures.energy.central else 0.0,
        "runs": len(footprints),
    }


def _boundary(name: str, energy: Estimate, least: bool) -> BoundaryJson:
    return {"boundary": name, "energy_j": energy.central, "low_j": energy.low, "high_j": energy.high, "lower_bound": least}


def _of_gpus(footprints: Sequence[FootprintJson], added: Mapping[Added, Figures]) -> Estimate:
    """The energy of GPUs: of the runs, and of added time on devices."""
    result = NOTHING
    for f in footprints:
        joules = interval(Share.from_json(e) for d in counted(f) if d["kind"] == "gpu" for e in d["errors"])
        result = result.plus(Estimate(*joules).times(_scale(f)))
    for one, figures in added.items():
        if one.plan is not None:
            result = result.plus(figures.energy)
    return result


def _of_site(footprints: Sequence[FootprintJson], added: Mapping[Added, Figures], terms: Terms) -> Estimate:
    """The energy times the PUE of each run and entry, as far as it is known."""
    result = NOTHING
    for f in footprints:
        pue = 1.0 if f["carbon"] is None else f["carbon"]["pue"]
        result = result.plus(figures_of([f]).energy.times(pue))
    for one, figures in added.items():
        result = result.plus(figures.energy.times(over(one.terms, terms).pue or 1.0))
    return result


def _scale(footprint: FootprintJson) -> float:
    """The part of the energy of a run that counts where runs overlap."""
    once, whole_j = footprint.get("counted_once"), footprint["energy"]["total_j"]
    return once["energy_j"] / whole_j if once and whole_j else 1.0


def _tracked(footprint: FootprintJson) -> bool:
    return footprint["run"]["origin"] == Origin.TRACKED


def _wall_clock_s(footprints: Iterable[FootprintJson]) -> float:
    """The time in which at least one of the runs was there."""
    begun = sorted((datetime.fromisoformat(f["run"]["started_at"]).timestamp(), f["run"]["duration_s"] or 0.0) for f in footprints)
    found, until = 0.0, float("-inf")
    for start, lasts in begun:
        found += max(0.0, start + lasts - max(start, until))
        until = max(until, start + lasts)
    return found


def _hardware(footprints: Iterable[FootprintJson]) -> list[HardwareUsedJson]:
    most: Counter[tuple[str, str]] = Counter()
    for f in footprints:
        of_run = Counter((d["kind"], d["model"]) for d in counted(f) if d["model"] and d["kind"] in ("gpu", "cpu"))
        for key, count in of_run.items():
            most[key] = max(most[key], count)
    return [
        {"kind": kind, "model": model, "count": count}
        for (kind, model), count in sorted(most.items(), key=lambda item: item[0][0] != "gpu")
    ]
