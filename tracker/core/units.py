"""PURE: the sizes of units, and durations as people write them."""

from __future__ import annotations

import re

J_PER_WH = 3600.0
J_PER_KWH = 3.6e6
NS_PER_S = 1_000_000_000

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration_s(text: str) -> float:
    """Seconds of "90", "45s", "20m", "6h", "7d" or "2w". Raises ValueError with the forms that are understood."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw]?)", text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, as in 45s, 20m, 6h, 7d or 2w")
    return float(match[1]) * _SECONDS[match[2] or "s"]
