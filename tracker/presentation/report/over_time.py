"""PURE: the section of a report over time: power by device, with the phases behind it and the grid's intensity below."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ...analysis.over_time.timeline import stacked
from ..words.quantities import count, format_duration, number, percent, significant, watts_text
from ..words.safe_text import clean
from .charts import busy, colours, grid, legend, phase_colours, power
from .elements import Child, Html, details, el, table
from .names import elided
from .scale import elapsed

if TYPE_CHECKING:
    from ...analysis.over_time.figures import Figures
    from ...core.contract import CarbonJson

HINT = "Point at the chart to read it, or focus it and press the arrow keys."
"""The script shows this. Without the script, pointing at a chart does nothing."""


def over_time(f: Figures) -> Html:
    """The section on the run over time. It says so if there is no curve."""
    if not f.drawing.layers:
        why = "No power over time: this run has no points of any device's energy"
        why += " yet." if f.view["run"]["status"] == "running" else "."
        return el("section", el("h2", "Power over time"), el("p", why, class_="muted"))
    return el("section", el("h2", "Power over time"), _power(f), _busy(f), _grid(f))


def _power(f: Figures) -> Html:
    sums = stacked(f.drawing.layers)[-1]
    label = f"Power over time, stacked by device: mean {watts_text(_mean(f, sums))}, highest {watts_text(max(sums))}, {_length(f)}"
    bin_s = f.drawing.cuts[1] - f.drawing.cuts[0]
    words = f"Mean power in {count(len(sums), 'bin')} of {_short(bin_s)}; the area is the run's energy. {_phases_said(f)}"
    devices = list(
        zip(
            colours(f.drawing.layers),
            (layer.label for layer in f.drawing.layers),
            (layer.modelled for layer in f.drawing.layers),
            strict=True,
        )
    )
    entries = [(colour, f"{name} (modelled)" if striped else name, striped) for colour, name, striped in reversed(devices)]
    return el(
        "figure",
        el("figcaption", words),
        power(f.drawing.cuts, f.drawing.layers, f.drawing.bands, label),
        el("output", class_="readout", data_hint=HINT),
        legend("Devices", entries),
        legend("Phases", ((colour, elided(clean(name), 60), False) for name, colour in phase_colours(f.drawing.bands).items()))
        if f.drawing.bands
        else None,
        el("p", f"Not in the total, and not drawn: {', '.join(f.drawing.beside)}, which contains other devices.", class_="muted")
        if f.drawing.beside
        else None,
        details("Power as a table", _power_table(f, sums)),
        data_read="power",
        aria_label=label,
    )


def _phases_said(f: Figures) -> str:
    if not f.view["phases"]:
        return "No phases were marked."
    if not f.drawing.bands:
        return "Its phases are kept only as sums, and cannot be drawn."
    folded = f" {_folded(f.drawing.folded)}" if f.drawing.folded > 0 else ""
    return f"Phases are shown along the top and behind the power; where phases are nested, the innermost one.{folded}"


def _folded(instances: int) -> str:
    """The note on instances of phases that have no times."""
    if instances == 1:
        return "One earlier phase is kept only as a sum, and is not drawn."
    return f"{instances:,} earlier phases are kept only as sums, and are not drawn."


def _power_table(f: Figures, sums: Sequence[float]) -> Html:
    span_s = f.drawing.cuts[-1] - f.drawing.cuts[0]
    phases = bool(f.drawing.bands)
    head = ["from", "total W", *(f"{layer.label} W" for layer in f.drawing.layers), *(["phase"] if phases else [])]
    rows: list[list[Child]] = []
    for i, a in enumerate(f.drawing.cuts[:-1]):
        known = [layer.watts[i] for layer in f.drawing.layers]
        total = significant(sums[i]) if any(w is not None for w in known) else "–"
        cells: list[Child] = [elapsed(a, span_s), total, *("–" if w is None else significant(w) for w in known)]
        rows.append(cells + ([elided(clean(f.drawing.phase_of[i] or ""), 60)] if phases else []))
    at = [f"{(a - f.drawing.cuts[0]) / span_s:.5f}" for a in f.drawing.cuts[:-1]]
    return table(head, rows, range(1, 2 + len(f.drawing.layers)), "Mean power from each time on, in watts", at)


def _busy(f: Figures) -> Html | None:
    """How busy the GPUs and the processors were, where it was recorded."""
    lanes, cuts = f.drawing.busy, f.drawing.cuts
    known = [share for lane in lanes for share in lane.shares if share is not None]
    if not known:
        return None
    label = f"How busy over the same time: {' and '.join(f'{lane.label} {_mean_share(lane.shares)}' for lane in lanes)} on average"
    span_s = cuts[-1] - cuts[0]
    rows: list[list[Child]] = [
        [elapsed(a, span_s), *("–" if lane.shares[i] is None else percent(lane.shares[i] or 0.0) for lane in lanes)]
        for i, a in enumerate(cuts[:-1])
    ]
    words = "Busy share: of GPUs, the time in which a kernel ran, sampled; of processors, the CPU time."
    return el(
        "figure",
        el("figcaption", words),
        busy(cuts, lanes, label),
        legend("Busy", ((f"{lane.kind}-0", lane.label, False) for lane in lanes)),
        details("Busy shares as a table", table(["from", *(lane.label for lane in lanes)], rows, range(1, 1 + len(lanes)), label)),
        aria_label=label,
    )


def _mean_share(shares: Sequence[float | None]) -> str:
    known = [share for share in shares if share is not None]
    return percent(sum(known) / len(known)) if known else "–"


def _grid(f: Figures) -> Html | None:
    """The grid's intensity, where it is known by time. Otherwise one figure, which is among the assumptions, holds for the whole run."""
    carbon = f.view["carbon"]
    if not f.drawing.steps:
        if carbon is None:
            return None
        figure = f"{number(carbon['intensity_g_per_kwh'])} g/kWh"
        text = f"The grid's intensity is not known by the hour: one figure, {figure}, holds for the whole run."
        return el("p", text, class_="muted")
    low, high = min(s.g_per_kwh for s in f.drawing.steps), max(s.g_per_kwh for s in f.drawing.steps)
    sources = ", ".join(dict.fromkeys(s.source for s in f.drawing.steps))
    label = f"Intensity of the grid over the same time: {low:g} to {high:g} g CO2e/kWh, from {sources}"
    span_s = f.drawing.cuts[-1] - f.drawing.cuts[0]
    rows = [
        [elapsed(s.start_s, span_s), elapsed(s.end_s, span_s), f"{s.g_per_kwh:g}", s.source, "yes" if s.estimated else "no"]
        for s in f.drawing.steps
    ]
    covered = sum(s.end_s - s.start_s for s in f.drawing.steps)
    partly = f" Blank times have no value; another figure is used there: {_other(carbon)}." if covered < 0.999 * span_s else ""
    paler = " Estimated values are paler." if any(s.estimated for s in f.drawing.steps) else ""
    return el(
        "figure",
        el("figcaption", f"The grid's intensity at that time, g CO2e/kWh, from {sources}.{paler}{partly}"),
        grid(f.drawing.cuts, f.drawing.steps, label),
        details("Intensity as a table", table(["from", "to", "g/kWh", "source", "estimated"], rows, (1, 2), label)),
        aria_label=label,
    )


def _other(carbon: CarbonJson | None) -> str:
    """The figure for the hours that no series has."""
    grids = [(a["value"], a["grid"]) for a in carbon["assumptions"]] if carbon else []
    found = [value for value, grid in grids if value is not None and grid is not None and not grid["by_the_hour"]]
    return f"{number(found[0])} g/kWh" if found else "that of its zone"


def _mean(f: Figures, sums: Sequence[float]) -> float:
    energy_j = sum(w * (b - a) for w, (a, b) in zip(sums, pairwise(f.drawing.cuts), strict=True))
    return energy_j / (f.drawing.cuts[-1] - f.drawing.cuts[0])


def _length(f: Figures) -> str:
    return f"over {format_duration(f.drawing.cuts[-1] - f.drawing.cuts[0])}"


def _short(seconds: float) -> str:
    return f"{significant(seconds)} s" if seconds < 60 else format_duration(seconds)
