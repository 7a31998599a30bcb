"""One measured run of a command line."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import IO, NamedTuple

from ...config import JOIN_DB, JOIN_RUN, Settings
from ...machine.threads import start_thread
from ...masking.text import masked
from ..target import Target
from ..tracker import EnergyTracker
from .goal import Goal

SHELL = ("/bin/sh", "-c")
LAST_LINES, LINE_CHARACTERS = 20, 2_000
TO = "to "
"""The phase from the start of the command until its goal is this word and the goal."""


class OneRun(NamedTuple):
    """`run_id` of a stored run; None for one that was not measured. `code`: the exit code, or minus the number of the signal that ended it.
    `reached`: whether it printed a value that reaches the goal; None without a goal. `last_lines` of its output."""

    run_id: str | None
    code: int
    reached: bool | None
    last_lines: tuple[str, ...]


class _Output:
    """Reads what the command prints, in a thread: it keeps the last lines, and looks for the goal."""

    def __init__(self, stream: IO[bytes], goal: Goal | None, until_goal: AbstractContextManager[object]) -> None:
        self.lines: deque[str] = deque(maxlen=LAST_LINES)
        self.reached = False
        self._stream, self._goal, self._until_goal = stream, goal, until_goal
        self.thread = start_thread(self._read, "trainwatt-bench")

    def _read(self) -> None:
        with self._until_goal:
            while not self.reached and (line := self._line()) is not None:
                self.reached = self._goal is not None and self._goal.met(line)
        while self._line() is not None:
            pass

    def _line(self) -> str | None:
        """The next line, or a part of a long one; None at the end."""
        read = self._stream.readline(LINE_CHARACTERS)
        if not read:
            return None
        line = read.decode("utf-8", "replace").rstrip()
        self.lines.append(line)
        return line


def run_once(line: str, settings: Settings | None, goal: Goal | None = None) -> OneRun:
    """Run a command line of the shell and wait for its end. `settings`: those of the run; None measures nothing.

    Raises ConfigurationError, StoreError, and OSError if the shell cannot be started. Ctrl-C ends the command and the run.
    """
    if settings is None:
        return _waited(line, None, None)
    tracker = EnergyTracker.watching(Target(command=masked((line,)), joinable=True), **settings)
    with tracker:
        found = _waited(line, tracker, goal)
        tracker.stop(*_outcome(found, goal))
        return found


def _waited(line: str, tracker: EnergyTracker | None, goal: Goal | None) -> OneRun:
    run_id = None if tracker is None else tracker.run_id
    joined = {} if tracker is None else {JOIN_RUN: run_id or "", JOIN_DB: str(tracker.path)}
    until_goal: AbstractContextManager[object] = nullcontext()
    if tracker is not None and goal is not None:
        until_goal = tracker.phase(f"{TO}{goal}")
    process = subprocess.Popen(
        [*SHELL, line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | joined
    )
    try:
        assert process.stdout is not None
        output = _Output(process.stdout, goal, until_goal)
        code = process.wait()
    except BaseException:  # such as Ctrl-C, which the terminal sends to the command too
        process.terminate()
        process.wait()
        raise
    output.thread.join(1.0)  # a process that the command left may keep the pipe open
    return OneRun(run_id, code, output.reached if goal is not None else None, tuple(output.lines))


def _outcome(found: OneRun, goal: Goal | None) -> tuple[str, str | None]:
    if found.code:
        return "failed", f"exit code {found.code}" if found.code > 0 else f"signal {-found.code}"
    return ("failed", f"{goal} was not reached") if found.reached is False else ("completed", None)
