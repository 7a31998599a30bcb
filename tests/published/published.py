"""The published figures as typed values, and what the command line says to them."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from trainwatt.cli.main import cli
from trainwatt.core.units import J_PER_KWH

HERE = Path(__file__).parent


class Kind(StrEnum):
    """What a case can show."""

    IDENTITY = "identity"
    """All inputs and the result are published."""
    DERIVED = "derived"
    """An input or the result is computed from published figures, or looked up in another source."""
    IMPLIED = "implied"
    """An input is not published, and was taken from the results: the case tests that these agree with each other."""
    TRAP = "trap"
    """The figure is easily misread or misprinted, or does not follow from its inputs."""
    RANGE = "range"
    """The range from the bundled tables contains the published figure, which rests on other tables."""
    BEYOND = "beyond"
    """No command computes such a figure; the note says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """One published figure. `command` is what a user types after `trainwatt`.

    `deviation_pct` is stated where ours is not within the tolerance: it is then ours, in percent from the published figure. `wrong` is the
    value of who falls into the trap, in the same unit.
    """

    id: str
    kind: Kind
    command: str
    figure: str
    published: float
    unit: str
    tolerance_pct: float
    deviation_pct: float | None
    wrong: float | None
    source: str
    year: int
    note: str


def cases() -> list[Case]:
    """All rows of the table."""
    rows = _rows("cases.csv")
    return [
        Case(
            id=row["id"],
            kind=Kind(row["kind"]),
            command=row["command"],
            figure=row["figure"],
            published=float(row["published"]),
            unit=row["unit"],
            tolerance_pct=float(row["tolerance_pct"]),
            deviation_pct=_number(row["deviation_pct"]),
            wrong=_number(row["wrong"]),
            source=row["source"],
            year=int(row["year"]),
            note=row["note"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Making:
    """A published footprint of making one device or host, as `trainwatt hardware` is asked for it."""

    asked: tuple[str, ...]
    published_kg: float
    source: str
    year: int
    note: str


def makings() -> list[Making]:
    """All rows of the table of manufacture."""
    found = []
    for row in _rows("embodied.csv"):
        server = row["device"].removeprefix("server ")
        asked = ("--match", server) if server == row["device"] else ("--kind", "server", "--match", server)
        found.append(Making(asked, float(row["published_kg"]), row["source"], int(row["year"]), row["note"]))
    return found


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((HERE / name).read_text(encoding="utf-8").splitlines()))


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


_POUND_G = 453.59237  # exact, by the international agreement of 1959
_UNITS = {"g": 1.0, "kg": 1e3, "t": 1e6, "lb": _POUND_G, "Wh": 1e-3, "kWh": 1.0, "MWh": 1e3, "kL": 1e3, "mL": 1e-3, "%": 1.0}
"""How many g, kWh, litres or percent are one of the unit."""

_FIGURES: Mapping[str, Callable[[Any], float]] = {
    "operational": lambda said: said["carbon"]["operational_g"],
    "operational_low": lambda said: said["carbon"]["operational_low_g"],
    "operational_high": lambda said: said["carbon"]["operational_high_g"],
    "market": lambda said: said["carbon"]["market_based"]["operational_g"],
    "embodied": lambda said: said["carbon"]["embodied_g"],
    "embodied_low": lambda said: said["carbon"]["embodied_low_g"],
    "embodied_high": lambda said: said["carbon"]["embodied_high_g"],
    "embodied_gpu": lambda said: said["carbon"]["embodied_gpu_g"],
    "embodied_host": lambda said: said["carbon"]["embodied_host_g"],
    "embodied_share": lambda said: 100 * said["carbon"]["embodied_g"] / said["carbon"]["total_g"],
    "total": lambda said: said["carbon"]["total_g"],
    "water": lambda said: said["carbon"]["water_l"],
    "per_unit": lambda said: said["carbon"]["sci"]["g_per_unit"],
    "energy": lambda said: said["energy"]["total_kwh"],
    "energy_per_unit": lambda said: said["energy"]["j_per_unit"] / J_PER_KWH,
    "energy_with_pue": lambda said: said["energy"]["with_pue_kwh"],
    "footprint": lambda said: 1e3 * said["row"]["embodied_kg"],
}


def said_by(command: str | Sequence[str]) -> Any:
    """What `trainwatt COMMAND --json` says."""
    words = shlex.split(command) if isinstance(command, str) else command
    result = CliRunner().invoke(cli, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def ours(case: Case, figure: str | None = None) -> float:
    """Our figure for a case, in the unit of the case."""
    return _FIGURES[figure or case.figure](said_by(case.command)) / _UNITS[case.unit]
