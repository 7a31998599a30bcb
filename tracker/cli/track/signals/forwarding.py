"""Signals of the command of `trainwatt run`: each reaches it once, whoever sends it.

A signal to the process group, from the terminal or to every process of a job reaches the command without us. A signal to `trainwatt run`
alone must be passed on. The kernel does not say which of the two it was: the probe does, which gets the first kind too.
"""

from __future__ import annotations

import faulthandler
import math
import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, NamedTuple

from .probe import Probe

FAULTS = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
_OURS = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTTIN, signal.SIGTTOU}
"""Signals that cannot be caught, or that say something of this process only. The kernel stops a whole group with SIGTTIN and SIGTTOU."""
FORWARDED = frozenset(signal.valid_signals() - FAULTS - _OURS)
CAUGHT = FORWARDED | {signal.SIGCHLD}
ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT})
"""Signals that ask a process to end."""
SETTLED_S = 0.2
"""So long after a signal, who sends it to several processes one after the other has sent it to all of them. `timeout` sends it to a process
and then to its group; Slurm and systemd send it to each process of a job."""
LOOK_S = 0.1
"""How often to look for what cannot be waited for."""
_SS_DISABLE = 2
"""The flag of sigaltstack(2) that gives an alternate stack up (bits/ss_flags.h)."""
MOST_PROBES = 5
"""How many probes are started, should somebody end them."""


class Inherited(NamedTuple):
    """The signals that were blocked, and those that were ignored, when this process was started."""

    blocked: frozenset[int]
    ignored: frozenset[int]


