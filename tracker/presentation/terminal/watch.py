"""PURE: a run at one moment, as a frame that fits the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from ...core.point import Point
from ...energy.mean_power import powers_w
from ..words.activity.lines import now_text
from ..words.carbon import Least, basis_text, carbon_parts, place, ranges_text
from ..words.masses import format_mass
from ..words.origins import unsampled_text
from ..words.quantities import amount, at_least, count, format_duration, format_energy, format_power, format_range
from ..words.runs import (
    device_names,
    each_text,
    headline,
    phase_energy,
    phase_notes,
    provenance,
    readings_text,
    status_text,
    title_of,
)
from ..words.safe_text import cleaned
from ..words.work.ahead import ahead_lines
from ..words.work.compute import rate_text
from .run import status_style
from .sparkline import blocks, scale, tops_w
from .watch_line import phase_text, written_text

if TYPE_CHECKING:
    from ...core.contract import WatchJson

Curves = Sequence[Sequence[Point]]

STEPS_S = (1, 2, 5, 10, 15, 30)
WIDE = 110
"""From this many columns on, the frame shows the sources of the joules."""
MOST_PIECES, LEAST_PIECES = 60, 8
"""The most and the fewest blocks of the power over time. If there is no room for them, it is left out."""
POWER_CELLS, MOST_EVENTS = 8, 20
NS_PER_S = 1_000_000_000


class Frame:
    """A run at one moment, on a terminal. With `fills` it takes all lines; without, it leaves one line free for the prompt."""

    def __init__(self, view: WatchJson, curves: Curves, *, fills: bool = False) -> None:
        self._view, self._curves, self._fills = view, curves, fills

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.size.height - (0 if self._fills else 1)
        yield from frame(self._view, self._curves, options.max_width, height, fills=self._fills)


def frame(view: WatchJson, curves: Curves, width: int, height: int, *, fills: bool = True) -> list[Text]:
    """Lines of at most `width` columns. There are exactly `height` of them if the frame `fills` the terminal, else at most `height`.

    The headline is always there. The least important lines are left out first."""
    view = cleaned(view)
    top = _top(view, width)
    busy = [_cropped(Text(text), width)] if (text := now_text(view)) else []
    bottom = [*([Text()] if height >= 12 else []), *busy, *_phase_now(view, width), *_work(view, width), *_ahead(view, width)]
    room = height - len(top) - len(bottom) - 1
    wanted_by_events = min(3, len(view["events"]) and 1 + len(view["events"]))
    devices = _devices(view, curves, width, max(2, room - wanted_by_events))
    room -= len(devices)
    phases = _phases(view, width, max(0, room - wanted_by_events)) if room - wanted_by_events >= 4 else []
    events = _events(view, width, room - len(phases))
    left = height - 1 - len(lines := [*top, *devices, *bottom, *phases, *events][: max(0, height - 1)])
    hint = "" if not fills else "Ctrl-C leaves, the run continues" if width >= 100 else "Ctrl-C leaves"
    return [*lines, *(Text() for _ in range(left if fills else min(left, 1))), _last(view, width, hint)]


def _cropped(text: Text, width: int) -> Text:
    text.no_wrap = True
    text.truncate(max(1, width), overflow="ellipsis")
    return text


def _sides(left: Text, right: Text, width: int) -> Text:
    """Two texts at the two ends of one line. If there is too little room, the left one is cut."""
    right = _cropped(right, width)
    room = width - right.cell_len - 2
    if room < 8:
        return _cropped(left, width)
    left = _cropped(left, room)
    return Text.assemble(left, " " * (width - left.cell_len - right.cell_len), right, no_wrap=True)


def _cell(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly `width` columns, cut or padded."""
    if cell_len(text) > width:
        cropped = Text(text)
        cropped.truncate(width, overflow="ellipsis")
        text = cropped.plain
    pad = " " * (width - cell_len(text))
    return pad + text if right else text + pad


