"""`trainwatt estimate`: the footprint of a planned or published run."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import rich_click as click

from ...carbon.estimating import DEVICES_PER_HOST, Plan, estimate
from ...carbon.tables.hardware import MOST_TDP_W, table
from ...carbon.terms import Rule, Terms, check
from ...errors import ConfigurationError
from ...presentation.words.carbon import EXACT, basis_words, carbon_headline, carbon_lines
from ...presentation.words.quantities import format_energy, format_range
from ...presentation.words.zones import total_of, zone_rows
from ..options import json_option
from ..output import echo, say
from ..terms_options import terms_by_zone, terms_options

SCHEMA_VERSION = 1
MOST_DEVICES, MOST_HOURS = 1e9, 8_766_000.0
MOST_KWH = 3.1e13
"""The electricity that the world generated in 2024 (Ember, Global Electricity Review 2025: 30,900 TWh), rounded up."""


@click.command("estimate")
@click.option("--device", metavar="NAME", help="The device, as in `A100 80GB`; `trainwatt hardware` lists the known devices.")
@click.option("--count", type=float, default=1.0, show_default=True, help="The number of devices.")
@click.option("--hours", type=float, help="Hours for which each device is held.")
@click.option("--watts", type=float, help="Mean power of one device, in watts.")
@click.option("--load", type=float, help="Instead of --watts: the mean load, 0 to 1. The power is modelled from it.")
@click.option("--energy-kwh", type=float, help="Instead of --watts and --hours: the energy of all devices, before PUE.")
@click.option("--embodied-kg", type=float, help="Emissions of making one device, instead of the table's figure.")
@click.option("--host-kg", type=float, help="Emissions of making one host without its devices; left out unless given.")
@click.option("--devices-per-host", type=float, help=f"Devices in one host ({DEVICES_PER_HOST}, or --count if it is less).")
@click.option("--units", type=float, metavar="N", help="Units of work, for the grams per unit (SCI).")
@click.option("--unit", help="The name of the unit, such as sample.")
@terms_options
@json_option
def command(as_json: bool, **asked: Any) -> None:
    """Estimate the footprint of a run from its hardware, time and power. Every factor is shown with its source."""
    plan = Plan(**{field.name: asked.pop(field.name) for field in fields(Plan)})
    by_zone = terms_by_zone(**asked)
    found = []
    for terms in by_zone:
        check_plan(plan, terms)
        energy, carbon, notes = estimate(plan, terms, table(terms.hardware))
        found.append((energy, carbon))
    for note in notes:
        say(note)
    if as_json:
        parts = [{"energy": energy, "carbon": carbon} for energy, carbon in found]
        several = {"zones": [{"zone": terms.zone, **part} for terms, part in zip(by_zone, parts, strict=True)]}
        echo(json.dumps({"schema_version": SCHEMA_VERSION, **(parts[0] if len(parts) == 1 else several)}, indent=2))
        return
    joules = format_range(energy["total_j"], energy["low_j"], energy["high_j"])
    if energy["low_j"] == energy["high_j"]:
        joules = format_energy(energy["total_j"])
    if len(found) > 1:
        echo(f"CO2e of {joules} in {len(found)} zones, {basis_words(terms.wanted_basis)}")
        echo("\n".join(zone_rows([carbon for _, carbon in found], [total_of(carbon) for _, carbon in found])))
        return
    echo(carbon_headline(carbon, EXACT))
    echo(f"  {'energy':<13}{joules}, {energy['basis']}")
    echo("\n".join(carbon_lines(carbon, EXACT)))


def check_plan(plan: Plan, terms: Terms) -> None:
    """Raises ConfigurationError for impossible values."""
    rules: tuple[Rule, ...] = (
        ("--count", plan.count, lambda v: v > 0, "a run has at least a part of one device", "give a number above 0"),
        ("--hours", plan.hours, lambda v: v >= 0, "time cannot be negative", "give the hours for which each device is held"),
        ("--watts", plan.watts, lambda v: v >= 0, "power cannot be negative", "give the mean watts of one device"),
        (
            "--count",
            plan.count,
            lambda v: v <= MOST_DEVICES,
            f"there are not more than {MOST_DEVICES:,.0f} in the world",
            "give the number of devices",
        ),
        ("--hours", plan.hours, lambda v: v <= MOST_HOURS, f"{MOST_HOURS:,.0f} hours are a thousand years", "give hours, not seconds"),
        ("--watts", plan.watts, lambda v: v <= MOST_TDP_W, f"no device draws more than {MOST_TDP_W:,.0f} W", "give watts, not milliwatts"),
        (
            "--energy-kwh",
            plan.energy_kwh,
            lambda v: v <= MOST_KWH,
            "it is more than the world's electricity in a year",
            "give kilowatt-hours",
        ),
        ("--load", plan.load, lambda v: 0 <= v <= 1, "load is a share", "give it from 0 to 1, as in 0.8"),
        ("--energy-kwh", plan.energy_kwh, lambda v: v >= 0, "energy use cannot be negative", "give kilowatt-hours, 0 or more"),
        (
            "--embodied-kg",
            plan.embodied_kg,
            lambda v: v >= 0,
            "emissions of manufacture cannot be negative",
            "give kg of CO2e, 0 to leave it out",
        ),
        ("--host-kg", plan.host_kg, lambda v: v >= 0, "emissions of manufacture cannot be negative", "give kg of CO2e, 0 to leave it out"),
        ("--devices-per-host", plan.devices_per_host, lambda v: v > 0, "a host has at least a part of one device", "give a number above 0"),
        ("--units", plan.units, lambda v: v > 0, "grams per unit need units", "give their number, above 0"),
    )
    check(terms, *rules)
    ways = {"--watts": plan.watts, "--load": plan.load, "--energy-kwh": plan.energy_kwh}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise ConfigurationError(f"{' and '.join(given)}: each determines the energy, and they may disagree; give one of them")
    if not given:
        raise ConfigurationError(
            "no energy: the power of the run is not known; give --watts and --hours, --load and --hours, or --energy-kwh"
        )
    if plan.energy_kwh is None and plan.hours is None:
        raise ConfigurationError(f"{given[0]} without --hours: power alone is not energy; give the hours for which each device is held")
    if plan.load is not None and plan.device is None:
        raise ConfigurationError("--load without --device: it is a share of the device's rated power; name the device, or give --watts")
    if plan.unit is not None and plan.units is None:
        raise ConfigurationError(f"--unit {plan.unit}: the number of units is missing; give --units N")
