"""PURE: the difference between the grams of two footprints, if both have the same assumptions; otherwise, which assumptions differ.

If the assumptions are the same, their errors are the same too: one intensity I and one footprint per hour of hardware K hold for both runs,
and

    B − A = PUE·I·(E_B − E_A) + K·(h_B − h_A)
    B ÷ A = w·(E_B ÷ E_A) + (1 − w)·(h_B ÷ h_A)          w: the operational part of A's grams

Each factor varies over its own range, and the ends are taken over all corners. The correlation between w and the energies is ignored, so
the ranges may be too wide. If the intensities differ (each run has its own hours), or the hardware, each keeps its whole range.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from ..energy.difference import Change
from .accounting import Estimate
from .assumption import FactorKind, FactorStatus, name_of

if TYPE_CHECKING:
    from ..core.contract import AssumptionJson, CarbonJson


def differences(base: CarbonJson, other: CarbonJson) -> list[str]:
    """Which assumptions of two footprints differ, in words: "zone FR and DE". Empty if all are the same."""
    found = []
    for name, of_base, of_other in (
        ("zone", base["zone"] or "none", other["zone"] or "none"),
        ("basis of the intensity", base["intensity_basis"] or "unstated", other["intensity_basis"] or "unstated"),
        ("PUE", f"{base['pue']:g}", f"{other['pue']:g}"),
        ("embodied grams", _known(base), _known(other)),
    ):
        found += [] if of_base == of_other else [f"{name} {of_base} and {of_other}"]
    if base["zone"] == other["zone"] and base["intensity_source"] != other["intensity_source"]:
        found.append(f"intensity from {base['intensity_source']} and from {other['intensity_source']}")
    mine, theirs = _terms(base), _terms(other)
    found += [f"{name} {mine[name]} and {theirs[name]}" for name in mine if name in theirs and mine[name] != theirs[name]]
    given = {_given(base), _given(other)}
    if len(given) > 1:
        found.append("intensity " + " and ".join(f"{i:g} g/kWh" if i is not None else "of the grid" for i in (_given(base), _given(other))))
    return found


def mean_of(carbons: Sequence[CarbonJson]) -> CarbonJson:
    """The mean footprint of some runs, with the assumptions of the first one."""

    def mean(of: Callable[[CarbonJson], float | None]) -> float:
        return fmean(of(c) or 0.0 for c in carbons)

    found: CarbonJson = {
        **carbons[0],
        "total_g": mean(lambda c: c["total_g"]),
        "total_low_g": mean(lambda c: c["total_low_g"]),
        "total_high_g": mean(lambda c: c["total_high_g"]),
        "operational_g": mean(lambda c: c["operational_g"]),
        "operational_low_g": mean(lambda c: c["operational_low_g"]),
        "operational_high_g": mean(lambda c: c["operational_high_g"]),
        "intensity_g_per_kwh": mean(lambda c: c["intensity_g_per_kwh"]),
        "intensity_low_g_per_kwh": mean(lambda c: c["intensity_low_g_per_kwh"]),
        "intensity_high_g_per_kwh": mean(lambda c: c["intensity_high_g_per_kwh"]),
    }
    if carbons[0]["embodied_g"] is not None:
        found["embodied_g"] = mean(lambda c: c["embodied_g"])
        found["embodied_low_g"] = mean(lambda c: c["embodied_low_g"])
        found["embodied_high_g"] = mean(lambda c: c["embodied_high_g"])
    return found if len(carbons) > 1 else carbons[0]


def change_of(base: CarbonJson, other: CarbonJson, energy: Change, hours: Change, base_hours: float) -> Change | None:
    """The difference of the total grams, from those of the energies and of the hours; None if the assumptions differ."""
    if differences(base, other):
        return None
    same_grid = all(base[key] == other[key] for key in ("intensity_g_per_kwh", "intensity_low_g_per_kwh", "intensity_high_g_per_kwh"))
    same_hardware = _hardware(base) == _hardware(other) and base_hours > 0 and base_hours + hours.difference > 0
    operational, embodied = (_operational_g(base), _operational_g(other)), (_embodied_g(base), _embodied_g(other))
    by = _operational(base, energy) if same_grid else _apart(*operational)
    made = _per_hour(embodied[0], base_hours, hours) if same_hardware else _apart(*embodied)
    low = None if by[0] is None or made[0] is None else by[0] + made[0]
    high = None if by[1] is None or made[1] is None else by[1] + made[1]
    difference = other["total_g"] - base["total_g"]
    if base["total_g"] <= 0:
        return Change(difference, low, high, None, None, None)
    by_energy = (energy.ratio_low, energy.ratio_high) if same_grid else _quotient(*operational)
    by_hours = (hours.ratio_low, hours.ratio_high) if same_hardware else _quotient(*embodied)
    ratio_low, ratio_high = _mediant(operational[0], embodied[0], by_energy, by_hours)
    if low is not None and low > 0 and (ratio_low is None or ratio_low <= 1):
        low = 0.0  # the difference and the ratio must agree on whether the change is beyond the error
    if high is not None and high < 0 and (ratio_high is None or ratio_high >= 1):
        high = 0.0
    return Change(difference, low, high, other["total_g"] / base["total_g"], ratio_low, ratio_high)


def _operational(carbon: CarbonJson, energy: Change) -> tuple[float | None, float | None]:
    """Both ends of PUE × I × (E_B − E_A)."""
    intensities = carbon["intensity_low_g_per_kwh"], carbon["intensity_high_g_per_kwh"]
    ends = [None if j is None else [j / 3.6e6 * carbon["pue"] * i for i in intensities] for j in (energy.low, energy.high)]
    return None if ends[0] is None else min(ends[0]), None if ends[1] is None else max(ends[1])


def _per_hour(made: Estimate, base_hours: float, hours: Change) -> tuple[float | None, float | None]:
    """Both ends of K × (h_B − h_A), where K is the grams of A's hardware per hour."""
    ends = [None if h is None else [grams / base_hours * h for grams in (made.low, made.high)] for h in (hours.low, hours.high)]
    return None if ends[0] is None else min(ends[0]), None if ends[1] is None else max(ends[1])


