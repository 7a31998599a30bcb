"""How busy the processors are that a run may use: those of its control group, else those of the machine. CPU time is a counter."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ...core.activity import ActivityPoint
from ...energy.shares.policy import CGROUP, MACHINE
from ...machine.cgroup import Cgroup
from ...machine.files import read_text
from ...machine.proc import busy_ticks, online_cpus

NS_PER_MS = 1_000_000


class Processors:
    """The CPU time of the control group of the process `pid`, if it has one that tells, else of the machine; `of` says which. Nothing here
    raises."""

    def __init__(self, pid: int, sysfs: str, procfs: str) -> None:
        stat = Path(procfs, "stat")
        online = float(online_cpus(read_text(stat)))
        group = Cgroup(sysfs, procfs, None if pid == os.getpid() else pid)
        limited = group.cpu_share()
        limits = limited is not None and limited.cpus < online and limited.usage_s() is not None
        share = limited if limits else group.own_share(online)
        self.of = MACHINE if share is None else CGROUP
        self.cpus = online if share is None else min(share.cpus, online)
        self._used_s: Callable[[], float | None] = share.usage_s if share is not None else lambda: _seconds(busy_ticks(read_text(stat)))
        self._begun: tuple[int, float] | None = None

    def point(self, t_ns: int) -> ActivityPoint | None:
        """The CPU time since the first call; None if it cannot be read now, which the next call makes up for."""
        used_s = self._used_s()
        if used_s is None or not self.cpus:
            return None
        if self._begun is None:
            self._begun = t_ns, used_s
        begun_ns, begun_s = self._begun
        unknown = ActivityPoint._make([None] * len(ActivityPoint._fields))
        busy_ms = max(0.0, used_s - begun_s) * 1000
        return unknown._replace(t_ns=t_ns, seen_ms=(t_ns - begun_ns) / NS_PER_MS, busy_ms=busy_ms, cpus=self.cpus)


def _seconds(ticks: int | None) -> float | None:
    return None if ticks is None else ticks / os.sysconf("SC_CLK_TCK")
