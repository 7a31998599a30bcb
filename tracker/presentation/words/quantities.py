"""PURE: quantities in words: numbers, energies, durations and their ranges."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ...core.metric import better
from ...core.units import J_PER_KWH, J_PER_WH
from ...core.work import FLOPS, singular
from .safe_text import clean


def number(value: float) -> str:
    """Four digits at most, never in exponent form: 472.9, 0.5, 5700."""
    text = f"{value:.4g}"
    return significant(value, 4) if "e" in text else text


def ranged(value: float, low: float | None, high: float | None, *more: str, unit: str = "", scale: float = 1.0) -> str:
    """ "472.9 g/kWh (20.8–958.7; direct; 2024)": the value, and in brackets its range, if it has one, and the notes in `more`."""
    span = [] if low is None or high is None or low == high else [f"{number(low * scale)}–{number(high * scale)}"]
    notes = "; ".join([*span, *(m for m in more if m)])
    return f"{number(value * scale)}{f' {unit}' if unit else ''}{f' ({notes})' if notes else ''}"


ROUNDING = 1e-9
"""A share that differs from 1 by less than this is all: sums of floats are no more exact."""


def percent(share: float) -> str:
    """A share as a percentage: "96 %". It reads "100 %" only for all and "0 %" only for nothing, else ">99 %" and "<1 %"."""
    whole = round(100 * share)
    if whole == 0 and share > 0:
        return "<1 %"
    return ">99 %" if whole == 100 and share < 1 - ROUNDING else f"{whole} %"


def at_least(text: str, lower_bound: bool) -> str:
    """The text of a value, with "≥ " in front if the value is a lower bound."""
    return f"≥ {text}" if lower_bound else text


def count(n: int, word: str) -> str:
    """ "1 run", "12 runs"."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def amount(n: int, unit: str) -> str:
    """ "1 sample", "1,000 samples", "3.20e15 FLOP", "25 ×"; `unit` is a plural, as in the JSON, or a symbol."""
    if unit == FLOPS:
        return f"{number_of_flop(n)} FLOP"
    return f"{n:,} {singular(unit) if n == 1 else unit}"


def number_of_flop(n: float) -> str:
    """A number of floating-point operations, as papers and laws write it: "3.20e15", "812"."""
    text = f"{n:.2e}".replace("e+", "e")
    return f"{n:,.0f}" if n < 10_000 else text


def listed(words: Iterable[str]) -> str:
    """ "a, b and c"."""
    *firsts, last = list(words) or [""]
    return f"{', '.join(firsts)} and {last}" if firsts else last


def watts_tick(watts: float) -> str:
    """A round power along an axis: "0", "200 W", "1.5 kW"."""
    return "0" if watts == 0 else f"{watts / 1000:g} kW" if watts >= 1000 else f"{watts:g} W"


def watts_text(watts: float) -> str:
    """A power with its unit: "310 W", "3.10 kW"."""
    return f"{significant(watts / 1000)} kW" if watts >= 1000 else f"{significant(watts)} W"


def format_power(power_w: float | None) -> str:
    """A power in few characters: "9.8 W", "310 W", "12.00 kW", and "–" if it is not known."""
    if power_w is None:
        return "–"
    return f"{power_w / 1000:.2f} kW" if power_w >= 9999.5 else f"{power_w:.0f} W" if power_w >= 9.95 else f"{power_w:.1f} W"


