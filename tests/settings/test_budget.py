"""What a budget may look like, and what is said of one that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt import EnergyTracker
from trainwatt.config import resolve
from trainwatt.errors import ConfigurationError
from trainwatt.settings.budget import Measure, OnBudget, parse_budget


@pytest.mark.parametrize(
    ("text", "measure", "amount"),
    [
        ("2 kWh", Measure.ENERGY, 7.2e6),
        ("2kwh", Measure.ENERGY, 7.2e6),
        ("2 KWH", Measure.ENERGY, 7.2e6),
        (" 1_500 J ", Measure.ENERGY, 1500.0),
        (".5 MWh", Measure.ENERGY, 1.8e9),
        ("1e3 Wh", Measure.ENERGY, 3.6e6),
        ("500 gCO2e", Measure.GRAMS, 500.0),
        ("0.5 kg CO2", Measure.GRAMS, 500.0),
        ("1 t CO₂-eq", Measure.GRAMS, 1e6),
        ("20 g", Measure.GRAMS, 20.0),
        ("3 EUR", Measure.MONEY, 3.0),
        ("3.5usd", Measure.MONEY, 3.5),
    ],
)
def test_an_amount_with_its_unit(text: str, measure: Measure, amount: float) -> None:
    found = parse_budget(text)
    assert found.measure is measure
    assert found.amount == pytest.approx(amount)
    assert found.currency == (text.strip()[-3:].upper() if measure is Measure.MONEY else None)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("2", "has no unit"),
        (2.5, "has no unit"),
        ("", "has no amount"),
        ("kWh", "has no amount"),
        ("two kWh", "has no amount"),
        ("nan kWh", "has no amount"),
        ("1,5 kWh", "has a comma or a separator in its amount: write 1.5 or 1500"),
        ("1.000,5 kWh", "has a comma or a separator in its amount"),
        ("1 000 kWh", "has a comma or a separator in its amount"),
        ("1,000 kWh", "has a comma or a separator in its amount"),
        ("1__0 kWh", "has the unit '__0 kWh'"),
        ("2 MWH", "has the unit 'MWH', which may be a million or a thousandth: write MWh"),
        ("2 kW", "has the unit 'kW'"),
        ("3 €", "nor the code of a currency (ISO 4217)"),
        ("2 kWh 3 EUR", "has the unit 'kWh 3 EUR'"),
        ("-0 J", "is not above 0"),
        ("1e-400 kWh", "is not above 0"),
        ("0 kWh", "is not above 0"),
        ("-1 EUR", "is not above 0"),
        ("1e999 J", "is not finite"),
        ("3 XYZ", "has the currency XYZ, which is none of ISO 4217"),
        ("3 $", "has the unit '$'"),
        ("3 lightbulbs", "has the unit 'lightbulbs'"),
        ("3 mWh", "has the unit 'mWh', which may be a million or a thousandth: write MWh"),
        (["2 kWh"], "has no amount"),
    ],
)
def test_what_is_no_budget_is_refused_with_value_reason_and_remedy(given: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        EnergyTracker(budget=given)
    text = str(raised.value)
    assert text.startswith(f"budget={given!r} in the arguments ")
    assert reason in text
    assert '"2 kWh", "500 gCO2e" or "3 EUR"' in text


@given(st.text(max_size=20) | st.text(alphabet="0123456789_.,+-eE kMWhJgEUR", max_size=12))
def test_any_text_is_a_budget_above_0_or_refused(text: str) -> None:
    try:
        amount = parse_budget(text).amount
    except ValueError:
        with pytest.raises(ValueError, match="give an amount with its unit"):
            parse_budget(text)
    else:
        assert 0 < amount < float("inf")


def test_money_needs_the_price_of_a_kwh(tmp_path: Path) -> None:
    for price in ({}, {"price_per_kwh": 0}, {"price_per_kwh": -0.1}):
        with pytest.raises(ConfigurationError, match=r"budget='3 EUR': .*set price_per_kwh, for example to 0\.30"):
            resolve({"budget": "3 EUR", **price}, {}, tmp_path)
    config = resolve({"budget": "3 EUR"}, {"TRAINWATT_PRICE_PER_KWH": "0.3", "TRAINWATT_ON_BUDGET": "raise"}, tmp_path)
    assert (config.price_per_kwh, config.on_budget) == (0.3, OnBudget.RAISE)


def test_an_unknown_action_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="on_budget='explode' in the arguments is unknown: give one of warn, stop, raise"):
        resolve({"budget": "3 J", "on_budget": "explode"}, {}, tmp_path)