def _top(view: WatchJson, width: int) -> list[Text]:
    run, energy = view["run"], view["energy"]
    who = Text.assemble(
        (status_text(run), status_style(status_text(run))),
        f" {format_duration(run['duration_s'] or 0.0)} · ",
        (title_of(view), "bold"),
        f" · {run['id'][:8]} on {run['host']}",
    )
    if run["end_reason"]:
        who.append(f" · {run['end_reason']}")
    written = Text(written_text(view), style="yellow" if run["status"] == "running" and view["written_s"] > 5 else "dim")
    now = "" if energy["power_w"] is None else f"{format_power(energy['power_w'])} now"
    lines = [_sides(who, written, width), _sides(Text(headline(view), style="bold"), Text(now, style="bold cyan"), width)]
    if view["carbon"] is not None:
        carbon = view["carbon"]
        least = Least.of(energy, carbon)
        mass = at_least(format_mass(carbon["total_g"], carbon["total_low_g"], carbon["total_high_g"]), least.total)
        parts = f": {carbon_parts(carbon, least)}"
        text = f"{mass} CO2e, {basis_text(carbon)}, {place(carbon)}"
        lines.append(_cropped(Text(f"{text}{parts}" if cell_len(text) + cell_len(parts) <= width else text), width))
        lines.append(_cropped(Text(ranges_text(carbon["ranges"]), style="dim"), width))
    elif view["carbon_missing"]:
        lines.append(_cropped(Text(f"no grams: {view['carbon_missing']}", style="yellow"), width))
    return [*lines, Text()]


def _devices(view: WatchJson, curves: Curves, width: int, most: int) -> list[Text]:
    """The devices on at most `most` lines, with the heading."""
    devices = view["energy"]["devices"]
    if not devices:
        return [Text("no device has a reading yet", style="dim")]
    names = device_names(devices)
    joules = [format_range(d["energy_j"], d["low_j"], d["high_j"], view["energy"]["total_j"]) for d in devices]
    at = min(24, max(6, *(cell_len(name) for name in names)))
    of = max(len("energy (range)"), *(cell_len(text) for text in joules))
    source = [provenance(d) for d in devices] if width >= WIDE else []
    come = max((cell_len(text) for text in source), default=0)
    pieces = min(MOST_PIECES, width - at - 2 - POWER_CELLS - 2 - 2 - POWER_CELLS - 2 - of - (come + 2 if come else 0))
    span = max((int((c[-1].t_ns - c[0].t_ns) / NS_PER_S) for c in curves if c), default=0)
    step_s = next((s for s in STEPS_S if s * pieces > span), STEPS_S[-1]) if pieces >= LEAST_PIECES else 0
    back = "" if not step_s else f"last {step_s * pieces} s" if step_s * pieces < 120 else f"last {step_s * pieces / 60:.0f} min"
    powers = [powers_w(c, step_s * NS_PER_S, pieces, c[-1].t_ns - 1) if c and step_s else [] for c in curves]
    tops = tops_w(devices, powers)
    head = f"{_cell('device', at)}  {_cell('now', POWER_CELLS, right=True)}  "
    head += f"{_cell(back, pieces)}  {_cell('up to', POWER_CELLS, right=True)}  " if step_s else ""
    lines = [_cropped(Text(f"{head}{_cell('energy (range)', of)}  {'from' if come else ''}".rstrip(), style="dim"), width)]
    shown = len(devices) if len(devices) < most else max(0, most - 2)
    for i in range(shown):
        row = Text(f"{_cell(names[i], at)}  {_cell(format_power(devices[i]['power_w']), POWER_CELLS, right=True)}  ")
        if step_s:
            row.append(f"{_cell(blocks(powers[i], tops[i]), pieces)}  ", style="cyan")
            row.append(f"{_cell(scale(powers[i], tops[i]), POWER_CELLS, right=True)}  ", style="dim")
        row.append(f"{_cell(joules[i], of)}  {source[i]}" if come else joules[i])
        lines.append(_cropped(row, width))
    if shown < len(devices):
        lines.append(
            _cropped(Text(f"… and {count(len(devices) - shown, 'more device')}, in the total: trainwatt show", style="dim"), width)
        )
    return lines


