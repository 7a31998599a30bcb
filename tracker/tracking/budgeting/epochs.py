"""The epochs and batches of a run under way, and what the run will have used at its end."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...core.clock import Clock
from ...core.run import FORECAST_KEY
from ...energy.forecasting.forecast import Expected, at_power, expected, expected_of_batches
from ...storage.write.statements import Statement
from ...storage.write.writer import Writer
from .passes import Mark, Pass, Passes
from .terms import Facts, Rates, rates_of, seconds_before

NS = 1e-9
TRAIN = "train"
MOST_NAMES = 20
LATE_S = 60.0
"""After so long, joules that are a few seconds late tell a mean power."""
MOST_PASSES = 1_000
"""So many passes over a loader are known at most, where nobody says how many epochs there will be."""


class Forecast(NamedTuple):
    """What the whole run is expected to have used at its end: joules and grams of CO2e, None where they are not known (yet), and seconds.
    Each has a value and a range.

    `epoch` epochs of `epochs` are complete; `epochs` is None where one pass over a loader is taken to be all. `from_epochs`: of how many
    epochs this is known, 0 if it comes from the batches of the first one. `done`: the part of the training that is behind
    it. `left_s`: the seconds until the end."""

    epoch: int
    epochs: int | None
    energy_j: Expected | None
    grams: Expected | None
    seconds: Expected
    from_epochs: int = 0
    done: float = 0.0
    left_s: float = 0.0


class Epochs:
    """What is known of the epochs of a run. `epochs`: how many there will be, None if nobody says so.

    They are the instances of the phase that is the training: "train", else the first phase that has a step. A run without such a phase has
    them as passes over its loader. `run`: its id, and that of the segment that is this process. `energy_j` tells the joules so far."""

    def __init__(self, epochs: int | None, clock: Clock, run: tuple[str, str], energy_j: Callable[[], float | None]) -> None:
        self.of = epochs
        self.passes = Passes(self._now)
        self.late = False
        """Whether the joules are those that another process has stored, some seconds ago."""
        self.stores = True
        """Whether this process is one that stores the forecast: of ranks, those that read sensors know the energy best."""
        self._clock = clock
        self._run = run
        self._energy_j = energy_j
        self.begun_ns = clock.monotonic_ns()
        self._before_s = 0.0
        self._begins: dict[str, list[Mark]] = {}
        self._within_passes: set[str] = set()  # phases that begin with each batch
        self._loops = False
        self._facts: Facts | None = None
        self._grams: Rates | None = None
        self._stored = False

    def begins(self, name: str, step: int | None, t_ns: int) -> None:
        """A phase begins at `t_ns`."""
        if name != TRAIN and step is None:
            return
        within = self.passes.under_way
        if within is not None:
            self._within_passes |= {name} & within.begun_phases
            within.begun_phases.add(name)
        elif step is not None:
            self._loops = True
        if name not in self._begins:
            if len(self._begins) >= MOST_NAMES:
                return
            if within is None and (name == TRAIN or not self._begins):
                self.passes.forget()
        of_name = self._begins.setdefault(name, [])
        if len(of_name) <= (self.of or 0):  # more of them are no epochs
            of_name.append(Mark((t_ns - self.begun_ns) * NS, self._energy_j(), step))

    def begin_pass(self, loader: object) -> Pass | None:
        """A pass over a loader begins. None if it tells nothing of the length of the training."""
        return self.passes.begin(loader, MOST_PASSES if self.of is None else self.of)

    def forecast(self) -> Forecast | None:
        """What the run will have used at its end. None if that is not known (yet): before the first epoch is complete and too little of
        its batches is done, if there are more epochs than there should be, and where it is not certain what an epoch is."""
        one = self.passes.only
        if self.of is None:
            whole = one is not None and not (one.over or self._loops or self.passes.several)
            return self._from_batches(one, None, 0) if whole else None
        begins = self._of_epochs()
        if not begins or (self._before_s and begins[0].step is None):  # how many epochs there were before is not known
            return None
        first = begins[0].step
        before = first if first is not None and first > 1 else 0  # the run went on after these
        complete, left = len(begins) - 1, self.of - before
        if not complete:
            return self._from_batches(one, left, before)
        seconds = expected([b.seconds + self._before_s for b in begins], left, self._now_s())
        joules = _known(begins)
        energy = None
        if (now_j := self._energy_j()) is not None:
            energy = expected(joules, left - len(begins) + len(joules), now_j)
        if seconds is None:
            return None
        epoch, left_s = before + complete, seconds.value - self._now_s()
        return Forecast(epoch, self.of, energy, self._in_grams(energy, seconds), seconds, complete, epoch / self.of, left_s)

    def _of_epochs(self) -> Sequence[Mark]:
        """When the epochs began, as far as that is certain."""
        named = {name: begins for name, begins in list(self._begins.items()) if name not in self._within_passes}
        phases = named.get(TRAIN) or next(iter(named.values()), [])
        passes = [] if self.passes.several or self.passes.at_once else self.passes.begins
        if phases and (len(phases) > 1 or phases[0].step is not None or len(passes) < 2):
            return list(phases)
        return list(passes)  # a single phase may hold the whole loop

    def _from_batches(self, of: Pass | None, left: int | None, before: int) -> Forecast | None:
        """From the batches of the first of `left` epochs; of the only one, if that is None."""
        if of is None:
            return None
        every, marks = of.known
        pieces = of.of / every * (left or 1)
        now_j, unseen = self._energy_j(), (left or 1) > 1
        seconds = expected_of_batches([m.seconds + self._before_s for m in marks], pieces, self._now_s(), several=unseen)
        if seconds is None:
            return None
        joules, energy = _known(marks), None
        if now_j is not None and not self.late:
            energy = expected_of_batches(joules, pieces - len(marks) + len(joules), now_j, several=unseen)
        elif now_j is not None and joules and (length_s := self._now_s() - self._before_s - marks[-len(joules)].seconds) > LATE_S:
            energy = at_power((now_j - joules[0]) / length_s, now_j, self._now_s(), seconds)
        done = (len(marks) - 1) / pieces
        done = done if not before or not left or not self.of else (before + done * left) / self.of
        return Forecast(before, self.of, energy, self._in_grams(energy, seconds), seconds, 0, done, seconds.value - self._now_s())

    def _in_grams(self, energy: Expected | None, seconds: Expected) -> Expected | None:
        rates = self._grams
        if energy is None or rates is None:
            return None
        return Expected(*(j * rates.per_j + s * rates.per_s for j, s in zip(energy, seconds, strict=True)))

    def _now_s(self) -> float:
        return self._before_s + (self._clock.monotonic_ns() - self.begun_ns) * NS

    def _now(self) -> Mark:
        return Mark((self._clock.monotonic_ns() - self.begun_ns) * NS, self._energy_j())

    # ---- in a commit

    def learn(self, writer: Writer) -> None:
        """Find out what a joule and a second cost in grams, and how long the run was under way before. Raises StoreError and
        ConfigurationError."""
        if self.of is None and not self._stored and self.forecast() is None:
            return
        self._before_s = seconds_before(writer, self._run)
        facts = Facts.of(writer, self._run[0])
        known, self._facts, self._stored = self._facts, facts, FORECAST_KEY in facts.settings
        if known is None or facts.terms != known.terms:
            self._grams = rates_of(facts, None)

    def changes(self, *, final: bool) -> list[Statement]:
        """What stores the forecast for other processes, or removes it at the end. Nothing where it is stored already."""
        known, found = self._facts, None if final else self.forecast()
        if known is None or not self.stores:
            return []
        new = {name: value for name, value in known.settings.items() if name != FORECAST_KEY}
        if found is not None and all(math.isfinite(end) for end in found.seconds):
            new[FORECAST_KEY] = found._asdict()
        text = json.dumps(new, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if text == known.text:
            return []
        self._stored = True
        return [(STORE, {"run_id": self._run[0], "old": known.text, "settings": text})]


STORE = "UPDATE run SET settings = :settings WHERE id = :run_id AND settings = :old"
"""Other processes change the settings of a run too: what they have changed meanwhile is not undone."""


def _known(marks: Sequence[Mark]) -> list[float]:
    """The joules of marks, from the first one on that has any: until the first reading none are known. Empty if others have none."""
    joules = [mark.energy_j for mark in marks]
    while joules and joules[0] is None:
        del joules[0]
    known = [j for j in joules if j is not None]
    return known if len(known) == len(joules) else []
