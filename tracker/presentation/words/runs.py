"""PURE: a run in words. Every page, table and report uses these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...analysis.view import KINDS, WHOLE, cut_short, interval_of_phase, total_of
from ...analysis.work.units import work_partial
from ...core.run import EventKind, Origin, Status
from ...core.work import FLOPS, singular
from .attribution import ATTRIBUTED, WHOLE_OUTSIDE, measured_note
from .origins import origin_text
from .quantities import amount, at_least, count, format_duration, format_energy, format_range, listed, percent, range_parts, watts_text
from .work.compute import compute_lines

if TYPE_CHECKING:
    from ...core.contract import (
        DeviceJson,
        EnergyJson,
        EnergyRangeJson,
        EnergySumJson,
        EntryJson,
        OfRunJson,
        PhaseJson,
        RunJson,
        SamplerJson,
        ShowJson,
        SumJson,
    )

MOST_EVENTS = 500
"""At most this many events are listed. The JSON has all of them."""
MOST_DAMAGE = 5
"""At most this many damaged values are listed. The JSON has all of them."""
MOST_NAMED = 3
"""A headline names at most this many devices that were never read."""
OUTSIDE = "* not part of the total: it contains other devices"
"""The note for a device that is marked with a star."""
UNUSED = "not used by this run: none of its processes was seen on it"
UNUSED_OUTSIDE = "* not part of the total: the run did not use it"
WAYS = {
    "measured-counter": ("measured by a counter", "counter"),
    "measured-power": ("measured as power", "gauge"),
    "imputed": ("imputed", "imputed"),
    "modelled": ("modelled", "model"),
}
"""The source of a joule: in words, and as a class of the style sheet."""


def anchor(view: OfRunJson) -> str:
    """The anchor of a run within the page."""
    return f"run-{''.join(c if c.isalnum() else '-' for c in str(view['run']['id']))}"


def title_of(view: OfRunJson) -> str:
    """What a run is called: "project/name", or "project" if it has no name."""
    return title(view["run"]["project"], view["run"]["name"])


def title(project: str, name: str | None) -> str:
    """ "project/name", or "project" if there is no name."""
    return f"{project}/{name}" if name else project


def status_text(run: RunJson) -> str:
    """The status of a run, with a mark if its record is damaged, or if the tracker did not record it: "completed", "failed, damaged",
    "estimated", "imported", "failed, imported"."""
    told = run["origin"] == Origin.TRACKED or run["status"] != Status.COMPLETED
    words = [*([run["status"]] if told else []), *([] if run["origin"] == Origin.TRACKED else [run["origin"]])]
    return ", ".join([*words, *(["damaged"] if run["damage"] else [])])


def damage_lines(view: OfRunJson) -> list[str]:
    """What is damaged in the record of a run; empty for a sound one."""
    damage = view["run"]["damage"]
    shown = [f"{d['table']}.{d['column']} = {d['value']}" for d in damage[:MOST_DAMAGE]]
    more = f", and {count(len(damage) - MOST_DAMAGE, 'more value')}" if len(damage) > MOST_DAMAGE else ""
    return [f"the record of this run is damaged; these values are not used: {', '.join(shown)}{more}"] if damage else []


def when(iso: str | None) -> str:
    """ "2026-11-24 14:05 UTC"."""
    return "–" if iso is None else f"{iso[:10]} {iso[11:16]} UTC"


def device_titles(devices: Sequence[DeviceJson]) -> list[str]:
    """The devices by name, with their host if there are several hosts."""
    several = len({d["host"] for d in devices}) > 1
    return [f"{d['device']} on {d['host']}" if several else d["device"] for d in devices]


def device_names(devices: Sequence[DeviceJson]) -> list[str]:
    """The same, with a star if they are not part of the total."""
    return [title + ("" if d["included_in_total"] else "*") for title, d in zip(device_titles(devices), devices, strict=True)]


def outside_notes(devices: Sequence[DeviceJson]) -> list[str]:
    """Why devices that are marked with a star are not part of the total."""
    shared = {d["share_of"] for d in devices}
    of_whole = any(d["device"] in shared for d in devices)
    outside = [d["used"] is False for d in devices if not d["included_in_total"] and d["device"] not in shared]
    notes = {WHOLE_OUTSIDE: of_whole, OUTSIDE: not all(outside), UNUSED_OUTSIDE: any(outside)}
    return [note for note, true in notes.items() if true]


def mean_power(view: ShowJson | EntryJson) -> str:
    """The mean power of all devices in the total, over the time of the run."""
    total, seconds = view["energy"]["total_j"], view["run"]["duration_s"]
    return "–" if total is None or not seconds else watts_text(total / seconds)


def energy_text(energy: EnergyRangeJson, unit_of_j: float | None = None) -> str:
    """The `energy` object of a run or of a sum: "1.84 kWh (1.79–1.90)", "≥ 1.84 kWh (1.79–1.90)" for a lower bound, "–" if it is not known.

    See `format_range` for `unit_of_j`."""
    value, bounds = energy_parts(energy, unit_of_j)
    return f"{value} ({bounds})" if bounds else value


def energy_parts(energy: EnergyRangeJson, unit_of_j: float | None = None) -> tuple[str, str]:
    """The two parts of this text: "≥ 1.84 kWh" and "1.79–1.90"; the second is "" if the energy is not known."""
    total = total_of(energy)
    if total is None:
        return "–", ""
    value, bounds = range_parts(*total, unit_of_j)
    return at_least(value, energy["lower_bound"]), bounds


def idle_text(energy: EnergySumJson) -> str | None:
    """The energy that the idle machine would have used during the run; None if no baseline was measured."""
    if energy["idle_j"] is None:
        return None
    before = "at the power of the baseline measured before the run"
    if not energy["above_idle_j"]:
        return f"idle alone would have used {format_energy(energy['idle_j'])} {before}: the run used no more than that"
    return f"idle {format_energy(energy['idle_j'])}, above idle {format_energy(energy['above_idle_j'])} ({before}; the total contains both)"


def headline(view: ShowJson) -> str:
    """The energy of a run on one line: "1.84 kWh (1.79–1.90, 96 % measured, GPU+CPU+DRAM)", with notes on what limits it."""
    value, notes = headline_parts(view)
    return f"{value} ({', '.join(notes)})" if notes else value


def headline_parts(view: ShowJson) -> tuple[str, list[str]]:
    """The energy of a run, and the parts in the brackets behind it: the range, what was measured, what limits it."""
    energy = view["energy"]
    total = total_of(energy)
    ranks = ranks_text(view)
    damaged = ["the record is damaged"] if view["run"]["damage"] else []
    if total is None:
        return "no energy recorded: nothing was measured or modelled in this process", [*([ranks] if ranks else []), *damaged]
    value, bounds = range_parts(*total)
    notes = [bounds]
    if (origin := origin_text(view)) is not None:
        notes.append(origin)
    if (measured := measured_note(energy)) is not None and view["run"]["origin"] != Origin.ESTIMATED:
        notes.append(measured)
    counted = [d for d in energy["devices"] if d["included_in_total"]]
    kinds = {d["kind"] for d in counted}
    notes += [label] if (label := "+".join(label for kind, label in KINDS.items() if kind in kinds)) else []
    seconds = view["run"]["duration_s"] or 0.0
    lost = [d for d in counted if cut_short(d["seen_fraction"], seconds)]
    notes += [f"{d['device']} seen {percent(d['seen_fraction'])} of the time" for d in lost]
    if energy["unmeasured"]:
        notes.append(f"{unmeasured_names(energy)} not measured")
    shared = sorted({e["device"] or "run" for e in view["events"] if e["kind"] == EventKind.SHARED})
    if shared:
        notes.append(f"shared: {', '.join(shared)}")
    if ranks:
        notes.append(ranks)
    notes += damaged
    if view["run"]["status"] == Status.RUNNING:
        notes.append("so far")
    return f"{'at least ' if energy['lower_bound'] else ''}{value}", notes


def ranks_text(view: OfRunJson) -> str | None:
    """The note for a run without the work of all ranks of its node: "work of 1 of 4 ranks". None for other runs."""
    ranks = view["run"]["ranks"]
    return f"work of {ranks['recorded']:,} of {count(ranks['of'], 'rank')}" if ranks is not None and work_partial(view["run"]) else None


def each_text(view: ShowJson | EntryJson, n: int) -> str | None:
    """The energy of the whole run for each of `n` units of its work; None if it is not known."""
    energy = view["energy"]
    if energy["total_j"] is None or not n or work_partial(view["run"]):
        return None
    return at_least(format_energy(energy["total_j"] / n), energy["lower_bound"])


def unmeasured_names(energy: EnergySumJson) -> str:
    """The devices that were never read: "gpu0", "gpu0 and gpu1", or "8 devices" if there are many."""
    names = list(dict.fromkeys(d["device"] for d in energy["unmeasured"]))
    return listed(names) if len(names) <= MOST_NAMED else count(len(energy["unmeasured"]), "device")


def unmeasured_lines(energy: EnergySumJson) -> list[str]:
    """Why devices were never read, once for each reason: "not measured: gpu0, gpu1 (NVIDIA H100): the library …"."""
    named: dict[str, list[str]] = {}
    for d in energy["unmeasured"]:
        about = f" ({d['model']})" if d["model"] else ""
        named.setdefault(f"{about}: {d['reason'] or 'no reading of it succeeded'}", []).append(d["device"])
    return [f"not measured: {', '.join(names)}{text}" for text, names in named.items()]


def work_lines(view: ShowJson | EntryJson) -> list[str]:
    """The work of a run, one line per unit: "1,000 samples, each 1.20 J of the whole run"."""
    compute = view.get("compute")
    lines = []
    for unit, n in view["work"].items():
        if compute is not None and singular(unit) == singular(FLOPS):
            continue
        each, partial = each_text(view, n), f" ({ranks_text(view)})" if ranks_text(view) else ""
        lines.append(amount(n, unit) + (f", each {each} of the whole run" if each else partial))
    return lines if compute is None else [*lines, *compute_lines(compute)]


def partial_text(runs: int) -> str:
    """The note for a sum in which `runs` runs have not the work of all ranks of their node."""
    return f"{runs:,} of them {'has' if runs == 1 else 'have'} the work of some ranks only"


def readings_text(sampler: SamplerJson, duration_s: float) -> str:
    """ "343 readings, one every 0.9 s on average, 2 missed"."""
    often = f", one every {duration_s / sampler['samples']:.2g} s on average" if sampler["samples"] else ""
    return count(sampler["samples"], "reading") + often + (f", {sampler['missed']:,} missed" if sampler["missed"] else "")


def at_once_text(runs: int, what: str = "joules", once: str | None = None) -> str:
    """The note for a sum in which `runs` runs overlap. `once` is the sum in which each device counts once."""
    text = f"{runs:,} of them read the same devices at the same time: those {what} are counted more than once"
    return text if once is None else f"{text}; counted once: {once}"


def sum_at_once_text(total: SumJson, *, short: bool = False) -> str | None:
    """The same for a sum of a list: "…; counted once: 1.20 kWh (1.10–1.30), 2h 10m"; None if no runs overlap."""
    once = total["counted_once"]
    if not total["runs_at_once"]:
        return None
    figures = None if once is None else f"{energy_text(once['energy'])}, {format_duration(once['duration_s'], short=short)}"
    return at_once_text(total["runs_at_once"], once=figures)


def provenance(device: DeviceJson) -> str:
    """The sources of a device's joules: "counter", or "counter 98 % + imputed 2 %"; "counter, not used" for a GPU that the run did not
    use, and "attributed" for a share of a device."""
    if device["share_of"] is not None:
        return ATTRIBUTED
    return _sources(device) + (", not used" if device["used"] is False else "")


def _sources(device: DeviceJson) -> str:
    of = device["provenance"]
    named = {"counter": of["measured-counter"], "power": of["measured-power"], "imputed": of["imputed"], "modelled": of["modelled"]}
    parts = {name: joules for name, joules in named.items() if joules > 0}
    total = sum(parts.values())
    if len(parts) == 1:
        return next(iter(parts))
    return " + ".join(f"{name} {percent(joules / total)}" for name, joules in parts.items()) or "nothing yet"


def phase_energy(phase: PhaseJson, status: str, unit_of_j: float | None) -> str:
    """The energy of a phase with its range. It is "pending" while a running run has not computed it, else "not measured"."""
    energy = interval_of_phase(phase)
    if energy is None:
        return "pending" if status == Status.RUNNING else "not measured"
    return format_range(*energy, unit_of_j)


def phase_notes(phase: PhaseJson) -> str:
    """What limits the figure of a phase."""
    notes = []
    if phase["unresolved_count"]:
        notes.append(f"{phase['unresolved_count']} too short to resolve")
    if phase["host_side"]:
        notes.append("host-side edges")
    return ", ".join(notes)


def range_text(energy: EnergyJson) -> str:
    """The meaning of the ranges of a run."""
    modelled = [d["provenance"]["modelled"] > WHOLE * d["energy_j"] for d in energy["devices"] if d["energy_j"]]
    if not any(modelled):
        return "ranges: 95 %"
    if not all(modelled):
        return "ranges: 95 % for measured parts, a judged bound for modelled parts"
    return "ranges: judged bounds of a model"
