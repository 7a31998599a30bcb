"""PURE: `whatif --json`."""

from __future__ import annotations

from typing import TypedDict

from .whole import LifeFiguresJson, RangeJson


class CircumstanceJson(TypedDict):
    """A change; `kind` is one of `zone`, `intensity`, `pue`, `lifetime-years`, `lifetime-utilization`, `host-share`, `start`,
    `best-start`, and of those that are modelled: `power-cap` (watts), `device`, `gpu-utilization`."""

    kind: str
    value: float | str


class ModelJson(TypedDict):
    """What a modelled change of kind `kind` rests on. `source`: "own-runs" (of the user: `runs`, compared by `unit`, or as a whole if that
    is None), "published" (in the works named by `published`), "declared" by the user, or "activity" (how busy the GPUs of the run were)."""

    kind: str
    source: str
    runs: list[str]
    unit: str | None
    published: str | None


class UnchangedJson(TypedDict):
    """A run that the change of kind `kind` leaves as it was. `reason`: "no-gpu", "no-energy", "not-lower" (than the limit in force),
    "no-limit" (it is not known), "not-published", "no-activity", "not-busier" (than the GPUs were), "no-work" (the GPUs were idle),
    "uneven" (one GPU computed for longer than the others), "same-device", or "no-runs" (of the same work on that
    device, or at another limit)."""

    run: str
    kind: str
    reason: str


class ModelledJson(TypedDict):
    """Whether the energy itself is different, by a model, and what the model says. `energy_ratio` and `time_ratio` are multiples of those
    of the runs; `ratio_low` and `ratio_high` bound the `ratio` of the grams. Their ranges are those of the model; the figures have the
    error of the measurement too. None where nothing is modelled."""

    modelled: bool
    ratio_low: float | None
    ratio_high: float | None
    energy_ratio: RangeJson | None
    time_ratio: RangeJson | None
    models: list[ModelJson]
    unchanged: list[UnchangedJson]


class OutcomeJson(LifeFiguresJson, ModelledJson):
    """The runs under some changes. `difference_g` is what they would emit more than they did, and `ratio` what they would emit as a
    multiple of it (None if they emitted nothing). `starts` are the starts of the runs in UTC, by id, where these change."""

    changes: list[CircumstanceJson]
    difference_g: float
    ratio: float | None
    starts: dict[str, str]


class WhatIfJson(TypedDict):
    """The same runs under other circumstances: `base` as they were, `alone` each change by itself, and `together` all of them (None for a
    single one). `runs_estimated` counts the estimates, whose hours are not known: another start leaves them as they are."""

    schema_version: int
    runs: list[str]
    base: LifeFiguresJson
    alone: list[OutcomeJson]
    together: OutcomeJson | None
    runs_estimated: int
