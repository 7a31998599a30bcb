"""PURE: the floating-point operations of the runs of a stage, and of inference.

Each call of `tracker.update(flops=…)` is of work of its own, so operations add up over runs and over ranks, also where several runs used a
device at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...analysis.work.units import work_partial
from ...core.work import FLOPS, counted
from .hardware import hardware_of

if TYPE_CHECKING:
    from ...core.contract import BenchmarkJson, CountedFlopJson, FootprintJson


def flop_counted(footprints: Sequence[FootprintJson], added: int) -> CountedFlopJson | None:
    """The operations that the runs of a stage have counted; None if none has. `added`: how many entries by hand the stage has."""
    have = [f for f in footprints if counted(f["work"], FLOPS)]
    if not have:
        return None
    partial = sum(work_partial(f["run"]) for f in have)
    return {
        "flop": sum(counted(f["work"], FLOPS) for f in have),
        "runs": len(have) - partial,
        "of_runs": len(footprints),
        "added": added,
        "complete": len(have) - partial == len(footprints) and not added,
    }


def work_of(footprints: Sequence[FootprintJson], added: int) -> dict[str, int]:
    """The units that every run of a stage has counted, over all runs. None of them where something was added by hand, which has no units,
    or where a run lacks the work of some ranks, or its energy."""
    if not footprints or added or any(work_partial(f["run"]) or f["energy"]["total_j"] is None for f in footprints):
        return {}
    common = [unit for unit in footprints[0]["work"] if all(f["work"].get(unit) for f in footprints)]
    return {unit: sum(f["work"][unit] for f in footprints) for unit in common}


def benchmark_of(unit: str | None, measured: Sequence[FootprintJson]) -> BenchmarkJson | None:
    """The operations of runs of inference, and the units that they were for. None if one of them counted none, or not all of them."""
    if unit is None or not measured:
        return None
    if not all(counted(f["work"], FLOPS) and counted(f["work"], unit) and not work_partial(f["run"]) for f in measured):
        return None
    return {
        "flop": sum(counted(f["work"], FLOPS) for f in measured),
        "unit": unit,
        "units": sum(counted(f["work"], unit) for f in measured),
        "hardware": hardware_of(measured),
    }
