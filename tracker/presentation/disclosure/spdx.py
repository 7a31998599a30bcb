"""PURE: the AI profile of SPDX 3.0.1: an AI package with its energy consumption, as JSON-LD."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from ..words.safe_text import json_text
from .form import SITE, Form, Missing, boundary_of, is_known, kwh, no_energy, no_stage, stage_of, stated

if TYPE_CHECKING:
    from ...core.contract import DisclosureJson

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"


def spdx(of: DisclosureJson) -> Form:
    """The document: energy within the site, in kWh. A training is a fine-tuning if the file says so."""
    missing: list[Missing] = []
    kind = "ai_finetuningEnergyConsumption" if of["stated"]["training_type"] == "fine-tuning" else "ai_trainingEnergyConsumption"
    energy: dict[str, Any] = {"type": "ai_EnergyConsumption"}
    for name, key in (("training", kind), ("inference", "ai_inferenceEnergyConsumption")):
        stage = stage_of(of, name)
        if stage is None:
            missing.append(no_stage(name))
        elif not is_known(site := boundary_of(stage, "site")):
            missing.append(no_energy(name))
        else:
            energy[key] = [
                {"type": "ai_EnergyConsumptionDescription", "ai_energyQuantity": kwh(site["energy_j"]), "ai_energyUnit": "kilowattHour"}
            ]
    space = f"urn:uuid:{uuid5(NAMESPACE_URL, of['name'] + of['made_at'])}"
    info = "_:creationinfo"
    model: dict[str, Any] = {
        "type": "ai_AIPackage",
        "spdxId": f"{space}#model",
        "creationInfo": info,
        "name": of["name"],
        "software_primaryPurpose": "model",
        "ai_energyConsumption": energy,
        "comment": f"Energy within the {SITE}. {of['method']}",
    }
    known = of["stated"]
    released = None if known["released"] is None else f"{known['released']}T00:00:00Z"
    for key, value, lacking in (
        ("software_packageVersion", known["version"], stated("version", "the version of the model", '"1.0"')),
        ("software_downloadLocation", known["download"], stated("download", "where the model can be downloaded", '"https://…"')),
        ("releaseTime", released, stated("released", "the day of the release", "2026-03-01")),
    ):
        if value is None:
            missing.append(lacking)
        else:
            model[key] = value
    more = [*_supplier(model, known["supplier"], space, info, missing), *_license(known["license"], space, info, missing)]
    tool = {"type": "Tool", "spdxId": f"{space}#trainwatt", "creationInfo": info, "name": of["software"]}
    graph = [
        {
            "type": "CreationInfo",
            "@id": info,
            "specVersion": "3.0.1",
            "created": of["made_at"],
            "createdBy": [f"{space}#program"],
            "createdUsing": [f"{space}#trainwatt"],
        },
        {"type": "SoftwareAgent", "spdxId": f"{space}#program", "creationInfo": info, "name": of["software"]},
        tool,
        model,
        *more,
        {
            "type": "SpdxDocument",
            "spdxId": f"{space}#document",
            "creationInfo": info,
            "rootElement": [f"{space}#model"],
            "profileConformance": ["core", "software", "simpleLicensing", "ai"],
        },
    ]
    return Form(json_text({"@context": CONTEXT, "@graph": graph}, 2), tuple(missing))


def _supplier(model: dict[str, Any], name: str | None, space: str, info: str, missing: list[Missing]) -> Iterator[dict[str, Any]]:
    """Who supplies the model."""
    if name is None:
        missing.append(stated("supplier", "who supplies the model", '"Example Labs"'))
        return
    model["suppliedBy"] = f"{space}#supplier"
    yield {"type": "Organization", "spdxId": f"{space}#supplier", "creationInfo": info, "name": name}


def _license(expression: str | None, space: str, info: str, missing: list[Missing]) -> Iterator[dict[str, Any]]:
    """The license that the model is declared to have."""
    if expression is None:
        missing.append(stated("license", "the license of the model", '"Apache-2.0"'))
        return
    yield {
        "type": "simplelicensing_LicenseExpression",
        "spdxId": f"{space}#license",
        "creationInfo": info,
        "simplelicensing_licenseExpression": expression,
    }
    yield {
        "type": "Relationship",
        "spdxId": f"{space}#licensed",
        "creationInfo": info,
        "from": f"{space}#model",
        "relationshipType": "hasDeclaredLicense",
        "to": [f"{space}#license"],
    }
