"""PURE: grams from joules and from hardware, each with its bounds. This file contains no data.

operational = energy × PUE × intensity; PUE is applied here, once, and nowhere else. embodied = footprint × reserved hours ÷ (lifetime ×
8,760 × utilisation) × share: Wu et al. 2022 (arXiv:2111.00364), section III, which states the inputs but no formula; with
utilisation 1 it is M of the Software Carbon Intensity (ISO/IEC 21031). Bounds multiply and add: low with low, high with high.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..core.units import J_PER_KWH
from ..energy.intervals import Interval
from .assumption import LEFT_OUT_TEXTS, Assumption, FactorKind, FactorStatus, LeftOut, RangeMeaning, ranges_of

if TYPE_CHECKING:
    from ..core.contract import BesideJson, CarbonJson, EmbodiedLineJson, PerUnitJson, SciJson
    from .tables.basis import Basis

HOURS_PER_YEAR = 8760.0
G_PER_KG = 1000.0


class Estimate(NamedTuple):
    """A central value between two bounds, low ≤ central ≤ high: grams, kilograms or g/kWh, as its name says."""

    central: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> Estimate:
        """A value that was given, without a range."""
        return cls(value, value, value)

    def plus(self, other: Estimate) -> Estimate:
        """The sum; bounds add."""
        return Estimate(self.central + other.central, self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Estimate:
        """Scaled by a factor that is not negative."""
        return Estimate(self.central * factor, self.low * factor, self.high * factor)


NOTHING = Estimate(0.0, 0.0, 0.0)


def total(parts: Iterable[Estimate]) -> Estimate:
    """The sum of the parts; bounds add."""
    result = NOTHING
    for part in parts:
        result = result.plus(part)
    return result


class Amortisation(NamedTuple):
    """How long hardware is in service, and the share of that time in which it is used. Its whole footprint is spread over the used time."""

    lifetime_years: float
    utilisation: float


class Amortisations(NamedTuple):
    """One for each of the three values; `low` gives the fewest grams."""

    central: Amortisation
    low: Amortisation
    high: Amortisation


DEFAULT_AMORTISATION = Amortisations(Amortisation(4.0, 0.50), Amortisation(5.0, 0.60), Amortisation(3.0, 0.30))
"""The bounds are those of Wu et al. 2022: 3 to 5 years, 30 to 60 %. The central values are ours, within them."""


def amortisations(lifetime_years: float | None = None, utilisation: float | None = None) -> Amortisations:
    """The defaults; a value that the user gives replaces all three."""

    def known(default: Amortisation) -> Amortisation:
        return Amortisation(
            default.lifetime_years if lifetime_years is None else lifetime_years,
            default.utilisation if utilisation is None else utilisation,
        )

    return Amortisations(*(known(default) for default in DEFAULT_AMORTISATION))


def strict(amortisation: Amortisations) -> Amortisations:
    """As in ISO/IEC 21031: reserved time over expected life. Idle time is charged to nobody."""
    return Amortisations(*(a._replace(utilisation=1.0) for a in amortisation))


def operational_g(energy: Interval, pue: float, intensity_g_per_kwh: Estimate) -> Estimate:
    """Grams of the energy at one intensity."""
    kwh = Estimate(energy.energy_j / J_PER_KWH, energy.low_j / J_PER_KWH, energy.high_j / J_PER_KWH)
    return Estimate(*(e * pue * i for e, i in zip(kwh, intensity_g_per_kwh, strict=True)))


WHOLE = Estimate(1.0, 1.0, 1.0)


def embodied_g(
    footprint_kg: Estimate, reserved_hours: float, amortisation: Amortisations = DEFAULT_AMORTISATION, share: Estimate = WHOLE
) -> Estimate:
    """The grams of manufacture for the hours in which a run held `share` (0 to 1, or a count) of the hardware."""
    return Estimate(
        *(
            kg * G_PER_KG * reserved_hours / (a.lifetime_years * HOURS_PER_YEAR * a.utilisation) * part
            for kg, a, part in zip(footprint_kg, amortisation, share, strict=True)
        )
    )


class EmbodiedLine(NamedTuple):
    """One line of the hardware's share: what it is, whether it is of "gpu" or "host", how many of it, and its grams.

    `component` is the kind of hardware ("gpu", "cpu", "dram", ...). `status` is a FactorStatus, or the words of the user's own table.
    `class_range`: no figure of this model is known, so the line has the range of its class.
    """

    part: str
    component: str
    name: str
    amount: float
    unit: str
    footprint_kg: Estimate
    grams: Estimate
    row: str
    status: str
    class_range: bool
    source: str
    year: int | None


def sci(operational: Estimate, embodied: Estimate | None, units: float, unit: str, strict_embodied: Estimate | None = None) -> SciJson:
    """Grams per unit of work, (O + M) / R of ISO/IEC 21031. `g_per_unit` uses the same utilisation as the embodied grams.
    `strict` uses the M of the standard, which leaves idle time out."""

    def per_unit(m: Estimate | None) -> PerUnitJson:
        whole = operational.plus(m or NOTHING).times(1.0 / units)
        return {"g_per_unit": whole.central, "low_g_per_unit": whole.low, "high_g_per_unit": whole.high}

    return {
        "unit": unit,
        "units": units,
        **per_unit(embodied),
        "strict": None if embodied is not None and strict_embodied is None else per_unit(strict_embodied),
        "without_embodied": embodied is None,
    }


UNKNOWN = (None, None, None)
NOTHING_BESIDE: BesideJson = {"water_l": None, "cost": None, "market_based": None, "unmeasured": None}


def carbon_object(
    *,
    operational: Estimate,
    embodied: Estimate | None,
    zone: str | None,
    intensity_g_per_kwh: Estimate,
    intensity_source: str,
    intensity_basis: Basis | None,
    pue: float,
    assumptions: Sequence[Assumption],
    lines: Sequence[EmbodiedLine] = (),
    left_out: Sequence[LeftOut] = (),
    sci: SciJson | None = None,
    sci_units: Sequence[SciJson] | None = None,
    beside: BesideJson = NOTHING_BESIDE,
    energy_range: str = RangeMeaning.EXACT,
) -> CarbonJson:
    """The `carbon` object of the JSON contract. `embodied` is None if no hardware is known: the total then lacks it, and `left_out`
    must say so. The overhead of the site is left out where no PUE is known. `energy_range` is the RangeMeaning of the energy.
    `sci_units` are the scores of all units of work, of which `sci` is one. `beside` is what is shown next to the grams and is never in them
    (beside.py)."""
    whole = operational.plus(embodied or NOTHING)
    no_pue = any(a.kind is FactorKind.PUE and a.status is FactorStatus.ASSUMED for a in assumptions)
    codes = [*left_out, *([LeftOut.SITE_OVERHEAD] if no_pue else [])]
    factors, hardware = [a.as_json() for a in assumptions], [_line(line) for line in lines]
    embodied_g, embodied_low_g, embodied_high_g = embodied or UNKNOWN
    gpu_g, gpu_low_g, gpu_high_g = _part(lines, "gpu") or UNKNOWN
    host_g, host_low_g, host_high_g = _part(lines, "host") or UNKNOWN
    return {
        "operational_g": operational.central,
        "operational_low_g": operational.low,
        "operational_high_g": operational.high,
        "embodied_g": embodied_g,
        "embodied_low_g": embodied_low_g,
        "embodied_high_g": embodied_high_g,
        "embodied_gpu_g": gpu_g,
        "embodied_gpu_low_g": gpu_low_g,
        "embodied_gpu_high_g": gpu_high_g,
        "embodied_host_g": host_g,
        "embodied_host_low_g": host_low_g,
        "embodied_host_high_g": host_high_g,
        "total_g": whole.central,
        "total_low_g": whole.low,
        "total_high_g": whole.high,
        "zone": zone,
        "intensity_g_per_kwh": intensity_g_per_kwh.central,
        "intensity_low_g_per_kwh": intensity_g_per_kwh.low,
        "intensity_high_g_per_kwh": intensity_g_per_kwh.high,
        "intensity_source": intensity_source,
        "intensity_basis": None if intensity_basis is None else intensity_basis.value,
        "pue": pue,
        "embodied_lines": hardware,
        "assumptions": factors,
        "left_out": [LEFT_OUT_TEXTS[code] for code in codes],
        "left_out_codes": [code.value for code in codes],
        "ranges": ranges_of(energy_range, factors, hardware),
        "sci": sci,
        "sci_units": [of for of in (sci,) if of] if sci_units is None else list(sci_units),
        **beside,
    }


def _part(lines: Sequence[EmbodiedLine], part: str) -> Estimate | None:
    grams = [line.grams for line in lines if line.part == part]
    return total(grams) if grams else None


def _line(line: EmbodiedLine) -> EmbodiedLineJson:
    return {
        "part": line.part,
        "name": line.name,
        "count": line.amount,
        "unit": line.unit,
        "row": line.row,
        "footprint_kg": line.footprint_kg.central,
        "footprint_low_kg": line.footprint_kg.low,
        "footprint_high_kg": line.footprint_kg.high,
        "embodied_g": line.grams.central,
        "embodied_low_g": line.grams.low,
        "embodied_high_g": line.grams.high,
        "source": line.source,
        "year": line.year,
        "status": f"{line.status}, range of its class" if line.class_range else line.status,
        "component": line.component,
        "evidence": line.status,
        "class_range": line.class_range,
    }
