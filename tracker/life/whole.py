"""PURE: a model's life as `life --json` prints it, from the footprints of its runs and the user's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from ..analysis.footprint_totals import tally
from ..carbon.accounting import Estimate
from ..carbon.tables.hardware import HardwareTable
from ..carbon.terms import Terms
from ..core.run import Stage, Status
from .choosing import Chosen
from .embodied_share import embodied_share
from .entries import figures_of_added, grid_of_energy, over, site_of
from .figures import Figures, figures_of, share
from .grids import Grid, grid_of, shared_g_per_kwh
from .inference import Unit, as_range, break_even, planned_figures, quotient, range_of, scaled, unit_of
from .plan import Added, Inference, Life

if TYPE_CHECKING:
    from ..core.contract import AddedJson, FootprintJson, LifeJson, LifeLineJson, LifeStageJson, PlannedJson

SCHEMA_VERSION = 1


class Fate(StrEnum):
    """What became of a run. Lines of a stage are in this order."""

    USED = "used"
    UNUSED = "unused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    RUNNING = "running"


LOST = (Fate.UNUSED, Fate.FAILED, Fate.INTERRUPTED)
"""What the model has nothing of."""
_FATES = {Status.FAILED: Fate.FAILED, Status.INTERRUPTED: Fate.INTERRUPTED, Status.RUNNING: Fate.RUNNING}


def whole_life(
    life: Life, of: Chosen, footprints: Sequence[FootprintJson], measured: Sequence[FootprintJson], terms: Terms, rows: HardwareTable
) -> LifeJson:
    """A model's life. `footprints` are those of the chosen runs, with what each adds to a sum; `measured` those of the runs that tell what
    a unit of inference takes. Raises ConfigurationError."""
    by_id = {f["run"]["id"]: f for f in footprints}
    added = {one: figures_of_added(one, terms, rows) for one in life.added}
    so_far = figures_of(footprints, added.values())
    earlier = [f for f in footprints if of.stages[f["run"]["id"]] is not Stage.INFERENCE]
    earlier_added = [one for one in life.added if one.stage is not Stage.INFERENCE]
    before = figures_of(earlier, [added[one] for one in earlier_added])
    planned, even, whole, likely = None, None, so_far, so_far
    if (plan := life.inference) is not None:
        unit = unit_of(plan, measured, terms, rows)
        planned, whole = _planned(plan, unit, before, so_far)
        likely = so_far.plus(scaled(unit.figures, plan.per_day.central * plan.days))
        shared = shared_g_per_kwh(_grids([*earlier, *measured], earlier_added, plan, terms, rows))
        even = break_even(before, unit, plan.per_day, shared)
    stages = [
        _stage(stage, [by_id[id_] for id_, s in of.stages.items() if s is stage], _added_in(stage, added), of.final, whole)
        for stage in (*Stage, None)
    ]
    lost = [f for f in footprints if fate_of(f, of.stages[f["run"]["id"]], of.final) in LOST]
    totals = tally(footprints)
    return {
        "schema_version": SCHEMA_VERSION,
        "name": life.name,
        "stages": [found for found in stages if found is not None],
        "before": before.as_json(),
        "so_far": so_far.as_json(),
        "lost": figures_of(lost).as_json(),
        "planned": planned,
        "whole": whole.as_json(),
        "break_even": even,
        "embodied_share": None if any(one.operational_kg is not None for one in life.added) else embodied_share(likely),
        "final": sorted(of.final),
        "runs_at_once": totals.at_once,
        "runs_estimated": totals.estimated,
        "runs_imported": totals.imported,
    }


def fate_of(footprint: FootprintJson, stage: Stage | None, final: frozenset[str]) -> Fate:
    """What became of a run. A completed training is unused if other runs became the model."""
    run = footprint["run"]
    if (lost := _FATES.get(Status(run["status"])) if run["status"] in list(Status) else None) is not None:
        return lost
    return Fate.UNUSED if stage is Stage.TRAINING and final and run["id"] not in final else Fate.USED


def _added_in(stage: Stage | None, added: Mapping[Added, Figures]) -> dict[Added, Figures]:
    return {one: figures for one, figures in added.items() if one.stage is stage}


def _stage(
    stage: Stage | None, footprints: Sequence[FootprintJson], added: Mapping[Added, Figures], final: frozenset[str], whole: Figures
) -> LifeStageJson | None:
    """A stage; None if there is nothing in it."""
    if not footprints and not added:
        return None
    figures = figures_of(footprints, added.values())
    by_fate = {fate: [f for f in footprints if fate_of(f, stage, final) is fate] for fate in Fate}
    lines: list[LifeLineJson] = [{"fate": fate.value, **figures_of(found).as_json()} for fate, found in by_fate.items() if found]
    return {
        "stage": None if stage is None else stage.value,
        "lines": lines,
        "added": [_added(one, of) for one, of in added.items()],
        "share": as_range(share(figures.total, whole.total)),
        "energy_share": as_range(share(figures.energy, whole.energy)),
        **figures.as_json(),
    }


def _added(one: Added, figures: Figures) -> AddedJson:
    begin, end = (None if day is None else day.isoformat() for day in (one.begin, one.end))
    return {"name": one.name, "source": one.source, "begin": begin, "end": end, **figures.as_json()}


def _grids(
    footprints: Sequence[FootprintJson], added: Sequence[Added], plan: Inference, terms: Terms, rows: HardwareTable
) -> Iterator[Grid | None]:
    """The grids of all operational grams of a break-even."""
    yield from (grid_of(f["carbon"]) for f in footprints if f["carbon"] is not None)
    for one in added:
        if one.operational_kg is not None or one.energy_kwh is not None or one.plan is not None:
            yield site_of(one, terms, rows).grid
    if plan.j_per_unit is not None:
        yield grid_of_energy(over(plan.terms, terms), rows)


def _planned(plan: Inference, unit: Unit, before: Figures, so_far: Figures) -> tuple[PlannedJson, Figures]:
    units = plan.per_day.times(plan.days)
    figures = planned_figures(unit, units)
    whole = so_far.plus(figures)
    past = quotient(before.total, units) or Estimate.exact(0.0)
    planned: PlannedJson = {
        "unit": plan.unit,
        "units": range_of(units),
        "days": plan.days,
        "j_per_unit": range_of(unit.energy),
        "g_per_unit": range_of(unit.grams),
        "g_per_unit_with_past": range_of(unit.grams.plus(past)),
        "source": unit.source,
        "share": as_range(share(figures.total, whole.total)),
        "energy_share": as_range(share(figures.energy, whole.energy)),
        **figures.as_json(),
    }
    return planned, whole
