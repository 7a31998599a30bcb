"""PURE: figures that are shown next to the grams and are never part of them: water, cost, market-based grams, unmeasured parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..core.units import J_PER_KWH
from ..energy.intervals import Interval
from .accounting import Estimate, operational_g
from .assumption import GIVEN, FactorStatus
from .terms import TYPICAL_UNMEASURED, Terms

if TYPE_CHECKING:
    from ..core.contract import BesideJson, CostJson, MarketBasedJson, OperationalJson, UnmeasuredJson


class Price(NamedTuple):
    """The price of a kWh, weighted by energy. `unpriced_share` is the part of the energy without a known price. It counts as free, so the
    cost is then a lower bound."""

    per_kwh: float
    source: str
    unpriced_share: float = 0.0


def beside(
    energy: Interval, pue: float, intensity_g_per_kwh: Estimate, terms: Terms, wue_l_per_kwh: float | None, price: Price | None
) -> BesideJson:
    """`water_l`, `cost`, `market_based` and `unmeasured` of the contract; None if a figure is not known or was not requested.

    WUE is defined on the energy of the computers, so PUE is not applied to it. The other figures use the energy of the site.
    """
    return {
        "water_l": None if wue_l_per_kwh is None else energy.energy_j / J_PER_KWH * wue_l_per_kwh,
        "cost": None if price is None else _cost(energy, pue, price, terms.currency),
        "market_based": _market_based(energy, pue, terms.market_intensity_g_per_kwh),
        "unmeasured": _unmeasured(energy, pue, intensity_g_per_kwh, terms.unmeasured),
    }


def _cost(energy: Interval, pue: float, price: Price, currency: str | None) -> CostJson:
    amounts = [joules / J_PER_KWH * pue * price.per_kwh * (1.0 - price.unpriced_share) for joules in energy]
    return {
        "amount": amounts[0],
        "low": min(amounts),  # a negative price swaps low and high
        "high": max(amounts),
        "currency": currency,
        "price_per_kwh": price.per_kwh,
        "source": price.source,
        "unpriced_share": price.unpriced_share,
    }


def _market_based(energy: Interval, pue: float, intensity: float | None) -> MarketBasedJson | None:
    """Grams of the electricity as it was bought (GHG Protocol, Scope 2 Guidance, 2015). They never replace the location-based grams."""
    if intensity is None:
        return None
    grams = operational_g(energy, pue, Estimate.exact(intensity))
    return {**_grams(grams), "intensity_g_per_kwh": intensity, "source": GIVEN}


def _unmeasured(energy: Interval, pue: float, intensity: Estimate, share: Estimate | None) -> UnmeasuredJson | None:
    if share is None:
        return None
    joules = Interval(energy.energy_j * share.central, energy.low_j * share.low, energy.high_j * share.high)
    assumed = share == TYPICAL_UNMEASURED
    return {
        "what": "fans, power supplies, network and disks",
        "share": share.central,
        "share_low": share.low,
        "share_high": share.high,
        "energy_j": joules.energy_j,
        "energy_low_j": joules.low_j,
        "energy_high_j": joules.high_j,
        **_grams(operational_g(joules, pue, intensity)),
        "status": FactorStatus.ASSUMED if assumed else FactorStatus.GIVEN,
        "source": "trainwatt's own judgement" if assumed else GIVEN,
    }


def _grams(grams: Estimate) -> OperationalJson:
    return {"operational_g": grams.central, "operational_low_g": grams.low, "operational_high_g": grams.high}
