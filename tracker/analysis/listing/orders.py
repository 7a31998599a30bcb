"""PURE: runs in the order of a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ..totals import each_of
from ..work.best import greatest_first

if TYPE_CHECKING:
    from ...core.contract import EntryJson

T = TypeVar("T")
Figure = Literal["energy", "each", "to", "metric"]
"""The energy of a run, its energy per unit of work, its energy to a target, and its value of a metric."""
FIGURES: tuple[Figure, ...] = ("energy", "each", "to", "metric")


def figure_of(entry: EntryJson, figure: Figure) -> float | None:
    """The figure that an entry is sorted by; None if it is not known."""
    if figure == "energy":
        return entry["energy"]["total_j"]
    if figure == "each":
        each = each_of(entry)
        return None if each is None else each[1]
    if figure == "to":
        return to["energy_j"] if (to := entry.get("to")) else None
    return metric["value"] if (metric := entry.get("metric")) else None


def begins_with_greatest(figure: Figure, metric: str | None) -> bool:
    """Whether an order begins with the greatest values, unless it is asked for in the opposite direction."""
    return greatest_first(metric) if figure == "metric" and metric is not None else figure != "to"


def in_order(rows: Sequence[T], key: Callable[[T], Any], *, descending: bool) -> list[T]:
    """Sorted rows. Rows without a key come last in both directions, and equal rows stay as they are."""
    keys = [key(row) for row in rows]
    known = sorted(((k, row) for k, row in zip(keys, rows, strict=True) if k is not None), key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in known] + [row for k, row in zip(keys, rows, strict=True) if k is None]
