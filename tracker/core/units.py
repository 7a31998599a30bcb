"""PURE: units, and how quantities are written for people and read from them."""

from __future__ import annotations

import math
import re

J_PER_WH = 3600.0
J_PER_KWH = 3.6e6
NS_PER_S = 1_000_000_000

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def energy_unit(energy_j: float) -> tuple[float, str]:
    """The unit that suits an energy, as (joules of one, symbol): kWh from 0.1 kWh up, Wh from 1 Wh up, J from 0.1 J up, else mJ."""
    if energy_j >= 0.1 * J_PER_KWH:
        return J_PER_KWH, "kWh"
    if energy_j >= J_PER_WH:
        return J_PER_WH, "Wh"
    return (1.0, "J") if energy_j >= 0.1 or not energy_j else (1e-3, "mJ")


def significant(value: float, digits: int = 3) -> str:
    """A number with that many significant digits, never in exponent form: 0.0123, 1.84, 212, 1234."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # of the rounded value: 9.996 is 10.0
    return f"{value:.{max(0, digits - 1 - exponent)}f}"


def format_energy(energy_j: float) -> str:
    """An energy with its unit: "1.84 kWh", "3.20 Wh", "612 J", "31.0 mJ"."""
    size, symbol = energy_unit(energy_j)
    return f"{significant(energy_j / size)} {symbol}"


def format_range(energy_j: float, low_j: float, high_j: float, unit_of_j: float | None = None) -> str:
    """An energy with its interval, in one unit: "1.84 kWh (1.79–1.90)"; in the unit that suits `unit_of_j` where it is given, so that
    parts can be compared with their whole."""
    size, symbol = energy_unit(energy_j if unit_of_j is None else unit_of_j)
    return f"{significant(energy_j / size)} {symbol} ({significant(low_j / size)}–{significant(high_j / size)})"


def format_duration(seconds: float) -> str:
    """A duration: "4.2 s", "3 min 20 s", "2 h 05 min", "6 d 04 h"."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def parse_duration_s(text: str) -> float:
    """Seconds of "90", "45s", "20m", "6h", "7d" or "2w". Raises ValueError with the forms that are understood."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw]?)\s*", text)
    if not match:
        raise ValueError(f"{text!r} is no duration: write a number and a unit, as in 45s, 20m, 6h, 7d or 2w")
    return float(match[1]) * _SECONDS[match[2] or "s"]
