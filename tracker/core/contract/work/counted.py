"""PURE: the work of a run in `show --json`, `list --json` and `footprint --json`."""

from __future__ import annotations

from typing import TypedDict


class EachUnitJson(TypedDict):
    """The energy of the whole run for each of a unit of its work. It is a lower bound where the energy of the run is one."""

    energy_j: float
    low_j: float
    high_j: float


class WorkJson(TypedDict):
    """What a run has counted: the amounts by unit, and the energy of one of each unit. `unit` is the one that a figure is of where there is
    room for one: what `--per` names, else samples, else tokens, else the first other one by name; None if that was not counted. `per_unit`
    is empty where the energy is not known, or the work of other ranks is missing."""

    work: dict[str, int]
    unit: str | None
    per_unit: dict[str, EachUnitJson]
