"""PURE: environmentalConsiderations of CycloneDX 1.6 (ECMA-424), as a bill of materials with the model as its only component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..words.safe_text import json_text
from .form import ENDS, NO_GRID, SITE, Form, Missing, boundary_of, is_known, kwh, no_energy, stated, tonnes

if TYPE_CHECKING:
    from ...core.contract import DisclosedStageJson, DisclosureJson, RangeJson

ACTIVITIES = {"data": "data-preparation", "experimentation": "design", "training": "training", "inference": "inference"}
"""The stages in the words of the standard. A training may be a fine-tuning."""

LONGEST_VERSION = 1024


def cyclonedx(of: DisclosureJson) -> Form:
    """The bill as JSON: an activity for each stage, with its energy within the site and its grams."""
    known = of["stated"]
    missing = [] if known["provider"] else [stated("provider", "who provided the energy", '"EDF"')]
    if known["energy_source"] is None:
        missing.append(stated("energy_source", "the source of the energy", '"nuclear"'))
    if not of["stages"]:
        missing.append(Missing("every stage", "record runs with --stage, or add entries by hand"))
    if any(stage["assumed_grid"] for stage in of["stages"]):
        missing.append(NO_GRID)
    missing += [no_energy(stage["stage"]) for stage in of["stages"] if not is_known(boundary_of(stage, "site"))]
    activities = [_activity(of, stage) for stage in of["stages"] if is_known(boundary_of(stage, "site"))]
    considered: dict[str, Any] = {"energyConsumptions": activities}
    # An activity needs an energy. Grams that somebody else has computed may have none.
    alone = [stage for stage in of["stages"] if not is_known(boundary_of(stage, "site")) and stage["total_g"]["high"]]
    if alone:
        considered["properties"] = [{"name": f"trainwatt:{stage['stage']}:emissions", "value": _mass_text(stage)} for stage in alone]
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": of["name"],
        "modelCard": {"considerations": {"environmentalConsiderations": considered}},
    }
    if known["version"] and len(known["version"]) > LONGEST_VERSION:
        missing.append(
            Missing("the version", f"it has more than the {LONGEST_VERSION:,} characters that the standard allows; give a shorter one")
        )
    elif known["version"]:
        component["version"] = known["version"]
    if known["license"]:
        component["licenses"] = [{"license": {"name": known["license"]}}]
    if known["supplier"]:
        component["supplier"] = {"name": known["supplier"]}
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": of["made_at"]},
        "components": [component],
    }
    return Form(json_text(bill, 2), tuple(missing))


def _activity(of: DisclosureJson, stage: DisclosedStageJson) -> dict[str, Any]:
    site = boundary_of(stage, "site")
    energy = {"value": kwh(site["energy_j"]), "unit": "kWh"}
    provider = {"name": of["stated"]["provider"]} if of["stated"]["provider"] else {}
    properties = {
        "trainwatt:boundary": SITE,
        "trainwatt:energyRange": f"{kwh(site['low_j'])} to {kwh(site['high_j'])} kWh",
        "trainwatt:lowerBound": str(site["lower_bound"] or stage["lower_bound"]).lower(),
        "trainwatt:measuredShare": f"{stage['measured_share']:.3g}",
        "trainwatt:operational": _tonnes_text(stage, stage["operational_g"]),
        "trainwatt:embodied": _tonnes_text(stage, stage["embodied_g"]),
        "trainwatt:co2Range": f"{tonnes(stage['total_g']['low'])} to {tonnes(stage['total_g']['high'])} tCO2eq",
        "trainwatt:method": of["method"],
    }
    source = of["stated"]["energy_source"] or "unknown"
    tuned = stage["stage"] == "training" and of["stated"]["training_type"] == "fine-tuning"
    activity: dict[str, Any] = {
        "activity": "fine-tuning" if tuned else ACTIVITIES[stage["stage"]],
        "energyProviders": [{"organization": provider, "energySource": source, "energyProvided": energy}],
        "activityEnergyCost": energy,
        "properties": [{"name": name, "value": value} for name, value in properties.items()],
    }
    if not stage["lower_bound"] or stage["total_g"]["high"] > 0:
        activity["co2CostEquivalent"] = {"value": tonnes(stage["total_g"]["value"]), "unit": "tCO2eq"}
    return activity


def _tonnes_text(stage: DisclosedStageJson, grams: RangeJson) -> str:
    return f"{tonnes(grams['value'])} tCO2eq" if grams["high"] or not stage["lower_bound"] else "not known"


def _mass_text(stage: DisclosedStageJson) -> str:
    value, low, high = (tonnes(stage["total_g"][end]) for end in ENDS)
    return f"{'at least ' if stage['lower_bound'] else ''}{value} tCO2eq ({low} to {high})"
