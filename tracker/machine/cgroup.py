"""The share of the machine that this process's control group may use, in cgroup v2 and v1.

A process in a container or a batch job sees the host's processors and memory in /proc; its group says what of them is its own.
The scheduling affinity is left out: it is the wish of one process, and the others of the job are to be accounted for, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .host import read_int, read_text

_MICRO = 1e-6
_NANO = 1e-9


@dataclass(frozen=True, slots=True)
class CpuShare:
    """The processors a group may use: `cpus` of them (a quota makes it a fraction), and the file that says what it used."""

    cpus: float
    usage_path: Path | None

    def usage_s(self) -> float | None:
        """CPU seconds used so far by the group that sets the limit; None where it does not tell."""
        if self.usage_path is None:
            return None
        if self.usage_path.name == "cpu.stat":
            used = dict(line.split(maxsplit=1) for line in read_text(self.usage_path).splitlines() if " " in line)
            text = used.get("usage_usec", "")
            return int(text) * _MICRO if text.isdigit() else None
        nanoseconds = read_int(self.usage_path)  # cpuacct.usage
        return None if nanoseconds is None else nanoseconds * _NANO


class Cgroup:
    """The control group of this process, with `sysfs` and `procfs` as the roots of the world. Nothing here raises."""

    def __init__(self, sysfs: str, procfs: str) -> None:
        self._root = Path(sysfs, "fs", "cgroup")
        self._paths: dict[str, str] = {}  # controller ("" for v2) to the path of the group
        for line in read_text(Path(procfs, "self", "cgroup")).splitlines():
            _, controllers, path = [*line.split(":", 2), "", ""][:3]
            for controller in controllers.split(","):
                self._paths[controller] = path

    def cpu_share(self) -> CpuShare | None:
        """The tightest of the processor limits from the group up to the root; None where nothing limits it.

        Of groups that limit alike the outermost is taken, for the whole of it shares the limit.
        """
        limits = [(cpus, folder) for folder in self._lineage("cpuset") if (cpus := _cpuset(folder)) is not None]
        limits += [(cpus, folder) for folder in self._lineage("cpu") if (cpus := _quota(folder)) is not None]
        if not limits:
            return None
        tightest = min(cpus for cpus, _ in limits)
        folder = next(folder for cpus, folder in reversed(limits) if cpus == tightest)
        return CpuShare(tightest, self._usage_path(folder))

    def memory_limit_bytes(self) -> int | None:
        """The tightest memory limit from the group up to the root, in bytes; None where nothing limits it.

        In v1, "unlimited" is a number near 2^63: compare with the machine's memory.
        """
        names = ("memory.max", "memory.limit_in_bytes")
        limits = [read_int(folder / name) for folder in self._lineage("memory") for name in names]
        return min((limit for limit in limits if limit), default=None)

    def _lineage(self, controller: str) -> list[Path]:
        """The folders of the group and of those around it, innermost first.

        Where the group's own path is not to be seen (a container that has no cgroup namespace), the mount is the group.
        """
        for mount, path in self._mounts(controller):
            if mount.is_dir():
                folder = mount / path.lstrip("/")
                if not folder.is_dir():
                    folder = mount
                return [f for f in (folder, *folder.parents) if f == mount or mount in f.parents]
        return []

    def _mounts(self, controller: str) -> list[tuple[Path, str]]:
        if (self._root / "cgroup.controllers").exists():
            return [(self._root, self._paths.get("", "/"))]
        joint = "cpu,cpuacct" if controller in ("cpu", "cpuacct") else controller  # many systems mount these two as one
        path = self._paths.get(controller, "/")
        return [(self._root / controller, path), (self._root / joint, path)]

    def _usage_path(self, folder: Path) -> Path | None:
        """Where the usage of the group at `folder` is told; in v1, in another hierarchy at the same place."""
        if (folder / "cpu.stat").exists() and (self._root / "cgroup.controllers").exists():
            return folder / "cpu.stat"
        lineage = self._lineage("cpuacct")
        if not lineage:
            return None
        mount = lineage[-1]
        relative = next((folder.relative_to(m) for m in self._mount_points() if folder.is_relative_to(m)), Path())
        same = mount / relative / "cpuacct.usage"
        return same if same.exists() else lineage[0] / "cpuacct.usage"

    def _mount_points(self) -> list[Path]:
        return [mount for controller in ("cpuset", "cpu") for mount, _ in self._mounts(controller)]


def count_cpus(cpu_list: str) -> int:
    """How many processors a kernel list names, as "0-3,8" names 5. Raises ValueError for other text."""
    total = 0
    for part in filter(None, cpu_list.split(",")):
        first, _, last = part.partition("-")
        total += int(last or first) - int(first) + 1
    return total


def _cpuset(folder: Path) -> float | None:
    return _first_of(folder, ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"), count_cpus)


def _quota(folder: Path) -> float | None:
    if text := read_text(folder / "cpu.max"):
        quota, _, period = text.partition(" ")
        return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None
    quota_us, period_us = read_int(folder / "cpu.cfs_quota_us"), read_int(folder / "cpu.cfs_period_us")
    return quota_us / period_us if quota_us and period_us else None  # v1 says -1 for no quota, which read_int takes for no number


def _first_of(folder: Path, names: tuple[str, ...], parse: Callable[[str], int]) -> float | None:
    for name in names:
        try:
            if count := parse(read_text(folder / name)):
                return float(count)
        except ValueError:
            continue
    return None
