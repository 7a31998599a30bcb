"""Signals of the command of `trainwatt run`: each reaches it once, whoever sends it.

A signal to the process group, from the terminal or to every process of a job reaches the command without us. A signal to `trainwatt run`
alone must be passed on. The kernel does not say which of the two it was: the probe does, which gets the first kind too.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple

from .probe import Probe

FAULTS = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
_OURS = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTTIN, signal.SIGTTOU}
"""Signals that cannot be caught, or that say something of this process only. The kernel stops a whole group with SIGTTIN and SIGTTOU."""
FORWARDED = frozenset(signal.valid_signals() - FAULTS - _OURS)
SETTLED_S = 0.2
"""So long after a signal, who sends it to several processes one after the other has sent it to all of them. `timeout` sends it to a process
and then to its group; Slurm and systemd send it to each process of a job."""
_SI_KERNEL = 0x80
"""The si_code of a signal from the kernel (asm-generic/siginfo.h)."""


class _Got(NamedTuple):
    """A signal that this process got: when, and the kind of its sender."""

    at_s: float
    si_code: int


class Signals:
    """Blocks the signals of this process, from before the first thread starts, and passes them on to the command."""

    def __init__(self, command_line: Sequence[str]) -> None:
        self._command_line = command_line
        self._got: dict[int, _Got] = {}
        self._probed_s: dict[int, float] = {}
        self._probe: Probe | None = None
        self.inherited: set[int] = set()
        """The signals that were blocked before."""

    def __enter__(self) -> Signals:
        self.inherited = set(signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED | {signal.SIGCHLD}))
        if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:  # inherited: the kernel would not tell how the command ended
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._probe = Probe.start(FORWARDED, self._command_line)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Drop what came too late for the command, and take signals as before."""
        if self._probe is not None:
            self._probe.end()
        while signal.sigtimedwait(FORWARDED, 0) is not None:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, self.inherited)

    def early(self) -> list[int]:
        """The signals that came before there was a command: whoever sent them, the command will not have got them."""
        came: list[int] = []
        while (received := signal.sigtimedwait(FORWARDED, 0)) is not None:
            came.append(received.si_signo)
        if self._probe is not None:
            self._probe.catch_up()  # these are the same ones
        return [number for number in came if number not in (signal.SIGTSTP, signal.SIGCONT)]

    def wait(self, pid: int, early: Sequence[int]) -> int:
        """Wait for the command `pid`, and pass signals on. Returns its exit code, or minus the signal that ended it."""
        for number in early:
            _send(pid, number)
        while True:
            self._receive()
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            for number, got in list(self._got.items()):
                if time.monotonic() >= got.at_s + SETTLED_S:
                    del self._got[number]
                    self._settle(pid, number, got)

    def _receive(self) -> None:
        """Wait for a signal, or until one that came is settled."""
        every = FORWARDED | {signal.SIGCHLD}
        if self._got:
            left_s = min(got.at_s for got in self._got.values()) + SETTLED_S - time.monotonic()
            received = signal.sigtimedwait(every, max(0.0, left_s))
        else:
            received = signal.sigwaitinfo(every)
        if received is not None and received.si_signo != signal.SIGCHLD:
            self._got.setdefault(received.si_signo, _Got(time.monotonic(), received.si_code))
        if self._probe is not None:
            self._note(self._probe.reports())

    def _settle(self, pid: int, number: int, got: _Got) -> None:
        if not self._reached(pid, number, got):
            _send(pid, number)
        if number == signal.SIGTSTP:
            self._stop_too(got.at_s)

    def _reached(self, pid: int, number: int, got: _Got) -> bool:
        """Whether the command got the signal from its sender."""
        if not _in_our_group(pid):
            return False
        if self._probe is not None:
            self._note(self._probe.catch_up())
            if not self._probe.ended:
                return self._probed_s.get(number, -math.inf) >= got.at_s - SETTLED_S
        hung_up = number == signal.SIGHUP and os.getsid(0) == os.getpid()  # the kernel tells the leader of the session only
        return got.si_code == _SI_KERNEL and not hung_up

    def _note(self, numbers: set[int]) -> None:
        self._probed_s.update(dict.fromkeys(numbers, time.monotonic()))

    def _stop_too(self, at_s: float) -> None:
        """Stop, as Ctrl-Z asks this process too, until SIGCONT. A SIGCONT that came since then has taken it back."""
        if signal.SIGCONT in self._got:
            return
        os.kill(os.getpid(), signal.SIGTSTP)  # it is blocked, and a later SIGCONT removes it
        if self._probe is not None:
            self._note(self._probe.catch_up())
        if self._probed_s.get(signal.SIGCONT, -math.inf) >= at_s:
            signal.sigtimedwait({signal.SIGTSTP}, 0)
            return
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})


def _send(pid: int, number: int) -> None:
    with suppress(OSError):  # it has ended, or belongs to another user now
        os.kill(pid, number)


def _in_our_group(pid: int) -> bool:
    try:
        return os.getpgid(pid) == os.getpgrp()
    except OSError:  # it has ended
        return True
