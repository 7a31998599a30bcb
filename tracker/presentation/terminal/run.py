"""PURE: a run in full, as `show` prints it. It takes a view and makes objects that rich prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...analysis.view import energy_each_j
from ...core.point import Point
from ...core.run import Status
from ..words.activity.lines import activity_lines, meaning
from ..words.attribution import attribution_lines
from ..words.carbon import Least, carbon_headline, place, ranges_text
from ..words.origins import unsampled_text
from ..words.quantities import format_duration, format_energy, format_power, format_range, largest_j
from ..words.runs import (
    UNUSED,
    damage_lines,
    device_names,
    headline,
    idle_text,
    outside_notes,
    phase_energy,
    phase_notes,
    provenance,
    range_text,
    readings_text,
    status_text,
    title_of,
    unmeasured_lines,
    work_lines,
)
from ..words.safe_text import cleaned
from ..words.slurm import allocation_lines
from ..words.work.ahead import ahead_lines
from .sparkline import blocks, outline_w, scale, tops_w

if TYPE_CHECKING:
    from ...core.contract import EnergyJson, EventJson, ShowJson

SPARK_WIDTH = 16
LEAST_PIECES = 4
"""The most and the fewest blocks of the power over time. If there is no room for them, it is left out: no figure is cut."""
POWER_CELLS = 8
STATUS_STYLE: dict[str, str] = {
    Status.COMPLETED: "green",
    Status.SEARCHED: "green",
    Status.PRUNED: "magenta",
    Status.FAILED: "red",
    Status.INTERRUPTED: "yellow",
    Status.RUNNING: "cyan",
}
DAMAGED_STYLE = "red"


def status_style(text: str) -> str:
    """The style of what `status_text` says."""
    return DAMAGED_STYLE if text.endswith("damaged") else STATUS_STYLE.get(text.partition(",")[0], "")


def console() -> Console:
    """The console of all commands. It respects NO_COLOR, and knows when it writes to a pipe."""
    return Console(highlight=False, soft_wrap=False, emoji=False)


def plain_table(*columns: str, right: Sequence[str] = ()) -> Table:
    """A table without a box, with dim headings."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", no_wrap=True, overflow="ellipsis")
    return table


def run_page(view: ShowJson, curves: Sequence[Sequence[Point]], width: int) -> RenderableType:
    """A run in full, for a terminal of `width` columns. `curves` are those of the devices of `view`, in their order."""
    view = cleaned(view)
    parts: list[RenderableType] = [Text(headline(view), style="bold"), _about(view), Text()]
    parts += [_devices(view, curves, width), Text()]
    parts += _activity(view)
    if (idle := idle_text(view["energy"])) is not None:
        parts += [Text(idle), Text()]
    said = (*attribution_lines(view["energy"]), *allocation_lines(view))
    parts += [part for line in said for part in (Text(line), Text())]
    if view["phases"]:
        parts += [_phases(view), Text()]
    parts += _work(view)
    parts += _ahead(view)
    parts += _carbon(view)
    if view["events"]:
        parts += [_events(view["events"]), Text()]
    parts.append(_sampler(view))
    return Group(*parts)


def _about(view: ShowJson) -> Text:
    run, text = view["run"], Text()
    text.append(status_text(run), style=status_style(status_text(run)))
    text.append(f" ({run['end_reason']})" if run["end_reason"] else "")
    text.append(f" · {format_duration(run['duration_s'] or 0.0)} · started {local_time(run['started_at'])} on {run['host']}")
    details = [title_of(view), f"run {run['id']}", *([f"stage {run['stage']}"] if run["stage"] else [])]
    if run["git_commit"]:
        details.append(f"commit {run['git_commit'][:10]}")
    details += [f"{k}={v}" for k, v in {**run["tags"], **run["external"]}.items()]
    text.append("\n" + " · ".join(details), style="dim")
    if run["command"]:
        text.append(f"\n$ {run['command']}", style="dim")
    for line in damage_lines(view):
        text.append(f"\n{line}", style=DAMAGED_STYLE)
    return text


