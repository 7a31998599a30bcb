"""PURE: a run at one moment, for a pipe: as one line of text, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...analysis.view import SCHEMA_VERSION, total_of
from ..words.activity.lines import now_text
from ..words.attribution import measured_note
from ..words.carbon import Least, basis_text, total_text
from ..words.origins import origin_text
from ..words.quantities import amount, at_least, format_duration, format_power, format_range
from ..words.runs import unmeasured_names
from ..words.safe_text import cleaned
from ..words.work.ahead import ahead_lines

if TYPE_CHECKING:
    from ...core.contract import PhaseNowJson, WatchJson, WatchLineJson


def line(view: WatchJson) -> str:
    """One line for a pipe: the time, the status, the energy, the power, and the current phase."""
    view = cleaned(view)
    run, energy = view["run"], view["energy"]
    parts = [f"{view['at']} {run['status']} {format_duration(run['duration_s'] or 0.0)}"]
    if (total := total_of(energy)) is not None:
        origin = origin_text(view)
        share = [] if (measured := measured_note(energy)) is None else [measured]
        share = share if origin is None else [origin]
        share += [f"{unmeasured_names(energy)} not measured"] if energy["unmeasured"] else []
        parts.append(at_least(format_range(*total, notes=share), energy["lower_bound"]))
    if view["carbon"] is not None:
        parts.append(f"{total_text(view['carbon'], Least.of(energy, view['carbon']))} CO2e, {basis_text(view['carbon'])}")
    if energy["power_w"] is not None:
        each = ", ".join(f"{d['device']} {format_power(d['power_w'])}" for d in energy["devices"])
        parts.append(f"{format_power(energy['power_w'])} ({each})")
    parts += [text] if (text := now_text(view)) else []
    parts += [" › ".join(phase_text(p) for p in view["phases_now"])] if view["phases_now"] else []
    parts += [amount(n, unit) for unit, n in view["work"].items()]
    parts += ahead_lines(view)
    return " · ".join([*parts, *([] if run["status"] != "running" else [written_text(view)])])


def as_json(view: WatchJson) -> WatchLineJson:
    """One object of `watch --json`. The keys are those of `show --json`, without the parts that are long or do not change."""
    carbon = view["carbon"]
    return {
        "schema_version": SCHEMA_VERSION,
        "at": view["at"],
        "run": view["run"],
        "energy": view["energy"],
        "carbon": None if carbon is None else {k: v for k, v in carbon.items() if not isinstance(v, list | dict)},
        "carbon_missing": view["carbon_missing"],
        "phases_now": view["phases_now"],
        "budget": view["budget"],
        "forecast": view["forecast"],
        "work": view["work"],
        "rates": view["rates"],
        "processors": view["processors"],
        "sampler": view["sampler"],
        "written_s": view["written_s"],
    }


def phase_text(phase: PhaseNowJson) -> str:
    """A phase with its step."""
    return phase["name"] + ("" if phase["step"] is None else f" step {phase['step']}")


def written_text(view: WatchJson) -> str:
    """How long ago a run under way was written."""
    if view["run"]["status"] != "running":
        return ""
    seconds = view["written_s"]
    return f"written {f'{seconds:.0f} s' if seconds < 60 else format_duration(seconds)} ago"
