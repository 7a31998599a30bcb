"""The epochs of a run under way, and what the run will have used at its end."""

from __future__ import annotations

from typing import NamedTuple

from ...core.clock import Clock
from ...energy.forecasting.forecast import Expected, expected
from ...storage.write.writer import Writer
from .terms import Facts, Rates, rates_of

NS = 1e-9
TRAIN = "train"
MOST_NAMES = 20


class Forecast(NamedTuple):
    """What the whole run is expected to have used at its end: joules and grams of CO2e, None where they are not known (yet), and seconds.
    Each has a value and a range. `epoch` epochs of `epochs` are complete."""

    epoch: int
    epochs: int
    energy_j: Expected | None
    grams: Expected | None
    seconds: Expected


class _Begin(NamedTuple):
    step: int | None
    seconds: float
    energy_j: float | None


class Epochs:
    """The instances of the phase that is the training: "train", else the first phase that has a step. `epochs`: how many there will be."""

    def __init__(self, epochs: int, clock: Clock, run_id: str) -> None:
        self._epochs = epochs
        self._clock = clock
        self._run_id = run_id
        self.begun_ns = clock.monotonic_ns()
        self._begins: dict[str, list[_Begin]] = {}
        self._facts: Facts | None = None
        self._grams: Rates | None = None

    def begins(self, name: str, step: int | None, t_ns: int, energy_j: float | None) -> None:
        """A phase begins at `t_ns`, when the run has used `energy_j`."""
        if (name == TRAIN or step is not None) and (name in self._begins or len(self._begins) < MOST_NAMES):
            of_name = self._begins.setdefault(name, [])
            if len(of_name) <= self._epochs:  # more of them are no epochs
                of_name.append(_Begin(step, (t_ns - self.begun_ns) * NS, energy_j))

    def forecast(self, energy_j: float | None) -> Forecast | None:
        """What the run will have used at its end, if it has used `energy_j` now. None before the first epoch is complete, and if more begin
        than there are."""
        begins = list(self._begins.get(TRAIN) or next(iter(self._begins.values()), ()))
        first = begins[0].step if begins else None
        before = first if first is not None and first > 1 else 0  # the run went on after these
        seconds = expected([b.seconds for b in begins], self._epochs - before, (self._clock.monotonic_ns() - self.begun_ns) * NS)
        if seconds is None:
            return None
        joules = [b.energy_j for b in begins if b.energy_j is not None]
        energy = None
        if energy_j is not None and len(joules) == len(begins):
            energy = expected(joules, self._epochs - before, energy_j)
        grams = None
        if energy is not None and (rates := self._grams) is not None:
            grams = Expected(*(j * rates.per_j + s * rates.per_s for j, s in zip(energy, seconds, strict=True)))
        return Forecast(before + len(begins) - 1, self._epochs, energy, grams, seconds)

    def learn(self, writer: Writer) -> None:
        """In a commit: find out what a joule and a second cost in grams. Raises StoreError and ConfigurationError."""
        facts = Facts.of(writer, self._run_id)
        if facts != self._facts:
            self._grams, self._facts = rates_of(facts, None), facts
