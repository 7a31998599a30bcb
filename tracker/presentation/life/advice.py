"""PURE: what runs have lost, as `trainwatt advise` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from ..words.masses import format_mass
from ..words.quantities import count, format_range, listed, percent
from ..words.safe_text import cleaned
from .evidence import MOST_NAMED, evidence, what

if TYPE_CHECKING:
    from ...core.contract import AdviceJson, AdvisedJson

WHAT_TO_DO = {
    "idle-gpu": "Give the run fewer GPUs (CUDA_VISIBLE_DEVICES, the allocation of the job), or release them when the work on them ends.",
    "held-host": "Ask for as many GPUs as the run uses, on a host that others share, or let the run use them all.",
    "idle-processors": "End the run, or release the machine, when the work is done.",
    "data-bound-gpu": "The preparation of the data is the bottleneck: decode and augment faster, or on the GPU, prepare once and keep the"
    " result, or give the run more processors and workers.",
    "waiting-gpu": "It waits for a disk, the network, other ranks, or many small steps: read ahead with more workers, keep the data on a"
    " faster disk, take larger batches, and look for what a step waits for.",
    "heat": "Look at the cooling and the power supply of the machine, or set a lower power limit: then the clocks are lower by choice.",
    "group-clocks": "Look at the other GPUs of the group: one of them is too hot, or has a lower limit.",
    "checks": "Validate or save less often, or on fewer samples.",
    "lost-runs": "Save checkpoints and resume (EnergyTracker(resume=…)), and try a short run before a long one.",
    "after-best": "Stop early: end the run when the metric has not got better for a few values, and keep the checkpoint of the best one.",
    "hour": "Begin such runs when the grid is cleaner; `trainwatt whatif --within 24h` shows the best time of a run.",
    "place": "Run there, where your data and your rules allow it; `trainwatt whatif --zone` shows each run.",
    "short-life": "Use the hardware for longer, or hand it on to somebody who does.",
    "rare-use": "Share the hardware with others, or rent it for the time in which it is used.",
}


def advice_page(found: AdvisedJson) -> RenderableType:
    """The losses, the largest first, each with its evidence and what to do."""
    found = cleaned(found)
    parts: list[RenderableType] = []
    for advice in found["advice"]:
        parts += [Text(_title(advice), style="bold"), Text(f"  {evidence(advice)}"), Text(f"  {WHAT_TO_DO[advice['kind']]}"), Text()]
    if not found["advice"]:
        parts += [Text("Nothing stands out.", style="bold"), Text()]
    parts += [Text(line) for line in _notes(found)]
    return Group(*parts)


def _title(advice: AdviceJson) -> str:
    energy, grams, embodied = advice["energy_j"], advice["grams"], advice["embodied_g"]
    parts: list[str] = []
    if energy is not None:
        parts.append(format_range(energy["value"], energy["low"], energy["high"]))
    if energy is not None and advice["share"] is not None:
        parts.append(f"{percent(advice['share'])} of the energy")
    if grams is not None:
        made = embodied is not None and (energy is None or embodied["value"] < grams["value"])
        of_making = f", of which {format_mass(embodied['value'])} from making hardware" if made and embodied and energy else ""
        parts.append(f"{format_mass(grams['value'], grams['low'], grams['high'])} CO2e{of_making}")
    if energy is None and advice["share_of_grams"] is not None:
        parts.append(f"{percent(advice['share_of_grams'])} of all grams")
    return f"{what(advice)}: {', '.join(parts)}" if parts else what(advice)


def _notes(found: AdvisedJson) -> Iterator[str]:
    if len(found["advice"]) > 1:
        yield "Losses may overlap, so they do not add up: a run that failed may also have waited."
    if found["below_error"]:
        less = "less than the error of the measurement, or than 1 % of the energy or the grams"
        yield f"{found['below_error']:,} more found, {less}."
    if found["without_activity"]:
        ids = listed([run_id[:8] for run_id in found["without_activity"][:MOST_NAMED]])
        runs = count(len(found["without_activity"]), "run")
        why = "an earlier version recorded it, its driver does not tell, or it was not tracked"
        yield f"How busy the GPUs were is not known of {runs} ({ids}): {why}."
    if found["unclear_metrics"]:
        names = listed(found["unclear_metrics"][:MOST_NAMED])
        one = found["unclear_metrics"][0]
        yield f"Whether lower or higher values are better is not known of {names}: name the metric, as in --metric {one}:lower."
