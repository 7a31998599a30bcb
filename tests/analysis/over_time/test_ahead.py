"""The budget and the forecast of a stored run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.analysis.over_time.ahead import ahead_of, count_grams
from trainwatt.core.clock import iso
from trainwatt.presentation.words.work.ahead import ahead_lines

STORED = {"epoch": 3, "epochs": 10, "from_epochs": 3, "done": 0.3, "energy_j": [9.0, 8.0, 11.0], "grams": None, "seconds": [100.0, 90, 120]}
S = 10**9


def view_of(settings: dict[str, Any], *, ended: bool = False, total_j: float | None = 5.0, events: tuple[Any, ...] = ()) -> Any:
    run = SimpleNamespace(settings=settings, last_seen_utc_ns=1000 * S)
    stored: Any = SimpleNamespace(run=run, ended=ended, events=events)
    described: Any = {"duration_s": 30.0}
    energy: Any = {"total_j": total_j}
    return ahead_of(stored, described, energy)


def test_a_run_without_either_has_neither() -> None:
    assert view_of({}) == {"budget": None, "forecast": None}


def test_a_forecast_is_that_of_the_tracker_and_says_when_the_run_ends() -> None:
    forecast = view_of({"forecast": STORED})["forecast"]
    assert forecast == {
        **{"epoch": 3, "epochs": 10, "from_epochs": 3, "done": 0.3},
        "energy_j": {"value": 9.0, "low": 8.0, "high": 11.0},
        "grams": None,
        "seconds": {"value": 100.0, "low": 90, "high": 120},
        "ends_at": iso(1070 * S),
    }
    assert view_of({"forecast": STORED}, ended=True)["forecast"] is None


@pytest.mark.parametrize("seconds", [1e12, 1e20, 1e300])
def test_an_end_that_no_calendar_has_is_no_date(seconds: float) -> None:
    forecast = view_of({"forecast": {**STORED, "seconds": [seconds, seconds, seconds]}})["forecast"]
    assert (forecast["ends_at"], forecast["seconds"]["value"]) == (None, seconds)
    view: Any = {"run": {"status": "running", "duration_s": 0.0, "last_seen_at": iso(0)}, "budget": None, "forecast": forecast}
    [line] = ahead_lines(view)
    assert "ends in 1" in line


@pytest.mark.parametrize(
    "wrong",
    [
        "soon",
        {},
        {"seconds": [1.0, 2.0]},
        *({**STORED, "seconds": ends} for ends in ([1.0, 2.0], [1.0, "2", 3.0], [-1.0, 1.0, 2.0], None)),
        *({**STORED, "epoch": epoch} for epoch in (-1, 1.5, True, None, "3", 2**70)),
        {**STORED, "done": "all"},
    ],
)
def test_what_cannot_be_a_forecast_is_none(wrong: object) -> None:
    assert view_of({"forecast": wrong})["forecast"] is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)
    )
)
def test_whatever_is_stored_is_a_forecast_or_none(stored: object) -> None:
    for settings in ({"forecast": stored}, {"budget": stored, "on_budget": stored}):
        assert set(view_of(settings)) == {"budget", "forecast"}


def test_what_is_used_of_a_budget_is_what_is_shown() -> None:
    over: Any = SimpleNamespace(kind="budget", utc_ns=7 * S)
    later: Any = SimpleNamespace(kind="budget", utc_ns=9 * S)
    energy = view_of({"budget": "2 kWh", "on_budget": "stop"}, total_j=3.6e6, events=(later, over))["budget"]
    assert (energy["measure"], energy["amount"], energy["unit"], energy["action"]) == ("energy", 7.2e6, "J", "stop")
    assert (energy["used"], energy["share"], energy["over_at"]) == (3.6e6, 0.5, iso(7 * S))
    unknown = view_of({"budget": "2 kWh"}, total_j=None)["budget"]
    assert (unknown["used"], unknown["share"], unknown["over_at"], unknown["action"]) == (None, None, None, "warn")


def test_grams_and_money_are_those_of_the_footprint() -> None:
    carbon: Any = {"total_g": 40.0, "cost": {"amount": 0.6, "currency": "EUR"}}
    for text, used, unit in (("80 gCO2e", 40.0, "g"), ("3 EUR", 0.6, "EUR"), ("3 USD", None, "USD")):
        view = view_of({"budget": text})
        assert view["budget"]["used"] is None
        count_grams(view, carbon)
        assert (view["carbon"], view["budget"]["used"], view["budget"]["unit"]) == (carbon, used, unit)
        count_grams(view, None)
        assert view["budget"]["share"] is None
