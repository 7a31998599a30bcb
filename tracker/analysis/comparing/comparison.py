"""PURE: sides of one or several stored runs, compared with the first side, the baseline.

The figures of a single run are those of `show --json`. Those of several runs are means. Differences are computed from the same curves by
energy/difference.py and energy/spread/means.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from ...carbon.difference import change_of, differences, mean_of
from ...core.run import Status
from ...core.work import counted, singular
from ...energy.difference import Change, scaled
from ...energy.intervals import Share
from ...energy.spread.chance import half_width
from ..view import known_count
from ..work.units import require_counted, work_partial
from .compared import Amount, Compared, Figure, Missing, Reason
from .notes import notes
from .pair import Ends, Pair, no_change
from .side import Parts, Side
from .slots import Slot, slots

if TYPE_CHECKING:
    from ...core.contract import PhaseJson, ShowJson


def compare(sides: Sequence[Side], per: str | None = None) -> list[Compared]:
    """Each side compared with the first, which is called A. `per`: the only unit of work that is compared, in place of all. Raises
    ConfigurationError if nobody has counted it."""
    base = sides[0]
    require_counted(per, (dict.fromkeys(_units(view), 1) for side in sides for view in side.views))
    counted_ones = {singular(name): name for side in sides for view in side.views for name in _units(view)}
    units = [name for one, name in counted_ones.items() if per is None or one == singular(per)]
    phases = list(dict.fromkeys(p["name"] for side in sides for view in side.views for p in view["phases"]))
    found = []
    for number, side in enumerate(sides):
        pair = Pair(side, None if number == 0 else base)
        found.append(
            Compared(
                letter(number),
                side.name,
                side.views,
                tuple(_figures(pair, units)),
                tuple(_devices(pair, base)),
                tuple(_phase(pair, name, each=False) for name in phases),
                tuple(_phase(pair, name, each=True) for name in phases),
                tuple(notes(side, pair.base)),
            )
        )
    return found


def letter(number: int) -> str:
    """A for the first side, Z for the 26th, then AA."""
    text = ""
    while number >= 0:
        number, rest = divmod(number, 26)
        text, number = chr(ord("A") + rest) + text, number - 1
    return text


def _units(view: ShowJson) -> list[str]:
    """The units of work of a run, and epochs if it has a phase that counts them."""
    return [unit for unit, amount in view["work"].items() if amount] + (["epochs"] if _epochs(view)[0] else [])


def _epochs(view: ShowJson) -> tuple[int, str]:
    """How many epochs there were, and the phase whose instances they are: `epoch`, else `train`."""
    counts = {p["name"]: p["count"] for p in view["phases"]}
    name = "epoch" if "epoch" in counts else "train"
    return counts.get(name, 0), name


def _amount(view: ShowJson, unit: str) -> int:
    amount = counted(view["work"], unit)
    return amount or (_epochs(view)[0] if unit == "epochs" else 0)


def _figures(pair: Pair, units: Sequence[str]) -> list[Figure]:
    """Energy, energy per unit of work, time, mean power and grams."""
    side = pair.side
    whole = Figure("energy", "J", None, missing=Missing(Reason.NO_ENERGY))
    values = _totals(side)
    if values is not None:
        whole = pair.energy(Figure("energy", "J", None), values, side.parts_of(_total), pair.theirs(_total))
    found = [whole, *(_per_unit(pair, unit, values) for unit in units)]
    seconds = side.seconds
    spread_s = half_width(seconds) if len(seconds) > 1 else 0.0
    mean_s = fmean(seconds)
    time = pair.numbers(lambda of: of.seconds)
    found.append(Figure("duration", "s", mean_s, max(0.0, mean_s - spread_s), mean_s + spread_s, change=time, values=tuple(seconds)))
    power = Figure("power", "W", None, missing=Missing(Reason.NO_TIME))
    found.append(_divided(pair, "power", "W", values, lambda of: of.seconds) if all(seconds) else power)
    return [*found, _grams(pair, whole.change, time)]


def _total(parts: Parts) -> list[Share]:
    return parts.total


def _totals(side: Side) -> list[Ends] | None:
    """The energy of each run; None if it is not known of all."""
    found = []
    for view in side.views:
        energy = view["energy"]
        if energy["total_j"] is None or energy["low_j"] is None or energy["high_j"] is None:
            return None
        found.append(Ends(energy["total_j"], energy["low_j"], energy["high_j"]))
    return found


def _per_unit(pair: Pair, unit: str, values: Sequence[Ends] | None) -> Figure:
    """The energy per unit of work."""
    name = f"energy_per_{singular(unit)}"
    views, amounts = pair.side.views, [_amount(view, unit) for view in pair.side.views]
    if not all(amounts):
        return Figure(name, "J", None, missing=Missing(Reason.NOT_COUNTED, unit))
    others = next((missing for view in views if (missing := missing_ranks(view, unit)) is not None), None)
    if others is not None:
        return Figure(name, "J", None, missing=others)
    before = pair.base is not None and all(missing_ranks(view, unit) is None for view in pair.base.views)
    found = _divided(pair, name, "J", values, lambda of: [float(_amount(view, unit)) for view in of.views], comparable=before)
    phases = {_epochs(view)[1] if unit == "epochs" and "epochs" not in view["work"] else None for view in views}
    if len(set(amounts)) > 1 or len(phases) > 1:
        return found
    return replace(found, amount=Amount(amounts[0], unit, phases.pop()))


def missing_ranks(view: ShowJson, unit: str | None) -> Missing | None:
    """Why a run's energy per `unit` is not known, or as a whole without `unit`: other ranks have done work that is not in it. None if it is
    known.

    Ranks count work of their own, but do the same epochs. If each has a run of its own, no run is known to have all joules."""
    ranks = view["run"]["ranks"]
    if ranks is None or not work_partial(view["run"]):
        return None
    if not ranks["joined"]:
        return Missing(Reason.ONE_RANK, str(ranks["of"]))
    return (
        None
        if unit is None or (unit == "epochs" and unit not in view["work"])
        else Missing(Reason.SOME_RANKS, f"{ranks['recorded']} of {ranks['of']}")
    )


def _divided(
    pair: Pair, name: str, unit: str, values: Sequence[Ends] | None, by: Callable[[Side], list[float]], *, comparable: bool = True
) -> Figure:
    """The whole energy divided by amounts that are known exactly."""
    if values is None:
        return Figure(name, unit, None, missing=Missing(Reason.NO_ENERGY))

    def shared(side: Side) -> list[list[Share]]:
        amounts = by(side)
        return [scaled(parts, 1 / amount) for parts, amount in zip(side.parts_of(_total), amounts, strict=True)] if all(amounts) else []

    each = [of.over(amount) for of, amount in zip(values, by(pair.side), strict=True)]
    theirs = shared(pair.base) if pair.base is not None and comparable else []
    return pair.energy(Figure(name, unit, None), each, shared(pair.side), theirs)


def _grams(pair: Pair, energy: Change | None, time: Change | None) -> Figure:
    carbons = [view["carbon"] for view in pair.side.views]
    known = [c for c in carbons if c is not None]
    if len(known) < len(carbons):
        missing = next(view["carbon_missing"] for view in pair.side.views if view["carbon"] is None)
        return Figure("grams", "g", None, missing=Missing(Reason.NO_ENERGY) if missing is None else Missing(Reason.NO_GRAMS, missing))
    mean = mean_of(known)
    values = [c["total_g"] for c in known]
    spread_g = half_width(values) if len(values) > 1 else 0.0
    low = max(0.0, mean["total_g"] - math.hypot(mean["total_g"] - mean["total_low_g"], spread_g))
    high = mean["total_g"] + math.hypot(mean["total_high_g"] - mean["total_g"], spread_g)
    low, high = (low, high) if spread_g else (mean["total_low_g"], mean["total_high_g"])
    found = Figure("grams", "g", mean["total_g"], low, high, values=tuple(values))
    theirs = [] if pair.base is None else [view["carbon"] for view in pair.base.views]
    base = [c for c in theirs if c is not None]
    if pair.base is None or len(base) < len(theirs) or energy is None or time is None:
        return found
    reasons = tuple(dict.fromkeys(reason for c in (*base, *known) for reason in differences(base[0], c)))
    if reasons:
        return replace(found, apart=reasons)
    if pair.same:
        return replace(found, change=no_change(mean["total_g"]))
    base_hours = fmean(pair.base.seconds) / 3600
    hours = time._replace(difference=time.difference / 3600, low=_hours(time.low), high=_hours(time.high))
    return replace(found, change=change_of(mean_of(base), mean, energy, hours, base_hours))


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 3600


def _devices(pair: Pair, base: Side) -> list[Figure]:
    """The devices of the first run of the baseline, then those that other runs have."""
    mine = [slots(base.views[0], view) for view in pair.side.views]
    theirs = [slots(base.views[0], view) for view in base.views]
    names = list(dict.fromkeys(slot.name for run in mine for slot in run))
    return [_device(pair, name, _of(mine, name), _of(theirs, name)) for name in names]


def _of(runs: Sequence[Sequence[Slot]], name: str) -> list[Slot | None]:
    return [next((slot for slot in run if slot.name == name and slot.own is not None), None) for run in runs]


def _device(pair: Pair, name: str, mine: Sequence[Slot | None], theirs: Sequence[Slot | None]) -> Figure:
    own = [slot.own for slot in mine if slot is not None and slot.own is not None]
    if len(own) < len(mine):
        return Figure(name, "J", None, missing=Missing(Reason.NOT_IN_RUN))
    found = [
        next(d for d in view["energy"]["devices"] if (d["host"], d["device"]) == place)
        for view, place in zip(pair.side.views, own, strict=True)
    ]
    first = mine[0]
    assert first is not None
    renamed = len(own) == 1 and first.base is not None and own[0][1] != first.base[1]
    figure = Figure(name, "J", None, own_name=own[0][1] if renamed else None, beside_total=not found[0]["included_in_total"])
    values = [Ends(d["energy_j"], d["low_j"], d["high_j"]) for d in found]
    parts = [run.parts.of_device.get(place, []) for run, place in zip(pair.side.runs, own, strict=True)]
    places = [slot.own for slot in theirs if slot is not None and slot.own is not None]
    before = [] if pair.base is None or len(places) < len(theirs) else pair.base.runs
    base = [run.parts.of_device.get(place, []) for run, place in zip(before, places, strict=False)]
    return pair.energy(figure, values, parts, base)


def _phase(pair: Pair, name: str, *, each: bool) -> Figure:
    """All instances of a phase, or the mean of one of them."""
    phases, values = [], []
    for view in pair.side.views:
        phase = _phase_of(view, name)
        if phase is None:
            return Figure(name, "J", None, missing=Missing(Reason.NOT_IN_RUN))
        if phase["energy_j"] is None or phase["low_j"] is None or phase["high_j"] is None:
            running = view["run"]["status"] == Status.RUNNING
            return Figure(name, "J", None, missing=Missing(Reason.PENDING if running else Reason.NOT_MEASURED))
        phases.append(phase)
        values.append(Ends(phase["energy_j"], phase["low_j"], phase["high_j"]))

    def shared(side: Side) -> list[list[Share]]:
        counts = _counts(side, name, each)
        return (
            [scaled(parts, 1 / n) for parts, n in zip(side.parts_of(lambda p: p.of_phase.get(name, [])), counts, strict=True)]
            if all(counts)
            else []
        )

    counts, amounts = _counts(pair.side, name, each), {phase["count"] for phase in phases}
    figure = Figure(name, "J", None, amount=Amount(amounts.pop(), "×") if len(amounts) == 1 else None)
    if not all(counts):
        return figure
    scaled_values = [of.over(n) for of, n in zip(values, counts, strict=True)]
    return pair.energy(figure, scaled_values, shared(pair.side), [] if pair.base is None else shared(pair.base))


def _phase_of(view: ShowJson, name: str) -> PhaseJson | None:
    return next((p for p in view["phases"] if p["name"] == name), None)


def _counts(side: Side, name: str, each: bool) -> list[int]:
    """What the energy of a phase is divided by in each run: 1, or its instances."""
    found = [_phase_of(view, name) for view in side.views]
    return [0 if phase is None else known_count(phase) if each else 1 for phase in found]
