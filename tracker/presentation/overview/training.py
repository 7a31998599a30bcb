"""PURE: what trains now, each run as a card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...analysis.overview.now import PIECE_S
from ...analysis.view import total_of
from ..report.elements import Child, Html, el, ranged
from ..report.names import short_name
from ..words.carbon import Least
from ..words.masses import format_mass
from ..words.quantities import at_least, count, format_duration, format_power, range_parts
from ..words.runs import title_of
from ..words.work.ahead import ahead_lines
from .marks import sparkline, used_bar

if TYPE_CHECKING:
    from ...analysis.overview.now import Now, Training
    from ...core.contract import WatchJson
    from .places import Places

FRESH_S = 10.0
"""News that are older are said to be."""
NAME = 60


def training_section(training: Training, places: Places) -> Html:
    """The section; it says so if nothing trains."""
    return el(
        "section",
        el("h2", "Training now"),
        el("div", [_card(now, places) for now in training.runs], class_="deck")
        if training.runs
        else el("p", "Nothing trains now.", class_="muted"),
        _others(training, places),
        class_="now",
    )


def _others(training: Training, places: Places) -> Html | None:
    said: list[Child] = []
    if training.others:
        said.append(f"{count(training.others, 'more run')} {'is' if training.others == 1 else 'are'} training. ")
    if training.silent:
        has = "has" if training.silent == 1 else "have"
        said.append(f"{count(training.silent, 'run')} {has} not ended, and {has} written nothing for over 5 minutes. ")
    return el("p", said, el("a", "All that have not ended", href=places.running), class_="muted") if said else None


def _card(now: Now, places: Places) -> Html:
    view = now.view
    facts = [("power", _power(now)), ("energy so far", _energy(view)), ("CO2e so far", _grams(view))]
    return el(
        "article",
        el("h3", el("a", short_name(title_of(view), NAME), href=places.run(view))),
        el("p", _about(view), class_="about"),
        el("dl", [el("div", el("dt", name), el("dd", of)) for name, of in facts if of is not None], class_="figures"),
        _ahead(view),
        sparkline(now.powers_w, PIECE_S),
        class_="card",
    )


def _about(view: WatchJson) -> list[Child]:
    run = view["run"]
    parts: list[Child] = [format_duration(run["duration_s"] or 0.0), f" on {run['host'][:NAME]}"]
    if view["phases_now"]:
        phase = view["phases_now"][-1]
        step = "" if phase["step"] is None else f" step {phase['step']}"
        parts += [", in ", short_name(phase["name"], NAME), step]
    return parts


def _ahead(view: WatchJson) -> list[Child]:
    """The budget, with a bar of what is used of it, and the forecast."""
    lines: list[Child] = [el("p", text[:1].upper() + text[1:], class_="about") for text in ahead_lines(view, utc=True)]
    share = None if view["budget"] is None else view["budget"]["share"]
    if share is not None:
        lines.insert(1, used_bar(share, "model" if share >= 1.0 else "gpu-0"))
    return lines


def _power(now: Now) -> Child:
    if now.latest_w is None:
        return "–"
    ago_s = now.view["written_s"]
    fresh = now.view["energy"]["power_w"] is not None and ago_s < FRESH_S
    return [format_power(now.latest_w), None if fresh else el("small", f"{format_duration(ago_s)} ago")]


def _energy(view: WatchJson) -> Child:
    total = total_of(view["energy"])
    if total is None:
        return "–"
    value, bounds = range_parts(*total)
    return ranged(at_least(value, view["energy"]["lower_bound"]), bounds)


def _grams(view: WatchJson) -> Child:
    carbon = view["carbon"]
    if carbon is None:
        return None
    return at_least(format_mass(carbon["total_g"]), Least.of(view["energy"], carbon).total)
