"""PURE: runs under other circumstances, as `trainwatt whatif` prints them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from ...core.work import singular
from ..terminal.run import plain_table
from ..words.comparison import percentage
from ..words.masses import format_mass, mass_parts
from ..words.quantities import at_least, count, listed, percent, significant
from ..words.safe_text import cleaned

if TYPE_CHECKING:
    from ...core.contract import CircumstanceJson, LifeFiguresJson, ModelJson, OutcomeJson, RangeJson, WhatIfJson

NAMES = {
    "zone": "in {}",
    "intensity": "at {} g/kWh",
    "pue": "with a PUE of {}",
    "lifetime-years": "with hardware used for {} years",
    "lifetime-utilization": "with hardware used {} of its life",
    "host-share": "with {} of each host",
    "start": "beginning at {}",
    "best-start": "beginning at the best time within {}",
    "power-cap": "with GPUs limited to {} W",
    "device": "on {}",
    "gpu-utilization": "with GPUs busy {} of the time",
}
UNCHANGED = {
    "no-gpu": "no GPU",
    "no-energy": "no energy or no time",
    "not-lower": "their limit was not higher",
    "no-limit": "their power limit is not known",
    "not-published": "nothing is published of so low a limit",
    "no-activity": "it is not known how busy their GPUs were",
    "not-busier": "their GPUs were as busy",
    "no-work": "their GPUs were idle",
    "uneven": "one of their GPUs computed for longer than the others",
    "same-device": "on this device already",
    "no-runs": "no run of the same work there",
}
MOST_NAMED = 5
FASTER = 0.95
"""Runs at a lower power limit took less than this share of the time: more than two runs of the same work differ."""


def outcomes_page(found: WhatIfJson) -> RenderableType:
    """A line for the runs as they were, for each change, and for all of them."""
    found = cleaned(found)
    table = plain_table("", "total CO2e", "range", "difference", right=("total CO2e", "difference"))
    table.columns[0].no_wrap = table.columns[3].no_wrap = False
    table.add_row(f"as {'it was' if len(found['runs']) == 1 else 'they were'}", *_grams(found["base"]), "")
    for outcome in found["alone"]:
        name = _name(outcome["changes"][0])
        table.add_row(f"{name} (modelled)" if outcome["modelled"] else name, *_grams(outcome), _difference(outcome))
    if (together := found["together"]) is not None:
        table.add_row("all together", *_grams(together), _difference(together), style="bold")
    modelled = any(outcome["modelled"] for outcome in found["alone"])
    of_others = "of the other changes" if modelled and not all(outcome["modelled"] for outcome in found["alone"]) else ""
    notes = [*_starts(found), *_unknown(found), *_models(found)]
    if not modelled or of_others:
        notes.append(f"The joules {of_others or 'of ' + count(len(found['runs']), 'run')} stay as they were recorded.")
    return Group(table, Text(), *(Text(note) for note in notes))


def _models(found: WhatIfJson) -> Iterator[str]:
    """What each modelled change rests on, what it makes of the energy and the time, and which runs it leaves as they were."""
    for outcome in found["alone"]:
        if outcome["energy_ratio"] is None or outcome["time_ratio"] is None:
            continue
        energy, time = (_multiple(of) for of in (outcome["energy_ratio"], outcome["time_ratio"]))
        said = "; ".join(dict.fromkeys(map(_rests_on, outcome["models"])))
        yield f"Modelled {_name(outcome['changes'][0])}: energy {energy}, time {time}, {said}."
        if outcome["changes"][0]["kind"] == "power-cap" and outcome["time_ratio"]["high"] < FASTER:
            yield "A lower power limit makes no GPU faster: these runs may not have done the same work. Name the right ones with --like."
        for reason, runs in groupby(sorted(outcome["unchanged"], key=itemgetter("reason")), key=itemgetter("reason")):
            ids = [run["run"][:8] for run in runs]
            named = listed([*ids[:MOST_NAMED], *([f"{len(ids) - MOST_NAMED:,} more"] if len(ids) > MOST_NAMED else [])])
            yield f"Left as recorded ({UNCHANGED[reason]}): {named}."
    if any(outcome["modelled"] for outcome in found["alone"]):
        yield "The hours of a modelled run meet the same intensities, on average, as those of the run itself."


def _rests_on(model: ModelJson) -> str:
    match model["source"]:
        case "own-runs":
            by = "as whole runs" if model["unit"] is None else f"per {singular(model['unit'])}"
            word = "run" if len(model["runs"]) == 1 else "runs"
            return f"from your {word} {listed([run_id[:8] for run_id in model['runs'][:MOST_NAMED]])}, compared {by}"
        case "published":
            return f"as published: {model['published']}"
        case "declared":
            return "as you state it"
        case _:
            return "from how busy the GPUs were, and what they drew while they were idle"


def _multiple(of: RangeJson) -> str:
    """A multiple as a difference in percent, with its range if it has one."""
    return percentage(of["value"] - 1, of["low"] - 1, of["high"] - 1)


def _unknown(found: WhatIfJson) -> Iterator[str]:
    """What cannot be compared, or moved."""
    kinds = {outcome["changes"][0]["kind"] for outcome in found["alone"]}
    if "pue" in kinds and found["base"]["operational_lower_bound"]:
        yield "≥: the PUE of the site is not known, and is taken as 1. A PUE that you give adds the grams that are missing there."
    if found["runs_estimated"] and kinds & {"start", "best-start"}:
        estimated = count(found["runs_estimated"], "estimate")
        yield f"Another start changes nothing for {estimated} among these runs, because the hours of an estimate are not known."


def _grams(of: LifeFiguresJson) -> tuple[str, str]:
    value, bounds = mass_parts(of["total_g"], of["total_low_g"], of["total_high_g"])
    return at_least(value, of["operational_lower_bound"] or of["embodied_lower_bound"]), bounds


def _name(change: CircumstanceJson) -> str:
    value = change["value"]
    if change["kind"] == "gpu-utilization":
        value = percent(float(value))
    return NAMES[change["kind"]].format(value if isinstance(value, str) else f"{value:g}")


def _difference(outcome: OutcomeJson) -> str:
    grams, ratio = outcome["difference_g"], outcome["ratio"]
    sign = "−" if grams < 0 else "+"
    text = f"{sign}{format_mass(abs(grams))}"
    if ratio is None:
        return text
    low, high = outcome["ratio_low"], outcome["ratio_high"]
    if low is None or high is None:
        return f"{text}, {sign}{significant(abs(100 * (ratio - 1)))} %"
    return f"{text}, {percentage(ratio - 1, low - 1, high - 1)}"


def _starts(found: WhatIfJson) -> list[str]:
    """When the runs would begin, once for each change of that."""
    said: list[str] = []
    for outcome in found["alone"]:
        kind = outcome["changes"][0]["kind"]
        if kind == "best-start":
            when = [f"run {run_id[:8]} at {_here(start)}" for run_id, start in outcome["starts"].items()]
            said.append(f"Best start: {', '.join(when) or 'as it was'}.")
    return said


def _here(utc: str) -> str:
    """An instant on the clock of this machine, with its offset from UTC."""
    return datetime.fromisoformat(utc).astimezone().isoformat(timespec="seconds")
