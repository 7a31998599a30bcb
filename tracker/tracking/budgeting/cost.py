"""What a run under way has cost so far: grams of CO2e, or money."""

from __future__ import annotations

from ...core.clock import Clock
from ...storage.write.writer import Writer
from .terms import Facts, Rates, rates_of, seconds_before

NS = 1e-9


class Cost:
    """What the energy and the time of a run are in money with a price, else in grams of CO2e, with the central value of each factor. `run`:
    the run, and the segment that is this process."""

    def __init__(self, run: tuple[str, str], clock: Clock, price_per_kwh: float | None = None) -> None:
        self._run = run
        self._clock = clock
        self._price = price_per_kwh
        self.begun_ns = clock.monotonic_ns()
        self.ended_ns: int | None = None
        self._before_s = 0.0
        self._facts: Facts | None = None
        self._rates: Rates | None = None

    def of(self, energy_j: float) -> float | None:
        """The cost of a run that has used `energy_j` until now. None if it is not known (yet)."""
        if (rates := self._rates) is None:
            return None
        now_ns = self._clock.monotonic_ns() if self.ended_ns is None else self.ended_ns
        seconds = self._before_s + (now_ns - self.begun_ns) * NS
        return energy_j * rates.per_j + seconds * rates.per_s

    def learn(self, writer: Writer) -> None:
        """In a commit: find out what a joule and a second cost, from what is stored of the run and its hardware. Raises StoreError and
        ConfigurationError."""
        self._before_s = seconds_before(writer, self._run)
        facts = Facts.of(writer, self._run[0])
        if self._facts is None or facts.terms != self._facts.terms:
            self._rates, self._facts = rates_of(facts, self._price), facts
