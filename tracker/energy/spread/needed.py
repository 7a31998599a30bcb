"""PURE: how many runs would decide."""

from __future__ import annotations

from collections.abc import Sequence

from .chance import resized
from .means import Run, sides_of_means

MOST_RUNS = 1_000


def runs_needed(base: Sequence[Run], other: Sequence[Run], *, paired: bool = False) -> int | None:
    """How many runs a side would have shown the difference that is seen now to be certain, if they vary as these runs do.

    None if no number up to 1,000 would: the difference is too small, or the errors of the sensors alone explain it. Raises ValueError for
    fewer than two runs on a side.
    """
    if min(len(base), len(other)) < 2:
        raise ValueError("how much runs vary is known from two runs on")
    sides = sides_of_means(base, other, paired=paired)

    def decides(count: int) -> bool:
        low, high = sides._replace(chance=resized(sides.chance, (len(base), len(other)), count, paired=paired)).ends(1.0)
        return low > 0 or high < 0

    if not decides(MOST_RUNS):
        return None
    few, many = 1, MOST_RUNS
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if decides(middle) else (middle, many)
    return many
