"""PURE: stored runs compared with the first one, the baseline.

Figures are those of `show --json`. Differences are computed from the same curves by energy/difference.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..carbon.difference import change_of, differences
from ..core.run import Status
from ..energy.difference import NONE, Change, Part, Sensor, change, exact, scaled
from .compared import Amount, Compared, Figure, Limit, Missing, Note, Reason
from .view import device_share, known_count, phase_share, work_partial

if TYPE_CHECKING:
    from ..core.contract import ShowJson
    from ..storage.read.records import DeviceRow, StoredRun


def compare(runs: Sequence[tuple[StoredRun, ShowJson]]) -> list[Compared]:
    """Each run compared with the first, which is called A. `runs` are stored runs and what `show --json` prints of them."""
    units = list(dict.fromkeys(name for stored, view in runs for name in _units(stored, view)))
    phases = list(dict.fromkeys(p["name"] for _, view in runs for p in view["phases"]))
    sides = [_Side(stored, view) for stored, view in runs]
    base = sides[0]
    found = []
    for number, side in enumerate(sides):
        against = None if number == 0 else base
        slots = _slots(base.view, side.view)
        found.append(
            Compared(
                letter(number),
                side.view,
                tuple(_figures(side, against, units)),
                tuple(_device(side, against, name, own) for name, own in slots),
                tuple(_phase(side, against, name, each=False) for name in phases),
                tuple(_phase(side, against, name, each=True) for name in phases),
                tuple(_notes(side, against)),
            )
        )
    return found


def letter(number: int) -> str:
    """A for the first run, Z for the 26th, then AA."""
    text = ""
    while number >= 0:
        number, rest = divmod(number, 26)
        text, number = chr(ord("A") + rest) + text, number - 1
    return text


class _Side:
    """A run, with the parts that its figures are made of."""

    def __init__(self, stored: StoredRun, view: ShowJson) -> None:
        self.stored, self.view = stored, view
        segments = {s.id: s for s in stored.segments}
        self.total: list[Part] = []
        self.of_device: dict[tuple[str, str], list[Part]] = defaultdict(list)
        self.of_phase: dict[str, list[Part]] = defaultdict(list)
        rows: dict[tuple[str, str], tuple[DeviceRow, Sensor]] = {}
        for d in stored.devices:
            if d.segment_id not in segments or d.damage:  # its energy is not known
                continue
            segment = segments[d.segment_id]
            # Many machines call themselves localhost; their boot ids distinguish them.
            host = segment.boot_id if segment.host.startswith("localhost") else segment.host
            sensor: Sensor = ("uuid", d.uuid) if d.uuid else ("host", host, d.name, d.model or "")
            rows[d.segment_id, d.name] = d, sensor
            if d.first is None or d.last is None:
                continue
            part = Part(sensor, device_share(d))
            self.of_device[d.host, d.name].append(part)
            if d.included_in_total:
                self.total.append(part)
        for p in stored.phases:
            for s in p.devices:
                row, sensor = rows.get((s.owner_segment_id, s.device), (None, ("unknown",)))
                if row is not None and row.included_in_total:
                    self.of_phase[p.name].append(Part(sensor, phase_share(s, row)))

    @property
    def seconds(self) -> float:
        return self.view["run"]["duration_s"] or 0.0

    def against(self, base: _Side | None, mine: Sequence[Part], theirs: Sequence[Part]) -> Change | None:
        """The difference between energies; None if there is nothing to compare."""
        if base is None or not mine or not theirs:
            return None
        if base.stored.run.id == self.stored.run.id:
            return _no_change(mine)
        least = base.view["energy"]["lower_bound"], self.view["energy"]["lower_bound"]
        return change(theirs, mine, base_is_least=least[0], other_is_least=least[1])


def _no_change(parts: Sequence[Part]) -> Change:
    """The change of a run compared with itself; 0 has no ratio to 0."""
    return NONE if sum(p.share.energy_j for p in parts) > 0 else NONE._replace(ratio=None, ratio_low=None, ratio_high=None)


def _units(stored: StoredRun, view: ShowJson) -> list[str]:
    """The units of work of a run, and epochs if it has a phase that counts them."""
    return [unit for unit, amount in view["work"].items() if amount] + (["epochs"] if _epochs(view)[0] else [])


def _epochs(view: ShowJson) -> tuple[int, str]:
    """How many epochs there were, and the phase whose instances they are: `epoch`, else `train`."""
    counts = {p["name"]: p["count"] for p in view["phases"]}
    name = "epoch" if "epoch" in counts else "train"
    return counts.get(name, 0), name


def _amount(view: ShowJson, unit: str) -> int:
    amount: int = view["work"].get(unit, 0)
    return amount or (_epochs(view)[0] if unit == "epochs" else 0)


def _figures(side: _Side, base: _Side | None, units: Sequence[str]) -> list[Figure]:
    """Energy, energy per unit of work, time, mean power and grams."""
    energy = side.view["energy"]
    whole = Figure(
        "energy",
        "J",
        energy["total_j"],
        energy["low_j"],
        energy["high_j"],
        change=side.against(base, side.total, base.total if base else ()),
    )
    found = [whole if whole.value is not None else replace(whole, missing=Missing(Reason.NO_ENERGY))]
    for unit in units:
        amount, others = _amount(side.view, unit), missing_ranks(side.view, unit)
        before = _amount(base.view, unit) if base and missing_ranks(base.view, unit) is None else 0
        phase = _epochs(side.view)[1] if unit == "epochs" and "epochs" not in side.view["work"] else None
        per = _divided(side, base, whole, f"energy_per_{unit.removesuffix('s')}", "J", amount, before)
        if amount and others is not None:
            found.append(Figure(per.name, per.unit, None, missing=others))
        elif amount:
            found.append(replace(per, amount=Amount(amount, unit, phase)))
        else:
            found.append(replace(per, missing=Missing(Reason.NOT_COUNTED, unit)))
    seconds = side.seconds
    time = exact(base.seconds, seconds) if base else None
    found.append(Figure("duration", "s", seconds, seconds, seconds, change=time))
    power = _divided(side, base, whole, "power", "W", seconds, base.seconds if base else 0.0)
    found.append(power if seconds else replace(power, missing=Missing(Reason.NO_TIME)))
    return [*found, _grams(side, base, whole.change)]


def missing_ranks(view: ShowJson, unit: str) -> Missing | None:
    """Why a run's energy per `unit` is not known: other ranks have done work that is not in it. None if it is known.

    Ranks count samples and tokens of their own, but the same epochs. If each has a run of its own, no run is known to have all joules."""
    ranks = view["run"]["ranks"]
    if ranks is None or not work_partial(view["run"]):
        return None
    if not ranks["joined"]:
        return Missing(Reason.ONE_RANK, str(ranks["of"]))
    return None if unit == "epochs" else Missing(Reason.SOME_RANKS, f"{ranks['recorded']} of {ranks['of']}")


def _divided(side: _Side, base: _Side | None, whole: Figure, name: str, unit: str, by: float, before: float) -> Figure:
    """The whole energy divided by the amount `by`, which is known exactly; `before` is the amount of the baseline."""
    if whole.value is None or whole.low is None or whole.high is None:
        return Figure(name, unit, None, missing=Missing(Reason.NO_ENERGY))
    if not by:
        return Figure(name, unit, None)
    apart = side.against(base, scaled(side.total, 1 / by), scaled(base.total, 1 / before)) if base and before else None
    return Figure(name, unit, whole.value / by, whole.low / by, whole.high / by, change=apart)


def _grams(side: _Side, base: _Side | None, energy: Change | None) -> Figure:
    carbon = side.view["carbon"]
    if carbon is None:
        return Figure("grams", "g", None, missing=_no_grams(side.view["carbon_missing"]))
    found = Figure("grams", "g", carbon["total_g"], carbon["total_low_g"], carbon["total_high_g"])
    if base is None or base.view["carbon"] is None or energy is None:
        return found
    apart = differences(base.view["carbon"], carbon)
    if apart:
        return replace(found, apart=tuple(apart))
    if base.stored.run.id == side.stored.run.id:
        return replace(found, change=NONE if carbon["total_g"] > 0 else _no_change(()))
    return replace(found, change=change_of(base.view["carbon"], carbon, energy, (base.seconds / 3600, side.seconds / 3600)))


def _no_grams(why: str | None) -> Missing:
    return Missing(Reason.NO_ENERGY) if why is None else Missing(Reason.NO_GRAMS, why)


Place = tuple[str, str]


def _slots(base: ShowJson, other: ShowJson) -> list[tuple[tuple[str, Place | None], Place | None]]:
    """The devices of the baseline by name, with their places in both runs; then the devices that only the other run has.

    Devices are matched by host, in order of the hosts' names, and by name; the remaining ones by kind and order, as gpu0 and gpu2.
    """
    hosts = max(len(_hosts(base)), len(_hosts(other)))
    mine, theirs = _places(base), _places(other)
    pairs: dict[tuple[int, str], tuple[int, str] | None] = {key: key if key in theirs else None for key in mine}
    left = [key for key in theirs if key not in mine]
    for key, met in list(pairs.items()):
        fits = [] if met else [k for k in left if k[0] == key[0] and theirs[k][1] == mine[key][1]]
        if fits:
            pairs[key] = fits[0]
            left.remove(fits[0])

    def name(key: tuple[int, str]) -> str:
        return f"{key[1]} of host {key[0] + 1}" if hosts > 1 else key[1]

    found: list[tuple[tuple[str, Place | None], Place | None]] = [
        ((name(k), mine[k][0]), theirs[m][0] if m else None) for k, m in pairs.items()
    ]
    return found + [((name(k), None), theirs[k][0]) for k in left]


def _hosts(view: ShowJson) -> list[str]:
    return sorted({d["host"] for d in view["energy"]["devices"]})


def _places(view: ShowJson) -> dict[tuple[int, str], tuple[Place, str]]:
    """From the number of the host and the name of the device to its place and its kind."""
    number = {host: i for i, host in enumerate(_hosts(view))}
    return {(number[d["host"]], d["device"]): ((d["host"], d["device"]), d["kind"]) for d in view["energy"]["devices"]}


def _device(side: _Side, base: _Side | None, slot: tuple[str, Place | None], own: Place | None) -> Figure:
    name, place = slot
    if own is None:
        return Figure(name, "J", None, missing=Missing(Reason.NOT_IN_RUN))
    d = next(d for d in side.view["energy"]["devices"] if (d["host"], d["device"]) == own)
    apart = side.against(base, side.of_device[own], base.of_device[place]) if base and place else None
    return Figure(
        name,
        "J",
        d["energy_j"],
        d["low_j"],
        d["high_j"],
        change=apart,
        own_name=own[1] if place and own[1] != place[1] else None,
        beside_total=not d["included_in_total"],
    )


def _phase(side: _Side, base: _Side | None, name: str, *, each: bool) -> Figure:
    """All instances of a phase, or the mean of one of them."""
    found = {p["name"]: p for p in side.view["phases"]}.get(name)
    if found is None:
        return Figure(name, "J", None, missing=Missing(Reason.NOT_IN_RUN))
    if found["energy_j"] is None or found["low_j"] is None or found["high_j"] is None:
        running = side.view["run"]["status"] == Status.RUNNING
        return Figure(name, "J", None, missing=Missing(Reason.PENDING if running else Reason.NOT_MEASURED))
    before = next((known_count(p) for p in base.view["phases"] if p["name"] == name), 0) if base else 0
    count = known_count(found) if each else 1
    value, low, high = (joules / count if count else None for joules in (found["energy_j"], found["low_j"], found["high_j"]))
    theirs = scaled(base.of_phase[name], 1 / (before if each else 1)) if base and before else []
    apart = side.against(base, scaled(side.of_phase[name], 1 / count), theirs) if count else None
    return Figure(name, "J", value, low, high, change=apart, amount=Amount(found["count"], "×"))


_UNFINISHED: dict[Status, Limit] = {status: Limit[status.name] for status in Status if status is not Status.COMPLETED}


def _notes(side: _Side, base: _Side | None) -> list[Note]:
    status, energy = side.view["run"]["status"], side.view["energy"]
    notes = [Note(_UNFINISHED[Status(status)])] if status in _UNFINISHED else []
    if energy["lower_bound"]:
        notes.append(Note(Limit.DEVICE_UNMEASURED if energy["unmeasured"] else Limit.DEVICE_LOST))
    if work_partial(side.view["run"]):
        ranks = side.view["run"]["ranks"]
        notes.append(Note(Limit.SOME_RANKS if ranks and ranks["joined"] else Limit.ONE_RANK))
    if base is None or not base.total or not side.total:
        return notes
    kinds, base_kinds = _kinds(side.view), _kinds(base.view)
    if kinds != base_kinds:
        notes.append(Note(Limit.OTHER_KINDS, kinds, base_kinds))
    if {p.sensor for p in base.total} != {p.sensor for p in side.total}:
        notes.append(Note(Limit.OTHER_DEVICES))
    if "confidence" not in (energy["interval_kind"], base.view["energy"]["interval_kind"]):
        notes.append(Note(Limit.MODELLED))
    return notes


def _kinds(view: ShowJson) -> frozenset[str]:
    return frozenset(d["kind"] for d in view["energy"]["devices"] if d["included_in_total"])
