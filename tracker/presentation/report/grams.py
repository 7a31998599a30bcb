"""PURE: the parts of a run's emissions, as a report shows them."""

from __future__ import annotations

from typing import NamedTuple

from ...core.contract import CarbonJson
from ..words.carbon import format_mass


class Part(NamedTuple):
    """Grams of CO2e with their range; all None where they are not known."""

    name: str
    g: float | None
    low_g: float | None
    high_g: float | None

    @property
    def text(self) -> str:
        """ "1.84 kg (1.20–2.50)", or "unknown"."""
        return "unknown" if self.g is None else format_mass(self.g, self.low_g, self.high_g)


def parts(carbon: CarbonJson) -> tuple[Part, Part, Part]:
    """Operational grams, embodied grams, and their sum."""
    return (
        Part("operational", carbon["operational_g"], carbon["operational_low_g"], carbon["operational_high_g"]),
        Part("embodied", carbon["embodied_g"], carbon["embodied_low_g"], carbon["embodied_high_g"]),
        Part("total", carbon["total_g"], carbon["total_low_g"], carbon["total_high_g"]),
    )
