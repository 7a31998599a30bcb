"""`trainwatt estimate`: the footprint of a planned or published run."""

from __future__ import annotations

import json
import textwrap
import time
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import rich_click as click

from ...carbon.estimating import DEVICES_PER_HOST, Plan, estimate, question
from ...carbon.tables.hardware import MOST_TDP_W, HardwareTable, table
from ...carbon.terms import Rule, Terms, check
from ...errors import ConfigurationError
from ...importing.keeping import keep
from ...importing.planned import planned
from ...presentation.words.carbon import Least, basis_words, carbon_headline, carbon_lines
from ...presentation.words.quantities import format_energy, format_range
from ...presentation.words.zones import total_of, zone_rows
from ..kept_options import KeptAs, kept_options, opened
from ..options import json_option
from ..output import echo, say
from ..terms_options import terms_by_zone, terms_options

if TYPE_CHECKING:
    from ...core.contract import EstimatedEnergyJson

SCHEMA_VERSION = 1
MOST_DEVICES, MOST_HOURS, MOST_GPU_HOURS = 1e9, 8_766_000.0, 1e12
MOST_KWH = 3.1e13
"""The electricity that the world generated in 2024 (Ember, Global Electricity Review 2025: 30,900 TWh), rounded up."""


@click.command("estimate")
@click.option("--device", metavar="NAME", help="The device, as in `A100 80GB`; `trainwatt hardware` lists the known devices.")
@click.option("--count", type=float, help="The number of devices (1).")
@click.option("--hours", type=float, help="Hours for which each device is held.")
@click.option("--gpu-hours", type=float, metavar="HOURS", help="Instead of --hours: the sum over all devices, as model cards state it.")
@click.option("--watts", type=float, help="Mean power of one device, in watts.")
@click.option("--load", type=float, help="Instead of --watts: how busy the devices are, 0 to 1 (most trainings: 1).")
@click.option("--energy-kwh", type=float, help="Instead of --watts and --hours: the energy of all devices, before PUE.")
@click.option("--embodied-kg", type=float, help="Emissions of making one device, instead of the table's figure.")
@click.option("--host-kg", type=float, help="Emissions of making one host without its devices; left out unless given.")
@click.option("--devices-per-host", "--gpus-per-host", type=float, help=f"Devices in one host ({DEVICES_PER_HOST}, or --count if less).")
@click.option("--units", type=float, metavar="N", help="Units of work, for the grams per unit (SCI).")
@click.option("--unit", help="The name of the unit, such as sample.")
@terms_options
@click.option("--save", is_flag=True, help="Store the estimate as a run, labelled as estimated.")
@kept_options
@json_option
def command(as_json: bool, save: bool, kept: KeptAs, **asked: Any) -> None:
    """Estimate the footprint of a run from its hardware, time and power. Every factor is shown with its source.

    With --save it becomes a run, which `list`, `footprint` and papers show as estimated.
    """
    plan = Plan(**{field.name: asked.pop(field.name) for field in fields(Plan)})
    by_zone = terms_by_zone(**asked)
    if not save and (given := kept.given()):
        raise ConfigurationError(f"{' and '.join(given)} without --save: only a stored estimate has it; add --save, or leave it out")
    if save and len(by_zone) > 1:
        raise ConfigurationError(f"--save with {len(by_zone)} zones: a stored estimate has one; give one --zone, or leave --save out")
    found, rows = [], table(by_zone[0].hardware)
    for terms in by_zone:
        check_plan(plan, terms)
        energy, carbon, notes = estimate(plan, terms, rows)
        found.append((energy, carbon))
    for note in [*notes, *([text] if (text := question(plan)) else [])]:
        say(note)
    run_id = _saved(plan, terms, energy, kept, rows) if save else None
    if as_json:
        parts = [{"energy": energy, "carbon": carbon} for energy, carbon in found]
        several = {"zones": [{"zone": terms.zone, **part} for terms, part in zip(by_zone, parts, strict=True)]}
        saved = {} if run_id is None else {"run_id": run_id}
        echo(json.dumps({"schema_version": SCHEMA_VERSION, **(parts[0] if len(parts) == 1 else several), **saved}, indent=2))
        return
    joules = _joules(energy)
    if len(found) > 1:
        echo(f"CO2e of {joules} in {len(found)} zones, {basis_words(terms.wanted_basis)}")
        echo("\n".join(zone_rows([carbon for _, carbon in found], [total_of(*each) for each in found])))
        return
    least = Least.of_estimate(carbon)
    echo(carbon_headline(carbon, least))
    echo(f"  {'energy':<13}{joules}, {energy['basis']}")
    if carbon["pue"] > 1:
        echo(f"    with PUE: {_joules(energy, carbon['pue'])}")
    if plan.units is not None:
        each = f"per {plan.unit or 'unit'}: {_joules(energy, 1 / plan.units)}, before PUE"
        echo(textwrap.fill(each, 80, initial_indent="    ", subsequent_indent="      "))
    echo("\n".join(carbon_lines(carbon, least)))


