"""PURE: the making of the hardware as a share of all grams, over the intensity of the grid, as inline SVG and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..report.charts import WIDE, framed, legend, level_lines, level_texts, short
from ..report.elements import Child, Html, details, el, table
from ..report.scale import ticks
from .rows import as_percent, as_percents, big, now_text

if TYPE_CHECKING:
    from ...core.contract import EmbodiedShareJson

HIGH = 200
COLOUR = "cpu-0"
"""That of embodied grams in the other charts of a life."""
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


def share_figure(of: EmbodiedShareJson) -> Html:
    """The curve with its range as a band, a mark where the life stands, and all points as a table."""
    caption = (
        "Making the hardware as a share of all grams, on grids from one without emissions to one of coal. The band is its range. The dot is"
        " where the grid of this life stands."
    )
    label = f"Share of the hardware over the intensity of the grid: {now_text(of)}"
    rows = [[big(p["g_per_kwh"]), as_percent(p["value"]), as_percents(p)] for p in of["points"]]
    return el(
        "figure",
        el("figcaption", caption),
        _curve(of, label),
        legend("Share", [(COLOUR, "making the hardware", False)]),
        details("The share as a table", table(("grid, g/kWh", "making the hardware", "range"), rows, (0, 1, 2))),
        aria_label=label,
    )


def _curve(of: EmbodiedShareJson, label: str) -> Html:
    xs = ticks(of["points"][-1]["g_per_kwh"])
    scale = HIGH - 6

    def across(at: float) -> float:
        return at / xs[-1] * WIDE

    def line(shares: Sequence[tuple[float, float]]) -> str:
        return "L".join(f"{short(across(at))} {short(HIGH - share * scale)}" for at, share in shares)

    points, now = of["points"], of["now_g_per_kwh"]
    lows = [(p["g_per_kwh"], p["low"]) for p in points]
    values = [(p["g_per_kwh"], p["value"]) for p in points]
    highs = [(p["g_per_kwh"], p["high"]) for p in points]
    marks: list[Child] = [
        *level_lines(LEVELS, scale, HIGH),
        el("path", d=f"M{line(highs)}L{line(lows[::-1])}Z", class_=f"band {COLOUR}"),
        el("path", d=f"M{line(values)}", class_=f"lane {COLOUR}"),
    ]
    texts = [
        *level_texts([(y, f"{100 * y:.0f} %") for y in LEVELS], scale, HIGH),
        *(_tick(x, xs) for x in xs),
        *_stand(of, [min(1.0, at / xs[-1]) for at in (now["value"], now["low"], now["high"])], scale),
    ]
    return framed("share", HIGH, marks, texts, label)


def _tick(x: float, xs: Sequence[float]) -> Html:
    between = "middle spare" if x == xs[-2] else "middle"  # on a narrow screen the unit needs its room
    side, unit = ("last", " g/kWh") if x == xs[-1] else ("first", "") if x == 0 else (between, "")
    return el("text", f"{x:g}{unit}", x=f"{100 * x / xs[-1]:.2f}%", y=HIGH + 18, class_=side)


def _stand(of: EmbodiedShareJson, across: Sequence[float], scale: float) -> list[Html]:
    """Where the life stands: a dot on the curve, with the range of the intensity and that of the share."""
    share = of["now"]
    value, low, high = (f"{100 * at:.2f}%" for at in across)
    y, top, bottom = (short(HIGH - at * scale) for at in (share["value"], share["high"], share["low"]))
    return [
        el("line", x1=value, x2=value, y1=top, y2=bottom, class_="range"),
        el("line", x1=low, x2=high, y1=y, y2=y, class_="range"),
        el("circle", cx=value, cy=y, r=5, class_=COLOUR),
    ]
