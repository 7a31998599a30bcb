"""UK Carbon Intensity, of the National Energy System Operator (https://api.carbonintensity.org.uk): Great Britain by the half hour.

The values are direct: the CO2 of generation and imports, including grid losses. Nuclear, wind and solar power count as 0, biomass as 120
g/kWh. `actual` is the operator's estimate from the metered mix. It is null until the half hour is over; the forecast then stands in,
labelled estimated. One request may cover 14 days, and its answer may begin with the half hour before. Regions have forecasts only, so the
values of the whole of Great Britain are used. Terms: https://github.com/carbon-intensity/terms (CC-BY-4.0).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from ...log import warn
from ..series import iso, utc_ns
from .base import HOUR_NS, GridError, GridValue, pages, tidy, true_intensity
from .http import Patience, get_json

HALF_HOUR_NS = HOUR_NS // 2
LONGEST_NS = 13 * 24 * HOUR_NS


@dataclass(frozen=True, slots=True)
class UKCarbonIntensity:
    """The provider. It needs no token."""

    name: ClassVar[str] = "uk"
    basis: ClassVar[str] = "direct"
    token_variable: ClassVar[str | None] = None

    base_url: str = "https://api.carbonintensity.org.uk"
    patience: Patience = field(default_factory=Patience)

    def covers(self, zone: str) -> bool:
        """Great Britain as a whole; Northern Ireland is on another system."""
        return zone == "GB"

    def fetch(self, zone: str, start_utc_ns: int, end_utc_ns: int) -> list[GridValue]:
        """Half-hourly values that overlap the time from start to end. Raises GridError."""
        if not self.covers(zone):
            raise GridError(f"UK Carbon Intensity knows Great Britain (GB) only, not {zone}")
        values: list[GridValue] = []
        for start, end in pages(start_utc_ns, end_utc_ns, HALF_HOUR_NS, LONGEST_NS):
            try:
                values += self._ask(start, end)
            except GridError as error:
                if not values:
                    raise
                warn("%s: from %s on there are no values", error, iso(start))
                break
        found = tidy(values, start_utc_ns, end_utc_ns)
        if not found:
            raise GridError(f"UK Carbon Intensity has no values from {iso(start_utc_ns)} to {iso(end_utc_ns)}")
        return found

    def _ask(self, start_utc_ns: int, end_utc_ns: int) -> list[GridValue]:
        url = f"{self.base_url.rstrip('/')}/intensity/{_minute(start_utc_ns)}/{_minute(end_utc_ns)}"
        answer = get_json("UK Carbon Intensity", url, {}, {"Accept": "application/json"}, self.patience)
        items = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(items, list):
            raise GridError("UK Carbon Intensity: the answer has no list 'data'; its form may have changed")
        return [value for item in items if (value := _value(item)) is not None]


def _minute(time_utc_ns: int) -> str:
    return datetime.fromtimestamp(time_utc_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _value(item: Any) -> GridValue | None:
    """One half hour; None if it has no plausible value."""
    intensity = item.get("intensity") if isinstance(item, dict) else None
    if not isinstance(intensity, dict):
        return None
    actual, forecast = true_intensity(intensity.get("actual")), true_intensity(intensity.get("forecast"))
    g = forecast if actual is None else actual
    try:
        start, end = utc_ns(item["from"]), utc_ns(item["to"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    return None if g is None or end - start != HALF_HOUR_NS else GridValue(start, end, g, actual is None)
