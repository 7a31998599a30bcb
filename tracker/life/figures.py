"""PURE: the figures of some runs and of what was added by hand, which add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..analysis.footprint_totals import counted, once_of, tally
from ..carbon.accounting import NOTHING, Estimate
from ..energy.intervals import Share, interval

if TYPE_CHECKING:
    from ..core.contract import FootprintJson, GramsJson, LifeFiguresJson


class Figures(NamedTuple):
    """Joules, grams and hours. `site` is the energy times the PUE, as far as that is known. The flags say which of them are lower bounds,
    because a part of them is not known."""

    runs: int = 0
    hours: float = 0.0
    gpu_hours: float = 0.0
    energy: Estimate = NOTHING
    site: Estimate = NOTHING
    operational: Estimate = NOTHING
    embodied: Estimate = NOTHING
    energy_least: bool = False
    operational_least: bool = False
    embodied_least: bool = False

    @property
    def total(self) -> Estimate:
        """All grams."""
        return self.operational.plus(self.embodied)

    @property
    def least(self) -> bool:
        """Whether the total is a lower bound."""
        return self.operational_least or self.embodied_least

    def plus(self, other: Figures) -> Figures:
        """The sum; bounds add."""
        return Figures(
            self.runs + other.runs,
            self.hours + other.hours,
            self.gpu_hours + other.gpu_hours,
            self.energy.plus(other.energy),
            self.site.plus(other.site),
            self.operational.plus(other.operational),
            self.embodied.plus(other.embodied),
            self.energy_least or other.energy_least,
            self.operational_least or other.operational_least,
            self.embodied_least or other.embodied_least,
        )

    def as_json(self) -> LifeFiguresJson:
        """The contract's form."""
        total = self.total
        return {
            "runs": self.runs,
            "hours": self.hours,
            "gpu_hours": self.gpu_hours,
            "energy_j": self.energy.central,
            "energy_low_j": self.energy.low,
            "energy_high_j": self.energy.high,
            "site_energy_j": self.site.central,
            "site_energy_low_j": self.site.low,
            "site_energy_high_j": self.site.high,
            "operational_g": self.operational.central,
            "operational_low_g": self.operational.low,
            "operational_high_g": self.operational.high,
            "embodied_g": self.embodied.central,
            "embodied_low_g": self.embodied.low,
            "embodied_high_g": self.embodied.high,
            "total_g": total.central,
            "total_low_g": total.low,
            "total_high_g": total.high,
            "energy_lower_bound": self.energy_least,
            "operational_lower_bound": self.operational_least,
            "embodied_lower_bound": self.embodied_least,
        }


def figures_of(footprints: Sequence[FootprintJson], added: Iterable[Figures] = ()) -> Figures:
    """The figures of runs, in which each device counts once at any time, and of what was added."""
    of = tally(footprints)
    once = once_of(footprints)
    result = Figures(
        runs=of.runs,
        hours=of.hours if once is None else once.hours,
        gpu_hours=of.gpu_hours if once is None else once.gpu_hours,
        energy=(of.energy if once is None else once.energy) or NOTHING,
        site=_of_site(footprints),
        operational=(of.operational if once is None else once.operational) or NOTHING,
        embodied=(of.embodied if once is None else once.embodied) or NOTHING,
        energy_least=of.energy_is_least,
        operational_least=of.grams_are_least,
        embodied_least=of.embodied_is_least,
    )
    return sum_of([result, *added])


def sum_of(parts: Iterable[Figures]) -> Figures:
    """The sum; bounds add."""
    result = Figures()
    for figures in parts:
        result = result.plus(figures)
    return result


def _of_site(footprints: Iterable[FootprintJson]) -> Estimate:
    """The energy of runs times the PUE of each, as far as it is known. Each device counts once at any time."""
    scaled = (share.times(1.0 if f["carbon"] is None else f["carbon"]["pue"]) for f in footprints for share in _shares(f))
    return Estimate(*interval(scaled))


def _shares(footprint: FootprintJson) -> Iterator[Share]:
    """What the devices of a run add to a sum in which each counts once at any time."""
    if once := footprint.get("counted_once"):
        yield from map(Share.from_json, once["errors"])
    else:
        yield from (Share.from_json(e) for d in counted(footprint) for e in d["errors"])


def grams_of(footprints: Sequence[FootprintJson]) -> GramsJson | None:
    """The grams of runs as `list` has them, in which each device counts once at any time; None if no run has any."""
    if all(f["carbon"] is None for f in footprints):
        return None
    figures = figures_of(footprints)
    total = figures.total
    return {"total_g": total.central, "low_g": total.low, "high_g": total.high, "lower_bound": figures.least}


def whole_grams_of(footprint: FootprintJson) -> GramsJson | None:
    """The grams of a run by itself, whatever else has read its devices."""
    alone: FootprintJson = {**footprint, "counted_once": None}
    return grams_of([alone])


def share(part: Estimate, whole: Estimate) -> Estimate | None:
    """The part as a share of the whole, in which it is. The bounds are those of the part beside the other bound of the rest. None if the
    whole is nothing."""
    if whole.central <= 0.0:
        return None

    def of(mine: float, rest: float) -> float:
        return mine / (mine + rest) if mine + rest > 0.0 else 0.0

    low = of(part.low, max(0.0, whole.high - part.high))
    high = of(part.high, max(0.0, whole.low - part.low))
    central = part.central / whole.central
    return Estimate(central, min(low, central), max(high, central))
