"""What is shown beside the grams and is never in them."""

from __future__ import annotations

from typing import Any

import pytest

from trainwatt.carbon.accounting import Estimate
from trainwatt.carbon.beside import Price
from trainwatt.carbon.beside import beside as beside_json
from trainwatt.carbon.terms import TYPICAL_UNMEASURED, Terms, check
from trainwatt.core.units import J_PER_KWH
from trainwatt.energy.intervals import Interval
from trainwatt.errors import ConfigurationError

TEN_KWH = Interval(10 * J_PER_KWH, 9 * J_PER_KWH, 12 * J_PER_KWH)
GRID = Estimate(400, 200, 800)


def beside(*given: Any) -> Any:
    return beside_json(*given)


def test_nothing_is_there_unless_asked_for() -> None:
    assert set(beside(TEN_KWH, 1.2, GRID, Terms(), None, None).values()) == {None}


def test_water_is_of_the_computers_energy_and_money_of_the_sites() -> None:
    found = beside(TEN_KWH, 1.2, GRID, Terms(currency="EUR"), 0.3, Price(0.25, "given by the user"))
    assert found["water_l"] == pytest.approx(3)
    assert found["cost"]["amount"] == pytest.approx(10 * 1.2 * 0.25)
    assert (found["cost"]["low"], found["cost"]["high"]) == pytest.approx((9 * 0.3, 12 * 0.3))
    assert found["cost"]["currency"] == "EUR"


def test_a_price_below_zero_earns_and_its_bounds_stay_in_order() -> None:
    cost = beside(TEN_KWH, 1.0, GRID, Terms(), None, Price(-0.1, "a series", unpriced_share=0.5))["cost"]
    assert cost["amount"] == pytest.approx(-0.5)
    assert cost["low"] <= cost["amount"] <= cost["high"]


def test_market_based_grams_take_the_intensity_of_the_contract() -> None:
    market = beside(TEN_KWH, 1.5, GRID, Terms(market_intensity_g_per_kwh=20), None, None)["market_based"]
    assert market["operational_g"] == pytest.approx(10 * 1.5 * 20)
    assert market["source"] == "given by the user"


def test_what_no_sensor_sees_is_a_share_of_the_components_with_its_range_and_status() -> None:
    typical = beside(TEN_KWH, 1.0, GRID, Terms(unmeasured=TYPICAL_UNMEASURED), None, None)["unmeasured"]
    given = beside(TEN_KWH, 1.0, GRID, Terms(unmeasured=Estimate.exact(0.2)), None, None)["unmeasured"]
    assert (typical["status"], given["status"]) == ("assumed", "given")
    assert given["energy_j"] == pytest.approx(2 * J_PER_KWH)
    assert given["operational_g"] == pytest.approx(800)
    assert typical["energy_low_j"] < typical["energy_j"] < typical["energy_high_j"]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (Terms(host_share=1.5), "--host-share 1.5: it is a share of the host; give it from 0 to 1"),
        (Terms(price_per_kwh=float("nan")), "--price nan: a kWh costs"),
        (Terms(wue_l_per_kwh=-1), "--wue -1: water use cannot be negative"),
        (Terms(market_intensity_g_per_kwh=5000), "--market-intensity 5000: no grid is"),
        (Terms(unmeasured=Estimate.exact(-0.1)), "--unmeasured -0.1"),
    ],
)
def test_what_cannot_be_is_refused_by_name_reason_and_mend(terms: Terms, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(terms)
    assert said in str(caught.value)


def test_terms_that_are_given_win_over_those_of_the_run() -> None:
    settings = {"intensity_g_per_kwh": 30.0, "pue": 1.3, "hardware": "/tables/own.csv"}
    recorded = Terms().over("FR", settings)
    assert (recorded.zone, recorded.intensity_g_per_kwh, recorded.pue, recorded.hardware) == ("FR", 30.0, 1.3, "/tables/own.csv")
    asked = Terms(zone="PL", pue=1.1).over("FR", settings)
    assert (asked.zone, asked.intensity_g_per_kwh, asked.pue) == ("PL", None, 1.1)
    assert Terms(intensity_g_per_kwh=99).over("FR", settings).intensity_g_per_kwh == 99
