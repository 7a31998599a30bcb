"""PURE: what runs have lost, as `trainwatt advise` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from ..words.masses import format_mass
from ..words.quantities import count, format_duration, format_range, listed, percent
from ..words.safe_text import cleaned

if TYPE_CHECKING:
    from ...core.contract import AdviceJson, AdvisedJson

MOST_NAMED = 5
WHAT_TO_DO = {
    "idle-gpu": "Give the run fewer GPUs (CUDA_VISIBLE_DEVICES, the allocation of the job), or release them when the work on them ends.",
    "waiting-gpu": "Let more workers prepare the data, read it from a faster disk, or take larger batches.",
    "heat": "Look at the cooling of the machine, or set a lower power limit: the clocks were cut because of heat or the power supply.",
    "checks": "Validate or save more seldom, or on fewer samples.",
    "lost-runs": "Save checkpoints and resume (EnergyTracker(resume=…)), and try a short run before a long one.",
}


def advice_page(found: AdvisedJson) -> RenderableType:
    """The losses, the most energy first, each with its evidence and what to do."""
    found = cleaned(found)
    parts: list[RenderableType] = []
    for advice in found["advice"]:
        parts += [Text(_title(advice), style="bold"), Text(f"  {_evidence(advice)}"), Text(f"  {WHAT_TO_DO[advice['kind']]}"), Text()]
    if not found["advice"]:
        parts += [Text("Nothing stands out.", style="bold"), Text()]
    parts += [Text(line) for line in _notes(found)]
    return Group(*parts)


def _title(advice: AdviceJson) -> str:
    energy, grams = advice["energy_j"], advice["grams"]
    parts = [_what(advice)]
    if energy is not None:
        parts.append(format_range(energy["value"], energy["low"], energy["high"]))
    if advice["share"] is not None:
        parts.append(f"{percent(advice['share'])} of the energy")
    if grams is not None:
        parts.append(f"{format_mass(grams['value'], grams['low'], grams['high'])} CO2e")
    return f"{parts[0]}: {', '.join(parts[1:])}" if len(parts) > 1 else parts[0]


def _what(advice: AdviceJson) -> str:
    of_run = f" of run {advice['run'][:8]}" if advice["run"] is not None else ""
    named = listed(advice["names"][:MOST_NAMED])
    match advice["kind"]:
        case "idle-gpu":
            return f"{named}{of_run} was held and idle"
        case "waiting-gpu":
            return f"{named}{of_run} waited"
        case "heat":
            return f"{named}{of_run} ran at lower clocks because of heat or its power supply"
        case "checks":
            return f"{named}{of_run}"
        case _:
            return f"{count(len(advice['names']), 'run')} failed or {'was' if len(advice['names']) == 1 else 'were'} interrupted"


def _evidence(advice: AdviceJson) -> str:
    time = f"for {format_duration(advice['seconds'])} of {format_duration(advice['of_seconds'])}"
    if advice["kind"] == "waiting-gpu" and advice["busy"] is not None:
        beside = "" if advice["processors_busy"] is None else f"; the processors were {percent(advice['processors_busy'])} busy in the run"
        return f"It was {percent(advice['busy'])} busy {time}{beside}."
    if advice["kind"] == "lost-runs":
        return f"{listed([name[:8] for name in advice['names'][:MOST_NAMED]])}, {time}."
    return f"{time.capitalize()}."


def _notes(found: AdvisedJson) -> Iterator[str]:
    if found["below_error"]:
        less = "less than the error of the measurement, or than 1 % of the energy"
        yield f"{found['below_error']:,} more found, {less}."
    if found["without_activity"]:
        ids = listed([run_id[:8] for run_id in found["without_activity"][:MOST_NAMED]])
        runs = count(len(found["without_activity"]), "run")
        yield f"How busy the GPUs were is not known of {runs} ({ids}): an earlier version recorded it, or the driver does not tell."
