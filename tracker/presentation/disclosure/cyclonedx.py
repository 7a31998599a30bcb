"""PURE: environmentalConsiderations of CycloneDX 1.6 (ECMA-424), as a bill of materials with the model as its only component."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .form import Form, Missing, boundary_of, kwh, stated, tonnes

if TYPE_CHECKING:
    from ...core.contract import DisclosedStageJson, DisclosureJson

ACTIVITIES = {"data": "data-preparation", "experimentation": "design", "training": "training", "inference": "inference"}
"""The stages in the words of the standard."""


def cyclonedx(of: DisclosureJson) -> Form:
    """The bill as JSON: an activity for each stage, with its energy within the site and its grams."""
    missing = [] if of["stated"]["provider"] else [stated("provider", "who provided the energy", '"EDF"')]
    if not of["stages"]:
        missing.append(Missing("every stage", "record runs with --stage, or add entries by hand"))
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": of["name"],
        "modelCard": {
            "considerations": {"environmentalConsiderations": {"energyConsumptions": [_activity(of, stage) for stage in of["stages"]]}}
        },
    }
    if of["stated"]["version"]:
        component["version"] = of["stated"]["version"]
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": of["made_at"]},
        "components": [component],
    }
    return Form(json.dumps(bill, indent=2, ensure_ascii=False), tuple(missing))


def _activity(of: DisclosureJson, stage: DisclosedStageJson) -> dict[str, Any]:
    site = boundary_of(stage, "site")
    energy = {"value": kwh(site["energy_j"]), "unit": "kWh"}
    provider = {"name": of["stated"]["provider"]} if of["stated"]["provider"] else {}
    properties = {
        "trainwatt:boundary": "site (nodes times PUE)",
        "trainwatt:energyRange": f"{kwh(site['low_j'])} to {kwh(site['high_j'])} kWh",
        "trainwatt:lowerBound": str(site["lower_bound"] or stage["lower_bound"]).lower(),
        "trainwatt:measuredShare": f"{stage['measured_share']:.3g}",
        "trainwatt:operational": f"{tonnes(stage['operational_g']['value'])} tCO2eq",
        "trainwatt:embodied": f"{tonnes(stage['embodied_g']['value'])} tCO2eq",
        "trainwatt:co2Range": f"{tonnes(stage['total_g']['low'])} to {tonnes(stage['total_g']['high'])} tCO2eq",
        "trainwatt:method": of["method"],
    }
    return {
        "activity": ACTIVITIES[stage["stage"]],
        "energyProviders": [{"organization": provider, "energySource": "unknown", "energyProvided": energy}],
        "activityEnergyCost": energy,
        "co2CostEquivalent": {"value": tonnes(stage["total_g"]["value"]), "unit": "tCO2eq"},
        "properties": [{"name": name, "value": value} for name, value in properties.items()],
    }
