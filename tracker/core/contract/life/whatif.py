"""PURE: `whatif --json`."""

from __future__ import annotations

from typing import TypedDict

from .whole import LifeFiguresJson


class CircumstanceJson(TypedDict):
    """A change; `kind` is one of `zone`, `intensity`, `pue`, `lifetime-years`, `lifetime-utilization`, `host-share`, `start`,
    `best-start`."""

    kind: str
    value: float | str


class OutcomeJson(LifeFiguresJson):
    """The runs under some changes. `difference_g` is what they would emit more than they did, and `ratio` what they would emit as a
    multiple of it (None if they emitted nothing). `starts` are the starts of the runs in UTC, by id, where these change. `modelled`: the
    energy itself is different, by a model."""

    changes: list[CircumstanceJson]
    difference_g: float
    ratio: float | None
    starts: dict[str, str]
    modelled: bool


class WhatIfJson(TypedDict):
    """The same runs under other circumstances: `base` as they were, `alone` each change by itself, and `together` all of them (None for a
    single one). `runs_estimated` counts the estimates, whose hours are not known: another start leaves them as they are."""

    schema_version: int
    runs: list[str]
    base: LifeFiguresJson
    alone: list[OutcomeJson]
    together: OutcomeJson | None
    runs_estimated: int
