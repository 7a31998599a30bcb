"""The footprint of a run that is described, not recorded. It uses the same functions as a recorded run and names each factor.

It reads nothing but the bundled tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from ..core.run import PLAN_KEY
from ..core.units import J_PER_KWH
from ..energy.intervals import Interval
from ..errors import ConfigurationError
from .accounting import (
    Amortisations,
    EmbodiedLine,
    Estimate,
    amortisations,
    carbon_object,
    operational_g,
    sci,
    strict,
)
from .assumption import GIVEN, Assumption, FactorKind, FactorStatus, LeftOut, RangeMeaning
from .beside import Price, beside
from .embodied import line_given, line_of_row, total_g
from .factors import amortisation_factors, place_of
from .tables.boards import AREAS
from .tables.hardware import HardwareRow, HardwareTable
from .tables.load_power import load_curve
from .terms import Terms

if TYPE_CHECKING:
    from ..core.contract import CarbonJson, EstimatedEnergyJson

DEVICES_PER_HOST = 8
LONGEST_H = 5 * 8760.0
"""Hours in five years: no device is held longer by one run."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The described run, after the checks. Energies are those of the devices, before PUE.

    Time is given as `hours` of each of `count` devices, or as `gpu_hours`, the sum over all devices, as model cards state it. Grams depend
    on the sum only, so they need no count.
    """

    device: str | None
    count: float | None
    hours: float | None
    gpu_hours: float | None
    watts: float | None
    load: float | None
    energy_kwh: float | None
    embodied_kg: float | None
    host_kg: float | None
    devices_per_host: float | None
    units: float | None
    unit: str | None

    def as_json(self) -> dict[str, Any]:
        """What is given, for the settings of a stored estimate."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def device_hours(self) -> float | None:
        """The hours of all devices together; None if no time is given."""
        if self.gpu_hours is not None:
            return self.gpu_hours
        return None if self.hours is None else self.hours * self.devices

    @property
    def devices(self) -> float:
        """How many devices: the count that is given. Without one, the devices of one host stand for any number of GPU hours, else one."""
        if self.count is not None:
            return self.count
        return 1.0 if self.gpu_hours is None else self.per_host

    @property
    def hours_each(self) -> float | None:
        """The hours of each device; None if no time is given."""
        return None if self.device_hours is None else self.device_hours / self.devices

    @property
    def duration_h(self) -> float | None:
        """How long the run takes; None if that is not known: GPU hours without a number of GPUs, or with one that cannot be true."""
        hours = self.hours_each
        return None if hours is None or hours > LONGEST_H or (self.gpu_hours is not None and self.count is None) else hours

    @property
    def per_host(self) -> float:
        """The devices in one host: as given; else as most GPU servers have, or the count where it is less."""
        if self.devices_per_host is not None:
            return self.devices_per_host
        if self.count is None and self.gpu_hours is None:
            return 1.0
        return DEVICES_PER_HOST if self.count is None else min(self.count, DEVICES_PER_HOST)


def stored_plan(settings: Mapping[str, Any]) -> Plan | None:
    """The description of a stored estimate, from the settings of its run; None for any other run.

    Raises ConfigurationError if it is damaged.
    """
    described = settings.get(PLAN_KEY)
    if described is None:
        return None
    texts = ("device", "unit")
    values = described.items() if isinstance(described, dict) else [("", described)]
    if not all(isinstance(v, str) if name in texts else type(v) in (int, float) and v >= 0 for name, v in values):
        raise ConfigurationError("the description of this estimate is damaged: its grams cannot be computed; store the estimate again")
    return Plan(**{field.name: described.get(field.name) for field in fields(Plan)})


def question(plan: Plan) -> str | None:
    """A question about a time that is hard to believe: GPU hours are easily given as the hours of one device."""
    if plan.hours is None or plan.hours <= LONGEST_H:
        return None
    years = plan.hours / 8760
    return (
        f"--hours {plan.hours:g}: that is {years:.0f} years for each of {plan.devices:g} devices; if it is the sum over all devices, give"
        f" --gpu-hours {plan.hours * plan.devices:g} and --gpus-per-host, so that a host counts once for all its devices"
    )


def estimate(plan: Plan, terms: Terms, rows: HardwareTable) -> tuple[EstimatedEnergyJson, CarbonJson, list[str]]:
    """The `energy` and `carbon` objects, and notes for the user. Raises ConfigurationError."""
    row, notes = _row(plan, rows)
    joules, basis, factors = _energy(plan, row)
    place = place_of(terms)
    factors += [place.pue, place.intensity, *([place.water] if place.water else [])]
    amortisation = amortisations(terms.lifetime_years, terms.lifetime_utilization)
    lines, left_out = _lines(plan, row, amortisation)
    if lines:
        factors += amortisation_factors(terms, amortisation)
    if plan.host_kg is not None and plan.device_hours is not None:
        source, status = (
            (GIVEN, FactorStatus.GIVEN)
            if plan.devices_per_host
            else ("as most GPU servers have, or the count where it is less", FactorStatus.ASSUMED)
        )
        factors.append(Assumption(FactorKind.DEVICES_PER_HOST, plan.per_host, "", source, None, status))
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
        energy_range=RangeMeaning.JUDGED if joules.low_j < joules.high_j else RangeMeaning.EXACT,
        beside=beside(joules, pue, place.intensity_g_per_kwh, terms, None if place.water is None else place.water.value, price),
    )
    energy: EstimatedEnergyJson = {
        "total_j": joules.energy_j,
        "low_j": joules.low_j,
        "high_j": joules.high_j,
        "total_kwh": joules.energy_j / J_PER_KWH,
        "with_pue_j": joules.energy_j * pue,
        "with_pue_kwh": joules.energy_j * pue / J_PER_KWH,
        "j_per_unit": None if plan.units is None else joules.energy_j / plan.units,
        "basis": basis,
    }
    return energy, carbon, notes


