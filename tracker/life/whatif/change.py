"""PURE: what may be different, and how several changes are combined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from enum import StrEnum
from typing import Any, NamedTuple

from ...carbon.terms import Terms


class ChangeKind(StrEnum):
    """What a change is about. The values are in the JSON."""

    ZONE = "zone"
    INTENSITY = "intensity"
    PUE = "pue"
    LIFETIME = "lifetime-years"
    UTILISATION = "lifetime-utilization"
    HOST_SHARE = "host-share"
    START = "start"
    BEST_START = "best-start"
    POWER_CAP = "power-cap"
    DEVICE = "device"
    GPU_UTILISATION = "gpu-utilization"


class Change(NamedTuple):
    """A change: its kind and value, and the terms that it sets. Those of the start and those that are MODELLED set no terms."""

    kind: ChangeKind
    value: float | str
    terms: Terms = Terms()


MODELLED = frozenset({ChangeKind.POWER_CAP, ChangeKind.DEVICE, ChangeKind.GPU_UTILISATION})
"""The kinds that change the joules themselves, by a model."""
TERMS: tuple[tuple[ChangeKind, str], ...] = (
    (ChangeKind.ZONE, "zone"),
    (ChangeKind.INTENSITY, "intensity_g_per_kwh"),
    (ChangeKind.PUE, "pue"),
    (ChangeKind.LIFETIME, "lifetime_years"),
    (ChangeKind.UTILISATION, "lifetime_utilization"),
    (ChangeKind.HOST_SHARE, "host_share"),
)
"""The kinds that set one of the terms, and which. They are shown in this order."""


def changes_of(terms: Terms) -> tuple[list[Change], Terms]:
    """The changes that the user's terms are, and the terms without them, which hold in any case."""
    found = [Change(kind, value, Terms(**{name: value})) for kind, name in TERMS if (value := getattr(terms, name)) is not None]
    without: dict[str, Any] = {name: None for _, name in TERMS}
    return found, replace(terms, **without)


def with_changes(terms: Terms, changes: Iterable[Change]) -> Terms:
    """The terms, with those that the changes set."""
    default = Terms()
    for change in changes:
        own: dict[str, Any] = {f.name: value for f in fields(Terms) if (value := getattr(change.terms, f.name)) != getattr(default, f.name)}
        terms = replace(terms, **own)
    return terms
