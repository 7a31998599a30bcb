"""Runs under way in this process, and what becomes of those that nobody stops.

- A notebook cell that is run again begins a new run. The run that it began before ends, if both have the same project and name.
- A tracker that the program has let go of cannot be stopped any more. Its run goes on, because a program may want just that. It ends as
  soon as the same line of the program begins a run of the same project, or a notebook one of the same project and name; the oldest ends
  if there are many such runs.
- At the exit of the interpreter, all runs end.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import inspect
import os
import re
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..core.run import Event, EventKind, Status
from ..log import warn
from .outcome import outcome

if TYPE_CHECKING:
    from ..config import Config
    from .active_run import ActiveRun

MOST_LET_GO = 8
"""How many runs may go on whose trackers the program has let go of. Each has two threads, and reads all sensors."""
WAIT_S = 20.0
"""How long to wait for a run that another thread ends."""
Stop = Callable[[str, "str | None"], None]
T = TypeVar("T")


class Cell(NamedTuple):
    """A cell of a notebook, and one execution of it."""

    id: str
    execution: str


class Origin(NamedTuple):
    """Where a run began: the line of the program (file and number), the thread and task, and the cell of the notebook. `block`: it is a
    `with` block."""

    line: tuple[str, int]
    flow: tuple[int, int]
    cell: Cell | None
    block: bool


@dataclass(eq=False, slots=True)
class _Entry:
    """A run under way. `stop` ends it through its tracker. It gives None if the program has let go of the tracker."""

    run: ActiveRun
    config: Config
    origin: Origin
    stop: Callable[[], Stop | None]
    claim: threading.Lock = field(default_factory=threading.Lock)
    """Taken by the thread that ends the run, and never released."""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def let_go(self) -> bool:
        """Whether nothing in the program can stop the run any more."""
        return self.stop() is None

    def gives_way_to(self, new: _Entry, now: Cell | None) -> bool:
        """Whether this run was not stopped and a newer one takes its place. `now` is the cell that is being executed.

        Runs that a program has at the same time on purpose have trackers that it holds, or begin in other places, threads or tasks."""
        mine, others = self.origin, new.origin
        if self.config.project != new.config.project:
            return False
        alike = self.config.name == new.config.name
        if self.let_go and mine.line == others.line and mine.flow == others.flow:
            return True
        if not alike or mine.cell is None or others.cell is None:
            return False
        same_cell = mine.cell.id == others.cell.id
        if self.let_go:
            return same_cell or (others.cell == now and not mine.block and not others.block)  # the cell of `new` has let go of it
        return same_cell and mine.cell.execution != others.cell.execution and mine.block == others.block


class Running:
    """The runs under way in this process, in the order of their starts.

    A program may let go of a tracker at any moment, also within this code. So no step here waits for another thread that could be in one.
    """

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._at_exit_is_registered = False

    def add(self, run: ActiveRun, tracker: T, stop: Callable[[T], Stop], config: Config) -> None:
        """A run has begun, by a call of this thread; `stop` gives what ends it through its tracker. Runs that give way to it end now."""
        reference = weakref.ref(tracker, lambda _: self._let_go(run))

        def owners() -> Stop | None:
            owner = reference()
            return None if owner is None else stop(owner)

        new = _Entry(run, config, _origin(), owners)
        older = list(self._entries.values())
        self._entries[id(run)] = new
        if not self._at_exit_is_registered:
            self._at_exit_is_registered = True
            atexit.register(self._at_exit)
        for entry in older:
            if entry.gives_way_to(new, new.origin.cell):
                self._replace(entry, new)
        let_go = [entry for entry in older if entry.let_go and not entry.ended.is_set()]
        for entry in let_go[: max(0, len(let_go) - MOST_LET_GO)]:
            self._replace(entry, new)

    def remove(self, run: ActiveRun) -> None:
        """A run ends."""
        self._entries.pop(id(run), None)

    def others(self, run: ActiveRun) -> list[ActiveRun]:
        """The other runs under way."""
        return [entry.run for entry in list(self._entries.values()) if entry.run is not run]

    def after_fork(self) -> None:
        """In the child of a fork: the runs are the parent's."""
        entries = list(self._entries.values())
        self._entries.clear()
        for entry in entries:
            if entry.let_go:
                entry.run.recorder.abandon()

    def _let_go(self, run: ActiveRun) -> None:
        """The program has let go of a tracker: perhaps in the middle of our own code, so that another thread ends the run."""
        entries = list(self._entries.values())
        former = self._entries.get(id(run))
        if former is None:
            return
        now = _cell_of(sys._getframe())
        for entry in entries[entries.index(former) + 1 :]:
            if former.gives_way_to(entry, now):
                with contextlib.suppress(RuntimeError):  # the limit of threads is reached: a later start ends the run
                    _thread.start_new_thread(self._replace, (former, entry))
                return

    def _replace(self, former: _Entry, new: _Entry) -> None:
        """End a run that gives way to another."""
        text = f"stop() was not called: run {new.run.run_id} began in its place and ended it, so its energy is that until then"
        event = Event(EventKind.FORGOTTEN, former.run.clock.monotonic_ns(), None, text)
        self._end(former, Status.COMPLETED, f"stop() was not called before run {new.run.run_id} began", event)

    def _end(self, entry: _Entry, status: Status, reason: str | None, event: Event | None = None) -> None:
        if not entry.claim.acquire(blocking=False):
            entry.ended.wait(WAIT_S)
            return
        if event is not None:
            warn("run %s: %s", entry.run.run_id, event.detail)
            entry.run.recorder.note(event)
        try:
            stop = entry.stop()
            if stop is None:
                entry.run.end(status, reason, os.environ)
            else:
                stop(status, reason)
        except Exception as error:  # the new run, or the exit, goes on
            warn("the run could not be closed", fault=error)
        finally:
            entry.ended.set()
            self.remove(entry.run)

    def _at_exit(self) -> None:
        status, reason = at_exit()
        for entry in list(self._entries.values()):
            self._end(entry, status, reason)


