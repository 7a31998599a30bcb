"""PURE: the units of work of a run, and its energy for one of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ...core.work import chosen, counted
from ...errors import ConfigurationError

if TYPE_CHECKING:
    from ...core.contract import EachUnitJson, EnergyRangeJson, RunJson, WorkJson
    from ...storage.read.records import WorkRow


def work_in(rows: Iterable[WorkRow]) -> dict[str, int]:
    """The amounts by unit. Each process has work of its own, so they add up."""
    found: dict[str, int] = {}
    for row in rows:
        found[row.unit] = found.get(row.unit, 0) + row.amount
    return found


def work_partial(run: RunJson) -> bool:
    """Whether a run has the work of some ranks of its node only, so that its energy per unit of work is not known."""
    return run["ranks"] is not None and run["ranks"]["recorded"] < run["ranks"]["of"]


def work_json(run: RunJson, energy: EnergyRangeJson, work: Mapping[str, int], per: str | None = None) -> WorkJson:
    """The keys of a run about its work. `per`: the unit that the user asks for."""
    ends = (energy["total_j"], energy["low_j"], energy["high_j"])
    return {"work": dict(work), "unit": chosen(work, per), "per_unit": {} if work_partial(run) else each_of_units(ends, work)}


def each_of_units(ends: tuple[float | None, float | None, float | None], work: Mapping[str, int]) -> dict[str, EachUnitJson]:
    """The energy of one of each unit of a work that took an energy between its two ends; empty if it is not known."""
    energy_j, low_j, high_j = ends
    if energy_j is None or low_j is None or high_j is None:
        return {}
    return {u: {"energy_j": energy_j / n, "low_j": low_j / n, "high_j": high_j / n} for u, n in work.items() if n}


def require_counted(per: str | None, works: Iterable[Mapping[str, int]]) -> None:
    """Raises ConfigurationError if the unit that the user asks for was counted in none of these works."""
    if per is None:
        return
    known: dict[str, None] = {}
    for work in works:
        if counted(work, per):
            return
        known |= dict.fromkeys(unit for unit, amount in work.items() if amount)
    others = f"they have {', '.join(known)}" if known else "they have counted no work: count it with tracker.update()"
    raise ConfigurationError(f"--per {per}: none of these runs has counted that; {others}")
