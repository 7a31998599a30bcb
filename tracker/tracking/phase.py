"""Phases: the parts of a run, as context managers or decorators, and the stack of open phases."""

from __future__ import annotations

import contextlib
import sys
import threading
from itertools import count
from typing import TYPE_CHECKING

from ..core.plain import text, whole
from ..texts import made
from .harmless import Harmless
from .recording.phase_record import PhaseRecord

if TYPE_CHECKING:
    from .active_run import ActiveRun


class Phases:
    """The phases of the run under way: a stack of open phases for each thread, their numbers in the order of starts, and their edges.

    A phase that begins while no run is under way is not recorded. A copy, in this or another process, has no run.
    """

    def __init__(self) -> None:
        self.harmless = Harmless()
        self._run: ActiveRun | None = None
        self._forget()

    def begin(self, run: ActiveRun) -> None:
        """A run begins: no phase is open, and the first one has number 1."""
        self._forget()
        self._run = run

    def end(self) -> None:
        """The run is over. Phases that are still open have no end."""
        self._run = None

    def after_fork(self) -> None:
        """In the child of a fork: the run and its open phases are the parent's."""
        self.end()
        self._forget()

    @property
    def current(self) -> str:
        """The name of the innermost open phase of this thread; "" outside of any."""
        stack = self._stack
        return stack[-1].name if stack else ""

    def enter(self, phase: Phase) -> PhaseRecord | None:
        """A phase begins in this thread. None if it is not recorded."""
        run = self._run
        if run is None:
            return None
        t_ns = _edge(run, phase)
        stack = self._stack
        record = PhaseRecord(
            run.segment_id,
            next(self._numbers),
            phase.name,
            t_ns,
            step=_whole(phase.step),
            parent_seq=stack[-1].seq if stack else None,
            synchronized=phase.synchronize,
            exact=phase.exact,
        )
        run.recorder.phase(record)
        self._stack = (*stack, record)  # last: if anything above fails there is no phase, and no work is counted in it
        return record

    def leave(self, phase: Phase, record: PhaseRecord) -> None:
        """The phase that began as `record` ends."""
        self._stack = tuple(r for r in self._stack if r is not record)  # overlapping phases need not end in order
        run = self._run
        if run is not None and run.segment_id == record.segment_id:  # else the run that it began in is over
            record.end_t_ns = _edge(run, phase)
            run.recorder.phase(record)

    # The stack is replaced, never changed in place: to keep it in another kind of variable than a thread-local one, change these two only.

    @property
    def _stack(self) -> tuple[PhaseRecord, ...]:
        stack: tuple[PhaseRecord, ...] = getattr(self._local, "stack", ())
        return stack

    @_stack.setter
    def _stack(self, stack: tuple[PhaseRecord, ...]) -> None:
        self._local.stack = stack

    def _forget(self) -> None:
        self._local = threading.local()
        self._numbers = count(1)  # one call of next() is atomic: threads share it without a lock

    def __reduce__(self) -> tuple[type[Phases], tuple[()]]:
        return Phases, ()


class Phase(contextlib.ContextDecorator):
    """A part of a run: made by `EnergyTracker.phase`."""

    def __init__(self, phases: Phases, name: str, step: int | None, exact: bool, synchronize: bool) -> None:
        self.name = made(text, name)
        self.exact = self.synchronize = False
        self.step = step
        self._phases = phases
        try:
            self.exact, self.synchronize = bool(exact), bool(synchronize)
        except Exception as error:  # the types are the user's
            phases.harmless.failed("a phase is neither exact nor synchronized", error)
        self._records: list[PhaseRecord | None] = []  # more than one if it is entered again before it ends

    def __enter__(self) -> Phase:
        record = None
        try:  # here and not in `enter`: near the limit of recursion a call that catches its own error must not be deeper than this one
            record = self._phases.enter(self)
        except Exception as error:
            self._phases.harmless.failed("a phase could not be recorded", error)
        self._records.append(record)
        return self

    def __exit__(self, *_: object) -> None:
        record = self._records.pop() if self._records else None
        if record is not None:
            try:
                self._phases.leave(self, record)
            except Exception as error:
                self._phases.harmless.failed("a phase could not be recorded", error)

    def _recreate_cm(self) -> Phase:
        return Phase(self._phases, self.name, self.step, self.exact, self.synchronize)


def _edge(run: ActiveRun, phase: Phase) -> int:
    """The monotonic ns of an edge of a phase: now. The training thread only stamps the time and wakes the sampler. If the phase is `exact`,
    it reads the sensors itself."""
    if phase.synchronize:
        _wait_for_gpu()
    if phase.exact and run.sampler is not None:
        return run.sampler.poll()
    t_ns = run.clock.monotonic_ns()
    if run.sampler is not None:
        run.sampler.nudge(t_ns)
    return t_ns


def _wait_for_gpu() -> None:
    """Wait for the GPU, if this process has used it through PyTorch."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def _whole(step: object) -> int | None:
    """The step as an integer of 64 bits, also from a tensor or a NumPy number. None if it is not such a number."""
    try:
        number = whole(step)
    except Exception:  # the type is the user's
        return None
    return number if -(2**63) <= number < 2**63 else None
