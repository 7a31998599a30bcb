"""The lines about the budget of a run and its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from trainwatt.presentation.words.work.ahead import ahead_lines

BUDGET = {
    **{"text": "2 kWh", "measure": "energy", "amount": 7.2e6, "unit": "J"},
    **{"used": 4.32e6, "share": 0.6, "over_at": None, "action": "stop"},
}
FORECAST = {
    **{"epoch": 3, "epochs": 10, "from_epochs": 3, "done": 0.3},
    "energy_j": {"value": 1.116e7, "low": 1.008e7, "high": 1.224e7},
    "grams": {"value": 1200.0, "low": 1100.0, "high": 1300.0},
    "seconds": {"value": 17_800.0, "low": 17_000.0, "high": 19_000.0},
    "ends_at": "2026-11-29T16:40:00.000Z",
}


@pytest.fixture(autouse=True)
def an_hour_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "XYZ-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def lines(budget: Any = None, forecast: Any = None, status: str = "running", *, utc: bool = False) -> list[str]:
    view: Any = {
        "run": {"status": status, "duration_s": 10_000.0, "last_seen_at": "2026-11-29T14:30:00.000Z"},
        **{"budget": budget, "forecast": forecast},
    }
    return ahead_lines(view, utc=utc)


def test_a_line_each() -> None:
    assert lines() == []
    assert lines(BUDGET, FORECAST) == [
        "budget: 1.2 of 2 kWh (60 %), the training stops when it is used",
        "forecast: 3.10 kWh (2.80–3.40), 1.20 kg CO2e, ends about 17:40 (in 2 h 10 min), after 3 of 10 epochs",
    ]
    assert lines(BUDGET, FORECAST, utc=True)[1].count("ends about 16:40 UTC (in 2 h 10 min)") == 1


def test_a_budget_is_shown_in_the_unit_of_the_user() -> None:
    for text, share, said in (
        ("10 kJ", 0.4, "4 of 10 kJ (40 %)"),
        ("500 gCO2e", 1.031, "516 of 500 gCO2e (103 %)"),
        ("3 EUR", 1e-5, "0.00003 of 3 EUR (<1 %)"),
    ):
        assert lines({**BUDGET, "text": text, "share": share, "action": "warn"}) == [
            f"budget: {said}, the training goes on when it is used"
        ]


def test_a_budget_that_is_used_or_whose_run_has_ended() -> None:
    assert lines({**BUDGET, "over_at": "2026-11-29T14:00:00.000Z"}) == ["budget: 1.2 of 2 kWh (60 %), used since 11-29 15:00"]
    assert lines(BUDGET, status="completed") == ["budget: 1.2 of 2 kWh (60 %)"]
    assert lines({**BUDGET, "share": None}, status="failed") == ["budget: 2 kWh, not known how much of it is used"]


def test_where_a_forecast_comes_from() -> None:
    first = {**FORECAST, "epoch": 0, "from_epochs": 0, "done": 0.032, "energy_j": None, "grams": None}
    assert lines(forecast=first) == ["forecast: ends about 17:40 (in 2 h 10 min), after 0.32 of 10 epochs"]
    one = {**first, "epochs": None, "ends_at": "2026-12-01T09:00:00.000Z"}
    assert lines(forecast=one) == ["forecast: ends about 12-01 10:00 (in 2 h 10 min), if this pass is the only one, after 3 % of it"]
    late = {**FORECAST, "seconds": {"value": 10_000.5, "low": 1.0, "high": 2e4}}
    assert "about to end, after 3 of 10 epochs" in lines(forecast=late)[0]
