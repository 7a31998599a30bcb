"""PURE: the block `co2_eq_emissions` of a model card of Hugging Face ("Displaying carbon emissions for your model"), in grams of CO2e."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..words.quantities import listed
from .form import Form, Missing, no_stage, stage_of, stated

if TYPE_CHECKING:
    from ...core.contract import DisclosureJson


def huggingface(of: DisclosureJson) -> Form:
    """The YAML block, to be put between the two lines `---` of a model card. Its grams are those of the training, of experiments too."""
    missing: list[Missing] = []
    stages = [stage for name in ("experimentation", "training") if (stage := stage_of(of, name)) is not None]
    lines = ["co2_eq_emissions:"]
    if stages:
        grams = sum(stage["total_g"]["value"] for stage in stages)
        low, high = sum(stage["total_g"]["low"] for stage in stages), sum(stage["total_g"]["high"] for stage in stages)
        least = "at least; " if any(stage["lower_bound"] for stage in stages) else ""
        names = listed(stage["stage"] for stage in stages)
        lines.append(f"  emissions: {grams:.6g}  # grams of CO2e, {least}{low:.4g} to {high:.4g}; operational and embodied, of {names}")
    else:
        missing.append(no_stage("training"))
    lines.append(f"  source: {json.dumps(of['software'] + '. ' + of['method'], ensure_ascii=False)}")
    kind, place = (
        of["stated"]["training_type"],
        of["stated"]["location"] or ", ".join(dict.fromkeys(zone for stage in stages for zone in stage["zones"])),
    )
    if kind is None:
        missing.append(stated("training_type", "the type of the training", '"pre-training" or "fine-tuning"'))
    else:
        lines.append(f"  training_type: {json.dumps(kind)}")
    if place:
        lines.append(f"  geographical_location: {json.dumps(place, ensure_ascii=False)}")
    else:
        missing.append(stated("location", "the place of the training", '"Paris, France"'))
    hardware = [f"{used['count']} x {used['model']}" for stage in stages for used in stage["hardware"]]
    if hardware:
        lines.append(f"  hardware_used: {json.dumps(', '.join(dict.fromkeys(hardware)), ensure_ascii=False)}")
    else:
        missing.append(Missing("the hardware", "record runs on it; what was added by hand names none here"))
    return Form("\n".join(lines), tuple(missing))
