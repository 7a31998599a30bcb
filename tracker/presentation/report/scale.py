"""PURE: round numbers along an axis, and their words."""

from __future__ import annotations

import math

_TIMES_S = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(h * 3600 for h in (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720, 1440, 4320, 8760)),
)
_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def ticks(top: float, most: int = 4) -> list[float]:
    """Round numbers from 0 to the first one that reaches `top`; about `most` of them are above 0."""
    if not (top > 0 and math.isfinite(top)):
        return [0.0, 1.0]
    rough = top / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10, 20) if s * power >= rough * (1 - 1e-9))
    return [step * i for i in range(math.ceil(top / step - 1e-9) + 1)]


def time_ticks(start_s: float, end_s: float, most: int = 6) -> list[float]:
    """Round times from start to end; at most about `most` of them."""
    longest = _TIMES_S[-1]
    beyond = longest * math.ceil((end_s - start_s) / longest / most)
    step = next((s for s in _TIMES_S if (end_s - start_s) / s <= most), beyond)
    first = math.ceil(start_s / step - 1e-9)
    return [i * step for i in range(first, math.floor(end_s / step + 1e-9) + 1)]


def time_text(seconds: float, step_s: float | None = None) -> str:
    """A time since the start: "0", "30 s", "1.5 h". The unit suits `step_s`, or the time itself where no step is given."""
    if abs(seconds) < 1e-9:
        return "0"
    size, unit = next(((s, u) for s, u in _UNITS if (step_s or abs(seconds)) >= s), (1.0, "s"))
    value = seconds / size
    return f"{value:.4g} {unit}"


def elapsed(seconds: float, span_s: float) -> str:
    """A time since the start for a table, as precise as suits a span of `span_s`: "12.40 s", "0:03:20", "6 d 04:05"."""
    if span_s < 120:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    days, rest = divmod(abs(whole), 86400)
    clock = f"{rest // 3600}:{rest % 3600 // 60:02d}:{rest % 60:02d}" if span_s < 86400 else f"{rest // 3600:02d}:{rest % 3600 // 60:02d}"
    return f"{'-' if whole < 0 else ''}{f'{days} d ' if span_s >= 86400 else ''}{clock}"