def energy_unit(energy_j: float) -> tuple[float, str]:
    """The unit that suits an energy, as (its size in joules, symbol): TWh, GWh and MWh from 1 up, kWh from 0.1 kWh up, Wh from 1 Wh up, J
    from 0.1 J up, else mJ, µJ, nJ or pJ."""
    for size, symbol in ((1e9 * J_PER_KWH, "TWh"), (1e6 * J_PER_KWH, "GWh"), (1e3 * J_PER_KWH, "MWh")):
        if energy_j >= size:
            return size, symbol
    if energy_j >= 0.1 * J_PER_KWH:
        return J_PER_KWH, "kWh"
    if energy_j >= J_PER_WH:
        return J_PER_WH, "Wh"
    if energy_j >= 0.1 or not energy_j:
        return 1.0, "J"
    return next(((size, symbol) for size, symbol in ((1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ")) if energy_j >= 0.1 * size), (1e-12, "pJ"))


SMALLEST = 1e-5
"""A value that is a smaller part of the common unit has its own unit: 5.50 Wh beside 1.29 GWh, not 0.00000000550 GWh."""


def common_unit(energy_j: float, unit_of_j: float | None) -> tuple[float, str]:
    """The unit of an energy beside others, of which `unit_of_j` is the largest, or the whole."""
    size, symbol = energy_unit(energy_j if unit_of_j is None else unit_of_j)
    return energy_unit(energy_j) if 0 < energy_j < SMALLEST * size else (size, symbol)


def significant(value: float, digits: int = 3) -> str:
    """A number with that many significant digits, never in exponent form: 0.0123, 1.84, 212, 1234."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # of the rounded value: 9.996 is 10.0
    return f"{value:.{max(0, digits - 1 - exponent)}f}"


LEAST, MOST = 1e-6, 1e6
"""Of a value below the first of these, or from the second on, no reader counts the digits."""


def figure_text(value: float, most: float = MOST) -> str:
    """Three significant digits: 0.0123, 212; with an exponent below LEAST and from `most` on: 1.00e-12."""
    return significant(value) if not value or LEAST <= abs(value) < most else f"{value:.2e}".replace("e+", "e")


def metric_text(value: float) -> str:
    """The value of a metric, of any size: four significant digits; with an exponent where no reader counts the digits."""
    return significant(value, 4) if not value or LEAST <= abs(value) < MOST else f"{value:.3e}"


def metric_title(name: str) -> str:
    """What the value of a metric in a list is: "best val_accuracy"; "last x" if the name does not tell which values are better."""
    return f"{'last' if better(name) is None else 'best'} {clean(name)}"


def largest_j(energies_j: Iterable[float | None]) -> float | None:
    """The energy whose unit suits all of a column: its largest. None if no energy is known."""
    return max((energy_j for energy_j in energies_j if energy_j is not None), default=None)


def format_energy(energy_j: float, unit_of_j: float | None = None) -> str:
    """An energy with its unit: "1.84 kWh", "3.20 Wh", "612 J", "31.0 mJ". See `format_range` for `unit_of_j`."""
    size, symbol = common_unit(energy_j, unit_of_j)
    return f"{figure_text(energy_j / size)} {symbol}"


def format_range(energy_j: float, low_j: float, high_j: float, unit_of_j: float | None = None, *, notes: Sequence[str] = ()) -> str:
    """An energy with its interval, in one unit: "1.84 kWh (1.79–1.90)", and with notes behind the interval: "1.84 kWh (1.79–1.90, so far)".

    The unit is the one that suits `unit_of_j`, if given: the whole that this energy is a part of, or the largest of its column."""
    value, bounds = range_parts(energy_j, low_j, high_j, unit_of_j)
    return f"{value} ({', '.join([bounds, *notes])})"


def range_parts(energy_j: float, low_j: float, high_j: float, unit_of_j: float | None = None) -> tuple[str, str]:
    """The two parts of such a text: "1.84 kWh" and "1.79–1.90"."""
    size, symbol = common_unit(energy_j, unit_of_j)
    return f"{figure_text(energy_j / size)} {symbol}", f"{figure_text(low_j / size)}–{figure_text(high_j / size)}"


def format_duration(seconds: float, *, short: bool = False) -> str:
    """A duration: "4.2 s", "3 min 20 s", "2 h 05 min", "6 d 04 h"; where cells are few, the `short` form "4.2s", "3m 20s", "6d 04h"."""
    s, m, h, d = ("s", "m", "h", "d") if short else (" s", " min", " h", " d")
    if round(seconds, 1) < 60:
        return f"{seconds:.1f}{s}"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}{m} {whole % 60:02d}{s}"
    if whole < 86400:
        return f"{whole // 3600}{h} {whole % 3600 // 60:02d}{m}"
    return f"{whole // 86400}{d} {whole % 86400 // 3600:02d}{h}"
