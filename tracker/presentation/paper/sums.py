"""PURE: the sums of many footprints in words."""

from __future__ import annotations

from typing import NamedTuple

from ...analysis.footprint_totals import UNKNOWN, Tally
from ...carbon.accounting import Estimate
from ..words.masses import format_mass, mass_parts
from ..words.quantities import format_range, range_parts, significant


class Figure(NamedTuple):
    """A sum as it is written: "1.84 kWh", and its range "(1.79–1.90)" or "". `is_least` marks a lower bound."""

    value: str
    span: str = ""
    is_least: bool = False

    def cell(self) -> str:
        """In a table: "≥ 1.84 kWh (1.79–1.90)"."""
        return f"{self.marked_value()} {self.span}".rstrip()

    def marked_value(self) -> str:
        """The value of a cell without its range: "≥ 1.84 kWh"."""
        return f"{'≥ ' if self.is_least else ''}{self.value}"

    def prose(self, of: str = "") -> str:
        """In a sentence: "at least 7.10 kg CO2e (6.50–8.20)", where `of` is "CO2e"."""
        return " ".join(word for word in ("at least" if self.is_least else "", self.value, of, self.span) if word)


def energy_figure(of: Tally, whole: Tally) -> Figure:
    """The energy, in the unit that suits the whole."""
    if of.energy is None or whole.energy is None:
        return Figure(UNKNOWN)
    value, bounds = range_parts(*of.energy, whole.energy.central)
    return Figure(value, f"({bounds})", of.energy_is_least)


def _mass_figure(grams: Estimate | None, is_least: bool = False) -> Figure:
    if grams is None:
        return Figure(UNKNOWN)
    value, bounds = mass_parts(*grams)
    return Figure(value, f"({bounds})" if bounds else "", is_least)


def mass_figures(of: Tally) -> tuple[Figure, Figure, Figure]:
    """Operational, embodied and total grams."""
    return (
        _mass_figure(of.operational, of.grams_are_least),
        _mass_figure(of.embodied, of.embodied_is_least),
        _mass_figure(of.total, of.total_is_least),
    )


def counted_twice(of: Tally) -> str:
    """What overlapping runs do to the totals, with the totals in which each device counts once."""
    if of.once is None:
        return "this energy is counted more than once."
    energy, mass = format_range(*of.once.energy), format_mass(*of.once.total)
    time = f"{significant(of.once.hours)} run hours" + (f" and {significant(of.once.gpu_hours)} GPU hours" if of.once.gpu_hours else "")
    return (
        f"the totals count this energy and this hardware more than once. Counted once, the runs took {time}, used {energy} and emitted"
        f" {mass} CO2e."
    )
