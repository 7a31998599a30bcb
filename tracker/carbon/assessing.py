"""The footprint of a recorded run: its energy joined with the grid, and the making of its hardware spread over its life.

Pure but for the bundled tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..model import Point
from ..windows import Interval
from .accounting import Amortisations, Assumption, EmbodiedLine, Estimate, amortisations, carbon_object, operational_g, sci, strict
from .embodied import lines, total_g
from .factors import amortisation_factors, place_of
from .hardware import table
from .join import Constant, Joined, join_all, total
from .series import Series

if TYPE_CHECKING:
    from ..storage.records import StoredRun

UNSEEN = "fans, power supplies, network and disks: no sensor sees them"
Curves = Mapping[tuple[str, str], Sequence[Point]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a footprint is worked out with. None is the default: the zone that the run recorded, no PUE, the lifetimes of Wu et al."""

    zone: str | None = None
    intensity_g_per_kwh: float | None = None
    series: tuple[Series, ...] = ()
    pue: float | None = None
    lifetime_years: float | None = None
    lifetime_utilization: float | None = None
    hardware: Path | None = None


def assess(stored: StoredRun, view: Mapping[str, Any], terms: Terms, curves: Curves | None = None) -> dict[str, Any] | None:
    """The `carbon` object of a run whose JSON is `view`; None where no energy is known.

    `curves` are needed only for a series, which each piece of energy meets at its own hour; a constant needs a curve's two ends.
    Raises ConfigurationError for an unknown zone, and where life-cycle and direct factors meet.
    """
    energy = view["energy"]
    if energy["total_j"] is None:
        return None
    joules = Interval(energy["total_j"], energy["low_j"], energy["high_j"])
    on_basis = next((s.basis for s in terms.series if s.basis is not None), None)
    place = place_of(terms.zone or stored.run.zone, terms.intensity_g_per_kwh, terms.pue, on_basis)
    steady = Constant(*place.intensity_g_per_kwh, place.intensity.name, place.basis)
    joined = _joined(stored, curves, [*terms.series, steady])
    intensity = place.intensity_g_per_kwh
    if terms.series and joined.energy_j > 0:
        kwh = joined.energy_j / 3.6e6
        intensity = Estimate(joined.total_g / kwh, joined.low_g / kwh, joined.high_g / kwh)
    used = amortisations(terms.lifetime_years, terms.lifetime_utilization)
    made = _made(stored, view, terms, used)
    operational, embodied = operational_g(joules, place.pue.value or 1.0, intensity), total_g(made)
    return carbon_object(
        operational=operational,
        embodied=embodied,
        zone=place.zone,
        intensity_g_per_kwh=intensity,
        intensity_source=", ".join(dict.fromkeys(p.source for p in joined.pieces)) or place.intensity.source,
        pue=place.pue.value or 1.0,
        assumptions=[
            *_grid(terms, joined, place.intensity),
            place.pue,
            *amortisation_factors(terms.lifetime_years, terms.lifetime_utilization, used),
        ],
        lines=made,
        left_out=[UNSEEN] if made else [UNSEEN, "the making of the hardware: none was recorded"],
        sci=_score(stored, view, terms, operational, embodied, used),
        water_l=None if place.water is None or place.water.value is None else joules.energy_j / 3.6e6 * place.water.value,
    )


def _joined(stored: StoredRun, curves: Curves | None, chain: Sequence[Series | Constant]) -> Joined:
    counted = [d for d in stored.devices if d.included_in_total and d.first is not None and d.last is not None]
    ends = {(d.segment_id, d.name): [d.first, d.last] for d in counted if d.first is not None and d.last is not None}
    known: Curves = ends if curves is None else curves
    parts: list[Joined] = []
    for segment_id in dict.fromkeys(d.segment_id for d in counted):
        mine = [known.get((segment_id, d.name), ()) for d in counted if d.segment_id == segment_id]
        parts += join_all(mine, stored.anchors.get(segment_id, ()), chain)
    return total(parts)


def _grid(terms: Terms, joined: Joined, otherwise: Assumption) -> list[Assumption]:
    """The intensity that was used: a series, and what stood in for the hours that it lacks."""
    if not terms.series:
        return [otherwise]
    whole = joined.energy_j or 1.0
    sources = ", ".join(s.source for s in terms.series)
    mean = Assumption("grid intensity, by the hour, weighted by energy", joined.mean_g_per_kwh, "g/kWh", sources, None, "by the hour")
    lacking = sum(p.energy_j for p in joined.pieces if p.source == otherwise.name) / whole
    return [mean] if not lacking else [mean, otherwise._replace(name=f"{otherwise.name}, for {100 * lacking:.0f} % of the energy")]


def _made(stored: StoredRun, view: Mapping[str, Any], terms: Terms, used: Amortisations) -> list[EmbodiedLine]:
    """The hardware of each host, for as long as the run held it. A run holds the whole machine (its scope)."""
    hours = (view["run"]["duration_s"] or 0.0) / 3600
    rows = table(terms.hardware)
    found: list[EmbodiedLine] = []
    for host in dict.fromkeys(piece.host for piece in stored.inventory):
        found += lines([(p.kind, p.name, p.detail) for p in stored.inventory if p.host == host], hours, rows, used)
    return found


def _score(
    stored: StoredRun, view: Mapping[str, Any], terms: Terms, operational: Estimate, embodied: Estimate | None, used: Amortisations
) -> dict[str, Any] | None:
    """Per unit of the work that was counted: of samples, else of tokens."""
    unit = next((u for u in ("samples", "tokens") if view["work"].get(u)), None)
    if unit is None:
        return None
    return sci(operational, embodied, view["work"][unit], unit[:-1], total_g(_made(stored, view, terms, strict(used))))


def by_default(stored: StoredRun, view: Mapping[str, Any]) -> dict[str, Any] | None:
    """The footprint on the default terms; None also where the zone that the run recorded is not known."""
    try:
        return assess(stored, view, Terms())
    except ConfigurationError:
        return None
