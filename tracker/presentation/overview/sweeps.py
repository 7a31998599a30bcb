"""PURE: the last sweeps, each with its chart, its best run and what that took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.run import Status
from ..report.elements import Child, Html, el
from ..report.names import short_name
from ..sweep.section import small_sweep
from ..words.quantities import count, format_energy, metric_text
from ..words.runs import energy_parts, title_of

if TYPE_CHECKING:
    from ...analysis.overview.sweeps import LastSweep
    from .places import Places

NAME = 60


def sweeps_section(sweeps: Sequence[LastSweep] | None, places: Places) -> Html | None:
    """The section; nothing if there is no sweep. None: they are still being read."""
    if sweeps is None:
        return el("section", el("h2", "Last sweeps"), el("p", "The last sweeps are being read.", class_="muted"), class_="sweeps")
    if not sweeps:
        return None
    return el("section", el("h2", "Last sweeps"), el("div", [_card(sweep, places) for sweep in sweeps], class_="deck"), class_="sweeps")


def about(sweep: LastSweep) -> list[Child]:
    """The runs of a sweep in a line: how many, how they ended, and their energy."""
    energy, _ = energy_parts(sweep.whole["energy"])
    failed = sum(entry["run"]["status"] in (Status.FAILED, Status.INTERRUPTED) for entry in sweep.runs)
    parts = [count(len(sweep.runs) + sweep.left_out, "run")]
    parts += [f"{sweep.running:,} still running"] if sweep.running else []
    parts += [f"{failed:,} failed or interrupted"] if failed else []
    parts += [f"{energy}, without the {sweep.left_out:,} oldest" if sweep.left_out else energy]
    return [", ".join(parts)]


def best_line(sweep: LastSweep, places: Places) -> Html | None:
    """The best run, and the energy that it took until then."""
    if sweep.what is None or (best := sweep.best) is None:
        return None
    link = el("a", short_name(best.view["run"]["name"] or title_of(best.view), NAME), href=places.run(best.view))
    return el("p", "Best: ", link, f" with {sweep.what.metric} {metric_text(best.best.value)} after {format_energy(best.best.energy_j)}.")


def _card(sweep: LastSweep, places: Places) -> Html:
    nothing = el("p", "There is no chart: fewer than two runs, or more than 40, have logged a metric.", class_="muted")
    return el(
        "article",
        el("h3", el("a", short_name(sweep.group, NAME), href=places.sweep(sweep.project, sweep.group))),
        el("p", short_name(sweep.project, NAME), ": ", about(sweep), class_="about"),
        nothing if sweep.what is None else small_sweep(sweep.what, places.run),
        class_="card",
    )
