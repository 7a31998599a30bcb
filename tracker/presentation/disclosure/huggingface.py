"""PURE: the block `co2_eq_emissions` of a model card of Hugging Face ("Displaying carbon emissions for your model"), in grams of CO2e."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..words.quantities import listed, significant
from ..words.safe_text import yaml_text
from .form import ENDS, GRAMS_OF, NO_GRID, Form, Missing, no_grams, no_stage, stage_of, stated

if TYPE_CHECKING:
    from ...core.contract import DisclosureJson


def huggingface(of: DisclosureJson) -> Form:
    """The YAML block, to be put between the two lines `---` of a model card. Its grams are those of the training, of experiments too."""
    missing: list[Missing] = []
    stages = [stage for name in ("experimentation", "training") if (stage := stage_of(of, name)) is not None]
    lines = ["co2_eq_emissions:"]
    known = [stage for stage in stages if not stage["lower_bound"] or stage["total_g"]["high"] > 0]
    if known:
        grams, low, high = (sum(stage["total_g"][end] for stage in known) for end in ENDS)
        least = "at least; " if any(stage["lower_bound"] for stage in stages) else ""
        names = listed(stage["stage"] for stage in known)
        span = f"{significant(low, 4)} to {significant(high, 4)}"
        lines.append(f"  emissions: {significant(grams, 6)}  # grams of CO2e, {least}{span}; operational and embodied, of {names}")
    else:
        missing.append(no_grams("training") if stages else no_stage("training"))
    if any(stage["assumed_grid"] for stage in stages):
        missing.append(NO_GRID)
    source = f"{of['software']}. {GRAMS_OF} {of['method']}"
    lines.append(f"  source: {yaml_text(source)}")
    kind, place = (
        of["stated"]["training_type"],
        of["stated"]["location"] or ", ".join(dict.fromkeys(zone for stage in stages for zone in stage["zones"])),
    )
    if kind is None:
        missing.append(stated("training_type", "the type of the training", '"pre-training" or "fine-tuning"'))
    else:
        lines.append(f"  training_type: {yaml_text(kind)}")
    if place:
        lines.append(f"  geographical_location: {yaml_text(place)}")
    else:
        missing.append(stated("location", "the place of the training", '"Paris, France"'))
    hardware = [f"{used['count']} x {used['model']}" for stage in stages for used in stage["hardware"]]
    recorded = {used["model"] for stage in stages for used in stage["hardware"]}
    added = [held["model"] for stage in stages for held in stage["hardware_hours"] if held["model"] is not None]
    hardware += [model for model in added if model not in recorded]
    if hardware:
        lines.append(f"  hardware_used: {yaml_text(', '.join(dict.fromkeys(hardware)))}")
    else:
        missing.append(Missing("the hardware", "record runs on it, or give the device of what is added by hand"))
    return Form("\n".join(lines), tuple(missing))
