"""PURE: views in, things for rich to print out. Nothing here reads a database or a sensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...analysis.view import energy_each_j
from ...core.point import Point
from ...energy.mean_power import energy_at
from ..words.carbon import carbon_headline, place
from ..words.quantities import count, format_duration, format_energy, format_range, largest_j
from ..words.runs import headline, idle_text, phase_energy, phase_notes, provenance, range_text, title_of, work_lines
from ..words.safe_text import cleaned

BLOCKS = "▁▂▃▄▅▆▇█"
SPARK_WIDTH = 16
STATUS_STYLE = {"completed": "green", "running": "cyan", "failed": "red", "interrupted": "yellow"}
NS = 1e-9

View = Mapping[str, Any]


def console() -> Console:
    """Where commands print; it knows NO_COLOR, and that a pipe is no terminal."""
    return Console(highlight=False, soft_wrap=False, emoji=False)


def plain_table(*columns: str, right: Sequence[str] = ()) -> Table:
    """A table without a box, its columns named in small print."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", no_wrap=True, overflow="ellipsis")
    return table


def run_page(view: View, curves: Sequence[Sequence[Point]]) -> RenderableType:
    """A run in full. `curves` are those of the devices of `view`, in their order."""
    view = cleaned(view)
    parts: list[RenderableType] = [Text(headline(view), style="bold"), _about(view), Text()]
    parts += [_devices(view, curves), Text()]
    if (idle := idle_text(view["energy"])) is not None:
        parts += [Text(idle), Text()]
    if view["phases"]:
        parts += [_phases(view), Text()]
    parts += _work(view)
    parts += _carbon(view)
    if view["events"]:
        parts += [_events(view["events"]), Text()]
    parts.append(_sampler(view))
    return Group(*parts)


def sparkline(points: Sequence[Point], width: int = SPARK_WIDTH) -> str:
    """Mean power over time in `width` blocks, from 0 to the highest."""
    if len(points) < 3:
        return ""
    start, end = points[0].t_ns, points[-1].t_ns
    count = min(width, len(points) - 1)
    edges = [energy_at(points, start + (end - start) * i / count) for i in range(count + 1)]
    powers = [max(0.0, b - a) for a, b in pairwise(edges)]
    top = max(powers)
    return "".join(BLOCKS[min(7, int(p / top * 7.999))] for p in powers) if top > 0 else BLOCKS[0] * count


def _about(view: View) -> Text:
    run, text = view["run"], Text()
    text.append(run["status"], style=STATUS_STYLE[run["status"]])
    text.append(f" ({run['end_reason']})" if run["end_reason"] else "")
    text.append(f" · {format_duration(run['duration_s'] or 0.0)} · started {local_time(run['started_at'])} on {run['host']}")
    details = [title_of(view), f"run {run['id']}", f"stage {run['stage']}"]
    if run["git_commit"]:
        details.append(f"commit {run['git_commit'][:10]}")
    details += [f"{k}={v}" for k, v in {**run["tags"], **run["external"]}.items()]
    text.append("\n" + " · ".join(details), style="dim")
    if run["command"]:
        text.append(f"\n$ {run['command']}", style="dim")
    return text


def _devices(view: View, curves: Sequence[Sequence[Point]]) -> RenderableType:
    table = plain_table("device", "energy (range)", "mean", "from", "power over time", right=("mean",))
    notes = []
    for d, curve in zip(view["energy"]["devices"], curves, strict=True):
        outside = "" if d["included_in_total"] else "*"
        table.add_row(
            Text(d["device"] + outside),
            format_range(d["energy_j"], d["low_j"], d["high_j"], view["energy"]["total_j"]),
            "" if d["mean_power_w"] is None else f"{d['mean_power_w']:.0f} W" if d["mean_power_w"] >= 10 else f"{d['mean_power_w']:.1f} W",
            provenance(d),
            sparkline(curve),
        )
        about = "; ".join(text for text in (d["model"], d["note"]) if text)
        notes += [f"{d['device']}: {about}"] if about else []
    if any(not d["included_in_total"] for d in view["energy"]["devices"]):
        notes.append("* beside the total: it contains other devices")
    if view["energy"]["devices"]:
        notes.append(range_text(view["energy"]))
    return Group(table, Text("\n".join(notes), style="dim")) if notes else table


def _phases(view: View) -> Table:
    table = plain_table("phase", "count", "time", "energy (range)", "each", "note", right=("count", "time", "each"))
    for index in (0, -1):  # where it gets too wide, name and note are wrapped, and no figure is cut
        table.columns[index].no_wrap = False
    largest_each_j = largest_j(energy_each_j(p) for p in view["phases"])
    for p in view["phases"]:
        each_j = energy_each_j(p)
        table.add_row(
            Text(p["name"]),
            f"{p['count']:,}",
            format_duration(p["duration_s"]),
            phase_energy(p, view["run"]["status"], view["energy"]["total_j"]),
            "" if each_j is None else format_energy(each_j, largest_each_j),
            phase_notes(p),
        )
    return table


def _work(view: View) -> list[RenderableType]:
    lines = work_lines(view)
    return [Text("\n".join(lines)), Text()] if lines else []


def _carbon(view: View) -> list[RenderableType]:
    carbon = view["carbon"]
    if carbon is None:
        return [Text(f"no grams: {view['carbon_missing']}", style="yellow"), Text()] if view["carbon_missing"] else []
    terms = f"{place(carbon)}, PUE {carbon['pue']:g}; trainwatt footprint {view['run']['id'][:8]} names each factor"
    return [Text(carbon_headline(carbon)), Text(terms, style="dim"), Text()]


def _events(events: Sequence[View]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for event in events[:20]:
        table.add_row(Text(event["kind"], style="yellow"), Text(event["device"] or "run"), Text(event["detail"]))
    if len(events) > 20:
        table.add_row("…", "", f"and {len(events) - 20} more: --json has them all")
    return table


def _sampler(view: View) -> Text:
    s = view["sampler"]
    if s is None:
        return Text("recorded by processes that measure nothing themselves", style="dim")
    missed = f", {s['missed']} missed" if s["missed"] else ""
    return Text(
        f"{count(s['samples'], 'reading')}, one every {s['period_s']:g} s{missed}; cost {100 * s['cpu_fraction']:.2f} % of a core"
        f" and {s['startup_cpu_s']:.2f} s at the start",
        style="dim",
    )


def local_time(iso: str) -> str:
    """ "11-24 16:51", in the time of this place."""
    return datetime.fromisoformat(iso).astimezone().strftime("%m-%d %H:%M")