def _joules(energy: EstimatedEnergyJson, times: float = 1.0) -> str:
    """The energy, times a factor, with its range if it has one."""
    total_j, low_j, high_j = (times * joules for joules in (energy["total_j"], energy["low_j"], energy["high_j"]))
    return format_energy(total_j) if low_j == high_j else format_range(total_j, low_j, high_j)


def _saved(plan: Plan, terms: Terms, energy: EstimatedEnergyJson, kept: KeptAs, rows: HardwareTable) -> str:
    """The id of the run that the estimate is stored as. Raises ConfigurationError and StoreError."""
    if terms.unmeasured is not None:
        say("--unmeasured is not stored with the estimate: give it to `trainwatt footprint` again")
    row = None if plan.device is None else rows.match("gpu", plan.device)
    cpu = None if plan.device is None else rows.match("cpu", plan.device)
    is_cpu = (row is None or row.scope == "any") and cpu is not None and cpu.scope != "any"
    record = planned(
        plan,
        energy,
        terms.saved(),
        started_utc_ns=kept.started_utc_ns or time.time_ns(),
        project=kept.project or "default",
        name=kept.name,
        group=kept.group,
        stage=kept.stage,
        zone=terms.zone,
        kind="platform" if plan.device is None else "cpu" if is_cpu else "gpu",
    )
    with opened(kept.db) as writer:
        found = keep(writer, [record])
    say(f"stored as run {record.id}: trainwatt show {record.id[:8]}" if found.added else f"run {record.id[:8]} has this estimate already")
    return record.id


def check_plan(plan: Plan, terms: Terms) -> None:
    """Raises ConfigurationError for impossible values."""
    rules: tuple[Rule, ...] = (
        ("--count", plan.count, lambda v: v > 0, "a run has at least a part of one device", "give a number above 0"),
        ("--hours", plan.hours, lambda v: v >= 0, "time cannot be negative", "give the hours for which each device is held"),
        ("--gpu-hours", plan.gpu_hours, lambda v: v >= 0, "time cannot be negative", "give the hours of all devices together"),
        (
            "--gpu-hours",
            plan.gpu_hours,
            lambda v: v <= MOST_GPU_HOURS,
            "all GPUs of the world do not have as many in ten years",
            "give hours, not seconds",
        ),
        ("--watts", plan.watts, lambda v: v >= 0, "power cannot be negative", "give the mean watts of one device"),
        (
            "--count",
            plan.count,
            lambda v: v <= MOST_DEVICES,
            f"there are not more than {MOST_DEVICES:,.0f} in the world",
            "give the number of devices",
        ),
        ("--hours", plan.hours, lambda v: v <= MOST_HOURS, f"{MOST_HOURS:,.0f} hours are a thousand years", "give hours, not seconds"),
        (
            "--watts",
            plan.watts,
            lambda v: v <= MOST_TDP_W,
            f"no device draws more than {MOST_TDP_W:,.0f} W",
            "give the watts of one device, not milliwatts, and --count for several; or give --energy-kwh",
        ),
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
            "no energy: the power of the run is not known; give --watts and --hours, --load and --hours (--load 1 for busy devices),"
            " or --energy-kwh"
        )
    if plan.hours is not None and plan.gpu_hours is not None:
        raise ConfigurationError(
            f"--hours {plan.hours:g} and --gpu-hours {plan.gpu_hours:g}: each gives the time; --hours is that of one device, --gpu-hours"
            " the sum over all; give one of them"
        )
    if plan.energy_kwh is None and plan.device_hours is None:
        raise ConfigurationError(
            f"{given[0]} without --hours: power alone is not energy; give the hours for which each device is held, or --gpu-hours"
        )
    if plan.load is not None and plan.device is None:
        raise ConfigurationError("--load without --device: it is a share of the device's rated power; name the device, or give --watts")
    if plan.unit is not None and plan.units is None:
        raise ConfigurationError(f"--unit {plan.unit}: the number of units is missing; give --units N")
