"""The command of `trainwatt run`: how it is started, and how it ended."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

from ..signals.forwarding import CAUGHT, Inherited, send

UNKNOWN = 125
"""The exit code where it cannot be known how the command ended. `env`, `timeout` and `docker run` use it where they fail themselves."""
_SET_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}
"""Signals that every Python interpreter ignores."""
_PR_SET_PDEATHSIG = 1
"""The request of prctl(2) that sends this process a signal when its parent ends (linux/prctl.h)."""


class NoProcessError(OSError):
    """There can be no more processes."""


class NotExecutedError(OSError):
    """The kernel does not execute the command."""


class Spawned:
    """A child process that executes the command. `descriptor` can be read when it has ended; None where the kernel has no such thing."""

    def __init__(self, pid: int, early: int | None, failure: int | None) -> None:
        """Use `Spawned.start`."""
        self.pid = pid
        self.lost = False
        """Whether somebody else has taken the answer to how the command ended."""
        self._early = early
        self._failure = failure
        self.descriptor = watched(pid)

    @classmethod
    def start(
        cls, command_line: Sequence[str], environ: Mapping[str, str], inherited: Inherited, die_with: signal.Signals | None
    ) -> Spawned:
        """Start a process for the command with the signals that this process `inherited`; they must be held. Raises NoProcessError.

        `die_with`: the signal that the kernel sends it when this process ends.
        """
        tie = None if die_with is None else _tied_to(os.getpid(), die_with)
        told, tell, read, write = _pipes()
        try:
            pid = os.fork()
        except OSError as error:
            _close(told, tell, read, write)
            raise NoProcessError(error.errno, error.strerror) from None
        if pid == 0:
            _close(tell)  # so that the reading ends when the parent has written all, or has ended
            execute(command_line, environ, inherited, tie, told, write)
        _close(told, write)
        return cls(pid, tell, read)

    def begin(self, early: Iterable[int]) -> None:
        """Let the child execute the command. This process got the signals `early`, and the command gets each of them once: from here, or
        from the sender if it has sent them to the child too."""
        if self._early is None:
            for number in early:
                send(self.pid, number)
            return
        with suppress(OSError):  # it was killed
            os.write(self._early, bytes(early))
        os.close(self._early)

    def ended(self) -> int | None:
        """The exit code, or minus the signal that ended the command; None while it runs. UNKNOWN if it is `lost`.

        Raises NotExecutedError if the kernel did not execute it. Without pipes, its exit code says so."""
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            self.lost = True
            return UNKNOWN
        if not pid:
            return None
        if self._failure is not None:
            with open(self._failure, "rb") as file:
                failed = file.read()  # the other end was closed by the execution, or by the end
            if failed:
                raise NotExecutedError(int(failed), os.strerror(int(failed)))
        return os.waitstatus_to_exitcode(status)


def signal_name(number: int) -> str:
    """SIGTERM of 15; "signal 40" of a real-time signal."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def watched(pid: int) -> int | None:
    """A descriptor that can be read when a child process has ended; None if the kernel or the sandbox has no such thing."""
    with suppress(OSError):
        return os.pidfd_open(pid)
    return None


def _pipes() -> tuple[int, int, int, int] | tuple[None, None, None, None]:
    """The ends of two pipes; none where no more files can be opened, because the command must run all the same."""
    ends: list[int] = []
    try:
        for _ in range(2):
            ends += os.pipe()
    except OSError:
        _close(*ends)
        return None, None, None, None
    told, tell, read, write = ends
    return told, tell, read, write


def _close(*descriptors: int | None) -> None:
    for descriptor in descriptors:
        if descriptor is not None:
            os.close(descriptor)


def _tied_to(parent: int, number: signal.Signals) -> Callable[[], None]:
    """What ties the process that calls it to its parent. Raises OSError in the call if the kernel does not allow it."""
    import ctypes  # seldom needed

    libc = ctypes.CDLL(None, use_errno=True)

    def tie() -> None:
        if libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno() or errno.EPERM, "prctl")
        if os.getppid() != parent:  # it has ended already, and the kernel tells nobody any more
            os.kill(os.getpid(), number)

    return tie


def execute(
    command_line: Sequence[str],
    environ: Mapping[str, str],
    inherited: Inherited,
    tie: Callable[[], None] | None,
    early: int | None,
    failure: int | None,
) -> NoReturn:
    """Become the command, with the signals that were `inherited`. Nothing is said or raised here.

    `early`: a pipe that names signals which the command must get. `failure`: a pipe for the reason why the kernel does not execute it;
    without it, this process ends like a shell."""
    code = 127
    try:
        signal.set_wakeup_fd(-1)
        if early is not None:
            _get(early)
        for number in CAUGHT | _SET_BY_PYTHON:
            signal.signal(number, signal.SIG_IGN if number in inherited.ignored else signal.SIG_DFL)
        if tie is not None:
            tie()
        signal.pthread_sigmask(signal.SIG_SETMASK, inherited.blocked)
        os.execvpe(command_line[0], list(command_line), environ)
    except OSError as error:
        code = 127 if error.errno == errno.ENOENT else 126
        if failure is not None:
            os.write(failure, str(error.errno).encode())
    finally:
        os._exit(code)


def _get(early: int) -> None:
    """Send this process the signals that the parent names, except those that wait here already. All of them wait: they are blocked."""
    with open(early, "rb") as file:
        told = set(file.read())
    for number in told - signal.sigpending():
        os.kill(os.getpid(), number)
