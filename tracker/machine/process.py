"""The identity of a process: its host, boot, pid and start time, its parents and its command."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from .masking import masked


@dataclass(frozen=True, slots=True)
class Identity:
    """A process as no other can be mistaken for it: boot id, pid namespace, pid and start time (clock ticks since boot)."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    start_ticks: int
    procfs: str = "/proc"

    def is_alive(self, pid: int, start_ticks: int) -> bool:
        """Whether the process of this boot and namespace with that pid and start time still runs (a zombie does not)."""
        ticks = alive_ticks(pid, self.procfs)
        return ticks == start_ticks if ticks is not None else _hidden(pid)


def this_process(procfs: str = "/proc", pid: int | None = None) -> Identity:
    """The identity of process `pid`, this one by default."""
    number = os.getpid() if pid is None else pid
    ticks = alive_ticks(number, procfs) or 0
    try:
        boot_id = Path(procfs, "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot_id = ""
    try:
        namespace = os.readlink(f"{procfs}/self/ns/pid")
    except OSError:
        namespace = ""
    return Identity(os.uname().nodename, boot_id, namespace, number, ticks, procfs)


def _hidden(pid: int) -> bool:
    """Whether there is such a process after all, of another user, that /proc does not show (its mount option hidepid)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return False  # ours, and a zombie, or it would have been seen


def alive_ticks(pid: int, procfs: str = "/proc") -> int | None:
    """Start time of a running process in clock ticks since boot (field 22 of its stat); None if there is none, or only a zombie."""
    fields = _stat(pid, procfs)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def parent(pid: int, procfs: str = "/proc") -> int | None:
    """The parent of a process, None if there is no such process."""
    fields = _stat(pid, procfs)
    return None if fields is None else int(fields[1])


def is_descendant(pid: int, ancestor: int, procfs: str = "/proc") -> bool:
    """Whether `pid` is `ancestor` or was started by it, however many generations ago."""
    seen: set[int] = set()
    current: int | None = pid
    while current and current not in seen:
        if current == ancestor:
            return True
        seen.add(current)
        current = parent(current, procfs)
    return False


def _stat(pid: int, procfs: str) -> list[str] | None:
    """The fields after the command name, which may itself contain spaces and brackets."""
    try:
        return Path(procfs, str(pid), "stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None


def own_command() -> str:
    """This process's command line, masked."""
    return masked(sys.orig_argv)


def command_of(pid: int, procfs: str = "/proc") -> str | None:
    """Another process's command line, masked; None where it cannot be read."""
    try:
        raw = Path(procfs, str(pid), "cmdline").read_bytes()
    except OSError:
        return None
    return masked([part.decode(errors="replace") for part in raw.split(b"\0") if part])
