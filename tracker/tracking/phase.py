"""Phases: the parts of a run, as context managers or decorators, and the stack of open phases."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING

from ..core.plain import text, whole
from ..errors import BudgetExceeded
from ..texts import made
from ..unwarned import unwarned
from .harmless import Harmless
from .recording.phases.phase_record import PhaseRecord
from .work.decorated import F, measured

if TYPE_CHECKING:
    from .active_run import ActiveRun


FAULT = "a phase could not be recorded"


class _Era:
    """The time of one run: a phase may be open in a context that outlives the run."""

    def __init__(self) -> None:
        self.over = False


# The open phases of this context, of all trackers: a context keeps every variable that was ever set in it. A thread begins with an empty
# context, and a task with a copy of the one that created it. The tuple is replaced, never changed.
_OPEN: ContextVar[tuple[tuple[_Era, PhaseRecord], ...]] = ContextVar("trainwatt_phases", default=())


class Phases:
    """The phases of the run under way: a stack of open phases for each thread and task, their numbers in the order of starts, and their
    edges.

    A phase that begins while no run is under way is not recorded. A copy, in this or another process, has no run.
    """

    def __init__(self) -> None:
        self._run: ActiveRun | None = None
        self._era = _Era()
        self._forget()

    def begin(self, run: ActiveRun) -> None:
        """A run begins: no phase is open, and the first one has number 1."""
        self._forget()
        self._run = run

    def end(self) -> None:
        """The run is over. Phases that are still open have no end."""
        self._run = None
        self._era.over = True

    def after_fork(self) -> None:
        """In the child of a fork: the run and its open phases are the parent's."""
        self.end()
        self._forget()

    @property
    def open_here(self) -> list[PhaseRecord]:
        """The open phases of this thread or task, the outermost first."""
        return [record for era, record in _live() if era is self._era]

    def enter(self, phase: Phase) -> PhaseRecord | None:
        """A phase begins in this thread or task. None if it is not recorded."""
        run = self._run
        if run is None:
            return None
        t_ns = _edge(run, phase)
        run.step(f"phase {phase.name}")
        parent = self._innermost()
        record = PhaseRecord(
            run.segment_id,
            next(self._numbers),
            phase.name,
            t_ns,
            step=whole_step(phase.step),
            parent_seq=None if parent is None else parent.seq,
            synchronized=phase.synchronize,
            exact=phase.exact,
        )
        run.recorder.phase(record)
        run.recorder.live.begins(record.name, record.step, t_ns)
        self.resume(record)  # last: if anything above fails there is no phase, and no work is counted in it
        return record

    def leave(self, phase: Phase, record: PhaseRecord) -> None:
        """The phase that began as `record` ends."""
        self.suspend(record)  # overlapping phases need not end in order, nor in the context in which they began
        run = self._run
        if run is not None and run.segment_id == record.segment_id:  # else the run that it began in is over
            record.end_t_ns = _edge(run, phase)
            run.recorder.phase(record)

    def suspend(self, record: PhaseRecord) -> None:
        """What this context does next is not part of the phase."""
        _OPEN.set(tuple(entry for entry in _live() if entry[1] is not record))

    def resume(self, record: PhaseRecord) -> None:
        """What this context does next is part of the phase."""
        _OPEN.set((*_live(), (self._era, record)))

    def is_open_here(self, record: PhaseRecord) -> bool:
        """Whether this thread or task is in the phase."""
        return any(open_here is record for _, open_here in _live())

    def _innermost(self) -> PhaseRecord | None:
        return next(reversed(self.open_here), None)

    def _forget(self) -> None:
        self._era.over = True
        self._era = _Era()
        self._numbers = count(1)  # one call of next() is atomic: threads share it without a lock

    def __reduce__(self) -> tuple[type[Phases], tuple[()]]:
        return Phases, ()


def _live() -> tuple[tuple[_Era, PhaseRecord], ...]:
    """The phases of this context that are still open: another context may have ended them."""
    entries = _OPEN.get()
    return entries if not entries else tuple(e for e in entries if not e[0].over and e[1].end_t_ns is None)


class Phase(contextlib.ContextDecorator):
    """A part of a run: made by `EnergyTracker.phase`. `find` returns the phases of the run that this code belongs to."""

    def __init__(
        self, find: Callable[[], Phases], harmless: Harmless, name: object, step: object, exact: object, synchronize: object
    ) -> None:
        self.name = made(text, name)
        self.exact = self.synchronize = False
        self.step = step
        self._find = find
        self._harmless = harmless
        self._entered: list[tuple[Phases, PhaseRecord]] = []  # more than one if it is entered again before it ends
        try:
            self.exact, self.synchronize = bool(exact), bool(synchronize)
        except Exception as error:  # the types are the user's
            harmless.failed("a phase is neither exact nor synchronized", error)

    def __call__(self, function: F) -> F:
        """Measure each call of a function as an instance of the phase, to the end of the coroutine or generator that it may be."""
        return measured(function, self._recreate_cm)

    def __enter__(self) -> Phase:
        try:  # here and not in `enter`: near the limit of recursion a call that catches its own error must not be deeper than this one
            phases = self._find()
            record = phases.enter(self)
            if record is not None:
                self._entered.append((phases, record))
        except BudgetExceeded:  # the user asks for it
            raise
        except Exception as error:
            self._harmless.failed(FAULT, error)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            entered = self._innermost()
            if entered is not None:
                self._entered.remove(entered)
                phases, record = entered
                phases.leave(self, record)
        except Exception as error:
            self._harmless.failed(FAULT, error)

    def suspend(self) -> None:
        """A generator has handed an item over: what its consumer does is not part of the phase."""
        self._each(Phases.suspend)

    def resume(self) -> None:
        """The generator goes on."""
        self._each(Phases.resume)

    def _innermost(self) -> tuple[Phases, PhaseRecord] | None:
        """What this thread or task has entered last; else what was entered last by any, as of a generator that another thread closes."""
        entered = self._entered[::-1]
        return next((e for e in entered if e[0].is_open_here(e[1])), entered[0] if entered else None)

    def _each(self, change: Callable[[Phases, PhaseRecord], None]) -> None:
        try:
            for phases, record in self._entered:
                change(phases, record)
        except Exception as error:
            self._harmless.failed(FAULT, error)

    def _recreate_cm(self) -> Phase:
        return Phase(self._find, self._harmless, self.name, self.step, self.exact, self.synchronize)


def _edge(run: ActiveRun, phase: Phase) -> int:
    """The monotonic ns of an edge of a phase: now. The training thread only stamps the time and wakes the sampler. If the phase is `exact`,
    it reads the sensors itself."""
    if phase.synchronize:
        unwarned(_wait_for_gpu)
    if phase.exact and run.sampler is not None:
        return run.sampler.poll()
    t_ns = run.clock.monotonic_ns()
    run.nudge(t_ns)
    return t_ns


def _wait_for_gpu() -> None:
    """Wait for the GPU, if this process has used it through PyTorch."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def whole_step(step: object) -> int | None:
    """The step as an integer of 64 bits, also from a tensor or a NumPy number. None if it is not such a number."""
    try:
        number = whole(step)
    except Exception:  # the type is the user's
        return None
    return number if -(2**63) <= number < 2**63 else None