# ---- the exit of the interpreter


def at_exit() -> tuple[Status, str | None]:
    """Status and end reason of a run that was not stopped before the interpreter ended.

    It has failed only if an exception has ended the program. The interpreter keeps the last exception that it reported, but consoles,
    notebooks and test runners report exceptions there too, and go on."""
    trace = getattr(sys, "last_traceback", None)
    error = getattr(sys, "last_value", None)
    if isinstance(trace, TracebackType) and issubclass(type(error), BaseException) and _ended_the_program(trace.tb_frame):
        return outcome(error)
    return Status.COMPLETED, "the interpreter ended without stop()"


def _ended_the_program(outermost: FrameType) -> bool:
    """Whether nothing could catch an exception that left this frame: it was called by nothing, and no prompt comes after it."""
    runs_on = hasattr(sys, "ps1") or sys.flags.interactive or sys.flags.inspect
    lent = outermost.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR)  # has lost its caller
    return not runs_on and not lent and outermost.f_back is None


# ---- where a run begins


def _origin() -> Origin:
    """Where the code that is not trainwatt's has begun a run."""
    frame: FrameType | None = sys._getframe(1)
    block = False
    while frame is not None and _is_ours(frame):
        block |= frame.f_code.co_name == "__enter__"
        frame = frame.f_back
    line = (_file(frame), frame.f_lineno) if frame is not None else ("", 0)
    return Origin(line, (threading.get_ident(), _task()), _cell_of(frame), block)


def _task() -> int:
    """The task of asyncio that this code runs in; 0 outside of any."""
    asyncio = sys.modules.get("asyncio")
    with contextlib.suppress(Exception):  # RuntimeError: no loop runs in this thread
        return 0 if asyncio is None else id(asyncio.current_task())
    return 0


def _is_ours(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.split(".")[0] in ("trainwatt", "contextlib")


def _file(frame: FrameType) -> str:
    """The file of a frame. For a cell, IPython makes one from its number and a hash of its text; here the number is left out."""
    return re.sub(r"ipython-input-\d+-", "ipython-input-", frame.f_code.co_filename)


def _cell_of(frame: FrameType | None) -> Cell | None:
    """The cell whose execution has called `frame`. None outside a notebook, and in threads and tasks that a cell has left running.

    Front ends give each cell an id, which stays when its text changes; where they do not, a cell is known by its text."""
    with contextlib.suppress(Exception):  # IPython's own code may raise anything
        return _found_cell(frame)
    return None


def _found_cell(frame: FrameType | None) -> Cell | None:
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_shell() if callable(get_shell) else None
    found: FrameType | None = None
    if shell is None:
        return None
    while frame is not None:
        if frame.f_globals is shell.user_ns and not frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # not the code of a function
            found = frame
        frame = frame.f_back
    if found is None:
        return None
    get_parent = getattr(shell, "get_parent", None)  # of a kernel
    parent = get_parent() if callable(get_parent) else {}
    cell_id = (parent.get("metadata") or {}).get("cellId")
    execution = (parent.get("header") or {}).get("msg_id")
    return Cell(str(cell_id or _file(found)), str(execution or shell.execution_count))