def _phase_now(view: WatchJson, width: int) -> list[Text]:
    if view["run"]["status"] != "running":
        return []
    if not view["phases_now"]:
        return [_cropped(Text("between phases" if view["phases"] else "no phases so far", style="dim"), width)]
    inner = view["phases_now"][-1]
    about = f" for {format_duration(inner['elapsed_s'])}"
    about += f", instance {inner['count']:,}" if inner["count"] > 1 else ""
    if inner["newest_mean_j"] is not None:
        count = inner["newest_count"]
        of = "the one before" if count == 1 else f"the last {count} on average"
        about += f"; {of} {format_energy(inner['newest_mean_j'])}"
    phases = view["phases_now"]
    steps = sum(cell_len(phase_text({**p, "name": ""})) + 3 for p in phases)
    most = max(8, (width - cell_len(about) - steps) // len(phases))
    return [
        _cropped(
            Text("in ")
            .append(" › ".join(phase_text({**p, "name": _cell(p["name"], min(most, cell_len(p["name"])))}) for p in phases), style="bold")
            .append(about, style="not bold"),
            width,
        )
    ]


def _work(view: WatchJson, width: int) -> list[Text]:
    lines = []
    for unit, n in view["work"].items():
        each = f", {text} each" if (text := each_text(view, n)) else ""
        rate = f", {rate_text(view['rates'][unit], unit)}" if unit in view["rates"] else ""
        lines.append(_cropped(Text(f"{amount(n, unit)}{each}{rate}"), width))
    return lines


def _ahead(view: WatchJson, width: int) -> list[Text]:
    return [_cropped(Text(text), width) for text in ahead_lines(view)]


def _phases(view: WatchJson, width: int, most: int) -> list[Text]:
    """The phases so far on at most `most` lines, with a blank line and the heading. If there are too many, the last ones are shown."""
    phases = view["phases"]
    if not phases or most < 3:
        return []
    shown = phases[-(most - 2) :]
    rows = [
        (
            p["name"],
            f"{p['count']:,}",
            format_duration(p["duration_s"]),
            phase_energy(p, view["run"]["status"], view["energy"]["total_j"]),
            phase_notes(p),
        )
        for p in shown
    ]
    titles = ("phase", "count", "time", "energy (range)", "note")
    wide = [max(cell_len(t), *(cell_len(row[i]) for row in rows)) for i, t in enumerate(titles)]
    wide[0] = max(8, min(wide[0], width - sum(wide[1:4]) - 8))

    def cells(row: Sequence[str]) -> str:
        return "  ".join(_cell(text, wide[i], right=i in (1, 2)) for i, text in enumerate(row)).rstrip()

    return [Text(), _cropped(Text(cells(titles), style="dim"), width), *(_cropped(Text(cells(row)), width) for row in rows)]


def _events(view: WatchJson, width: int, most: int) -> list[Text]:
    """The events, newest first, on at most `most` lines, one of which is blank."""
    events = view["events"][::-1]
    if not events or most < 2:
        return []
    shown = events[: min(MOST_EVENTS, most - 1)]
    lines = [
        _cropped(
            Text.assemble((e["at"][11:19] + "Z ", "dim"), (e["kind"], "yellow"), f" {e['device'] or 'run'}: {e['detail']}"),
            width,
        )
        for e in shown
    ]
    return [Text(), *lines]


def _last(view: WatchJson, width: int, hint: str) -> Text:
    """The last line: the cost of the sampler, and `hint`, or the command that shows the whole run."""
    s = view["sampler"]
    if s is None:
        cost = unsampled_text(view)
    else:
        cost = f"{readings_text(s, view['run']['duration_s'])}; cost {100 * s['cpu_fraction']:.2f} % of a core"
    return _sides(Text(cost, style="dim"), Text(hint or f"trainwatt show {view['run']['id'][:8]}", style="dim"), width)
