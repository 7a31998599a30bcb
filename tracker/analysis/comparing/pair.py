"""PURE: a side beside the baseline: the mean of its runs, and the change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ...energy.difference import NONE, Change
from ...energy.intervals import Share
from ...energy.spread.means import change_of_means, change_of_numbers, interval_of_mean
from .compared import Figure
from .side import Parts, Side, alternating


class Ends(NamedTuple):
    """A figure of one run."""

    value: float
    low: float
    high: float

    def over(self, amount: float) -> Ends:
        """The figure divided by an amount that is known exactly."""
        return Ends(self.value / amount, self.low / amount, self.high / amount)


class Pair:
    """A side and the baseline; `base` is None for the baseline itself."""

    def __init__(self, side: Side, base: Side | None) -> None:
        self.side, self.base = side, base
        self.same = base is not None and base.ids == side.ids
        self.paired = base is not None and alternating(base, side)

    def energy(
        self,
        figure: Figure,
        values: Sequence[Ends],
        mine: Sequence[Sequence[Share]],
        theirs: Sequence[Sequence[Share]],
    ) -> Figure:
        """The mean of the values, with the change from the baseline. `mine` and `theirs` are what each run is made of."""
        joules = Ends(*interval_of_mean(mine)) if len(mine) > 1 else values[0]
        found = replace(figure, value=joules.value, low=joules.low, high=joules.high, values=tuple(v.value for v in values))
        if self.base is None or not all(mine) or not theirs or not all(theirs):
            return found
        if self.same:
            return replace(found, change=no_change(joules.value))
        least = self.base.is_least, self.side.is_least
        change = change_of_means(theirs, mine, paired=self.paired, base_is_least=least[0], other_is_least=least[1])
        return replace(found, change=change)

    def numbers(self, of: Callable[[Side], list[float]]) -> Change | None:
        """The change of quantities that are known exactly."""
        return None if self.base is None else change_of_numbers(of(self.base), of(self.side), paired=self.paired)

    def theirs(self, of: Callable[[Parts], list[Share]]) -> list[list[Share]]:
        """What each run of the baseline is made of."""
        return [] if self.base is None else self.base.parts_of(of)


def no_change(joules: float) -> Change:
    """The change of a side compared with itself; 0 has no ratio to 0."""
    return NONE if joules > 0 else NONE._replace(ratio=None, ratio_low=None, ratio_high=None)