def _row(plan: Plan, rows: HardwareTable) -> tuple[HardwareRow | None, list[str]]:
    """The table's row for the device, or the row of its family with a note; None if no row is needed. Raises ConfigurationError."""
    if plan.device is None:
        return None, []
    row = rows.match("gpu", plan.device)
    if row is None or row.scope == "any":
        processor = rows.match("cpu", plan.device)
        row = processor if processor is not None and processor.scope != "any" else row
    near = rows.near(plan.device)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    near_it = f"; similar names in the table: {', '.join(near)}" if near else ""
    known = row is not None and row.scope != "any"
    if plan.embodied_kg is None and not known:
        raise ConfigurationError(
            f"--device {plan.device}: it is not in the hardware table; {hint}`trainwatt hardware` lists the table,"
            " --embodied-kg gives a figure of your own (0 leaves it out)"
        )
    if plan.embodied_kg is None and row is not None and row.scope == "family":
        return row, [f"{plan.device} has no figure of its own, the wide range of its class is used{near_it}"]
    return (row if known else None), []


def _energy(plan: Plan, row: HardwareRow | None) -> tuple[Interval, str, list[Assumption]]:
    if plan.energy_kwh is not None:
        joules = plan.energy_kwh * J_PER_KWH
        return Interval(joules, joules, joules), "given", [_given(FactorKind.ENERGY, plan.energy_kwh, "kWh")]
    assert plan.device_hours is not None
    if plan.gpu_hours is not None:
        hours = [_given(FactorKind.DEVICE_HOURS, plan.gpu_hours, "h")]
        hours += [] if plan.count is None else [_given(FactorKind.DEVICES, plan.count, "")]
    else:
        hours = [_given(FactorKind.DEVICES, plan.devices, ""), _given(FactorKind.HOURS, plan.hours_each or 0.0, "h")]
    if plan.watts is not None:
        watts, basis = Estimate.exact(plan.watts), "watts × hours"
        factors = [_given(FactorKind.POWER, plan.watts, "W")]
    else:
        assert plan.load is not None
        if row is None or row.tdp_w is None:
            raise ConfigurationError(f"--load {plan.load:g}: the rated power of {plan.device} is not in the hardware table; give --watts")
        curve = load_curve()
        watts, basis = curve.fraction(plan.load).times(row.tdp_w), "modelled from the load"
        factors = [
            _rated(row),
            _given(FactorKind.LOAD, plan.load, ""),
            Assumption(FactorKind.POWER, watts.central, "W", curve.source, curve.year, curve.status, watts.low, watts.high, weak=True),
        ]
    joules_of = watts.times(plan.device_hours / 1000 * J_PER_KWH)
    return Interval(*joules_of), basis, hours + factors


def _rated(row: HardwareRow) -> Assumption:
    """The rated power of a row; where its other inputs had to be assumed, its power may be too."""
    if row.status == FactorStatus.GIVEN:
        return Assumption(FactorKind.RATED_POWER, row.tdp_w, "W", row.source, None, FactorStatus.GIVEN)
    status = FactorStatus.ASSUMED if row.status == FactorStatus.ASSUMED else FactorStatus.SECONDARY
    source = f"data sheet of {row.name}, or {AREAS}"
    return Assumption(FactorKind.RATED_POWER, row.tdp_w, "W", source, None, status)


def _given(kind: FactorKind, value: float, unit: str) -> Assumption:
    return Assumption(kind, value, unit, GIVEN, None, FactorStatus.GIVEN)


def _lines(plan: Plan, row: HardwareRow | None, amortisation: Amortisations) -> tuple[list[EmbodiedLine], list[LeftOut]]:
    """The lines of the hardware, and what they leave out."""
    lines: list[EmbodiedLine] = []
    device = plan.device or "device"
    if (hours := plan.hours_each) is None:
        return [], [LeftOut.HARDWARE_TIME]
    if plan.embodied_kg is not None:
        lines.append(line_given("gpu", device, plan.embodied_kg, hours, amortisation, plan.devices, GIVEN))
    elif row is not None:
        lines.append(line_of_row("host" if row.kind == "cpu" else "gpu", device, row, hours, amortisation, plan.devices))
    left_out = [] if lines else [LeftOut.DEVICES]
    if plan.host_kg is not None:
        lines.append(line_given("host", "host", plan.host_kg, hours, amortisation, plan.devices / plan.per_host, GIVEN))
    else:
        left_out.append(LeftOut.HOSTS)
    return lines, left_out
