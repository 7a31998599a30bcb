"""PURE: the sums of many footprints in words."""

from __future__ import annotations

from ...analysis.footprint_totals import UNKNOWN, Tally
from ...carbon.accounting import Estimate
from ..words.carbon import format_mass
from ..words.quantities import format_range


def energy_text(of: Tally, whole: Tally) -> str:
    """ "1.84 kWh (1.79–1.90)", in the unit that suits the whole; "≥ " before a lower bound."""
    if of.energy is None or whole.energy is None:
        return UNKNOWN
    return f"{'≥ ' if of.energy_is_least else ''}{format_range(*of.energy, whole.energy.central)}"


def mass_text(grams: Estimate | None, least: bool = False) -> str:
    """ "7.10 kg (6.50–8.20)"; "≥ " before a lower bound."""
    return UNKNOWN if grams is None else f"{'≥ ' if least else ''}{format_mass(*grams)}"


def masses(of: Tally) -> tuple[str, str, str]:
    """Operational, embodied and total grams, as they are written."""
    no_embodied = of.grams_unknown + of.embodied_unknown > 0
    return (
        mass_text(of.operational, of.grams_are_least),
        mass_text(of.embodied, no_embodied),
        mass_text(of.total, of.grams_are_least or no_embodied),
    )
