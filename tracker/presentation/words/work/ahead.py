"""PURE: the budget of a run, and what it is expected to have used at its end, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ....core.run import Status
from ....settings.budget import OnBudget, parse_budget
from ..masses import format_co2e
from ..quantities import format_duration, format_range, number, percent, significant

if TYPE_CHECKING:
    from ....core.contract import BudgetJson, ForecastJson, ShowJson

WHEN_USED = {
    OnBudget.WARN: "the training goes on when it is used",
    OnBudget.STOP: "the training stops when it is used",
    OnBudget.RAISE: "BudgetExceeded is raised when it is used",
}


def ahead_lines(view: ShowJson, *, utc: bool = False) -> list[str]:
    """The budget of a run and its forecast, a line each, if it has them. Times are local, else in UTC:

    "budget: 1.2 of 2 kWh (60 %), the training stops when it is used"
    "forecast: 3.1 kWh (2.8–3.4), 1.2 kg CO2e, ends about 17:40 (in 2 h 10 min), after 3 of 10 epochs"
    """
    budget, forecast = view["budget"], view["forecast"]
    lines = [] if budget is None else [budget_text(budget, running=view["run"]["status"] == Status.RUNNING, utc=utc)]
    return lines if forecast is None else [*lines, f"forecast: {forecast_text(forecast, view, utc=utc)}"]


def budget_text(budget: BudgetJson, *, running: bool, utc: bool = False) -> str:
    """How much of a budget is used, and what happens then."""
    share = budget["share"]
    used = f"{budget['text']}, not known how much of it is used" if share is None else f"{_used(budget, share)} ({percent(share)})"
    if budget["over_at"] is not None:
        return f"budget: {used}, used since {_time(budget['over_at'], utc)}"
    return f"budget: {used}" + (f", {WHEN_USED[OnBudget(budget['action'])]}" if running else "")


def _used(budget: BudgetJson, share: float) -> str:
    amount, unit = parse_budget(budget["text"]).as_written
    used = significant(share * amount)
    return f"{used.rstrip('0').rstrip('.') if '.' in used else used} of {number(amount)} {unit}"


def forecast_text(forecast: ForecastJson, view: ShowJson, *, utc: bool = False) -> str:
    """What a run is expected to have used at its end, when this is, and where that is known from."""
    energy, grams = forecast["energy_j"], forecast["grams"]
    left_s = forecast["seconds"]["value"] - view["run"]["duration_s"]
    parts = [] if energy is None else [format_range(energy["value"], energy["low"], energy["high"])]
    parts += [] if grams is None else [format_co2e(grams["value"])]
    if forecast["ends_at"] is None:
        parts.append(f"ends in {format_duration(left_s)}")
    else:
        at = _time(forecast["ends_at"], utc, view["run"]["last_seen_at"])
        parts.append("about to end" if left_s < 1 else f"ends about {at} (in {format_duration(left_s)})")
    return ", ".join([*parts, after_text(forecast["epoch"], forecast["epochs"], forecast["from_epochs"], forecast["done"])])


def after_text(epoch: int, epochs: int | None, from_epochs: int, done: float) -> str:
    """Where a forecast is known from: "after 3 of 10 epochs", "if this pass is the only one, after 32 % of it"."""
    if epochs is None:
        return f"if this pass is the only one, after {percent(done)} of it"
    so_far = f"{epoch:,}" if from_epochs else significant(done * epochs, 2)
    return f"after {so_far} of {epochs:,} epochs"


def _time(iso: str, utc: bool, beside: str | None = None) -> str:
    """ "17:40", or "17:40 UTC"; "11-30 17:40" if that is another day than `beside`, or if there is none."""
    at, of = (None if text is None else datetime.fromisoformat(text).astimezone(UTC if utc else None) for text in (iso, beside))
    assert at is not None
    return at.strftime("%H:%M" if of is not None and of.date() == at.date() else "%m-%d %H:%M") + (" UTC" if utc else "")