def _devices(view: ShowJson, curves: Sequence[Sequence[Point]], width: int) -> RenderableType:
    devices = view["energy"]["devices"]
    heads = ("device", "energy (range)", "mean", "from")
    rows = [
        (
            name,
            format_range(d["energy_j"], d["low_j"], d["high_j"], view["energy"]["total_j"]),
            "" if d["mean_power_w"] is None else format_power(d["mean_power_w"]),
            provenance(d),
        )
        for name, d in zip(device_names(devices), devices, strict=True)
    ]
    used = sum(2 + max(map(cell_len, column)) for column in zip(heads, *rows, strict=True))
    pieces = min(SPARK_WIDTH, width - used - 2 - POWER_CELLS)
    if pieces < LEAST_PIECES:
        table = plain_table(*heads, right=("mean",))
        for row in rows:
            table.add_row(*map(Text, row))
    else:
        over_time = "power over time" if pieces >= len("power over time") else "power"
        table = plain_table(*heads, over_time, "up to", right=("mean", "up to"))
        powers = [outline_w(curve, pieces) for curve in curves]
        for row, of_device, top_w in zip(rows, powers, tops_w(devices, powers), strict=True):
            table.add_row(*map(Text, row), blocks(of_device, top_w), scale(of_device, top_w))
    lines = unmeasured_lines(view["energy"])
    return Group(table, *([Text("\n".join(lines), style="yellow")] if lines else []), *_device_notes(view["energy"]))


def _activity(view: ShowJson) -> list[RenderableType]:
    """What the devices did, and what "busy" means."""
    lines = activity_lines(view)
    said = meaning(view)
    return [Text("\n".join(lines)), *([Text(said, style="dim")] if said else []), Text()] if lines else []


def _device_notes(energy: EnergyJson) -> list[Text]:
    """What each device is, once for all devices that are alike, and what the ranges mean."""
    named: dict[str, list[str]] = {}
    for d in energy["devices"]:
        if about := "; ".join(text for text in (d["model"], d["note"], UNUSED if d["used"] is False else None) if text):
            named.setdefault(about, []).append(d["device"])
    notes = [f"{', '.join(names)}: {about}" for about, names in named.items()]
    notes += outside_notes(energy["devices"])
    if energy["devices"]:
        notes.append(range_text(energy))
    return [Text("\n".join(notes), style="dim")] if notes else []


def _phases(view: ShowJson) -> Table:
    table = plain_table("phase", "count", "time", "energy (range)", "each", "note", right=("count", "time", "each"))
    for index in (0, -1):  # if the table is too wide, the name and the note are wrapped, and no figure is cut
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


def _work(view: ShowJson) -> list[RenderableType]:
    lines = work_lines(view)
    return [Text("\n".join(lines)), Text()] if lines else []


def _ahead(view: ShowJson) -> list[RenderableType]:
    lines = ahead_lines(view)
    return [Text("\n".join(lines)), Text()] if lines else []


def _carbon(view: ShowJson) -> list[RenderableType]:
    carbon = view["carbon"]
    if carbon is None:
        return [Text(f"no grams: {view['carbon_missing']}", style="yellow"), Text()] if view["carbon_missing"] else []
    terms = f"{place(carbon)}, PUE {carbon['pue']:g}; trainwatt footprint {view['run']['id'][:8]} names each factor"
    meaning = Text(ranges_text(carbon["ranges"]), style="dim")
    return [Text(carbon_headline(carbon, Least.of(view["energy"], carbon))), Text(terms, style="dim"), meaning, Text()]


def _events(events: Sequence[EventJson]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for event in events[:20]:
        table.add_row(Text(event["kind"], style="yellow"), Text(event["device"] or "run"), Text(event["detail"]))
    if len(events) > 20:
        table.add_row("…", "", f"and {len(events) - 20} more: --json has them all")
    return table


def _sampler(view: ShowJson) -> Text:
    s = view["sampler"]
    if s is None:
        return Text(unsampled_text(view), style="dim")
    return Text(
        f"{readings_text(s, view['run']['duration_s'])}; cost {100 * s['cpu_fraction']:.2f} % of a core"
        f" and {s['startup_cpu_s']:.2f} s at the start",
        style="dim",
    )


def local_time(iso: str) -> str:
    """ "11-24 16:51", in local time."""
    return datetime.fromisoformat(iso).astimezone().strftime("%m-%d %H:%M")
