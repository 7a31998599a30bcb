"""Electricity Maps, version 4 (https://app.electricitymaps.com/docs): hourly life-cycle intensities of the electricity that a
zone consumes.

`past-range` returns at most ten days of hours per request. A free token may only use `history`, which has the last 24 hours of one zone.
`isEstimated` marks values that the provider estimated. If the provider does not know the zone, it may answer for the zone of the caller's
address, so the zone of an answer is checked. A sandbox token gets invented figures; they are never used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...errors import ConfigurationError
from ...log import warn
from ...texts import text_of
from ..series import iso, utc_ns
from .base import HOUR_NS, GridError, GridValue, RefusedError, pages, tidy, true_intensity
from .http import Patience, get_json

LONGEST_NS = 10 * 24 * HOUR_NS
HOURLY_LIFECYCLE = {"emissionFactorType": "lifecycle", "temporalGranularity": "hourly"}
STEPS_NS = {"hourly": HOUR_NS, "15_minutes": HOUR_NS // 4, "5_minutes": HOUR_NS // 12}


@dataclass(frozen=True, slots=True)
class ElectricityMaps:
    """The provider. The token is sent in one header of its requests and appears nowhere else."""

    name: ClassVar[str] = "electricitymaps"
    basis: ClassVar[str] = "lifecycle"
    token_variable: ClassVar[str | None] = "ELECTRICITYMAPS_TOKEN"

    token: str = field(repr=False)
    base_url: str = "https://api.electricitymaps.com"
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        if not self.token or not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            raise ConfigurationError(
                f"the token of Electricity Maps in {self.token_variable} is empty or has characters that no token has; copy it again"
            )

    def covers(self, zone: str) -> bool:
        """Any place may be one of their zones, but not an aggregate of countries."""
        return zone not in ("WORLD", "AFRICA", "ASEAN", "ASIA", "EU27", "EUROPE", "G20", "G7", "LATAM", "MIDDLE-EAST", "OCEANIA", "OECD")

    def fetch(self, zone: str, start_utc_ns: int, end_utc_ns: int) -> list[GridValue]:
        """Hourly values that overlap the time from start to end. Raises GridError."""
        values: list[GridValue] = []
        for start, end in pages(start_utc_ns, end_utc_ns, HOUR_NS, LONGEST_NS):
            try:
                values += self._ask("past-range", {"zone": zone, "start": iso(start), "end": iso(end)}, "data")
            except RefusedError:
                values += self._ask("history", {"zone": zone}, "history")
                break  # this token gives the last 24 hours only
            except GridError as error:
                if not values:
                    raise
                warn("%s: from %s on there are no values", error, iso(start))
                break
        found = tidy(values, start_utc_ns, end_utc_ns)
        if not found:
            raise GridError(f"Electricity Maps has no values of {zone} from {iso(start_utc_ns)} to {iso(end_utc_ns)}")
        return found

    def _ask(self, what: str, params: dict[str, str], key: str) -> list[GridValue]:
        url = f"{self.base_url.rstrip('/')}/v4/carbon-intensity/{what}"
        answer = get_json("Electricity Maps", url, {**params, **HOURLY_LIFECYCLE}, {"auth-token": self.token}, self.patience)
        items = answer.get(key) if isinstance(answer, dict) else None
        if not isinstance(items, list):
            raise GridError(f"Electricity Maps: the answer to {what} has no list {key!r}; its form may have changed")
        if any(isinstance(item, dict) and item.get("estimationMethod") == "SANDBOX_MODE_DATA" for item in items):
            raise GridError("Electricity Maps answered with made-up figures, because the token is a sandbox token: they are not used")
        told_of = [answer.get("zone"), *(item.get("zone") for item in items if isinstance(item, dict))]
        zones = {text_of(zone) for zone in told_of if zone is not None}  # as text: a list or an object cannot be in a set
        if zones != {params["zone"]} and (zones or items):
            told = ", ".join(sorted(zones))[:80] or "no zone"
            raise GridError(f"Electricity Maps was asked for {params['zone']} and answered for {told}: its figures are not used")
        step = STEPS_NS.get(text_of(answer.get("temporalGranularity") or "hourly"))
        if step is None:
            raise GridError(f"Electricity Maps: the answer to {what} is neither by the hour nor finer")
        return [value for item in items if (value := _value(item, step)) is not None]


def _value(item: Any, step_ns: int) -> GridValue | None:
    """One hour; None if it has no plausible value. Raises GridError for a value on another basis."""
    if not isinstance(item, dict) or (g := true_intensity(item.get("carbonIntensity"))) is None:
        return None
    if item.get("emissionFactorType") not in (None, "lifecycle"):
        raise GridError("Electricity Maps answered with direct emissions, not with those of the life cycle: they are not used")
    try:
        start = utc_ns(item["datetime"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    return GridValue(start, start + step_ns, g, item.get("isEstimated") is not False)
