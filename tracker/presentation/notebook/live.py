"""PURE: a run under way, as a cell of a notebook shows it."""

from __future__ import annotations

from typing import NamedTuple

from ..words.quantities import format_duration, format_energy, format_power, format_range, percent
from ..words.work.ahead import after_text
from .elements import paragraph

WAITING = "no run is under way yet"


class Ahead(NamedTuple):
    """What a run is expected to have used at its end: joules with their range, None if they are not known; the seconds that are left; how
    many epochs are complete, and of how many, None if one pass is taken to be all; from how many of them this is known, 0 if it comes from
    batches; and the part of the training that is done."""

    joules: tuple[float, float, float] | None
    left_s: float
    epoch: int
    epochs: int | None
    from_epochs: int = 1
    done: float = 0.0


class Now(NamedTuple):
    """A run at this moment. `budget`: the budget as it was written, and the part of it that is used. What is not known is None."""

    energy_j: float | None
    power_w: float | None
    seconds: float
    paused: bool = False
    ahead: Ahead | None = None
    budget: tuple[str, float | None] | None = None


class LiveView:
    """What the cell shows: as HTML, and as text where a front end has no HTML. None stands for a run that has not begun."""

    def __init__(self, now: Now | None) -> None:
        self._lines = [WAITING] if now is None else _lines(now)

    def _repr_html_(self) -> str:
        first, *others = self._lines
        return "".join([paragraph(first, strong=True), *map(paragraph, others)])

    def __repr__(self) -> str:
        return "\n".join(self._lines)


def _lines(now: Now) -> list[str]:
    state = "paused" if now.paused else format_power(now.power_w) if now.power_w is not None else None
    energy = "no energy is known yet" if now.energy_j is None else f"{format_energy(now.energy_j)} so far"
    lines = [" · ".join(part for part in (state, energy, format_duration(now.seconds)) if part)]
    if (ahead := now.ahead) is not None:
        left = f"{format_duration(ahead.left_s)} left" if ahead.left_s > 0 else "about to end"
        used = "" if ahead.joules is None else f"{format_range(*ahead.joules)} at the end, "
        lines.append(f"forecast: {used}{left} ({after_text(*ahead[2:])})")
    if now.budget is not None:
        text, share = now.budget
        lines.append(f"budget of {text}: {'not known yet' if share is None else f'{percent(share)} used'}")
    return lines
