"""PURE: the inference that is planned, and how many units of it equal all that came before."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from ..carbon.accounting import Estimate
from ..carbon.terms import Terms
from ..core.units import J_PER_KWH
from ..core.work import counted
from ..errors import ConfigurationError
from .entries import of_energy, over
from .figures import Figures, figures_of
from .plan import Inference

if TYPE_CHECKING:
    from ..carbon.tables.hardware import HardwareTable
    from ..core.contract import BreakEvenJson, FootprintJson, RangeJson


class Unit(NamedTuple):
    """What one unit takes: joules before PUE, and grams. `figures` has the same, with what is not known of it."""

    energy: Estimate
    grams: Estimate
    figures: Figures
    source: str


def unit_of(plan: Inference, measured: Sequence[FootprintJson], terms: Terms, rows: HardwareTable) -> Unit:
    """What one unit of a planned inference takes: as given, or as `measured` runs took. Raises ConfigurationError."""
    if plan.j_per_unit is None:
        units = units_of(plan.unit, measured)
        figures, source = scaled(figures_of(measured), 1.0 / units), f"{units:,} {plan.unit} of {_named(measured)}"
    else:
        figures = of_energy(plan.j_per_unit.times(1.0 / J_PER_KWH), over(plan.terms, terms), rows)
        source = plan.source or ""
        if plan.embodied_g_per_unit is not None:
            figures = figures._replace(embodied=plan.embodied_g_per_unit, embodied_least=False)
    return Unit(figures.energy, figures.total, figures, source)


def units_of(unit: str, measured: Sequence[FootprintJson]) -> int:
    """How many units the runs have counted. Raises ConfigurationError if one of them counted none, or has no energy."""
    for f in measured:
        if not counted(f["work"], unit):
            names = ", ".join(name for name, amount in f["work"].items() if amount) or "nothing"
            raise ConfigurationError(
                f"inference.unit = {unit!r}: run {f['run']['id'][:8]} never counted it (it counted {names}); count it with"
                f" tracker.update({unit}=…), or name a unit that it counted"
            )
        if f["energy"]["total_j"] is None:
            raise ConfigurationError(
                f"inference.runs: run {f['run']['id'][:8]} has no energy, so it does not tell what a unit takes; name a run that"
                " was measured, or give j_per_unit"
            )
    return sum(counted(f["work"], unit) for f in measured)


def scaled(figures: Figures, factor: float) -> Figures:
    """A multiple of some figures, as the figures of no run."""
    return figures._replace(
        runs=0,
        hours=figures.hours * factor,
        gpu_hours=figures.gpu_hours * factor,
        energy=figures.energy.times(factor),
        site=figures.site.times(factor),
        operational=figures.operational.times(factor),
        embodied=figures.embodied.times(factor),
    )


def planned_figures(unit: Unit, units: Estimate) -> Figures:
    """The figures of so many units. The bounds are those of the fewest units at the least each, and of the most at the most."""
    one = unit.figures
    return scaled(one, units.central)._replace(
        energy=product(one.energy, units),
        site=product(one.site, units),
        operational=product(one.operational, units),
        embodied=product(one.embodied, units),
    )


def break_even(before: Figures, unit: Unit, per_day: Estimate, g_per_kwh: Estimate | None) -> BreakEvenJson:
    """From how many units on inference has emitted, and used, as much as all that came `before`. `g_per_kwh` is that of both, if they have
    the same."""
    energy = quotient(before.energy, unit.energy)
    grams = quotient(before.total, unit.grams)
    if grams is not None and g_per_kwh is not None and g_per_kwh.low > 0.0:
        grams = _on_one_grid(before, unit.figures, g_per_kwh, grams.central)
    return {
        "grams_units": as_range(grams),
        "grams_days": as_range(None if grams is None else quotient(grams, per_day)),
        "energy_units": as_range(energy),
        "energy_days": as_range(None if energy is None else quotient(energy, per_day)),
    }


def product(a: Estimate, b: Estimate) -> Estimate:
    """The product of values that are not negative."""
    return Estimate(a.central * b.central, a.low * b.low, a.high * b.high)


def quotient(a: Estimate, b: Estimate) -> Estimate | None:
    """The quotient of values that are not negative. None if a divisor may be 0, or so small that there is no number for it."""
    found = None if b.low <= 0.0 else Estimate(a.central / b.central, a.low / b.high, a.high / b.low)
    return found if found is not None and isfinite(found.central) and isfinite(found.high) else None


def _on_one_grid(a: Figures, b: Figures, g_per_kwh: Estimate, central: float) -> Estimate:
    """The quotient of grams whose joules have the same factor, which is as uncertain in both, and has one value. For the least of `a` and
    the most of `b`, the quotient rises or falls with the factor all the way, so its bounds are at the two ends."""

    def ratio(at: float, of_a: int, of_b: int) -> float:
        part, whole = (of.operational[end] / g_per_kwh[end] * at + of.embodied[end] for of, end in ((a, of_a), (b, of_b)))
        return part / whole

    _, low_end, high_end = range(3)
    ends = (g_per_kwh[low_end], g_per_kwh[high_end])
    low = min(ratio(at, low_end, high_end) for at in ends)
    high = max(ratio(at, high_end, low_end) for at in ends)
    return Estimate(central, min(low, central), max(high, central))


def range_of(value: Estimate) -> RangeJson:
    """The contract's form of a value."""
    return {"value": value.central, "low": value.low, "high": value.high}


def as_range(value: Estimate | None) -> RangeJson | None:
    """The contract's form of a value that may not be known."""
    return None if value is None else range_of(value)


def _named(measured: Sequence[FootprintJson]) -> str:
    ids = [f["run"]["id"][:8] for f in measured]
    return f"run {ids[0]}" if len(ids) == 1 else f"{len(ids)} measured runs"
