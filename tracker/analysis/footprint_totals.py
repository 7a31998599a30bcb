"""Footprints of many runs as sums: one for each status, and one for all.

Failed and interrupted runs have emitted their grams too. Low and high are the sums of lows and of highs. This is conservative, because the
errors of runs do not all have the same sign. A run without a known figure is counted; the sum lacks it and is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ..carbon.accounting import Estimate, total
from ..core.run import Status
from .overlaps import Reading, at_once

if TYPE_CHECKING:
    from ..core.contract import CarbonJson, DeviceJson, EnergyJson, FootprintJson

UNKNOWN = "unknown"


class Tally(NamedTuple):
    """Sums over runs. Energy is in joules, the others in grams; None if no run has a figure. `…_unknown` counts the runs without a figure,
    `cut_short` those whose energy is a lower bound because a device was lost, `unmeasured` those in which one was never read, `gpu_unread`
    those in which it was a GPU, `at_once` those that read a device at the same time as another."""

    runs: int
    hours: float
    gpu_hours: float
    energy: Estimate | None
    operational: Estimate | None
    embodied: Estimate | None
    total: Estimate | None
    energy_unknown: int
    cut_short: int
    unmeasured: int
    gpu_unread: int
    grams_unknown: int
    embodied_unknown: int
    at_once: int

    @property
    def energy_is_least(self) -> bool:
        """Whether the energy, and therefore all grams, are a lower bound."""
        return self.energy_unknown > 0 or self.cut_short > 0 or self.unmeasured > 0

    @property
    def grams_are_least(self) -> bool:
        """Whether the operational grams are a lower bound."""
        return self.energy_is_least or self.grams_unknown > 0

    @property
    def embodied_is_least(self) -> bool:
        """Whether the embodied grams are a lower bound: those of a GPU that was never read are not in them."""
        return self.grams_unknown > 0 or self.embodied_unknown > 0 or self.gpu_unread > 0

    @property
    def total_is_least(self) -> bool:
        """Whether the total is a lower bound."""
        return self.grams_are_least or self.embodied_is_least


def by_status(footprints: Sequence[FootprintJson]) -> dict[str, Tally]:
    """The sums of each status that occurs, in the order in which they are shown."""
    found = {f["run"]["status"] for f in footprints}
    order = [*(status for status in Status if status in found), *sorted(found - set(Status))]
    return {str(status): tally([f for f in footprints if f["run"]["status"] == status]) for status in order}


def tally(footprints: Sequence[FootprintJson]) -> Tally:
    """The sums over some runs."""
    energies = [_joules(f["energy"]) for f in footprints]
    known = [f for f, joules in zip(footprints, energies, strict=True) if joules is not None]
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    embodied = [grams for c in carbons if (grams := _embodied(c)) is not None]
    return Tally(
        runs=len(footprints),
        hours=sum(hours(f) for f in footprints),
        gpu_hours=sum(hours(f) * sum(d["kind"] == "gpu" for d in counted(f)) for f in footprints),
        energy=_sum([joules for joules in energies if joules is not None]),
        operational=_sum([Estimate(c["operational_g"], c["operational_low_g"], c["operational_high_g"]) for c in carbons]),
        embodied=_sum(embodied),
        total=_sum([Estimate(c["total_g"], c["total_low_g"], c["total_high_g"]) for c in carbons]),
        energy_unknown=energies.count(None),
        cut_short=sum(f["energy"]["lower_bound"] and not f["energy"]["unmeasured"] for f in known),
        unmeasured=sum(bool(f["energy"]["unmeasured"]) for f in known),
        gpu_unread=sum(any(d["kind"] == "gpu" for d in f["energy"]["unmeasured"]) for f in footprints),
        grams_unknown=len(footprints) - len(carbons),
        embodied_unknown=len(carbons) - len(embodied),
        at_once=len(at_once(reading for f in footprints for reading in _readings(f))),
    )


def hours(footprint: FootprintJson) -> float:
    """How long the run lasted."""
    return float(footprint["run"]["duration_s"] or 0.0) / 3600


def counted(footprint: FootprintJson) -> list[DeviceJson]:
    """The devices that are in the run's total."""
    return [d for d in footprint["energy"]["devices"] if d["included_in_total"]]


def _readings(footprint: FootprintJson) -> Iterator[Reading]:
    run = footprint["run"]
    start_s = datetime.fromisoformat(run["started_at"]).timestamp()
    for d in counted(footprint):
        yield Reading(run["id"], d["host"], d["uuid"] or d["device"], start_s, start_s + (run["duration_s"] or 0.0))


def _joules(energy: EnergyJson) -> Estimate | None:
    central, low, high = energy["total_j"], energy["low_j"], energy["high_j"]
    return None if central is None or low is None or high is None else Estimate(central, low, high)


def _embodied(carbon: CarbonJson) -> Estimate | None:
    central, low, high = carbon["embodied_g"], carbon["embodied_low_g"], carbon["embodied_high_g"]
    return None if central is None or low is None or high is None else Estimate(central, low, high)


def _sum(parts: Sequence[Estimate]) -> Estimate | None:
    return total(parts) if parts else None
