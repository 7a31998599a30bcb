"""The budget of a run under way: what it has used of it, and what happens when all is used."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...config import Config
from ...core.clock import Clock
from ...core.run import Event, EventKind
from ...errors import BudgetExceeded
from ...log import warn
from ...settings.budget import Budget, Measure, OnBudget
from ...storage.write.writer import Writer
from .cost import Cost

if TYPE_CHECKING:
    from .live import Live

WHAT_HAPPENS = {
    OnBudget.WARN: "the training goes on",
    OnBudget.STOP: "the training is to stop",
    OnBudget.RAISE: "BudgetExceeded is raised in the loop",
}


class Limit:
    """A budget that a run may use. `price_per_kwh`: where the budget is money. `run`: the run, and the segment that is this process. `note`
    takes the event of the run, and `on_over` is called in the thread that finds out."""

    def __init__(
        self,
        budget: Budget,
        action: OnBudget,
        price_per_kwh: float | None,
        run: tuple[str, str],
        clock: Clock,
        note: Callable[[Event], None],
        on_over: Callable[[], None],
    ) -> None:
        self.budget = budget
        self.tells = True
        """Whether this process is the one that says it: of the ranks of a node, one is."""
        self.live: Live | None = None
        self._action = action
        self._clock = clock
        self.cost: Cost | None = None
        """Of a budget that is not an energy."""
        if budget.measure is not Measure.ENERGY:
            self.cost = Cost(run, clock, price_per_kwh if budget.measure is Measure.MONEY else None)
        self._note = note
        self._on_over = on_over
        self._over = False
        self.ended = False
        """Whether the run has ended."""
        self._first = threading.Lock()  # taken by the thread that finds out first, and never released

    @classmethod
    def of(
        cls, config: Config, run: tuple[str, str], clock: Clock, note: Callable[[Event], None], on_over: Callable[[], None]
    ) -> Limit | None:
        """The budget of the settings of a run; None if they have none."""
        if config.budget is None:
            return None
        return cls(config.budget, config.on_budget, config.price_per_kwh, run, clock, note, on_over)

    @property
    def stops(self) -> bool:
        """Whether more than a warning is asked for."""
        return self._action is not OnBudget.WARN

    @property
    def over(self) -> bool:
        """Whether the budget is used, as far as this is known. Once it is, this stays so."""
        if not self._over:
            self.check()
        return self._over

    @property
    def used(self) -> float | None:
        """What the run has used, in the unit of `Budget.amount`. None if that is not known (yet)."""
        energy_j = None if self.live is None else self.live.energy_j
        return energy_j if energy_j is None or self.cost is None else self.cost.of(energy_j)

    def check(self) -> None:
        """Find out whether the budget is used."""
        if self._over:
            return
        used = self.used
        if used is not None and used >= self.budget.amount and self._first.acquire(blocking=False):
            self._over = True
            if self.tells:
                text = f"the run has used its budget of {self.budget.text}: {WHAT_HAPPENS[self._action]}"
                warn("%s", text)
                self._note(Event(EventKind.BUDGET, self._clock.monotonic_ns(), None, text))
            self._on_over()

    def halt(self) -> None:
        """Raises BudgetExceeded if the budget is used and the user asks for that; never after the end of the run."""
        if self._action is OnBudget.RAISE and not self.ended and self.over:
            raise BudgetExceeded(f"the run has used its budget of {self.budget.text}, and on_budget is 'raise'")

    def learn(self, writer: Writer) -> None:
        """In a commit: find out what a joule and a second cost. Raises StoreError and ConfigurationError."""
        if self.cost is not None and not self._over:
            self.cost.learn(writer)
