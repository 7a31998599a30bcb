"""PURE: what a run may use and how much of it is used, and what a run under way is expected to have used at its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeGuard

from ...core.clock import iso
from ...core.run import FORECAST_KEY, EventKind
from ...core.units import NS_PER_S
from ...settings.budget import Budget, Measure, OnBudget, parse_budget

if TYPE_CHECKING:
    from ...core.contract import AheadJson, BudgetJson, CarbonJson, EnergyJson, ForecastJson, RangeJson, RunJson, ShowJson
    from ...storage.read.records import StoredRun

UNITS = {Measure.ENERGY: "J", Measure.GRAMS: "g"}
MOST_EPOCHS = 2**53
LATEST_UTC_NS = 253_370_764_800 * NS_PER_S
"""The beginning of the year 9999: no date is later."""


def ahead_of(stored: StoredRun, run: RunJson, energy: EnergyJson) -> AheadJson:
    """The `budget` and the `forecast` of the contract. What is used of a budget of grams or money is not known before `count_grams`."""
    return {"budget": _budget(stored, energy), "forecast": None if stored.ended else _forecast(stored, run)}


def count_grams(view: ShowJson, carbon: CarbonJson | None) -> None:
    """The view gets its footprint, and what is used of a budget of grams or money with it."""
    view["carbon"] = carbon
    budget = view["budget"]
    if budget is None or budget["measure"] == Measure.ENERGY:
        return
    used = None
    if carbon is not None and budget["measure"] == Measure.GRAMS:
        used = carbon["total_g"]
    elif carbon is not None and (cost := carbon["cost"]) is not None and cost["currency"] == budget["unit"]:
        used = cost["amount"]
    _use(budget, used)


def _budget(stored: StoredRun, energy: EnergyJson) -> BudgetJson | None:
    settings = stored.run.settings
    if (budget := _parsed(settings.get("budget"))) is None:
        return None
    action = settings.get("on_budget")
    over = (event.utc_ns for event in stored.events if event.kind == EventKind.BUDGET)
    found: BudgetJson = {
        "text": budget.text,
        "measure": budget.measure.value,
        "amount": budget.amount,
        "unit": budget.currency or UNITS[budget.measure],
        "used": None,
        "share": None,
        "over_at": None if (at_ns := min(over, default=None)) is None else iso(at_ns),
        "action": str(action) if action in list(OnBudget) else OnBudget.WARN.value,
    }
    if budget.measure is Measure.ENERGY:
        _use(found, energy["total_j"])
    return found


def _use(budget: BudgetJson, used: float | None) -> None:
    budget["used"] = used
    budget["share"] = None if used is None else used / budget["amount"]


def _parsed(text: object) -> Budget | None:
    """A budget as it is stored; None for what is none, such as one of a later version."""
    try:
        return parse_budget(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _forecast(stored: StoredRun, run: RunJson) -> ForecastJson | None:
    """What the tracker has stored; None for what cannot be one."""
    found = stored.run.settings.get(FORECAST_KEY)
    if not isinstance(found, dict):
        return None
    seconds = _range(found.get("seconds"))
    epoch, epochs, of, done = (found.get(name) for name in ("epoch", "epochs", "from_epochs", "done"))
    if seconds is None or not (_counts(epoch) and _counts(of) and (epochs is None or _counts(epochs)) and _is_number(done)):
        return None
    left_s = max(0.0, seconds["value"] - run["duration_s"])
    ends_utc_ns = stored.run.last_seen_utc_ns + left_s * NS_PER_S
    return {
        "epoch": epoch,
        "epochs": epochs,
        "from_epochs": of,
        "done": done,
        "energy_j": _range(found.get("energy_j")),
        "grams": _range(found.get("grams")),
        "seconds": seconds,
        "ends_at": iso(round(ends_utc_ns)) if ends_utc_ns < LATEST_UTC_NS else None,
    }


def _range(stored: object) -> RangeJson | None:
    if not isinstance(stored, list) or len(stored) != 3 or not all(map(_is_number, stored)):
        return None
    return {"value": stored[0], "low": stored[1], "high": stored[2]}


def _counts(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < MOST_EPOCHS


def _is_number(value: object) -> TypeGuard[float]:
    return type(value) in (int, float) and 0 <= value < math.inf  # type: ignore[operator]
