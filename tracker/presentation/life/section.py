"""PURE: a life as HTML: what each stage has emitted, from electricity and from hardware, and all figures as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..report.charts import Part, legend, shares
from ..report.elements import Html, details, el, ranged, table
from ..words.safe_text import clipped
from .rows import HEAD, Row, notes, rows, runs_text, so_far_text, total_text
from .share_chart import share_figure

if TYPE_CHECKING:
    from ...core.contract import LifeFiguresJson, LifeJson

NO_STAGE, PLANNED = "no stage", "planned inference"
OPERATIONAL, EMBODIED = "gpu-0", "cpu-0"
STAGES = {"data": "phase-2", "experimentation": "phase-0", "training": "gpu-0", "inference": "dram-0", PLANNED: "dram-1"}


def life_section(life: LifeJson, title: str | None = None) -> Html:
    """The headline, the charts, the table and what they mean. `title`: that of a part of a page about more than this life."""
    parts = _parts(life)
    first, second = ("h1", "h2") if title is None else ("h2", "h3")
    return el(
        "article",
        el(first, title or f"The life of {clipped(life['name'])}", class_="text"),
        el("p", so_far_text(life), class_="headline"),
        el(
            "section",
            el(second, "What each stage emits"),
            el("p", "Parts of the grams of CO2e. The text has the range of each sum.", class_="muted"),
            shares(list(_sums(life)), "Emissions by stage"),
            legend("Stages", [(_colour(name), name, False) for name, _ in parts]),
        ),
        el(
            "section",
            el(second, "From electricity, and from making the hardware"),
            el("p", "Each bar is all that its stage has emitted.", class_="muted"),
            shares([(_named(name, of), total_text(of), _divided(of)) for name, of in parts], "Operational and embodied emissions by stage"),
            legend("Emissions", ((OPERATIONAL, "operational", False), (EMBODIED, "embodied", False))),
        ),
        _over_the_grid(life, second),
        el("section", el(second, "What they mean"), el("ul", [el("li", note, class_="text") for note in notes(life)])),
        details("All figures as a table", _table(life)),
        id="life",
    )


def _over_the_grid(life: LifeJson, level: str) -> Html | None:
    """What the share of the hardware would be on other grids, where that is known."""
    share = life["embodied_share"]
    return None if share is None else el("section", el(level, "On a cleaner grid"), share_figure(share))


def _parts(life: LifeJson) -> list[tuple[str, LifeFiguresJson]]:
    found: list[tuple[str, LifeFiguresJson]] = [(stage["stage"] or NO_STAGE, stage) for stage in life["stages"]]
    return found if life["planned"] is None else [*found, (PLANNED, life["planned"])]


def _sums(life: LifeJson) -> Iterator[tuple[str, str, list[Part]]]:
    """What was emitted so far, and in the whole life, divided into stages."""
    stages = [Part(stage["stage"] or NO_STAGE, stage["total_g"], _colour(stage["stage"] or NO_STAGE)) for stage in life["stages"]]
    yield "so far", total_text(life["so_far"]), stages
    if (planned := life["planned"]) is not None:
        yield "whole life", total_text(life["whole"]), [*stages, Part(PLANNED, planned["total_g"], _colour(PLANNED))]


def _colour(name: str) -> str:
    return STAGES.get(name, "platform-0")


def _named(name: str, of: LifeFiguresJson) -> str:
    return ", ".join(text for text in (name, runs_text(of)) if text)


def _divided(of: LifeFiguresJson) -> list[Part]:
    return [Part("operational", of["operational_g"], OPERATIONAL), Part("embodied", of["embodied_g"], EMBODIED)]


def _table(life: LifeJson) -> Html:
    return table(HEAD, [[_name(row), *(ranged(*cell) for cell in row.cells)] for row in rows(life)], range(1, len(HEAD)), cards=True)


def _name(row: Row) -> Html:
    return el("span", "– " if row.depth else "", row.name, [" ", el("small", row.about)] if row.about else None)
