"""PURE: figures of runs for the cells of tables. A column of energies has one unit: the one that suits its largest energy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ...analysis.totals import each_of
from ...core.contract import CarbonJson, EnergyRangeJson, EntryJson, ShowJson
from ...core.work import singular
from ..words.carbon import Least
from ..words.masses import format_mass
from ..words.quantities import at_least, format_energy, largest_j
from ..words.runs import energy_parts
from .elements import Child, Html, quantity, ranged


class Part(NamedTuple):
    """Grams of CO2e with their range; all None if they are not known. `least`: they are a lower bound."""

    name: str
    g: float | None
    low_g: float | None
    high_g: float | None
    least: bool

    @property
    def text(self) -> str:
        """ "≥ 1.84 kg (1.20–2.50)", or "unknown"."""
        return "unknown" if self.g is None else at_least(format_mass(self.g, self.low_g, self.high_g), self.least)


def parts(carbon: CarbonJson, least: Least) -> tuple[Part, Part, Part]:
    """Operational grams, embodied grams, and their sum."""
    return (
        Part("operational", carbon["operational_g"], carbon["operational_low_g"], carbon["operational_high_g"], least.operational),
        Part("embodied", carbon["embodied_g"], carbon["embodied_low_g"], carbon["embodied_high_g"], least.hardware),
        Part("total", carbon["total_g"], carbon["total_low_g"], carbon["total_high_g"], least.total),
    )


def energy_cells(energies: Sequence[EnergyRangeJson]) -> list[Html]:
    """A column of the `energy` objects of runs or sums."""
    largest = largest_j(energy["total_j"] for energy in energies)
    return [ranged(*energy_parts(energy, largest)) for energy in energies]


def joule_cells(joules: Iterable[float | None]) -> list[str]:
    """A column of energies without ranges. One that is 0 or unknown is "–"."""
    known = list(joules)
    largest = largest_j(known)
    return [format_energy(energy_j, largest) if energy_j else "–" for energy_j in known]


def each_cells(entries: Iterable[EntryJson | ShowJson]) -> list[Child]:
    """A column of the energy of runs for one unit of their work. All samples have one unit of energy, and so have all tokens."""
    found = [each_of(entry) for entry in entries]
    largest = {unit: largest_j(of[1] for of in found if of and of[0] == unit) for unit in {of[0] for of in found if of}}
    return ["–" if of is None else quantity(format_energy(of[1], largest[of[0]]), f"per {singular(of[0])}") for of in found]
