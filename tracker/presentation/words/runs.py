"""PURE: what of a run is said in several places of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..report.scale import watts_text

View = Mapping[str, Any]

MOST_EVENTS = 500
"""Events that are listed; all of them are in the JSON."""
WAYS = {
    "measured-counter": ("measured by a counter", "counter"),
    "measured-power": ("measured as power", "gauge"),
    "imputed": ("imputed", "imputed"),
    "modelled": ("modelled", "model"),
}
"""Where a joule comes from, in words, and the class of the style sheet."""


def anchor(view: View) -> str:
    """The address of a run within the page."""
    return f"run-{''.join(c if c.isalnum() else '-' for c in str(view['run']['id']))}"


def title_of(view: View) -> str:
    """ "project/name"."""
    run = view["run"]
    return f"{run['project']}/{run['name']}" if run["name"] else str(run["project"])


def when(iso: str | None) -> str:
    """ "2026-11-24 14:05 UTC"."""
    return "–" if iso is None else f"{iso[:10]} {iso[11:16]} UTC"


def mean_power(view: View) -> str:
    """Of all devices in the total, over the run's time."""
    total, seconds = view["energy"]["total_j"], view["run"]["duration_s"]
    return "–" if total is None or not seconds else watts_text(total / seconds)


def footprint_of(view: View) -> View:
    """A run as the methods paragraph takes it."""
    return {**{k: view[k] for k in ("run", "energy", "work", "carbon")}, "footprint_id": None}
