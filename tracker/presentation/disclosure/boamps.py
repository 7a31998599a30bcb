"""PURE: a report of BoAmps (Boavizta, the JSON schemas of its model/ folder): the energy of the training as a computing task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from ..words.safe_text import json_text
from .form import Form, Missing, boundary_of, how_known, is_known, kwh, no_energy, no_stage, stage_of, stated

if TYPE_CHECKING:
    from ...core.contract import BoundaryJson, DisclosedStageJson, DisclosureJson

QUALITIES = (("high", 0.10), ("medium", 0.25), ("low", 0.50))
"""The quality of a report, and the error that it may have at most."""


def boamps(of: DisclosureJson) -> Form:
    """The report as JSON. Its energy is that of the nodes: the schema knows no PUE."""
    missing: list[Missing] = []
    known = of["stated"]
    training = stage_of(of, "training")
    report: dict[str, Any] = {
        "header": {"reportId": str(uuid5(NAMESPACE_URL, of["name"] + of["made_at"])), "reportDatetime": _datetime(of["made_at"])},
        "task": _task(of, missing),
    }
    if training is None:
        missing.append(no_stage("training"))
    else:
        node = boundary_of(training, "node")
        if is_known(node):
            report["measures"] = [_measure(of, training, node)]
        else:
            missing.append(no_energy("training"))
        report["infrastructure"] = _infrastructure(of, training, missing)
        error = _error(node)
        quality = None if node["lower_bound"] else next((name for name, most in QUALITIES if error <= most), None)
        if node["low_j"] == node["high_j"] and is_known(node):
            missing.append(Missing("the quality", "the energy has no range; give energy_kwh = [lowest, likely, highest], or measure it"))
        elif quality is None:
            missing.append(Missing("the quality", "the range of the energy is wider than ±50 %, or a part of it is not known: measure it"))
        else:
            report["quality"] = quality
        countries = list(dict.fromkeys(zone.partition("-")[0] for zone in training["zones"]))
        if len(countries) == 1:
            report["environment"] = {"country": countries[0], **({} if known["location"] is None else {"location": known["location"]})}
        else:
            more = f"it was trained in {', '.join(countries)}: select the runs of one country" if countries else "give --zone"
            missing.append(Missing("the country", more))
    return Form(json_text(report, 2), tuple(missing))


def _task(of: DisclosureJson, missing: list[Missing]) -> dict[str, Any]:
    known = of["stated"]
    task: dict[str, Any] = {"taskStage": "finetuning" if known["training_type"] == "fine-tuning" else "training"}
    if known["task_family"] is None:
        missing.append(stated("task_family", "the family of the task", '"image classification"'))
    else:
        task["taskFamily"] = known["task_family"]
    algorithm: dict[str, Any] = {"algorithmName": of["name"]}
    if known["parameters"] is not None:
        algorithm["parametersNumber"] = known["parameters"] / 1e9
    task["algorithms"] = [algorithm]
    if known["data_type"] is None:
        missing.append(stated("data_type", "the type of the data", '"image"'))
    else:
        task["dataset"] = [{"dataUsage": "input", "dataType": known["data_type"]}]
    return task


def _measure(of: DisclosureJson, training: DisclosedStageJson, node: BoundaryJson) -> dict[str, Any]:
    measure: dict[str, Any] = {
        "measurementMethod": f"{of['software']}: {how_known(training)}; all of the nodes, before the PUE of the site",
        "powerConsumption": kwh(node["energy_j"]),
    }
    if training["wall_clock_s"]:  # what was added by hand has none
        measure["measurementDuration"] = training["wall_clock_s"]
    return measure


def _infrastructure(of: DisclosureJson, training: DisclosedStageJson, missing: list[Missing]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if of["stated"]["infrastructure"] is None:
        missing.append(stated("infrastructure", "the type of the infrastructure", '"onPremise", "publicCloud" or "privateCloud"'))
    else:
        found["infraType"] = of["stated"]["infrastructure"]
    components = [
        {"componentName": used["model"], "componentType": used["kind"], "nbComponent": used["count"]} for used in training["hardware"]
    ]
    if components:
        found["components"] = components
    else:
        missing.append(Missing("the hardware", "record runs on it; of what was added by hand, nobody says how many devices it had"))
    return found


def _error(of: BoundaryJson) -> float:
    return max(of["high_j"] - of["energy_j"], of["energy_j"] - of["low_j"]) / of["energy_j"] if of["energy_j"] else float("inf")


def _datetime(text: str) -> str:
    return text.replace("T", " ").removesuffix("Z")
