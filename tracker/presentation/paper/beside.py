"""PURE: the sentences of the methods paragraph on figures that are reported next to the grams and are in no total."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ...carbon.accounting import Estimate, total
from ...carbon.assumption import FactorKind, FactorStatus
from ..words.masses import format_co2e
from ..words.quantities import format_range, listed, number, significant
from ..words.safe_text import clipped
from .bibliography import SCOPE_2
from .prose import SUPPLIED, UNIT, Sentence, citation, factor_text, joined, of_kind

if TYPE_CHECKING:
    from ...core.contract import CarbonJson, CostJson, FootprintJson, OperationalJson, UnmeasuredJson


def beside(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """Figures that are reported next to the grams and are in no total: each one if all runs have it."""
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    if not carbons:
        return
    least = "at least " if any(f["energy"]["lower_bound"] for f in footprints if f["carbon"] is not None) else ""
    market = [m for c in carbons if (m := c["market_based"])]
    unseen = [u for c in carbons if (u := c["unmeasured"])]
    litres = [w for c in carbons if (w := c["water_l"]) is not None]
    costs = [cost for c in carbons if (cost := c["cost"])]
    if len(market) == len(carbons):
        at = dict.fromkeys(f"{number(m['intensity_g_per_kwh'])} {UNIT}" for m in market)
        text = f"market-based operational emissions are {least}{_mass(market)}, at {listed(at)} ({SUPPLIED})"
        yield [f"Not included in the totals: {text}", (SCOPE_2,), "."]
    if len(unseen) == len(carbons):
        yield [_unmeasured(unseen, least)]
    if len(litres) == len(carbons):
        yield _water(carbons, f"{least}{significant(sum(litres))} L")
    if len(costs) == len(carbons) and len({cost["currency"] for cost in costs}) == 1:
        yield [_money(costs, least)]


def _unmeasured(unseen: Sequence[UnmeasuredJson], least: str) -> str:
    joules = total(Estimate(u["energy_j"], u["energy_low_j"], u["energy_high_j"]) for u in unseen)
    sources = dict.fromkeys(SUPPLIED if u["status"] == FactorStatus.GIVEN else f"assumed: {u['source']}" for u in unseen)
    what = listed(dict.fromkeys(u["what"] for u in unseen))
    used = f"{least}{format_range(*joules)}, emitting {least}{_mass(unseen)} ({listed(sources)})"
    return f"Not measured and not included in the totals: {what} may have used {used}."


def _water(carbons: Sequence[CarbonJson], litres: str) -> Sentence:
    found = [a for c in carbons for a in of_kind(c, FactorKind.WATER)]
    works = citation(joined(a["source"] for a in found if a["evidence"] != FactorStatus.GIVEN))
    given = f" ({SUPPLIED})" if any(a["evidence"] == FactorStatus.GIVEN for a in found) else ""
    values = listed(dict.fromkeys(factor_text(a, unit=a["unit"]) for a in found)) + given
    return [f"Water used on site is {litres}, at {values}", *works, "."]


def _money(costs: Sequence[CostJson], least: str) -> str:
    amount, low, high = sum(c["amount"] for c in costs), sum(c["low"] for c in costs), sum(c["high"] for c in costs)
    prices = listed(dict.fromkeys(number(c["price_per_kwh"]) for c in costs))
    span = "" if low == high else f" ({significant(low)}–{significant(high)})"
    currency = clipped(costs[0]["currency"] or "") or "in the currency of the price"
    least = "at least " if any(c["unpriced_share"] for c in costs) else least
    return f"The electricity cost {least}{significant(amount)}{span} {currency}, at {prices} per kWh."


def _mass(of: Iterable[OperationalJson]) -> str:
    return format_co2e(*total(Estimate(o["operational_g"], o["operational_low_g"], o["operational_high_g"]) for o in of))
