"""PURE: the report of one run: what the run is, its energy by device and phase, and the other sections in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...analysis.over_time.timeline import Layer
from ...analysis.view import energy_each_j
from ...core.run import Status
from ...core.work import FLOPS
from ..instances.section import instances_section
from ..words.activity.lines import activity_lines, meaning
from ..words.attribution import attribution_lines
from ..words.carbon import Least, basis_text, total_parts
from ..words.quantities import count, format_duration, format_energy, format_range, number_of_flop, percent, watts_text
from ..words.runs import (
    UNUSED,
    WAYS,
    anchor,
    damage_lines,
    device_names,
    device_titles,
    each_text,
    headline_parts,
    mean_power,
    outside_notes,
    phase_energy,
    phase_notes,
    ranks_text,
    readings_text,
    status_text,
    title_of,
    unmeasured_lines,
    unmeasured_names,
    when,
)
from ..words.slurm import allocation_lines
from ..words.work.ahead import ahead_lines
from ..words.work.compute import of_peak_text, per_joule_text, utilisation_text
from .accounts import assumptions, emissions, events, joules_by_way, methods, origin
from .cells import joule_cells
from .charts import Bar, bars, colours
from .elements import Child, Html, details, el, table
from .names import breaking
from .over_time import over_time

if TYPE_CHECKING:
    from ...analysis.over_time.figures import Figures
    from ...core.contract import ComputeJson, DeviceJson, ShowJson


def section_of(f: Figures, level: str = "h1", drawn: Html | None = None) -> Html:
    """A run, in full. `level`: the element of its title. `drawn`: its section over time, where that is already made."""
    view = f.view
    return el(
        "article",
        _head(view, level),
        _notices(view),
        _facts(view),
        *(el("p", text, class_="text") for text in ahead_lines(view, utc=True)),
        over_time(f) if drawn is None else drawn,
        _energy(view),
        None if f.instances is None else instances_section(f.instances, view["unit"], running=view["run"]["status"] == Status.RUNNING),
        _activity(view),
        emissions(view, alone=level == "h1"),
        origin(f),
        events(view),
        assumptions(view["carbon"]) if view["carbon"] else None,
        methods(view),
        aria_label=f"Run {view['run']['id']}",
        id=anchor(view),
    )


def _head(view: ShowJson, level: str) -> list[Child]:
    run = view["run"]
    value, notes = headline_parts(view)
    about = [
        f"run {run['id']}",
        f"started {when(run['started_at'])}",
        f"on {run['host']}",
        *([f"stage {run['stage']}"] if run["stage"] else []),
        *([f"group {run['group']}"] if run["group"] else []),
        *([f"commit {run['git_commit'][:10]}"] if run["git_commit"] else []),
        *(f"{k}={v}" for k, v in {**run["tags"], **run["external"]}.items()),
    ]
    status: Child = el("span", status_text(run), class_=f"status {run['status']}")
    return [
        el(level, el("span", breaking(title_of(view)), class_="text"), status),
        el("p", " · ".join(about), class_="about text"),
        el("pre", el("code", run["command"]), tabindex="0", aria_label="Command") if run["command"] else None,
        el("p", el("b", value), f" ({', '.join(notes)})" if notes else "", class_="headline"),
        el("p", _how(view), class_="muted"),
    ]


def _how(view: ShowJson) -> str:
    """How the headline was obtained."""
    energy = view["energy"]
    if not energy["total_j"]:
        return "No device has energy."
    within = [d for d in energy["devices"] if d["included_in_total"]]
    sums = {way: sum(joules_by_way(d)[way] for d in within) for way in WAYS}
    parts = [f"{percent(joules / energy['total_j'])} {WAYS[way][0]}" for way, joules in sums.items() if joules > 0]
    without = ""
    if energy["unmeasured"]:
        without = f", without {unmeasured_names(energy)}"
        parts = [part.replace("100 %", "all of it") for part in parts]  # of these devices, and not of the run
    if energy["attribution"] is not None:
        parts = [part.replace(WAYS["modelled"][0], "attributed to the processes of the run") for part in parts]
    text = f"The sum of {count(len(within), 'device')}{without}: {', '.join(parts)}."
    sure = f"holds the true value with {percent(energy['interval_level'])} confidence"
    judged = "a judged bound, not a statistical interval"
    if not sums["modelled"]:
        text += f" The range {sure}"
    elif sums["modelled"] < energy["total_j"]:
        text += f" The range of the measured part {sure}; the range of the modelled part is {judged}"
    else:
        text += f" The range is that of a model: {judged}"
    text += ". It covers these components only."
    if s := view["sampler"]:
        text += f" From {readings_text(s, view['run']['duration_s'])}."
    return text


_ENDED_EARLY: dict[str, str] = {Status.PRUNED: "was pruned", Status.FAILED: "failed", Status.INTERRUPTED: "was interrupted"}


def _notices(view: ShowJson) -> list[Html]:
    run, energy = view["run"], view["energy"]
    said = []
    if run["status"] == "running":
        said.append(f"This run has not ended. It was last seen at {when(run['last_seen_at'])}; all figures are up to then.")
    if run["status"] == Status.SEARCHED:
        said.append("This run is only a search for settings, such as the batch size. It trained nothing.")
    if run["status"] in _ENDED_EARLY:
        reason = f": {run['end_reason']}" if run["end_reason"] else ""
        said.append(f"This run {_ENDED_EARLY[run['status']]}{reason}. Its energy until then counts.")
    said += [f"The energy is {line}." for line in attribution_lines(energy)]
    said += [f"{line}." for line in allocation_lines(view)]
    if energy["unmeasured"]:
        said.append(f"The energy is a lower bound: {unmeasured_names(energy)} could not be read at all.")
        said += unmeasured_lines(energy)
    elif energy["lower_bound"]:
        said.append("The energy is a lower bound: a device could not be read to the end.")
    if (ranks := ranks_text(view)) is not None:
        said.append(f"This run has the {ranks} of its node, so the energy per unit of work is not known.")
    said += damage_lines(view)
    return [el("p", text, class_="notice text") for text in said]


def _facts(view: ShowJson) -> Html:
    run, carbon = view["run"], view["carbon"]
    facts: list[tuple[str, str, str]] = [
        ("Time", format_duration(run["duration_s"] or 0.0), ""),
        ("Mean power", mean_power(view), ""),
    ]
    if carbon is not None:
        facts.append((f"CO2e, {basis_text(carbon)}", *total_parts(carbon, Least.of(view["energy"], carbon))))
    for unit, amount in view["work"].items():
        if unit == FLOPS:
            facts += _compute(view["compute"])
            continue
        each = f"{text} each" if (text := each_text(view, amount)) else ranks_text(view) or ""
        facts.append((unit.capitalize(), f"{amount:,}", each))
    idle_j, above_idle_j = view["energy"]["idle_j"], view["energy"]["above_idle_j"]
    if idle_j is not None and above_idle_j is not None:
        facts.append(("Above idle", format_energy(above_idle_j), f"idle {format_energy(idle_j)}"))
    return el("dl", [el("div", el("dt", k), el("dd", v, el("small", more) if more else None)) for k, v, more in facts], class_="facts")


def _compute(compute: ComputeJson | None) -> list[tuple[str, str, str]]:
    if compute is None:
        return []
    done = number_of_flop(compute["flops"])
    return [
        ("FLOP", done, per_joule_text(compute) or ""),
        ("Model FLOP utilisation", utilisation_text(compute), of_peak_text(compute)),
    ]


# ---- energy


def _energy(view: ShowJson) -> Html:
    devices, phases = view["energy"]["devices"], view["phases"]
    return el(
        "section",
        el("h2", "Energy"),
        el("p", "The thin lines on the bars are the ranges.", class_="muted") if devices else None,
        el("div", _by_device(view) if devices else None, _by_phase(view) if phases else _no_phases(), class_="two"),
    )


def _activity(view: ShowJson) -> Html | None:
    """A line for each device that tells what it did."""
    lines = activity_lines(view)
    if not lines:
        return None
    said = meaning(view)
    return el(
        "section",
        el("h2", "What the devices did"),
        el("ul", [el("li", line, class_="text") for line in lines]),
        el("p", f"{said}.", class_="muted") if said else None,
    )


def _no_phases() -> Html:
    text = 'No phases were marked. `with tracker.phase("train"):` marks one, and its energy is shown here.'
    return el("figure", el("h3", "By phase"), el("p", text, class_="muted"), aria_label="Energy by phase")


def _by_device(view: ShowJson) -> Html:
    energy = view["energy"]
    named = device_names(energy["devices"])
    unused = [title for title, d in zip(device_titles(energy["devices"]), energy["devices"], strict=True) if d["used"] is False]
    idle = [f"{', '.join(unused)}: {UNUSED}"] if unused else []
    hues = colours([Layer(d["device"], d["kind"], False, []) for d in energy["devices"]])
    rows = [
        Bar(name, _joules(d, energy["total_j"]), d["energy_j"], d["low_j"], d["high_j"], hue, d["model"] or "")
        for name, d, hue in zip(named, energy["devices"], hues, strict=True)
    ]
    cells = [
        [name, d["model"] or "", _joules(d, energy["total_j"]), _watts(d["mean_power_w"])]
        for name, d in zip(named, energy["devices"], strict=True)
    ]
    return el(
        "figure",
        el("h3", "By device"),
        bars(rows, "Energy by device, with ranges"),
        *(el("p", note, class_="muted") for note in [*idle, *outside_notes(energy["devices"])]),
        details("By device as a table", table(["device", "model", "energy (range)", "mean power"], cells, (2, 3))),
        aria_label="Energy by device",
    )


def _by_phase(view: ShowJson) -> Html:
    status, total = view["run"]["status"], view["energy"]["total_j"]
    rows = []
    cells: list[list[Child]] = []
    for p, each in zip(view["phases"], joule_cells(map(energy_each_j, view["phases"])), strict=True):
        text = phase_energy(p, status, total)
        notes = ", ".join(
            n for n in (f"{p['count']:,} ×" if p["count"] != 1 else "", format_duration(p["duration_s"]), phase_notes(p)) if n
        )
        rows.append(Bar(p["name"], text, p["energy_j"], p["low_j"], p["high_j"], "plain", notes))
        cells.append([p["name"], f"{p['count']:,}", format_duration(p["duration_s"]), text, each, phase_notes(p)])
    head = ["phase", "count", "time", "energy (range)", "each", "note"]
    return el(
        "figure",
        el("h3", "By phase"),
        bars(rows, "Energy by phase, with ranges"),
        details("By phase as a table", table(head, cells, (1, 2, 3, 4))),
        aria_label="Energy by phase",
    )


def _joules(of: DeviceJson, unit_of_j: float | None) -> str:
    return format_range(of["energy_j"], of["low_j"], of["high_j"], unit_of_j)


def _watts(power_w: float | None) -> str:
    return "–" if power_w is None else watts_text(power_w)
