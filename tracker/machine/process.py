"""The identity of a process: its host, boot, pid and start time, its parents, its command and its environment."""

from __future__ import annotations

import os
import pwd
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..masking.text import masked, scrubbed
from .files import read_strings, read_text
from .proc import ProcessStat, fields_of, process_stat

_DEAD = "ZX"  # the states of a process that has ended: zombie, dead


class Identity(NamedTuple):
    """What distinguishes a process from every other: boot id, pid namespace, pid and start time (clock ticks since boot)."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    start_ticks: int
    procfs: str = "/proc"

    def is_alive(self, pid: int, start_ticks: int) -> bool:
        """Whether the process of this boot and namespace with that pid and start time still runs (a zombie does not).

        If its start time cannot be read, it counts as running: a run that continues must not be marked as ended.
        """
        stat = _stat(pid, self.procfs)
        return _hidden(pid) if stat is None else stat.state not in _DEAD and stat.start_ticks in (None, start_ticks)

    def is_there(self, pid: int) -> bool:
        """Whether a process has this pid now; one that /proc hides counts."""
        return alive_ticks(pid, self.procfs) is not None or self.is_alive(pid, 0)


def this_process(procfs: str = "/proc", pid: int | None = None) -> Identity:
    """The identity of process `pid`, this one by default."""
    number = os.getpid() if pid is None else pid
    ticks = alive_ticks(number, procfs) or 0
    boot_id = read_text(Path(procfs, "sys/kernel/random/boot_id"))
    try:
        namespace = os.readlink(f"{procfs}/self/ns/pid")
    except OSError:
        namespace = ""
    return Identity(os.uname().nodename, boot_id, namespace, number, ticks, procfs)


def _hidden(pid: int) -> bool:
    """Whether another user's process has this pid, and /proc does not show it (mount option hidepid)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return False  # our own process: /proc would show it


def alive_ticks(pid: int, procfs: str = "/proc") -> int | None:
    """Start time of a running process in clock ticks since boot; None if there is no such process, if it is a zombie, or if its start
    time cannot be read."""
    stat = _stat(pid, procfs)
    return None if stat is None or stat.state in _DEAD else stat.start_ticks


def parent(pid: int, procfs: str = "/proc") -> int | None:
    """The parent of a process; None if there is no such process."""
    stat = _stat(pid, procfs)
    return None if stat is None else stat.parent


def children(pid: int, procfs: str = "/proc") -> list[int]:
    """The processes that the threads of a process have started; empty if the kernel does not list them."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(procfs, str(pid), "task").iterdir():
            found += [int(child) for child in read_text(task / "children").split() if child.isdecimal()]
    return found


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


def _stat(pid: int, procfs: str) -> ProcessStat | None:
    return process_stat(read_text(Path(procfs, str(pid), "stat")))


def own_command() -> str | None:
    """This process's command line, masked; None if the interpreter does not know it, as within another program."""
    return masked(getattr(sys, "orig_argv", None) or getattr(sys, "argv", None) or ()) or None


def command_of(pid: int, procfs: str = "/proc") -> str | None:
    """Another process's command line, masked; None if it cannot be read."""
    arguments = read_strings(Path(procfs, str(pid), "cmdline"))
    return None if arguments is None else masked(arguments)


class Program(NamedTuple):
    """What other people may know of a process: the name of its program (at most 15 characters, as the kernel keeps it) and its user."""

    name: str
    user: str


def program_of(pid: int, procfs: str = "/proc") -> Program | None:
    """The program of another process and its user; None if there is no such process, or it is hidden."""
    status = fields_of(read_text(Path(procfs, str(pid), "status")))
    name, uid = scrubbed(status.get("Name", "")), status.get("Uid", "").split()[:1]
    if not name or not uid:
        return None
    try:
        return Program(name, pwd.getpwuid(int(uid[0])).pw_name)
    except (KeyError, ValueError, OverflowError):  # the machine has no name for it
        return Program(name, uid[0])


def started_with(variable: str, value: str, procfs: str = "/proc") -> list[int]:
    """The processes that were started with this variable in their environment, in the order of their numbers. Those that have ended, and
    those of other users, are not among them."""
    sought = os.fsencode(f"\0{variable}={value}\0")
    found: list[int] = []
    try:
        pids = sorted(int(name) for name in os.listdir(procfs) if name.isdecimal())
    except OSError:
        return []
    for pid in pids:
        with suppress(OSError):  # it has ended, or belongs to another user
            if sought in b"\0" + Path(procfs, str(pid), "environ").read_bytes():
                found.append(pid)
    return found


def environment_of(pid: int, procfs: str = "/proc") -> dict[str, str] | None:
    """The environment that another process was started with; None if it cannot be read."""
    strings = read_strings(Path(procfs, str(pid), "environ"))
    return None if strings is None else dict(text.partition("=")[::2] for text in strings if "=" in text)
