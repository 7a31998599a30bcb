"""The footprint of a run that is described, not recorded: the same functions as for a real one, with each factor named.

Pure but for the bundled tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core.units import J_PER_KWH
from ..energy.intervals import Interval
from ..errors import ConfigurationError
from .accounting import (
    Amortisations,
    Assumption,
    EmbodiedLine,
    Estimate,
    amortisations,
    carbon_object,
    operational_g,
    sci,
    strict,
)
from .beside import Price, beside
from .embodied import line_given, line_of_row, total_g
from .factors import GIVEN, amortisation_factors, place_of
from .tables.hardware import HardwareRow, HardwareTable
from .tables.load_power import load_curve
from .terms import Terms

DEVICES_PER_HOST = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for, checked. Energies are of the devices, before PUE."""

    device: str | None
    count: float
    hours: float | None
    watts: float | None
    load: float | None
    energy_kwh: float | None
    embodied_kg: float | None
    host_kg: float | None
    devices_per_host: float | None
    units: float | None
    unit: str | None


def estimate(plan: Plan, terms: Terms, rows: HardwareTable) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """The `energy` and `carbon` objects, and what to tell the user beside them. Raises ConfigurationError."""
    row, notes = _row(plan, rows)
    joules, basis, factors = _energy(plan, row)
    place = place_of(terms)
    factors += [place.pue, place.intensity, *([place.water] if place.water else [])]
    amortisation = amortisations(terms.lifetime_years, terms.lifetime_utilization)
    lines, left_out = _lines(plan, row, amortisation)
    if lines:
        factors += amortisation_factors(terms, amortisation)
    if plan.host_kg is not None and plan.hours is not None:
        per_host = plan.devices_per_host or min(plan.count, DEVICES_PER_HOST)
        source, status = (
            (GIVEN, "given") if plan.devices_per_host else ("as most GPU servers have, or the count where it is less", "assumed")
        )
        factors.append(Assumption("devices in a host", per_host, "", source, None, status))
    pue = place.pue.value or 1.0
    price = None if terms.price_per_kwh is None else Price(terms.price_per_kwh, GIVEN)
    operational, embodied = operational_g(joules, pue, place.intensity_g_per_kwh), total_g(lines)
    score = None
    if plan.units is not None:
        strict_lines, _ = _lines(plan, row, strict(amortisation))
        score = sci(operational, embodied, plan.units, plan.unit or "unit", total_g(strict_lines))
    carbon = carbon_object(
        operational=operational,
        embodied=embodied,
        zone=place.zone,
        intensity_g_per_kwh=place.intensity_g_per_kwh,
        intensity_source=place.intensity.source,
        intensity_basis=place.basis,
        pue=pue,
        assumptions=factors,
        lines=lines,
        left_out=left_out,
        sci=score,
        beside=beside(joules, pue, place.intensity_g_per_kwh, terms, place.water and place.water.value, price),
    )
    energy = {
        "total_j": joules.energy_j,
        "low_j": joules.low_j,
        "high_j": joules.high_j,
        "total_kwh": joules.energy_j / J_PER_KWH,
        "with_pue_j": joules.energy_j * pue,
        "with_pue_kwh": joules.energy_j * pue / J_PER_KWH,
        "basis": basis,
    }
    return energy, carbon, notes


def _row(plan: Plan, rows: HardwareTable) -> tuple[HardwareRow | None, list[str]]:
    """The table's row of the device; a known family's range, with a note; None where none is needed. Raises ConfigurationError."""
    if plan.device is None:
        return None, []
    row = rows.match("gpu", plan.device)
    if row is None or row.scope == "any":
        processor = rows.match("cpu", plan.device)
        row = processor if processor is not None and processor.scope != "any" else row
    near = rows.near(plan.device)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    near_it = f"; near it in the table: {', '.join(near)}" if near else ""
    known = row is not None and row.scope != "any"
    if plan.embodied_kg is None and not known:
        raise ConfigurationError(
            f"--device {plan.device}: nothing like it is in the hardware table; {hint}`trainwatt hardware` lists what is,"
            " --embodied-kg gives a figure of your own (0 leaves it out)"
        )
    if plan.embodied_kg is None and row is not None and row.scope == "family":
        return row, [f"{plan.device} has no figure of its own, the wide range of its class is used{near_it}"]
    return (row if known else None), []


def _energy(plan: Plan, row: HardwareRow | None) -> tuple[Interval, str, list[Assumption]]:
    if plan.energy_kwh is not None:
        joules = plan.energy_kwh * J_PER_KWH
        return Interval(joules, joules, joules), "given", [Assumption("energy", plan.energy_kwh, "kWh", GIVEN, None, "given")]
    assert plan.hours is not None
    hours = [
        Assumption("devices", plan.count, "", GIVEN, None, "given"),
        Assumption("time of each", plan.hours, "h", GIVEN, None, "given"),
    ]
    if plan.watts is not None:
        watts, basis = Estimate.exact(plan.watts), "watts × hours"
        factors = [Assumption("power of one", plan.watts, "W", GIVEN, None, "given")]
    else:
        assert plan.load is not None
        if row is None or row.tdp_w is None:
            raise ConfigurationError(f"--load {plan.load:g}: the rated power of {plan.device} is not in the hardware table; give --watts")
        curve = load_curve()
        watts, basis = curve.fraction(plan.load).times(row.tdp_w), "modelled from the load"
        factors = [
            Assumption("rated power of one", row.tdp_w, "W", f"vendor's data sheet of {row.name}", None, "memory"),
            Assumption("load", plan.load, "", GIVEN, None, "given"),
            Assumption("power of one", watts.central, "W", curve.source, curve.year, f"{curve.status}, weak", watts.low, watts.high),
        ]
    joules_of = watts.times(plan.count * plan.hours / 1000 * J_PER_KWH)
    return Interval(*joules_of), basis, hours + factors


def _lines(plan: Plan, row: HardwareRow | None, amortisation: Amortisations) -> tuple[list[EmbodiedLine], list[str]]:
    """The hardware's lines, and what is in none of them."""
    lines: list[EmbodiedLine] = []
    device = plan.device or "device"
    if plan.hours is None:
        return [], ["the making of the hardware: --hours says for how long it is held"]
    if plan.embodied_kg is not None:
        lines.append(line_given("gpu", device, plan.embodied_kg, plan.hours, amortisation, plan.count, GIVEN))
    elif row is not None:
        lines.append(line_of_row("host" if row.kind == "cpu" else "gpu", device, row, plan.hours, amortisation, plan.count))
    left_out = [] if lines else ["the making of the devices: --device names them, or --embodied-kg gives a figure"]
    if plan.host_kg is not None:
        hosts = plan.count / (plan.devices_per_host or min(plan.count, DEVICES_PER_HOST))
        lines.append(line_given("host", "host", plan.host_kg, plan.hours, amortisation, hosts, GIVEN))
    else:
        left_out.append("the making of the hosts around them: --host-kg gives a figure")
    return lines, left_out
