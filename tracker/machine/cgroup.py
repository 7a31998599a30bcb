"""The share of the machine that this process's control group may use, in cgroup v2 and v1.

A process in a container or a batch job sees the host's processors and memory in /proc. Its control group says how much of them it may
use. The scheduling affinity is ignored, because it belongs to one process, and the other processes of the job count too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .files import read_int, read_text
from .proc import control_groups, cpu_max, listed_cpus, quota_cpus, usage_usec

_MICRO = 1e-6
_NANO = 1e-9


@dataclass(frozen=True, slots=True)
class CpuShare:
    """The processors that a group may use, and the file with the CPU time that it has used. A quota makes `cpus` a fraction."""

    cpus: float
    usage_path: Path | None

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
    """The control group of this process. `sysfs` and `procfs` are the roots of /sys and /proc. Nothing here raises."""

    def __init__(self, sysfs: str, procfs: str) -> None:
        self._root = Path(sysfs, "fs", "cgroup")
        self._paths = control_groups(read_text(Path(procfs, "self", "cgroup")))

    def cpu_share(self) -> CpuShare | None:
        """The tightest processor limit from the group up to the root; None if there is no limit.

        If several groups have the same limit, the outermost one is taken, because all of its processes share the limit.
        """
        limits = [(cpus, folder) for folder in self._lineage("cpuset") if (cpus := _cpuset(folder)) is not None]
        limits += [(cpus, folder) for folder in self._lineage("cpu") if (cpus := _quota(folder)) is not None]
        if not limits:
            return None
        tightest = min(cpus for cpus, _ in limits)
        folder = next(folder for cpus, folder in reversed(limits) if cpus == tightest)
        return CpuShare(tightest, self._usage_path(folder))

    def memory_limit_bytes(self) -> int | None:
        """The tightest memory limit from the group up to the root, in bytes; None if there is no limit.

        In v1, "unlimited" is a number near 2^63, so compare it with the machine's memory.
        """
        names = ("memory.max", "memory.limit_in_bytes")
        limits = [read_int(folder / name) for folder in self._lineage("memory") for name in names]
        return min((limit for limit in limits if limit), default=None)

    def _lineage(self, controller: str) -> list[Path]:
        """The folders of the group and of its parent groups, innermost first.

        In a container without a cgroup namespace the group's own path is not visible; its mount point is then the group.
        """
        for mount, path in self._mounts(controller):
            if os.path.isdir(mount):
                folder = mount / path.lstrip("/")
                if not os.path.isdir(folder):
                    folder = mount
                return [f for f in (folder, *folder.parents) if f == mount or mount in f.parents]
        return []

    @property
    def _is_v2(self) -> bool:
        return os.path.exists(self._root / "cgroup.controllers")

    def _mounts(self, controller: str) -> list[tuple[Path, str]]:
        if self._is_v2:
            return [(self._root, self._paths.get("", "/"))]
        joint = "cpu,cpuacct" if controller in ("cpu", "cpuacct") else controller  # many systems mount these two together
        path = self._paths.get(controller, "/")
        return [(self._root / controller, path), (self._root / joint, path)]

    def _usage_path(self, folder: Path) -> Path | None:
        """The file with the CPU time of the group at `folder`. In v1 it is in another hierarchy, at the same place."""
        if self._is_v2 and os.path.exists(folder / "cpu.stat"):
            return folder / "cpu.stat"
        lineage = self._lineage("cpuacct")
        if not lineage:
            return None
        mount = lineage[-1]
        relative = next((folder.relative_to(m) for m in self._mount_points() if folder.is_relative_to(m)), Path())
        same = mount / relative / "cpuacct.usage"
        return same if os.path.exists(same) else lineage[0] / "cpuacct.usage"

    def _mount_points(self) -> list[Path]:
        return [mount for controller in ("cpuset", "cpu") for mount, _ in self._mounts(controller)]


def _cpuset(folder: Path) -> float | None:
    names = ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus")
    count = next((count for name in names if (count := listed_cpus(read_text(folder / name)))), None)
    return None if count is None else float(count)


def _quota(folder: Path) -> float | None:
    if text := read_text(folder / "cpu.max"):
        return cpu_max(text)
    # In v1, -1 means no quota; read_int returns None for it.
    return quota_cpus(read_int(folder / "cpu.cfs_quota_us"), read_int(folder / "cpu.cfs_period_us"))
