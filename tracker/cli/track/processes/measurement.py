"""The process that measures, as the process that waits for the command sees it."""

from __future__ import annotations

import os
import select
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from ...exits import exit_code, flushed
from ...output import say
from ..signals.forwarding import ENDING, Signals, send
from .link import Begun, Closed, Ended, Link, NotMeasured, NotStarted, OverBudget, Refused
from .spawned import signal_name, watched

START_S = 60.0
"""How long the command waits for the first reading, a baseline apart. A driver that initialises eight GPUs takes half a minute."""
HURRIED_S = 5.0
"""How long it still waits when a signal has asked it to end."""
ENDED_S = 2.0
"""How long a process may take to end that has closed its descriptors."""
CLOSED_S = 0.5
"""How long it may take to end when the run is closed and reported."""
REFUSED_S = 5.0
"""How long it may take to tell the user why it refuses."""
STALLED_S = 4.3
"""For so long the process that measures may wait for a disk, or for anything else but a processor, when the command has ended."""
LONGEST_S = 30.0
"""For so long it may work then."""
STEP_BACK_S = 0.4
"""How long it may take to leave the terminal to others."""
LOOK_S = 0.25
"""How often to look whether it waits or works."""
IMPATIENT_S = 0.5
"""A signal that comes so long after the end of the command was not meant for the command."""


class Measurement:
    """A child process that measures from before the command starts until it has ended."""

    def __init__(self, pid: int, link: Link) -> None:
        """Use `Measurement.start`."""
        self._pid = pid
        self._link = link
        self._status: int | None = None
        self._expected = False
        self._listens = False
        self.over_budget = False
        """Whether the command is to end because the run has used its budget."""
        self._begun: Begun | Refused | None = None
        self.descriptor = watched(pid)
        """Can be read when the process has ended; None where the kernel has no such thing."""

    @classmethod
    def start(cls, measure: Callable[[Link], None], signals: Signals) -> Measurement:
        """Start a process that calls `measure`, and says what that raises.

        Raises OSError if there can be no more processes or descriptors."""
        here, there = Link.pair()
        try:
            pid = os.fork()
        except OSError:
            here.close()
            there.close()
            raise
        if pid == 0:
            here.close()
            signals.after_fork()
            _measure(measure, there)
        there.close()
        return cls(pid, here)

    def begun(self, signals: Signals, baseline_s: float) -> Begun | Refused | None:
        """Wait for the first reading, after a baseline. None if the process ended without it, or takes too long."""
        until_s = time.monotonic() + baseline_s + START_S
        while time.monotonic() < until_s:
            if signals.asked_to_end:
                until_s = min(until_s, time.monotonic() + HURRIED_S)
            if self._link.descriptor not in signals.pause(self._link.descriptor, until_s=until_s):
                continue
            told = self._link.receive()
            if isinstance(told, Begun | Refused):
                self._begun = told
                self._expected = self._listens = told != Begun(None, None)
            else:
                self._await(signals, ENDED_S)
            break
        return self._begun

    def failed(self) -> str | None:
        """Why the process will not measure, in words; None while it lives."""
        return self._how() if self._gone() else None

    @property
    def watched(self) -> list[int | None]:
        """The descriptors that can be read when the process has ended; none when that is known."""
        return [self.descriptor] * self._expected + [self._link.descriptor] * self._listens

    def exit_code(self, signals: Signals) -> int:
        """Wait for the end of a process that has refused. Returns its exit code."""
        self._await(signals, REFUSED_S)
        self._kill()
        return max(1, os.waitstatus_to_exitcode(self._status or 1))

    def look(self) -> None:
        """Hear what the process tells, and say it if it has ended before the command."""
        while self._listens and self._readable(0):
            told = self._link.receive()
            self._listens = told is not None
            self.over_budget |= isinstance(told, OverBudget)
        if self._expected and self._gone():
            self._expected = False
            _tell(f"the process that measures {self._how()}; the command goes on, and is not measured any more{self._see()}")

    def finish(self, message: Ended | NotStarted | NotMeasured, signals: Signals) -> None:
        """Have the run closed and reported, and wait for it: for a few seconds if a disk does not answer."""
        if not self._has_begun():
            self._kill()
            return
        self._link.send(message)
        send(self._pid, signal.SIGCONT)  # who stopped the job may have stopped this process too
        begun_s = before_s = time.monotonic()
        waited_s, work = 0.0, _Work(self._pid)
        told: int | None = self._link.descriptor
        signals.take()
        while not self._gone():
            now_s = time.monotonic()
            waited_s += max(0.0, now_s - before_s - work.since_s())
            before_s = now_s
            late = waited_s > STALLED_S or now_s - begun_s > LONGEST_S
            if late or any(number in ENDING and at_s > begun_s + IMPATIENT_S for number, at_s in signals.take().items()):
                self._leave(late=late)
                return
            if told is not None and told in signals.pause(self.descriptor, told, until_s=now_s + LOOK_S):
                answer = self._link.receive()
                if isinstance(answer, OverBudget):
                    continue
                if isinstance(answer, Closed):
                    self._await(signals, CLOSED_S)  # a system call of one of its threads may not return
                    return
                told = None
            elif told is None:
                signals.pause(self.descriptor, until_s=now_s + LOOK_S)
        if self._expected and self._status != 0:
            _tell(f"the process that measures {self._how()} before it had closed the run{self._see()}")

    def _has_begun(self) -> bool:
        """Whether there is something to close. It may have begun while the command was running already."""
        if self._begun is None and self._readable(0):
            late = self._link.receive()
            self._begun = late if isinstance(late, Begun) else None
        return isinstance(self._begun, Begun)

    def _readable(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._link.descriptor, select.POLLIN)
        return bool(poll.poll(1e3 * seconds))

    def _leave(self, *, late: bool) -> None:
        """Let the process close the run in the background, if it can leave the terminal to others; else end it."""
        self._link.say_no_more()
        stepped_back = self._readable(STEP_BACK_S) and self._link.receive() is None
        if not stepped_back:
            self._kill()
        if late:
            after = "it is closed in the background" if stepped_back else "its last seconds are lost"
            _tell(f"the run could not be closed in time, perhaps because a disk does not answer: {after}{self._see()}")

    def _await(self, signals: Signals, seconds: float) -> None:
        """Wait for the end of the process, at most for a time."""
        until_s = time.monotonic() + seconds
        while not self._gone() and time.monotonic() < until_s:
            signals.pause(self.descriptor, until_s=until_s)

    def _kill(self) -> None:
        if not self._gone():
            with suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)

    def _gone(self) -> bool:
        if self._status is None:
            try:
                pid, status = os.waitpid(self._pid, os.WNOHANG)
            except ChildProcessError:
                pid, status = self._pid, 0
            if pid:
                self._status = status
        return self._status is not None

    def _how(self) -> str:
        code = os.waitstatus_to_exitcode(self._status or 0)
        return f"was ended by {signal_name(-code)}" if code < 0 else f"has ended with exit code {code}"

    def _see(self) -> str:
        return f"; trainwatt show {self._begun.run_id}" if isinstance(self._begun, Begun) and self._begun.run_id else ""


