"""PURE: where the figures of runs come from, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.run import Origin
from .attribution import ATTRIBUTED, measured_text
from .quantities import count, format_energy, percent

if TYPE_CHECKING:
    from ...core.contract import OfRunJson, SumJson


def origin_text(view: OfRunJson) -> str | None:
    """The note for a run that the tracker did not record: "estimated", or "imported from CodeCarbon 2.8.0". None for other runs."""
    run = view["run"]
    if run["origin"] == Origin.TRACKED:
        return None
    return "estimated" if run["origin"] == Origin.ESTIMATED else f"imported from {run['source'] or 'another tool'}"


def unsampled_text(view: OfRunJson) -> str:
    """Why a run has no readings of the tracker."""
    if (origin := origin_text(view)) is not None:
        return f"{origin}: nothing of it was measured by trainwatt"
    return "recorded by processes that measure nothing themselves"


def measured_of_sum(total: SumJson) -> str:
    """Which part of a sum was measured: "96 %"; "96 %, some estimated" if runs are in it that the tracker did not record."""
    energy = total["energy"]
    measured = measured_text(energy)
    if energy["attribution"] is not None and energy["measured_fraction"]:
        measured = f"{percent(energy['measured_fraction'])}, some {ATTRIBUTED}"
    names = [name for name in ("estimated", "imported") if (total["runs_estimated"] if name == "estimated" else total["runs_imported"])]
    return ", ".join(part for part in (measured, f"some {' and '.join(names)}" if names else "") if part)


def origins_text(total: SumJson) -> str | None:
    """How much of a sum is estimated or imported: "1.20 MWh of it is estimated (2 runs)". None if all of it was tracked."""
    parts = (("estimated", total["estimated_j"], total["runs_estimated"]), ("imported", total["imported_j"], total["runs_imported"]))
    said = [f"{format_energy(joules)} of it is {word} ({count(runs, 'run')})" for word, joules, runs in parts if runs]
    return ", ".join(said) or None
