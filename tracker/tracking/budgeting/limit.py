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
from .terms import Facts, Rates, rates_of, seconds_before

if TYPE_CHECKING:
    from .live import Live

NS = 1e-9
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
        self._price = price_per_kwh if budget.measure is Measure.MONEY else None
        self._run = run
        self._clock = clock
        self._note = note
        self._on_over = on_over
        self.begun_ns = clock.monotonic_ns()
        self._before_s = 0.0
        self._rates: Rates | None = Rates(1.0) if self.budget.measure is Measure.ENERGY else None
        self._facts: Facts | None = None
        self._over = False
        self.ended_ns: int | None = None
        """When the run has ended; None while it goes on."""
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
        if self._rates is None or energy_j is None:
            return None
        seconds = self._before_s + ((self.ended_ns or self._clock.monotonic_ns()) - self.begun_ns) * NS
        return energy_j * self._rates.per_j + seconds * self._rates.per_s

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
        if self._action is OnBudget.RAISE and self.ended_ns is None and self.over:
            raise BudgetExceeded(f"the run has used its budget of {self.budget.text}, and on_budget is 'raise'")

    def learn(self, writer: Writer) -> None:
        """In a commit: find out what a joule and a second cost, from what is stored of the run and its hardware. Raises StoreError and
        ConfigurationError."""
        if self._over or self.budget.measure is Measure.ENERGY:
            return
        self._before_s = seconds_before(writer, self._run)
        facts = Facts.of(writer, self._run[0])
        if self._facts is None or facts.terms != self._facts.terms:
            self._rates, self._facts = rates_of(facts, self._price), facts
