"""The footprint of a recorded run: its energy joined with the grid, and the making of its hardware spread over its life.

Pure but for the bundled tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.point import Point
from ..core.units import J_PER_KWH
from ..energy.intervals import Interval
from .accounting import Amortisations, Assumption, EmbodiedLine, Estimate, amortisations, carbon_object, operational_g, sci, strict
from .beside import Price, beside
from .embodied import lines, total_g
from .factors import GIVEN, amortisation_factors, place_of
from .host_share import HostShare, Piece, host_share
from .join import Constant, Joined, join_all, total
from .series import Series, require_same_basis
from .tables.hardware import table
from .terms import Terms

if TYPE_CHECKING:
    from ..storage.read.records import StoredRun

UNSEEN = "fans, power supplies, network and disks: no sensor sees them"
LOWER_BOUND = "what PUE adds to those: it is defined on all of a site's computing, so that on the components alone it is a lower bound"
Curves = Mapping[tuple[str, str], Sequence[Point]]


def assess(stored: StoredRun, view: Mapping[str, Any], asked: Terms, curves: Curves | None = None) -> dict[str, Any] | None:
    """The `carbon` object of a run whose JSON is `view`; None where no energy is known.

    What `asked` leaves open is taken from the run's zone and settings. `curves` are needed only for a series, which each piece of energy
    meets at its own hour; a constant needs a curve's two ends. Raises ConfigurationError for an unknown or suspect zone, and where
    life-cycle and direct factors meet.
    """
    energy = view["energy"]
    if energy["total_j"] is None:
        return None
    terms = asked.over(stored.run.zone, stored.run.settings)
    joules = Interval(energy["total_j"], energy["low_j"], energy["high_j"])
    place = place_of(terms, on_basis=next((s.basis for s in terms.series if s.basis is not None), None))
    steady = Constant(*place.intensity_g_per_kwh, place.intensity.name, place.basis)
    joined = _joined(stored, curves, [*terms.series, steady])
    intensity = place.intensity_g_per_kwh
    if terms.series and joined.energy_j > 0:
        kwh = joined.energy_j / J_PER_KWH
        intensity = Estimate(joined.total_g / kwh, joined.low_g / kwh, joined.high_g / kwh)
    basis = _basis(joined) if joined.pieces else place.basis
    pue = place.pue.value or 1.0
    used = amortisations(terms.lifetime_years, terms.lifetime_utilization)
    made, shares = _made(stored, view, terms, used)
    operational, embodied = operational_g(joules, pue, intensity), total_g(made)
    return carbon_object(
        operational=operational,
        embodied=embodied,
        zone=place.zone,
        intensity_g_per_kwh=intensity,
        intensity_source=", ".join(dict.fromkeys(p.source for p in joined.pieces)) or place.intensity.source,
        intensity_basis=basis,
        pue=pue,
        assumptions=[
            *_grid(terms, joined, place.intensity, basis),
            place.pue,
            *([place.water] if place.water else []),
            *amortisation_factors(terms, used),
            *shares,
        ],
        lines=made,
        left_out=_left_out(pue, made),
        sci=_score(stored, view, terms, operational, embodied, used),
        beside=beside(joules, pue, intensity, terms, place.water and place.water.value, _price(stored, terms, curves)),
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


def _basis(joined: Joined) -> str | None:
    """That of all pieces; None where one does not state its own."""
    basis = require_same_basis(joined.pieces)
    return None if any(p.basis is None for p in joined.pieces) else basis


def _grid(terms: Terms, joined: Joined, otherwise: Assumption, basis: str | None) -> list[Assumption]:
    """The intensity that was used: a series, and what stood in for the hours that it lacks."""
    if not any(p.source != otherwise.name for p in joined.pieces):
        return [otherwise]  # also where a series has nothing of the run's time
    whole = joined.energy_j or 1.0
    sources = ", ".join(s.source for s in terms.series)
    name = f"grid intensity, by the hour, weighted by energy{f', {basis}' if basis else ''}"
    mean = Assumption(name, joined.mean_g_per_kwh, "g/kWh", sources, None, "by the hour")
    lacking = sum(p.energy_j for p in joined.pieces if p.source == otherwise.name) / whole
    if guessed := sum(p.energy_j for p in joined.pieces if p.estimated) / whole:
        mean = mean._replace(status=f"by the hour, {100 * guessed:.0f} % estimated by the provider")
    return [mean] if not lacking else [mean, otherwise._replace(name=f"{otherwise.name}, for {100 * lacking:.0f} % of the energy")]


def _price(stored: StoredRun, terms: Terms, curves: Curves | None) -> Price | None:
    """What a kWh cost, each at its own hour where the prices are a series; the flat price stands in for what that lacks."""
    flat = [] if terms.price_per_kwh is None else [Constant(*Estimate.exact(terms.price_per_kwh), GIVEN)]
    if terms.prices is None:
        return None if terms.price_per_kwh is None else Price(terms.price_per_kwh, GIVEN)
    joined = _joined(stored, curves, [terms.prices, *flat])
    if joined.mean_g_per_kwh is None:
        return None  # of none of its time
    source = ", ".join([terms.prices.source, *([GIVEN] if flat else [])])
    return Price(joined.mean_g_per_kwh, source, joined.unmatched_j / joined.energy_j if joined.energy_j else 0.0)


def _made(stored: StoredRun, view: Mapping[str, Any], terms: Terms, used: Amortisations) -> tuple[list[EmbodiedLine], list[Assumption]]:
    """The hardware of each host, for as long as the run lasted, and which part of each host it held."""
    hours = (view["run"]["duration_s"] or 0.0) / 3600
    rows = table(terms.hardware)
    found: list[EmbodiedLine] = []
    shares: dict[HostShare, None] = {}
    for host in dict.fromkeys(piece.host for piece in stored.inventory):
        pieces: list[Piece] = [(p.kind, p.name, p.detail) for p in stored.inventory if p.host == host]
        known = any(kind == "host" and rows.match_host(name) for kind, name, _ in pieces)
        share = host_share(pieces, known, terms.host_share)
        of_host = lines(pieces, hours, rows, used, share)
        found += of_host
        if any(line.part == "host" for line in of_host):
            shares[share] = None
    return found, [
        Assumption("share of the host", s.machine.central, "", s.why, None, s.status, s.machine.low, s.machine.high) for s in shares
    ]


def _left_out(pue: float, made: Sequence[EmbodiedLine]) -> list[str]:
    return [
        UNSEEN,
        *([LOWER_BOUND] if pue > 1 else []),
        *([] if made else ["the making of the hardware: none was recorded"]),
    ]


def _score(
    stored: StoredRun, view: Mapping[str, Any], terms: Terms, operational: Estimate, embodied: Estimate | None, used: Amortisations
) -> dict[str, Any] | None:
    """Per unit of the work that was counted: of samples, else of tokens."""
    unit = next((u for u in ("samples", "tokens") if view["work"].get(u)), None)
    if unit is None:
        return None
    return sci(operational, embodied, view["work"][unit], unit[:-1], total_g(_made(stored, view, terms, strict(used))[0]))