def _apart(base: Estimate, other: Estimate) -> tuple[float, float]:
    return other.low - base.high, other.high - base.low


def _quotient(base: Estimate, other: Estimate) -> tuple[float | None, float | None]:
    return (other.low / base.high if base.high > 0 else 0.0), (other.high / base.low if base.low > 0 else None)


def _mediant(
    operational: Estimate, embodied: Estimate, by_energy: tuple[float | None, float | None], by_hours: tuple[float | None, float | None]
) -> tuple[float | None, float | None]:
    """Both ends of w × by_energy + (1 − w) × by_hours."""
    least = operational.low / (operational.low + embodied.high) if operational.low + embodied.high > 0 else 0.0
    most = operational.high / (operational.high + embodied.low) if operational.high + embodied.low > 0 else 1.0

    def end(pick: int) -> float | None:
        energy, hours = by_energy[pick], by_hours[pick]
        if (energy is None and most > 0) or (hours is None and least < 1):
            return None if pick else 0.0
        values = [w * (energy or 0.0) + (1 - w) * (hours or 0.0) for w in (least, most)]
        return max(values) if pick else min(values)

    return end(0), end(1)


def _operational_g(carbon: CarbonJson) -> Estimate:
    return Estimate(carbon["operational_g"], carbon["operational_low_g"], carbon["operational_high_g"])


def _embodied_g(carbon: CarbonJson) -> Estimate:
    """Embodied grams; 0 if the hardware is not known: then it is known of neither run, which differences() ensures."""
    return Estimate(carbon["embodied_g"] or 0.0, carbon["embodied_low_g"] or 0.0, carbon["embodied_high_g"] or 0.0)


def _known(carbon: CarbonJson) -> str:
    return "unknown" if carbon["embodied_g"] is None else "known"


def _given(carbon: CarbonJson) -> float | None:
    """The intensity, where the user gave it."""
    own = any(_is_given(a) for a in carbon["assumptions"])
    return carbon["intensity_g_per_kwh"] if own else None


def _is_given(factor: AssumptionJson) -> bool:
    """Whether it is an intensity that the user gave for all of the energy."""
    grid = factor["grid"]
    return grid is not None and factor["evidence"] == FactorStatus.GIVEN and grid["energy_share"] is None


def _terms(carbon: CarbonJson) -> dict[str, str]:
    """How long the hardware serves, by name."""
    kinds = (FactorKind.LIFETIME, FactorKind.UTILISATION)
    return {name_of(kind): f"{a['value']:g}" for a in carbon["assumptions"] for kind in kinds if a["kind"] == kind}


def _hardware(carbon: CarbonJson) -> list[tuple[str | float, ...]]:
    """The hardware that was held, without the hours."""
    return [
        (x["part"], x["name"], x["count"], x["unit"], x["row"], x["footprint_kg"], x["footprint_low_kg"], x["footprint_high_kg"])
        for x in carbon["embodied_lines"]
    ]
