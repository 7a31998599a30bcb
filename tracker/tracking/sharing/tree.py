"""The CPU time of a process and of all that it has started, and that of the machine. psutil reads it, and is loaded only here."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from ...energy.shares.policy import Use
from ...machine.cgroup import Cgroup

if TYPE_CHECKING:
    import psutil


class Spent(NamedTuple):
    """CPU seconds of an interval: of the tree, of all processes, and those that there were."""

    tree_s: float
    busy_s: float
    capacity_s: float

    @property
    def use(self) -> Use:
        """The same as use of the processors."""
        tree_s = min(self.tree_s, max(self.busy_s, 0.0))  # the two are not read at the same instant
        return Use(tree_s, max(0.0, self.busy_s - tree_s), 0.0, self.capacity_s)


class Seen(NamedTuple):
    """A process when it was looked at: what it is known by, its parent, its own CPU seconds, and those of its children that have ended."""

    process: object
    parent: int
    own_s: float
    children_s: float

    @property
    def all_s(self) -> float:
        """Its own CPU seconds, and those of its children that have ended."""
        return self.own_s + self.children_s


class ProcessTree:
    """The processes of the tree of `pid`. A process that was seen in it stays in it when its parent ends.

    The CPU time of a process that has ended is in that of the parent that has waited for it. So nothing is missing of processes that
    begin and end between two looks, unless nobody in the tree waits for them.
    """

    def __init__(self, pid: int, procfs: str, sysfs: str) -> None:
        self._procfs = procfs
        here = pid == os.getpid() and procfs != "/proc"
        self._pid = int(os.readlink(f"{procfs}/self")) if here else pid  # its number in the namespace of that tree
        self._share = Cgroup(sysfs, procfs).cpu_share()
        self._processes: dict[int, psutil.Process] = {}
        self._seen: dict[int, Seen] = {}
        self._above: Seen | None = None
        self._ended: frozenset[int] = frozenset()
        with _reading(procfs):
            self._look()
            self._whole_s = _whole_s()
        self._group_s, self._at_s = self._used_by_group_s(), time.monotonic()

    @property
    def pids(self) -> frozenset[int]:
        """The processes of the tree, with those that have ended between the last two looks."""
        return self._ended | self._seen.keys()

    def spent(self) -> tuple[Spent, Spent | None]:
        """The CPU time since the last call: in the machine, and in the control group that limits this process; None if none does."""
        before, above, busy_s, group_s, at_s = self._seen, self._above, self._whole_s, self._group_s, self._at_s
        with _reading(self._procfs):
            self._look()
            self._whole_s = _whole_s()
        self._group_s, self._at_s = self._used_by_group_s(), time.monotonic()
        self._ended = frozenset(before.keys() - self._seen.keys())
        tree_s = spent_s(before, self._seen, None if self._pid in self._seen else _pair(above, self._above), above_pid(before, self._pid))
        machine = Spent(tree_s, self._whole_s[0] - busy_s[0], self._whole_s[1] - busy_s[1])
        if self._share is None or group_s is None or self._group_s is None:
            return machine, None
        return machine, Spent(tree_s, self._group_s - group_s, self._share.cpus * (self._at_s - at_s))

    def _look(self) -> None:
        processes: dict[int, psutil.Process] = {}
        if (root := _process(self._pid)) is not None:
            processes |= _with_children(root)
        for pid, orphan in self._processes.items():  # those whose parent has ended are not below the root any more
            if pid not in processes and orphan.is_running():
                processes |= _with_children(orphan)
        seen = {pid: found for pid, process in processes.items() if (found := _seen(process)) is not None}
        above = above_pid(seen, self._pid) or above_pid(self._seen, self._pid) or 0
        parent = _process(above) if above > 1 else None
        self._processes, self._seen, self._above = processes, seen, None if parent is None else _seen(parent)

    def _used_by_group_s(self) -> float | None:
        return None if self._share is None else self._share.usage_s()


def above_pid(seen: Mapping[int, Seen], pid: int) -> int | None:
    """The parent of the root of a tree, if the root was seen."""
    return seen[pid].parent if pid in seen else None


def spent_s(before: Mapping[int, Seen], now: Mapping[int, Seen], above: tuple[Seen, Seen] | None, above_pid: int | None) -> float:
    """The CPU seconds of a tree between two looks, by the number of the process. A process that has ended was waited for by the nearest of
    its ancestors that still lives, which has its time since. `above`: the parent of the root before and now, if the root has ended."""
    same = {pid for pid, seen in now.items() if pid in before and before[pid].process == seen.process}
    known_s: dict[int, float] = defaultdict(float)  # of processes that have ended, by who waited for them
    for pid, gone in before.items():
        if pid not in same:
            parent = gone.parent
            for _ in before:
                if parent not in before or parent in same:
                    break
                parent = before[parent].parent
            known_s[parent] += gone.all_s
    found_s = sum(seen.all_s for pid, seen in now.items() if pid not in same)
    for pid in same:
        found_s += max(0.0, now[pid].own_s - before[pid].own_s)
        found_s += max(0.0, now[pid].children_s - before[pid].children_s - known_s[pid])
    if above is not None and above_pid is not None:
        found_s += max(0.0, above[1].children_s - above[0].children_s - known_s[above_pid])
    return found_s


@contextmanager
def _reading(folder: str) -> Iterator[None]:
    """psutil reads the tree that the settings name. The program may use psutil too, and reads its own tree."""
    import psutil

    before = psutil.PROCFS_PATH
    psutil.PROCFS_PATH = folder
    try:
        yield
    finally:
        psutil.PROCFS_PATH = before


def _process(pid: int) -> psutil.Process | None:
    import psutil

    try:
        return psutil.Process(pid)
    except (psutil.Error, ValueError, OverflowError):
        return None


def _with_children(process: psutil.Process) -> dict[int, psutil.Process]:
    import psutil

    try:
        below = process.children(recursive=True)
    except psutil.Error:  # it has just ended
        below = []
    return {found.pid: found for found in (process, *below)}


def _seen(process: psutil.Process) -> Seen | None:
    import psutil

    try:
        with process.oneshot():
            times = process.cpu_times()
            return Seen(process, process.ppid(), times.user + times.system, times.children_user + times.children_system)
    except psutil.Error:
        return None


def _pair(before: Seen | None, now: Seen | None) -> tuple[Seen, Seen] | None:
    return None if before is None or now is None or before.process != now.process else (before, now)


def _whole_s() -> tuple[float, float]:
    """CPU seconds that the machine was busy since boot, and all that there were. Time that other guests took is neither."""
    import psutil

    times = psutil.cpu_times()
    busy_s = times.user + times.nice + times.system + times.irq + times.softirq  # the time of guests is part of user
    return busy_s, busy_s + times.idle + times.iowait