class Signals:
    """Catches the signals of this process from before the command starts, and passes them on to the command.

    It needs a process of its own in which no other library is loaded. Signals are caught by handlers, whether or not a thread blocks them:
    a thread that a preloaded library started may take a signal, whose default action would end the process.
    """

    def __init__(self, command_line: Sequence[str]) -> None:
        self._command_line = command_line
        self._got_s: dict[int, float] = {}
        self._probed_s: dict[int, float] = {}
        self._probe: Probe | None = None
        self._probes = 0
        self._before: dict[int, Any] = {}
        self._wakes: int | None = None
        self._waker: int | None = None
        self.inherited = Inherited(frozenset(), frozenset())

    def __enter__(self) -> Signals:
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, CAUGHT)
        self._before = {number: handler for number in CAUGHT if (handler := signal.getsignal(number)) is not None}
        self.inherited = Inherited(frozenset(blocked), frozenset(n for n, handler in self._before.items() if handler is signal.SIG_IGN))
        with suppress(OSError):  # without descriptors, signals are looked for
            self._wakes, self._waker = os.pipe()
            for descriptor in (self._wakes, self._waker):
                os.set_blocking(descriptor, False)
            signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        _catch_on_the_own_stack()
        for number in CAUGHT:
            signal.signal(number, self._catch)
        self._start_probe()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, CAUGHT)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Drop what came too late for the command, and take signals as before."""
        self.end_probe()
        signal.pthread_sigmask(signal.SIG_BLOCK, CAUGHT)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        for descriptor in (self._wakes, self._waker):
            if descriptor is not None:
                os.close(descriptor)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.inherited.blocked)

    def after_fork(self) -> None:
        """In a child process: leave the signals to the parent. The handlers stay, and what they catch has no effect."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in FORWARDED:
            signal.siginterrupt(number, False)  # no driver is interrupted
        for descriptor in (self._wakes, self._waker):
            if descriptor is not None:
                os.close(descriptor)
        if self._probe is not None:
            self._probe.forget()
            self._probe = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """A block in which signals wait."""
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)

    @property
    def asked_to_end(self) -> bool:
        """Whether a signal came that asks a process to end, and that was not passed on."""
        return not ENDING.isdisjoint(self._got_s)

    def end_probe(self) -> None:
        """End the process beside the command."""
        if self._probe is not None:
            self._probe.end()
            self._probe = None

    def take(self) -> dict[int, float]:
        """The signals that came, also those that are held, each with the time when it came; they are not passed on any more."""
        for number in signal.sigpending() & FORWARDED:
            if signal.sigtimedwait({number}, 0) is not None:
                self._got_s.setdefault(number, time.monotonic())
        came, self._got_s = self._got_s, {}
        if self._probe is not None:
            self._note(self._probe.catch_up())  # these are the same ones: not to be taken for later ones
        return came

    def pause(self, *descriptors: int | None, until_s: float = math.inf) -> set[int]:
        """Wait for a signal, for one of the descriptors, or until a time of the monotonic clock. Returns the descriptors that can be read.

        A descriptor that is None stands for something that cannot be waited for."""
        poll = select.poll()
        for descriptor in (self._wakes, *descriptors):
            if descriptor is None:
                until_s = min(until_s, time.monotonic() + LOOK_S)
            else:
                poll.register(descriptor, select.POLLIN)
        if self._probe is not None:
            poll.register(self._probe.descriptor, select.POLLIN)
        ready = {found for found, _ in poll.poll(None if until_s == math.inf else max(0, math.ceil(1e3 * (until_s - time.monotonic()))))}
        if self._wakes is not None:
            with suppress(BlockingIOError):
                self._take_back(os.read(self._wakes, 4096))
        if self._probe is not None:
            self._note(self._probe.reports())
            if self._probe.ended:
                self._start_probe()
        return ready

    def pass_on(self, pid: int) -> float:
        """Send the command `pid` the signals that are due and that it has not got. Returns when the next one is due."""
        for number, at_s in list(self._got_s.items()):
            if time.monotonic() >= at_s + SETTLED_S and self._got_s.pop(number, None) is not None:
                reached = self._reached(pid, number, at_s)
                if number == signal.SIGTSTP:
                    self._stop(None if reached else pid, at_s)
                elif not reached:
                    send(pid, number)
        return min(self._got_s.values(), default=math.inf) + SETTLED_S

    def _catch(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGCONT:
            self._got_s.pop(signal.SIGTSTP, None)  # taken back. The kernel drops it too, so the probe may not have seen it
        if number != signal.SIGCHLD:
            self._got_s.setdefault(number, time.monotonic())

    def _take_back(self, came: bytes) -> None:
        """`came`: signals in the order in which they came. Handlers are called in the order of their numbers, if several are due: that of
        SIGCONT before that of a SIGTSTP that came first, and that it takes back."""
        if next((number for number in reversed(came) if number in (signal.SIGTSTP, signal.SIGCONT)), None) == signal.SIGCONT:
            self._got_s.pop(signal.SIGTSTP, None)

    def _start_probe(self) -> None:
        self.end_probe()
        if self._probes < MOST_PROBES:
            self._probes += 1
            with self.held():
                self._probe = Probe.start(FORWARDED, self._command_line)

    def _reached(self, pid: int, number: int, at_s: float) -> bool:
        """Whether the command got the signal from its sender. Where that is not known, it is better sent twice than never."""
        if self._probe is None or not _in_our_group(pid):
            return False
        self._note(self._probe.catch_up())
        return self._probed_s.get(number, -math.inf) >= at_s - SETTLED_S

    def _note(self, numbers: set[int]) -> None:
        self._probed_s.update(dict.fromkeys(numbers, time.monotonic()))

    def _stop(self, pid: int | None, at_s: float) -> None:
        """Stop the command `pid` and this process until SIGCONT, as the SIGTSTP that came at `at_s` asks. None: the command has got it."""
        if self._continued(at_s):
            return
        if pid is not None:
            send(pid, signal.SIGTSTP)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # it is blocked, and a later SIGCONT removes it
        if self._probe is not None:
            self._note(self._probe.catch_up())
        if self._continued(at_s):
            signal.sigtimedwait({signal.SIGTSTP}, 0)
            if pid is not None:
                self._probed_s.pop(signal.SIGCONT, None)  # the command may have got it before we stopped it: pass it on
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
        signal.signal(signal.SIGTSTP, self._catch)

    def _continued(self, at_s: float) -> bool:
        """Whether SIGCONT came since `at_s`. It may have reached the probe only: SIGTSTP removes a SIGCONT that still waits."""
        return signal.SIGCONT in self._got_s or self._probed_s.get(signal.SIGCONT, -math.inf) >= at_s


def _catch_on_the_own_stack() -> None:
    """Give up the alternate stack of Python's fault handler (PYTHONFAULTHANDLER, `-X dev`). Handlers of Python run on it, and it has room
    for four signals at once: the kernel ends a process with SIGSEGV that gets more (sigaltstack(2))."""
    if not faulthandler.is_enabled():
        return
    with suppress(OSError, ImportError, AttributeError):  # it may open no file
        import ctypes  # seldom needed

        class Stack(ctypes.Structure):  # stack_t
            _fields_ = (("ss_sp", ctypes.c_void_p), ("ss_flags", ctypes.c_int), ("ss_size", ctypes.c_size_t))

        ctypes.CDLL(None).sigaltstack(ctypes.byref(Stack(None, _SS_DISABLE, 0)), None)


def send(pid: int, number: int) -> None:
    """Send a signal to a process, if it is still there."""
    with suppress(OSError):  # it has ended, or belongs to another user now
        os.kill(pid, number)


def _in_our_group(pid: int) -> bool:
    try:
        return os.getpgid(pid) == os.getpgrp()
    except OSError:  # it has ended
        return True
