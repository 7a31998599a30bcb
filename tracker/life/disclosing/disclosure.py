"""PURE: what a disclosure is made of, from the footprints of the runs and the user's file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..._version import __version__
from ...analysis.footprint_totals import counted
from ...carbon.accounting import Estimate
from ...carbon.assumption import LeftOut
from ...carbon.tables.hardware import HardwareTable
from ...carbon.terms import Terms
from ...core.run import Origin, Stage
from ...core.work import chosen
from ...energy.intervals import Share, interval
from ..choosing import Chosen
from ..entries import Site, figures_of_added, site_of
from ..figures import Figures, figures_of
from ..grids import grid_of
from ..inference import range_of
from ..plan import Added, Life
from .compute import benchmark_of, flop_counted, work_of
from .hardware import hardware_of, hours_of, wall_clock_s

if TYPE_CHECKING:
    from ...core.contract import BoundaryJson, DisclosedStageJson, DisclosureJson, FootprintJson, LifeJson

SCHEMA_VERSION = 1


def disclosure(
    life: Life,
    of: Chosen,
    footprints: Sequence[FootprintJson],
    measured: Sequence[FootprintJson],
    whole: LifeJson,
    method: str,
    made_at: str,
    terms: Terms,
    rows: HardwareTable,
) -> DisclosureJson:
    """All that the forms are made of. `measured`: the runs that tell what a unit of inference takes. `method`: how the energy is known, in
    words. Raises ConfigurationError."""
    stages = []
    for stage in Stage:
        mine = [f for f in footprints if of.stages[f["run"]["id"]] is stage]
        added = [_Entry(one, figures_of_added(one, terms, rows), site_of(one, terms, rows)) for one in life.added if one.stage is stage]
        if mine or added:
            stages.append(_stage(stage, mine, added))
    return {
        "schema_version": SCHEMA_VERSION,
        "name": life.name,
        "software": f"trainwatt {__version__}",
        "made_at": made_at,
        "stages": stages,
        "zones": list(dict.fromkeys(zone for stage in stages for zone in stage["zones"])),
        "pues": list(dict.fromkeys(pue for stage in stages for pue in stage["pues"])),
        "method": method,
        "stated": life.stated.as_json(),
        "benchmark": benchmark_of(*_benchmark(life, of, footprints, measured)),
        "life": whole,
    }


def _benchmark(
    life: Life, of: Chosen, footprints: Sequence[FootprintJson], measured: Sequence[FootprintJson]
) -> tuple[str | None, Sequence[FootprintJson]]:
    """The unit and the runs of a benchmark of inference: those that the plan names, else those of the stage."""
    if life.inference is not None and measured:
        return life.inference.unit, measured
    of_stage = [f for f in footprints if of.stages[f["run"]["id"]] is Stage.INFERENCE]
    return chosen(work_of(of_stage, 0)), of_stage


class _Entry(NamedTuple):
    """Something that was added by hand, what it is, and where."""

    added: Added
    figures: Figures
    site: Site


def _stage(stage: Stage, footprints: Sequence[FootprintJson], added: Sequence[_Entry]) -> DisclosedStageJson:
    figures = figures_of(footprints, [entry.figures for entry in added])
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    zones = [*(c["zone"] for c in carbons), *(entry.site.zone for entry in added)]
    pues = [*(c["pue"] for c in carbons if LeftOut.SITE_OVERHEAD not in c["left_out_codes"]), *(entry.site.pue for entry in added)]
    of_gpus = _of_gpus(footprints, added)
    node = _with(of_gpus, figures.energy)
    by_sensors_j = sum(
        _scale(f) * (f["energy"]["total_j"] or 0.0) * (f["energy"]["measured_fraction"] or 0.0) for f in footprints if _tracked(f)
    )
    return {
        "stage": stage.value,
        "boundaries": [
            _boundary("accelerators", of_gpus, bool(added) or figures.energy_least),
            _boundary("node", node, figures.energy_least),
            _boundary("site", _with(node, figures.site), figures.energy_least or figures.operational_least),
        ],
        "operational_g": range_of(figures.operational),
        "embodied_g": range_of(figures.embodied),
        "total_g": range_of(figures.total),
        "lower_bound": figures.least,
        "wall_clock_s": wall_clock_s(footprints),
        "device_hours": figures.gpu_hours,
        "hardware_hours": hours_of(footprints, [entry.added for entry in added]),
        "hardware": hardware_of(footprints),
        "flop_counted": flop_counted(footprints, len(added)),
        "work": work_of(footprints, len(added)),
        "measured_share": by_sensors_j / figures.energy.central if figures.energy.central else 0.0,
        "runs": len(footprints),
        "zones": list(dict.fromkeys(zone for zone in zones if zone)),
        "pues": list(dict.fromkeys(pue for pue in pues if pue is not None)),
        "assumed_grid": any(grid is not None and grid.assumed for grid in (*map(grid_of, carbons), *(entry.site.grid for entry in added))),
    }


def _with(part: Estimate, whole: Estimate) -> Estimate:
    """The whole, whose other parts are not negative, whatever the errors of sensors that read almost nothing."""
    return whole._replace(low=max(whole.low, part.low))


def _boundary(name: str, energy: Estimate, least: bool) -> BoundaryJson:
    return {"boundary": name, "energy_j": energy.central, "low_j": energy.low, "high_j": energy.high, "lower_bound": least}


def _of_gpus(footprints: Sequence[FootprintJson], added: Iterable[_Entry]) -> Estimate:
    """The energy of GPUs: of the runs, and of added time on devices."""
    result = Estimate(*interval(share for f in footprints for share in _shares(f, gpus=True)))
    for entry in added:
        if entry.added.plan is not None:  # its energy is that of devices whose time it states
            result = result.plus(entry.figures.energy)
    return result


def _shares(footprint: FootprintJson, *, gpus: bool = False) -> Iterator[Share]:
    """What the devices of a run add to a sum in which each counts once at any time; `gpus`: the GPUs alone. All sums over runs are of these
    shares, so that the bounds of a part never lie outside of those of the whole."""
    if once := footprint.get("counted_once"):
        yield from map(Share.from_json, once["gpu_errors"] if gpus else once["errors"])
    else:
        yield from (Share.from_json(e) for d in counted(footprint) if d["kind"] == "gpu" or not gpus for e in d["errors"])


def _scale(footprint: FootprintJson) -> float:
    """The part of the energy of a run that counts where runs overlap."""
    once, whole_j = footprint.get("counted_once"), footprint["energy"]["total_j"]
    return once["energy_j"] / whole_j if once and whole_j else 1.0


def _tracked(footprint: FootprintJson) -> bool:
    return footprint["run"]["origin"] == Origin.TRACKED
