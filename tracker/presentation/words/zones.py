"""PURE: footprints of the same energy in several zones, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .carbon import Least
from .masses import format_mass
from .quantities import at_least, significant

if TYPE_CHECKING:
    from ...core.contract import CarbonJson, EstimatedEnergyJson, TotalGramsJson

WIDTH = 80
HEAD = ("zone", "g/kWh", "PUE", "total", "how known")


def zone_rows(carbons: Sequence[CarbonJson], totals: Sequence[TotalGramsJson]) -> Iterator[str]:
    """A row for each zone: its intensity and PUE, the total of all runs, and how the intensity is known. Each figure has its range."""
    rows = [HEAD]
    for carbon, total in zip(carbons, totals, strict=True):
        factor = next(a for a in carbon["assumptions"] if a["grid"] is not None)
        ends = f"{significant(carbon['intensity_low_g_per_kwh'])}–{significant(carbon['intensity_high_g_per_kwh'])}"
        intensity = f"{significant(carbon['intensity_g_per_kwh'])} ({ends})"
        grams = at_least(format_mass(total["total_g"], total["total_low_g"], total["total_high_g"]), total["lower_bound"])
        known = factor["status"] if factor["year"] is None else f"{factor['status']} {factor['year']}"
        rows.append((carbon["zone"] or "", intensity, f"{carbon['pue']:g}", grams, known))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= WIDTH else " "
    for row in rows:
        yield gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def total_of(energy: EstimatedEnergyJson, carbon: CarbonJson) -> TotalGramsJson:
    """The total of one estimate, in the form of a sum."""
    return {
        "energy_j": energy["total_j"],
        "energy_low_j": energy["low_j"],
        "energy_high_j": energy["high_j"],
        "total_g": carbon["total_g"],
        "total_low_g": carbon["total_low_g"],
        "total_high_g": carbon["total_high_g"],
        "lower_bound": Least.of_estimate(carbon).total,
        "estimated_g": carbon["total_g"],
        "imported_g": 0.0,
    }
