"""PURE: the units of work of a run, and its energy for one of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ...core.work import chosen
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
    known = {} if work_partial(run) else {unit: amount for unit, amount in work.items() if amount}
    each = {unit: found for unit, amount in known.items() if (found := _each(energy, amount)) is not None}
    return {"work": dict(work), "unit": chosen(work, per), "per_unit": each}


def _each(energy: EnergyRangeJson, amount: int) -> EachUnitJson | None:
    total_j, low_j, high_j = energy["total_j"], energy["low_j"], energy["high_j"]
    if total_j is None or low_j is None or high_j is None:
        return None
    return {"energy_j": total_j / amount, "low_j": low_j / amount, "high_j": high_j / amount}


def require_counted(per: str | None, works: Iterable[Mapping[str, int]]) -> None:
    """Raises ConfigurationError if the unit that the user asks for was counted in none of these works."""
    if per is None:
        return
    counted: dict[str, None] = {}
    for work in works:
        if chosen(work, per) is not None:
            return
        counted |= dict.fromkeys(unit for unit, amount in work.items() if amount)
    known = f"they have {', '.join(counted)}" if counted else "they have counted no work: count it with tracker.update()"
    raise ConfigurationError(f"--per {per}: none of these runs has counted that; {known}")
