"""PURE: the values of a series on the wanted basis, each with its range.

No value over time is exact. A provider computes it from the plants that ran and from their emission factors, and counts imports in its own
way; the same holds for a series of the user. tables/spread.py has the ranges.
"""

from __future__ import annotations

from dataclasses import replace

from ..series import Series
from ..tables.basis import Basis, on_basis
from ..tables.spread import ESTIMATED, MEASURED

_NO_LIMIT_G_PER_KWH = float("inf")


def ranged(series: Series, wanted: Basis) -> Series:
    """A series of intensities on the wanted basis. Where it has the other one, its values are derived; where it states none, they stay."""
    known = series.basis or wanted
    slots = []
    for slot in series.slots:
        spread = ESTIMATED if slot.estimated else MEASURED
        value, low, high = spread.around(on_basis(slot.value, known, wanted), _NO_LIMIT_G_PER_KWH)
        slots.append(slot._replace(value=value, low=low, high=high))
    if series.basis is None or series.basis is wanted:
        return replace(series, slots=tuple(slots))
    return replace(series, slots=tuple(slots), basis=wanted, derived_from=series.basis)
