"""The footprint of a recorded run: its energy joined with the grid, and the manufacture of its hardware spread over its lifetime.

It reads nothing but the bundled tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from ..core.point import Point
from ..core.sensing import whole_name
from ..core.units import J_PER_KWH
from ..core.work import singular
from ..energy.intervals import Interval
from .accounting import Amortisations, EmbodiedLine, Estimate, amortisations, carbon_object, operational_g, sci, strict
from .assumption import GIVEN, Assumption, FactorKind, FactorStatus, GridUse, LeftOut, SeriesUse
from .beside import Price, beside
from .embodied import lines, total_g
from .factors import amortisation_factors, place_of
from .grid.ranged import ranged
from .host_share import HostShare, Piece, host_share
from .join import Constant, Joined, Origin, join_all, total
from .series import Series
from .tables.basis import Basis, require_same_basis
from .tables.hardware import table
from .terms import Terms

if TYPE_CHECKING:
    from ..core.contract import CarbonJson, SciJson, ShowJson
    from ..storage.read.records import StoredRun


class Part(Protocol):
    """A recorded piece of hardware."""

    @property
    def host(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def detail(self) -> Mapping[str, Any]: ...


class Counted(Protocol):
    """A device, and whether its energy counts."""

    @property
    def host(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def included_in_total(self) -> bool: ...


Curves = Mapping[tuple[str, str], Sequence[Point]]


def assess(stored: StoredRun, view: ShowJson, asked: Terms, curves: Curves | None = None) -> CarbonJson | None:
    """The `carbon` object of a run whose JSON is `view`; None if no energy is known.

    Terms that `asked` leaves open come from the run's zone and settings. `curves` are needed only for a series, whose value differs from
    hour to hour; a constant needs only the two ends of a curve. Raises ConfigurationError for an unknown or suspect zone, and where
    life-cycle and direct factors would be mixed.
    """
    energy = view["energy"]
    if energy["total_j"] is None or energy["low_j"] is None or energy["high_j"] is None:
        return None
    terms = asked.over(stored.run.zone, stored.run.settings)
    joules = Interval(energy["total_j"], energy["low_j"], energy["high_j"])
    terms = replace(terms, series=tuple(ranged(series, terms.wanted_basis) for series in terms.series))
    place = place_of(terms)
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
    scores = _scores(stored, view, terms, operational, embodied, used)
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
        sci=None if view["unit"] is None else scores.get(view["unit"]),
        sci_units=list(scores.values()),
        energy_range=energy["interval_kind"],
        beside=beside(joules, pue, intensity, terms, None if place.water is None else place.water.value, _price(stored, terms, curves)),
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


def _basis(joined: Joined) -> Basis | None:
    """The basis of all pieces; None if one piece does not state its basis."""
    basis = require_same_basis(joined.pieces)
    return None if any(p.basis is None for p in joined.pieces) else basis


def _grid(terms: Terms, joined: Joined, otherwise: Assumption, basis: Basis | None) -> list[Assumption]:
    """The intensities that were used: the series, and the figure that stood in for the hours that the series lacks."""
    used = {p.source for p in joined.pieces if p.origin is Origin.SERIES}
    if not used or otherwise.grid is None:
        return [otherwise]  # no series has a value for the time of the run
    whole = joined.energy_j or 1.0
    found = tuple(SeriesUse(s.source, s.from_provider) for s in terms.series if s.source in used)
    estimated = sum(p.energy_j for p in joined.pieces if p.estimated) / whole
    derived = next((s.derived_from for s in terms.series if s.source in used and s.derived_from is not None), None)
    kwh = (joined.energy_j - joined.unmatched_j) / J_PER_KWH
    low, high = (None, None) if kwh <= 0 else (joined.low_g / kwh, joined.high_g / kwh)
    mean = Assumption(
        FactorKind.GRID_INTENSITY, joined.mean_g_per_kwh, "g/kWh", ", ".join(s.name for s in found), None, FactorStatus.BY_THE_HOUR,
        low, high,
        grid=GridUse(
            zone=otherwise.grid.zone, basis=basis, by_the_hour=True, estimated_share=estimated, series=found, derived_from=derived
        ),
    )  # fmt: skip
    lacking = sum(p.energy_j for p in joined.pieces if p.origin is Origin.CONSTANT) / whole
    return [mean, replace(otherwise, grid=replace(otherwise.grid, energy_share=lacking))] if lacking else [mean]


def _price(stored: StoredRun, terms: Terms, curves: Curves | None) -> Price | None:
    """The price of a kWh: of a series, each hour at its own price; the flat price stands in where the series has none."""
    flat = [] if terms.price_per_kwh is None else [Constant(*Estimate.exact(terms.price_per_kwh), GIVEN)]
    if terms.prices is None:
        return None if terms.price_per_kwh is None else Price(terms.price_per_kwh, GIVEN)
    joined = _joined(stored, curves, [terms.prices, *flat])
    if joined.mean_g_per_kwh is None:
        return None  # no price is known for any time of the run
    source = ", ".join([terms.prices.source, *([GIVEN] if flat else [])])
    return Price(joined.mean_g_per_kwh, source, joined.unmatched_j / joined.energy_j if joined.energy_j else 0.0)


def _made(stored: StoredRun, view: ShowJson, terms: Terms, used: Amortisations) -> tuple[list[EmbodiedLine], list[Assumption]]:
    """The hardware of each host for the duration of the run, and the share of each host that the run held. GPUs that do not count in the
    total, because the run did not use them, do not count here either."""
    return hardware_of(stored.inventory, stored.devices, (view["run"]["duration_s"] or 0.0) / 3600, terms, used)


def hardware_of(
    inventory: Sequence[Part], devices: Sequence[Counted], hours: float, terms: Terms, used: Amortisations
) -> tuple[list[EmbodiedLine], list[Assumption]]:
    """The hardware of each host for some hours, and the share of each host that was held."""
    rows = table(terms.hardware)
    found: list[EmbodiedLine] = []
    shares: dict[HostShare, None] = {}
    outside = {("gpu", d.host, d.name) for d in devices if not d.included_in_total}
    outside -= {("gpu", d.host, whole) for d in devices if d.included_in_total and (whole := whole_name(d.name)) is not None}
    for host in dict.fromkeys(piece.host for piece in inventory):
        pieces: list[Piece] = [(p.kind, p.name, p.detail) for p in inventory if p.host == host and (p.kind, host, p.name) not in outside]
        known = any(kind == "host" and rows.match_host(name) for kind, name, _ in pieces)
        share = host_share(pieces, known, terms.host_share)
        of_host = lines(pieces, hours, rows, used, share)
        found += of_host
        if any(line.part == "host" for line in of_host):
            shares[share] = None
    return found, [share.factor() for share in shares]


def _left_out(pue: float, made: Sequence[EmbodiedLine]) -> list[LeftOut]:
    return [LeftOut.UNSEEN, *([LeftOut.PUE_OF_UNSEEN] if pue > 1 else []), *([] if made else [LeftOut.HARDWARE])]


def _scores(
    stored: StoredRun, view: ShowJson, terms: Terms, operational: Estimate, embodied: Estimate | None, used: Amortisations
) -> dict[str, SciJson]:
    """Grams per unit of the counted work, by unit. Empty if the work of other ranks is missing."""
    counted = {unit: amount for unit, amount in view["work"].items() if amount}
    ranks = view["run"]["ranks"]
    if not counted or (ranks is not None and ranks["recorded"] < ranks["of"]):  # the work of other ranks is not known
        return {}
    as_in_the_standard = total_g(_made(stored, view, terms, strict(used))[0])
    return {unit: sci(operational, embodied, amount, singular(unit), as_in_the_standard) for unit, amount in counted.items()}
