"""PURE: grams as text."""

from __future__ import annotations

from .quantities import figure_text

_STEPS = ((1e15, "Gt"), (1e12, "Mt"), (1e9, "kt"), (1e6, "t"), (1e3, "kg"), (0.1, "g"), (1e-4, "mg"), (1e-7, "µg"), (0.0, "ng"))
_SIZES = {"Gt": 1e15, "Mt": 1e12, "kt": 1e9, "t": 1e6, "kg": 1e3, "g": 1.0, "mg": 1e-3, "µg": 1e-6, "ng": 1e-9}
FAR = 10_000
"""From this many units on, the ends of a range have units of their own."""


def format_mass(grams: float, low_g: float | None = None, high_g: float | None = None) -> str:
    """Grams of CO2e in a suitable unit, with their bounds if there are any: "1.84 kg (1.20–2.50)"."""
    value, bounds = mass_parts(grams, low_g, high_g)
    return f"{value} ({bounds})" if bounds else value


def mass_parts(grams: float, low_g: float | None, high_g: float | None) -> tuple[str, str]:
    """The two parts of this text: "1.84 kg" and "1.20–2.50"; the bounds are "" if there are none."""
    sized = grams or high_g or 0.0  # of nothing, the unit is that of the most that it may be
    symbol = next(unit for least, unit in _STEPS if sized >= least) if sized else "g"
    size = _SIZES[symbol]
    if low_g is None or high_g is None:
        bounds = ""
    elif high_g >= FAR * size:  # each end in its own unit
        bounds = f"{format_mass(low_g)}–{format_mass(high_g)}"
    else:
        bounds = bounds_text(grams / size, low_g / size, high_g / size)
    return f"{figure_text(grams / size)} {symbol}", bounds


def format_co2e(grams: float, low_g: float | None = None, high_g: float | None = None) -> str:
    """Like `format_mass`, with "CO2e": "1.84 kg CO2e (1.20–2.50)"."""
    value, bounds = mass_parts(grams, low_g, high_g)
    return f"{value} CO2e ({bounds})" if bounds else f"{value} CO2e"


def bounds_text(central: float, low: float, high: float) -> str:
    """ "1.20–2.50"; "" if the bounds look like the value."""
    value, least, most = figure_text(central), figure_text(low), figure_text(high)
    return "" if least == value == most else f"{least}–{most}"
