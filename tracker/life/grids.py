"""PURE: the factors that turn joules into grams, and whether they are the same ones for several sums."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from ..carbon.accounting import Estimate
from ..carbon.assumption import FactorKind, FactorStatus

if TYPE_CHECKING:
    from ..core.contract import CarbonJson


class Grid(NamedTuple):
    """The intensity and the PUE of some energy. `assumed`: no grid is known."""

    zone: str | None
    basis: str | None
    intensity: Estimate
    pue: float
    by_the_hour: bool
    assumed: bool

    @property
    def g_per_kwh(self) -> Estimate:
        """Grams of a kilowatt-hour of the devices."""
        return self.intensity.times(self.pue)


def grid_of(carbon: CarbonJson) -> Grid:
    """The factors of a footprint."""
    of_grid = [a for a in carbon["assumptions"] if a["kind"] == FactorKind.GRID_INTENSITY]
    return Grid(
        carbon["zone"],
        carbon["intensity_basis"],
        Estimate(carbon["intensity_g_per_kwh"], carbon["intensity_low_g_per_kwh"], carbon["intensity_high_g_per_kwh"]),
        carbon["pue"],
        any(a["grid"] is not None and a["grid"]["by_the_hour"] for a in of_grid),
        any(a["evidence"] == FactorStatus.ASSUMED for a in of_grid),
    )


def shared_g_per_kwh(grids: Iterable[Grid | None]) -> Estimate | None:
    """The grams of a kilowatt-hour of several sums, if all have the same uncertain factor: then the factor has one value, in all of them.
    None if they differ, or if one is not known (None): the grid of the world, where it stands in, may be another one each time."""
    known = set(grids)
    one = next(iter(known), None)
    return None if len(known) != 1 or one is None or one.by_the_hour or one.assumed else one.g_per_kwh
