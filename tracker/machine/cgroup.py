"""The share of the machine that this process's control group may use, in cgroup v2 and v1.

A process in a container or a batch job sees the host's processors and memory in /proc. Its control group says how much of them it may
use. The scheduling affinity is ignored, because it belongs to one process, and the other processes of the job count too.

In v1 a process may be in another group of each hierarchy (Slurm may leave the CPU time to its daemon's group). A CPU time counts only
against the limit of the same group.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .files import read_int, read_text
from .proc import LARGEST_MEMORY_BYTES, control_groups, count_of, cpu_max, cpu_ranges, quota_cpus, usage_usec

_MICRO = 1e-6
_NANO = 1e-9


class Group(NamedTuple):
    """A group in one hierarchy: its folder, and its name, which is its path as in /proc/self/cgroup."""

    folder: Path
    name: str


@dataclass(frozen=True, slots=True)
class CpuShare:
    """The processors that a group may use. A quota makes `cpus` a fraction. `usage_path`: the file with the CPU time that the same group
    has used, None if there is none. `processors`: which ones they are, if the group is limited to certain ones."""

    cpus: float
    usage_path: Path | None
    processors: Sequence[range] | None = None

    def usage_s(self) -> float | None:
        """CPU seconds used so far by the group that sets the limit; None if they cannot be read."""
        if self.usage_path is None:
            return None
        if self.usage_path.name == "cpu.stat":
            used, unit_s = usage_usec(read_text(self.usage_path)), _MICRO
        else:
            used, unit_s = read_int(self.usage_path), _NANO  # cpuacct.usage
        return None if used is None else used * unit_s


class Cgroup:
    """The control group of this process, or of `pid`. `sysfs` and `procfs` are the roots of /sys and /proc. Nothing here raises."""

    def __init__(self, sysfs: str, procfs: str, pid: int | None = None) -> None:
        self._root = Path(sysfs, "fs", "cgroup")
        self._paths = control_groups(read_text(Path(procfs, "self" if pid is None else str(pid), "cgroup")))

    def cpu_share(self) -> CpuShare | None:
        """The tightest processor limit from the group up to the root; None if there is no limit.

        If several groups have the same limit, the outermost one is taken, because all of its processes share the limit.
        """
        limits: list[tuple[float, Sequence[range] | None, Group]] = [
            (float(count_of(cpus)), cpus, group) for group in self._lineage("cpuset") if (cpus := _cpuset(group.folder)) is not None
        ]
        limits += [(quota, None, group) for group in self._lineage("cpu") if (quota := _quota(group.folder)) is not None]
        if not limits:
            return None
        tightest = min(limit[0] for limit in limits)
        allowed, processors, group = next(limit for limit in reversed(limits) if limit[0] == tightest)
        return CpuShare(allowed, self._usage_path(group), processors)

    def own_share(self, cpus: float) -> CpuShare | None:
        """The group of the process itself, which may use `cpus` processors, with its CPU time; None if it is that of the whole machine, or
        if no CPU time is told."""
        v1 = (("cpuacct", "cpuacct.usage"), ("unified", "cpu.stat"))
        for controller, file in (("cpu", "cpu.stat"),) if self._is_v2 else v1:
            for group in self._lineage(controller)[:1]:
                below_root = group.name != "/" if file == "cpuacct.usage" else os.path.exists(group.folder / "cgroup.type")
                if below_root and os.path.exists(group.folder / file):
                    return CpuShare(cpus, group.folder / file)
        return None

    def widest_cpus(self) -> int:
        """The processors of the outermost group that can be seen: the machine has at least so many. 0 if none is told."""
        return max((count_of(cpus) for group in self._lineage("cpuset") if (cpus := _cpuset(group.folder)) is not None), default=0)

    def memory_limit_bytes(self) -> int | None:
        """The tightest memory limit from the group up to the root, in bytes; None if there is no limit.

        A limit above the memory of any machine is none: in v1, "unlimited" is a number near 2^63.
        """
        names = ("memory.max", "memory.limit_in_bytes")
        limits = [read_int(group.folder / name) for group in self._lineage("memory") for name in names]
        return min((limit for limit in limits if limit and limit <= LARGEST_MEMORY_BYTES), default=None)

    def _lineage(self, controller: str) -> list[Group]:
        """The group and its parent groups, innermost first.

        In a container without a cgroup namespace the group's own path is not visible; its mount point is then the group.
        """
        for mount, path in self._mounts(controller):
            if os.path.isdir(mount):
                folder = mount / path.lstrip("/")
                if not os.path.isdir(folder):
                    return [Group(mount, path)]
                inside = [f for f in (folder, *folder.parents) if f == mount or mount in f.parents]
                return [Group(f, "/" if f == mount else f"/{f.relative_to(mount)}") for f in inside]
        return []

    @property
    def _is_v2(self) -> bool:
        return os.path.exists(self._root / "cgroup.controllers")

    def _mounts(self, controller: str) -> list[tuple[Path, str]]:
        if self._is_v2:
            return [(self._root, self._paths.get("", "/"))]
        if controller == "unified":  # a machine with v1 may have v2 beside it, which counts the CPU time of its groups
            return [(self._root / "unified", self._paths.get("", "/"))]
        joint = "cpu,cpuacct" if controller in ("cpu", "cpuacct") else controller  # many systems mount these two together
        path = self._paths.get(controller, "/")
        return [(self._root / controller, path), (self._root / joint, path)]

    def _usage_path(self, limited: Group) -> Path | None:
        """The file with the CPU time of that group. In v1 it is in another hierarchy, and there is none if the process is in another group
        there."""
        if self._is_v2:
            own = limited.folder / "cpu.stat"
            return own if os.path.exists(own) else None
        for controller, file in (("cpuacct", "cpuacct.usage"), ("unified", "cpu.stat")):
            for group in self._lineage(controller):
                if group.name == limited.name and os.path.exists(group.folder / file):
                    return group.folder / file
        return None


def _cpuset(folder: Path) -> list[range] | None:
    names = ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus")
    return next((cpus for name in names if (cpus := cpu_ranges(read_text(folder / name)))), None)


def _quota(folder: Path) -> float | None:
    if text := read_text(folder / "cpu.max"):
        return cpu_max(text)
    # In v1, -1 means no quota; read_int returns None for it.
    return quota_cpus(read_int(folder / "cpu.cfs_quota_us"), read_int(folder / "cpu.cfs_period_us"))
