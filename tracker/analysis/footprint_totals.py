"""Footprints of many runs as sums: one for each status, and one for all.

What failed and was interrupted has been emitted too. Low and high are the sums of lows and of highs: this is conservative, because
the errors of runs do not all have the same sign. A run of which a figure is not known is counted, and the sum without it is a lower
bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ..carbon.accounting import Estimate, total
from .overlaps import Reading, at_once

View = Mapping[str, Any]


ORDER = ("completed", "failed", "interrupted", "running")
UNKNOWN = "unknown"


class Tally(NamedTuple):
    """Sums over runs. Energy is in joules, the rest in grams; None where no run has a figure. `…_unknown` counts the runs without;
    `cut_short` those whose energy is a lower bound, as a device was lost; `at_once` those that read a device while another of them did."""

    runs: int
    hours: float
    gpu_hours: float
    energy: Estimate | None
    operational: Estimate | None
    embodied: Estimate | None
    total: Estimate | None
    energy_unknown: int
    cut_short: int
    grams_unknown: int
    embodied_unknown: int
    at_once: int

    @property
    def energy_is_least(self) -> bool:
        """Whether the energy is a lower bound, and so all grams of it."""
        return self.energy_unknown > 0 or self.cut_short > 0

    @property
    def grams_are_least(self) -> bool:
        """Whether grams are lacking from the operational ones."""
        return self.energy_is_least or self.grams_unknown > 0


def by_status(footprints: Sequence[View]) -> dict[str, Tally]:
    """Status to its sums, those that occur, in the order in which they are shown."""
    found = dict.fromkeys(str(f["run"]["status"]) for f in footprints)
    order = [s for s in ORDER if s in found] + sorted(s for s in found if s not in ORDER)
    return {status: tally([f for f in footprints if f["run"]["status"] == status]) for status in order}


def tally(footprints: Sequence[View]) -> Tally:
    """The sums over some runs."""
    energies = [e for f in footprints if (e := f["energy"])["total_j"] is not None]
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    embodied = [_grams(c, "embodied") for c in carbons if c["embodied_g"] is not None]
    return Tally(
        runs=len(footprints),
        hours=sum(hours(f) for f in footprints),
        gpu_hours=sum(hours(f) * sum(d["kind"] == "gpu" for d in counted(f)) for f in footprints),
        energy=_sum([Estimate(e["total_j"], e["low_j"], e["high_j"]) for e in energies]),
        operational=_sum([_grams(c, "operational") for c in carbons]),
        embodied=_sum(embodied),
        total=_sum([_grams(c, "total") for c in carbons]),
        energy_unknown=len(footprints) - len(energies),
        cut_short=sum(bool(e.get("lower_bound")) for e in energies),
        grams_unknown=len(footprints) - len(carbons),
        embodied_unknown=len(carbons) - len(embodied),
        at_once=len(at_once(reading for f in footprints for reading in _readings(f))),
    )


def hours(footprint: View) -> float:
    """How long the run lasted."""
    return float(footprint["run"]["duration_s"] or 0.0) / 3600


def counted(footprint: View) -> list[View]:
    """The devices that are in the run's total."""
    return [d for d in footprint["energy"]["devices"] if d["included_in_total"]]


def _readings(footprint: View) -> Iterator[Reading]:
    run = footprint["run"]
    start_s = datetime.fromisoformat(run["started_at"]).timestamp()
    for d in counted(footprint):
        yield Reading(run["id"], d["host"], d["uuid"] or d["device"], start_s, start_s + (run["duration_s"] or 0.0))


def _grams(carbon: View, name: str) -> Estimate:
    return Estimate(carbon[f"{name}_g"], carbon[f"{name}_low_g"], carbon[f"{name}_high_g"])


def _sum(parts: Sequence[Estimate]) -> Estimate | None:
    return total(parts) if parts else None
