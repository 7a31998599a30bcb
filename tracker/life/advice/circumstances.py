"""PURE: grams that other circumstances would have saved: another hour, another place, and hardware that is used for longer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...analysis.footprint_totals import counted_share, hours
from ...carbon.accounting import NOTHING, Estimate
from ...carbon.assumption import FactorKind, FactorStatus
from .loss import Case, Found, Kind, embodied_of

if TYPE_CHECKING:
    from ...core.contract import CarbonJson, FootprintJson

USUAL_YEARS = Estimate(5.0, 4.0, 6.0)
"""How long servers are used: Alphabet wrote its own off over four years until 2022, and over six since then (annual report for 2023, Form
10-K)."""
USUAL_UTILISATION = Estimate(0.45, 0.3, 0.6)
"""The share of its life in which a GPU is used: 30 to 60 % (Wu et al. 2022, III.A)."""

HOUR_S = 3600.0


class _Move(NamedTuple):
    """A run that would have emitted less: the grams of its electricity as it was and instead, that count, and the intensities."""

    run_id: str
    was: CarbonJson
    instead: CarbonJson
    share: float
    seconds: float
    start: str | None = None


def of_hour(case: Case) -> Iterator[Found]:
    """What runs would have saved by the best start. Both hours are of one grid, and the joules are the same: so the saving is as uncertain
    as the grams that it is a part of."""
    moves = [
        _Move(run.id, f["carbon"], moved.carbon, counted_share(f), hours(f) * HOUR_S, moved.start)
        for run, f in case.pairs()
        if (moved := run.best_start) is not None and f["carbon"] is not None
    ]
    saved = NOTHING
    for move in moves:
        was_g, less_g = move.was["operational_g"], move.was["operational_g"] - move.instead["operational_g"]
        bounds = (move.was[key] / was_g for key in ("operational_low_g", "operational_high_g"))
        saved = saved.plus(Estimate(less_g, *(less_g * bound for bound in bounds)).times(move.share))
    if moves:
        starts = {move.run_id: move.start for move in moves if move.start is not None}
        yield _moved(Kind.HOUR, moves, saved)._replace(starts=starts)


def of_place(case: Case) -> Iterator[Found]:
    """What runs would have saved in the cleanest of some zones. The intensities of two zones are not the same: at least, the one is as high
    and the other as low as it may be. A zone whose range meets that of the run's own is not said to be cleaner."""
    by_zone: dict[str, list[_Move]] = defaultdict(list)
    for run, f in case.pairs():
        moved, was = run.cleanest, f["carbon"]
        if moved is None or moved.zone is None or was is None:
            continue
        if moved.carbon["intensity_high_g_per_kwh"] < was["intensity_low_g_per_kwh"]:
            by_zone[moved.zone].append(_Move(run.id, was, moved.carbon, counted_share(f), hours(f) * HOUR_S))
    for zone, moves in by_zone.items():
        saved = NOTHING
        for move in moves:
            a, b = (Estimate(c["operational_g"], c["operational_low_g"], c["operational_high_g"]) for c in (move.was, move.instead))
            bounds = Estimate(a.central - b.central, max(0.0, a.low - b.high), a.high - b.low)
            saved = saved.plus(bounds.times(move.share))
        yield _moved(Kind.PLACE, moves, saved)._replace(zone=zone)


def _moved(kind: Kind, moves: Sequence[_Move], saved: Estimate) -> Found:
    seconds = sum(move.seconds for move in moves)
    found = Found(kind, tuple(move.run_id for move in moves), None, seconds, seconds, more=saved, more_operational=True)
    weights_g = [(move.was["operational_g"] / move.was["intensity_g_per_kwh"]) * move.share for move in moves]  # as the energy with PUE
    whole = sum(weights_g)
    was = sum(w * move.was["intensity_g_per_kwh"] for w, move in zip(weights_g, moves, strict=True)) / whole
    instead = NOTHING
    for weight, move in zip(weights_g, moves, strict=True):
        of = move.instead
        low, high = of["intensity_low_g_per_kwh"], of["intensity_high_g_per_kwh"]
        instead = instead.plus(Estimate(of["intensity_g_per_kwh"], low, high).times(weight / whole))
    return found._replace(was=was, instead=instead)


def of_short_life(case: Case) -> Iterator[Found]:
    """What hardware would have saved that is used for longer, where somebody has said that it is used for less time than is usual."""
    yield from _of_life(case, Kind.SHORT_LIFE, FactorKind.LIFETIME, USUAL_YEARS)


def of_rare_use(case: Case) -> Iterator[Found]:
    """The same for hardware that is used for a smaller share of its life than is usual."""
    yield from _of_life(case, Kind.RARE_USE, FactorKind.UTILISATION, USUAL_UTILISATION)


def _of_life(case: Case, kind: Kind, factor: FactorKind, usual: Estimate) -> Iterator[Found]:
    """The grams of making hardware are shared by the hours in which it is used, so that they fall in proportion."""
    by_value: dict[float, list[FootprintJson]] = defaultdict(list)
    for f in case.footprints:
        if (stated := _stated(f["carbon"], factor)) is not None and stated < usual.low:
            by_value[stated].append(f)
    for stated, footprints in by_value.items():
        saved = NOTHING
        for f in footprints:
            if (embodied := embodied_of(f)) is not None:
                factors = (1.0 - stated / instead for instead in usual)
                saved = saved.plus(Estimate(*(grams * less for grams, less in zip(embodied, factors, strict=True))))
        seconds = HOUR_S * sum(hours(f) for f in footprints)
        ids = tuple(f["run"]["id"] for f in footprints)
        if saved.central:
            yield Found(kind, ids, None, seconds, seconds, more=saved, was=stated, instead=usual)


def _stated(carbon: CarbonJson | None, factor: FactorKind) -> float | None:
    """A factor of the life of the hardware that somebody has given: one that is assumed says nothing about this hardware."""
    of = next((a for a in (carbon or {"assumptions": []})["assumptions"] if a["kind"] == factor), None)
    return None if of is None or of["evidence"] != FactorStatus.GIVEN else of["value"]
