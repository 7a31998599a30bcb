"""PURE: runs under other circumstances, as `trainwatt whatif` prints them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from ..terminal.run import plain_table
from ..words.masses import format_mass, mass_parts
from ..words.quantities import at_least, count, significant
from ..words.safe_text import cleaned

if TYPE_CHECKING:
    from ...core.contract import CircumstanceJson, LifeFiguresJson, OutcomeJson, WhatIfJson

NAMES = {
    "zone": "in {}",
    "intensity": "at {} g/kWh",
    "pue": "with a PUE of {}",
    "lifetime-years": "with hardware used for {} years",
    "lifetime-utilization": "with hardware used {} of its life",
    "host-share": "with {} of each host",
    "start": "beginning at {}",
    "best-start": "beginning at the best time within {}",
}


def outcomes_page(found: WhatIfJson) -> RenderableType:
    """A line for the runs as they were, for each change, and for all of them."""
    found = cleaned(found)
    table = plain_table("", "total CO2e", "range", "difference", right=("total CO2e", "difference"))
    table.columns[0].no_wrap = False
    table.add_row(f"as {'it was' if len(found['runs']) == 1 else 'they were'}", *_grams(found["base"]), "")
    for outcome in found["alone"]:
        table.add_row(_name(outcome["changes"][0]), *_grams(outcome), _difference(outcome))
    if (together := found["together"]) is not None:
        table.add_row("all together", *_grams(together), _difference(together), style="bold")
    notes = [*_starts(found), *_unknown(found), f"The joules of {count(len(found['runs']), 'run')} stay as they were recorded."]
    return Group(table, Text(), *(Text(note) for note in notes))


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
    return NAMES[change["kind"]].format(value if isinstance(value, str) else f"{value:g}")


def _difference(outcome: OutcomeJson) -> str:
    grams, ratio = outcome["difference_g"], outcome["ratio"]
    sign = "−" if grams < 0 else "+"
    text = f"{sign}{format_mass(abs(grams))}"
    return text if ratio is None else f"{text}, {sign}{significant(abs(100 * (ratio - 1)))} %"


def _starts(found: WhatIfJson) -> list[str]:
    """When the runs would begin, once for each change of that."""
    said: list[str] = []
    for outcome in found["alone"]:
        kind = outcome["changes"][0]["kind"]
        if kind == "best-start":
            when = [f"run {run_id[:8]} at {start}" for run_id, start in outcome["starts"].items()]
            said.append(f"Best start: {', '.join(when) or 'as it was'}.")
    return said
