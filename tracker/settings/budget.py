"""PURE: how much a run may use, as people write it: "2 kWh", "500 gCO2e", "3 EUR"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from ..core.units import J_PER_KWH, J_PER_WH

FORMS = 'give an amount with its unit, such as "2 kWh", "500 gCO2e" or "3 EUR"'


class Measure(StrEnum):
    """What a budget is of."""

    ENERGY = "energy"
    GRAMS = "grams"
    MONEY = "money"


class OnBudget(StrEnum):
    """What happens when a run has used its budget. In each case the run has an event, and the log a line."""

    WARN = "warn"  # nothing else
    STOP = "stop"  # who runs the training is to stop it: a framework, or `trainwatt run`
    RAISE = "raise"  # the tracker raises BudgetExceeded in the loop


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget: `amount` in joules, in grams of CO2e, or in units of `currency`. `text` is how it was written."""

    text: str
    measure: Measure
    amount: float
    currency: str | None = None

    @property
    def as_written(self) -> tuple[float, str]:
        """The amount and its unit, as the user wrote them."""
        found = _AMOUNT.fullmatch(self.text)
        assert found is not None
        return float(found[1]), found[2]


_AMOUNT = re.compile(r"\s*([+-]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*?)?\s*")
_GROUPED = re.compile(r"\s*[+-]?\d+(?:[\s'’]\d{3})+\b.*|\s*[+-]?[\d.]*\d,\d.*", re.DOTALL)
_JOULES = {
    **{"J": 1.0, "kJ": 1e3, "MJ": 1e6, "GJ": 1e9},
    **{"Wh": J_PER_WH, "kWh": J_PER_KWH, "MWh": 1e3 * J_PER_KWH, "GWh": 1e6 * J_PER_KWH},
}
_GRAMS = {"g": 1.0, "kg": 1e3, "t": 1e6}
_CO2 = re.compile(r"(k?g|t)\s*(?:CO(?:2|₂)\s*-?(?:eq?|equivalents?)?)?", re.IGNORECASE)
_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY"
    " COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR"
    " IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR"
    " MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD"
    " SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD"
    " XCG XOF XPF YER ZAR ZMW ZWG"
)
"""The codes of ISO 4217 for money in use (SIX, list one, 2025), without funds and metals."""
_CURRENCIES = frozenset(_CODES.split())


def parse_budget(text: str) -> Budget:
    """A budget as it is written. Raises ValueError with the reason and the remedy."""
    found = _AMOUNT.fullmatch(text)
    if _GROUPED.fullmatch(text) is not None:
        raise ValueError(f"has a comma or a separator in its amount: write 1.5 or 1500; {FORMS}")
    if found is None:
        raise ValueError(f"has no amount: {FORMS}")
    number, unit = float(found[1]), found[2]
    if unit is None:
        raise ValueError(f"has no unit: {FORMS}")
    measure, size, currency = _unit(unit)
    if not (math.isfinite(number) and math.isfinite(number * size)):
        raise ValueError(f"is not finite: {FORMS}")
    if number * size <= 0:
        raise ValueError(f"is not above 0, so no run could begin: {FORMS}")
    return Budget(" ".join(text.split()), measure, number * size, currency)


def _unit(unit: str) -> tuple[Measure, float, str | None]:
    joules = _JOULES.get(unit) or {name.lower(): j for name, j in _JOULES.items() if name[0] != "M"}.get(unit.lower())
    if joules is not None:
        return Measure.ENERGY, joules, None
    if (grams := _CO2.fullmatch(unit)) is not None:
        return Measure.GRAMS, _GRAMS[grams[1].lower()], None
    if unit.upper() in _CURRENCIES:
        return Measure.MONEY, 1.0, unit.upper()
    if (mega := next((name for name in _JOULES if name[0] == "M" and name.lower() == unit.lower()), None)) is not None:
        raise ValueError(f"has the unit {unit!r}, which may be a million or a thousandth: write {mega}; {FORMS}")
    if re.fullmatch(r"[A-Za-z]{3}", unit) and unit.upper() == unit:
        raise ValueError(f"has the currency {unit}, which is none of ISO 4217: {FORMS}")
    energy = f"neither of energy ({', '.join(_JOULES)})"
    raise ValueError(f"has the unit {unit!r}, which is {energy} nor of CO2e (g, kg, t) nor the code of a currency (ISO 4217): {FORMS}")