def _tell(text: str) -> None:
    """Print a message without delay: signals wait meanwhile."""
    say(text, patience_s=0.2)


def _measure(measure: Callable[[Link], None], link: Link) -> NoReturn:
    """What the child process does. It never returns, whatever a sensor raises."""
    code = 1
    try:
        _step_aside()
        code = flushed(exit_code(lambda: measure(link)))
    except Exception:  # of a sensor of the user, or a fault of trainwatt; the process that waits says that this one has ended
        traceback.print_exc()
    finally:
        os._exit(code)


def _step_aside() -> None:
    """Be no part of the job: what a terminal sends to it is for the command, and its input and output are the command's own.

    What a sensor prints goes to stderr.
    """
    os.setsid()
    with suppress(OSError), open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    with suppress(OSError):
        os.dup2(2, 1)


class _Work:
    """How long the threads of a process have run, or waited for a processor: what is left of the time they waited for something else."""

    def __init__(self, pid: int) -> None:
        self._tasks = Path(f"/proc/{pid}/task")
        self._before_s = self._now_s()

    def since_s(self) -> float:
        """The seconds since the last call, of all threads together; 0 if the kernel does not tell."""
        now_s = self._now_s()
        worked_s = sum(max(0.0, s - self._before_s.get(task, 0.0)) for task, s in now_s.items())
        self._before_s = now_s
        return worked_s

    def _now_s(self) -> dict[str, float]:
        """By thread. The first two fields of schedstat are nanoseconds on a processor, and waiting for one (sched-stats in the kernel's
        documentation)."""
        found: dict[str, float] = {}
        with suppress(OSError):
            for task in self._tasks.iterdir():
                with suppress(OSError, ValueError):  # the thread has ended
                    running_ns, waiting_ns = (task / "schedstat").read_text().split()[:2]
                    found[task.name] = 1e-9 * (int(running_ns) + int(waiting_ns))
        return found
