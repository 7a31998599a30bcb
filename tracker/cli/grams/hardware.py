"""`trainwatt hardware`: the table of emissions from making hardware, and the row that a device's name matches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Group, RenderableType
from rich.text import Text

from ...carbon.tables.hardware import KINDS, HardwareRow, table
from ...errors import ConfigurationError
from ...presentation.terminal.run import console, plain_table
from ...presentation.words.quantities import significant
from ..options import json_option
from ..output import echo

SCHEMA_VERSION = 1
WHY = {
    "model": "a row of this model",
    "family": "no row of this model: the range of its family",
    "any": "nothing like it in the table: the range of all of its kind",
}


@click.command("hardware")
@click.option("--match", "model", metavar="NAME", help="Show the row that this device's name matches, and why.")
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind. With --match, the kind is found by the name unless given.")
@click.option(
    "--hardware",
    "own",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own hardware CSV; its rows come before the bundled table.",
)
@json_option
def command(model: str | None, kind: str | None, own: Path | None, as_json: bool) -> None:
    """List the emissions of making hardware, in kg of CO2e, in the order in which rows are tried."""
    rows = table(own)
    if model is None:
        listed = [row for row in rows.rows if kind is None or row.kind == kind]
        if as_json:
            echo(json.dumps({"schema_version": SCHEMA_VERSION, "hardware": [view(row) for row in listed]}, indent=2))
        else:
            console().print(_list(listed))
        return
    if kind is None:  # the kind of a known model, otherwise a GPU
        kind = next((k for k in ("gpu", "cpu") if (r := rows.match(k, model)) is not None and r.scope == "model"), "gpu")
    row = rows.match(kind, model)
    if row is None:
        raise ConfigurationError(f"--match {model}: no row of kind {kind} fits it; `trainwatt hardware --kind {kind}` lists them")
    near = [] if row.scope == "model" else rows.near(model, (kind,))
    if as_json:
        found = {"schema_version": SCHEMA_VERSION, "asked": model, "why": WHY[row.scope], "near": near, "row": view(row)}
        echo(json.dumps(found, indent=2))
    else:
        console().print(_match(model, row, near))


def view(row: HardwareRow) -> dict[str, Any]:
    """A row in JSON, with the names of the file's columns."""
    cells = row._asdict()
    footprint = cells.pop("footprint_kg")
    return {**cells, "embodied_kg": footprint.central, "low_kg": footprint.low, "high_kg": footprint.high}


def _list(rows: list[HardwareRow]) -> RenderableType:
    out = plain_table("kind", "hardware", "kg CO2e", "of one", "rated", "status", right=("kg CO2e", "rated"))
    out.columns[1].no_wrap = False
    for row in rows:
        out.add_row(row.kind, Text(row.name), _kg(row), row.unit, "" if row.tdp_w is None else f"{row.tdp_w:.0f} W", row.status)
    return Group(out, Text("sources: --match NAME, or --json for all; a whole `server` is never added to its GPUs", style="dim"))


def _match(model: str, row: HardwareRow, near: list[str]) -> RenderableType:
    year = "" if row.year is None else f", {row.year}"
    how = "whose words are in" if row.words else "whose pattern is found in"
    lines = [
        Text(f"{row.name}: {_kg(row)} kg CO2e for one {row.unit}", style="bold"),
        Text(f"why: {WHY[row.scope]}; the first of kind {row.kind} {how} {model!r}"),
        Text(f"words: {row.words}" if row.words else f"pattern: {row.pattern}", overflow="fold"),
        Text(f"from: {row.file}"),
        Text(f"boundary: {row.boundary}"),
        Text(f"basis: {row.basis}"),
        Text(f"source: {row.source} [{row.status}{year}]"),
    ]
    return Group(*lines, *([Text(f"near it: {', '.join(near)}")] if near else []))


def _kg(row: HardwareRow) -> str:
    kg = row.footprint_kg
    return f"{significant(kg.central)} ({significant(kg.low)}–{significant(kg.high)})"
