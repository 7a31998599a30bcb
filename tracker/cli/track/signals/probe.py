"""A process beside the command of `trainwatt run` that tells which signals were sent to both."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

LATEST_S = 2.0
"""How long a probe may take to answer. It takes longer only if somebody stopped it."""
_ANSWER = 0
_ASKED = b"?"
_NAME_BYTES = 15


class Probe:
    """A child process that does nothing but report the signals that it gets.

    It is in the same process group, session, terminal and control group as the command, has the same parent, and the same name: who sends a
    signal to several processes sends it to both of them, or to neither.
    """

    def __init__(self, pid: int, requests: int, reports: int) -> None:
        """Use `Probe.start`."""
        self._pid = pid
        self._requests = requests
        self._reports = reports
        self.ended = False

    @classmethod
    def start(cls, signals: frozenset[int], command_line: Sequence[str]) -> Probe | None:
        """Start a probe for these signals, which must be blocked. None if there can be no more processes or descriptors."""
        pipes: list[int] = []
        try:
            pipes += os.pipe()
            pipes += os.pipe()
            pid = os.fork()
        except OSError:
            for descriptor in pipes:
                os.close(descriptor)
            return None
        asked, ask, read, write = pipes
        os.set_blocking(read if pid else write, False)
        if pid == 0:
            _report(signals, command_line, asked, write)
        os.close(asked)
        os.close(write)
        return cls(pid, ask, read)

    @property
    def descriptor(self) -> int:
        """Can be read when there is a report, or when the process has ended."""
        return self._reports

    def reports(self) -> set[int]:
        """The signals that were reported since the last call."""
        found: set[int] = set()
        while not self.ended:
            try:
                got = os.read(self._reports, 4096)
            except BlockingIOError:
                break
            self.ended = not got
            found.update(got)
        return found

    def catch_up(self) -> set[int]:
        """The same, with all signals that the probe had got when this was called: it may have waited for a processor."""
        found = self.reports() - {_ANSWER}
        with suppress(OSError):
            os.write(self._requests, _ASKED)
        poll = select.poll()
        poll.register(self._reports, select.POLLIN)
        deadline = time.monotonic() + LATEST_S
        while not self.ended and (left_s := deadline - time.monotonic()) > 0:
            poll.poll(1e3 * left_s)
            found |= self.reports()
            if _ANSWER in found:
                break
        return found - {_ANSWER}

    def end(self) -> None:
        """End the process."""
        with suppress(OSError):
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        self.forget()

    def forget(self) -> None:
        """Leave the process to another one, after a fork."""
        os.close(self._requests)
        os.close(self._reports)


def _report(signals: frozenset[int], command_line: Sequence[str], requests: int, reports: int) -> NoReturn:
    """What the probe does, until its parent ends."""

    def tell(number: int, _: FrameType | None) -> None:
        with suppress(BlockingIOError):  # the parent is stopped, and thousands of signals came
            os.write(reports, bytes([number]))

    try:
        signal.set_wakeup_fd(-1)
        _take_name(command_line)
        for descriptor in map(int, os.listdir("/proc/self/fd")):  # no pipe, lock or terminal stays open because of the probe
            if descriptor not in (requests, reports):
                with suppress(OSError):
                    os.close(descriptor)
        for number in signals:
            signal.signal(number, tell)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        while os.read(requests, 1):  # nothing is read when the parent has ended
            os.write(reports, bytes([_ANSWER]))
    finally:
        os._exit(0)


def _take_name(command_line: Sequence[str]) -> None:
    """Have the name and the command line of the command, as `pkill` and `killall` see them. Where that is not allowed, do without."""
    arguments = [os.fsencode(argument) for argument in command_line]
    with suppress(OSError):
        Path("/proc/self/comm").write_bytes(os.path.basename(arguments[0])[:_NAME_BYTES])
    with suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end in proc(5)
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            memory.write(b"\0".join(arguments)[: end - start].ljust(end - start, b"\0"))
