"""What kind of machine this is: its processor, and whether this process runs in a container. It decides which remedy a finding names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigurationError
from .files import read_text
from .proc import busy_ticks, listed_cpus, memory_total_bytes, online_cpus, processors, whole_number

_CONTAINER_MARKS = (".dockerenv", "run/.containerenv")  # written by Docker and by Podman
_CONTAINER_PATHS = ("docker", "kubepods", "containerd", "libpod", "lxc", "crio")  # in the cgroup of a container's process 1


_SYSFS_PARTS = ("class", "devices", "kernel")  # a procfs has other folders of a sysfs, such as fs and bus


def require_kernel_trees(sysfs: str, procfs: str) -> None:
    """Check that the settings `sysfs` and `procfs` name trees of the kernel, so that no other files are read as such.

    Raises ConfigurationError. The places where every Linux has these trees are not checked: a container may hide what is in them.
    """
    if procfs != "/proc" and not _is_procfs(Path(procfs)):
        raise _not_a_tree("procfs", procfs, "it tells neither processors nor memory, or this user may not read it", "/host/proc", "/proc")
    if sysfs != "/sys" and not any(os.path.isdir(Path(sysfs, part)) for part in _SYSFS_PARTS):
        why = f"it has none of the folders {', '.join(_SYSFS_PARTS)}, or this user may not see them"
        raise _not_a_tree("sysfs", sysfs, why, "/host/sys", "/sys")


def _is_procfs(root: Path) -> bool:
    stat, meminfo, cpuinfo = (read_text(root / name) for name in ("stat", "meminfo", "cpuinfo"))
    return busy_ticks(stat) is not None or memory_total_bytes(meminfo) is not None or bool(processors(cpuinfo))


def _not_a_tree(key: str, value: str, why: str, example: str, usual: str) -> ConfigurationError:
    return ConfigurationError(
        f"{key}={value!r} is not a {key} of the kernel: {why}. Set TRAINWATT_{key.upper()} to where the host's {usual} is mounted, as in"
        f" {example}, or leave it out."
    )


class Processor(NamedTuple):
    """The first processor of cpuinfo. `vendor` is the CPUID vendor ("GenuineIntel"), empty if the machine is not x86."""

    vendor: str = ""
    family: int = -1
    model: int = -1
    stepping: int = -1
    name: str = ""
    hypervisor: bool = False

    @property
    def is_x86(self) -> bool:
        """Only x86 processors name a CPUID vendor."""
        return bool(self.vendor)


def processor(procfs: str) -> Processor:
    """The first processor of <procfs>/cpuinfo. A field that is not there keeps its default. Raises nothing."""
    fields = next(iter(processors(read_text(Path(procfs, "cpuinfo")))), {})
    return Processor(
        vendor=fields.get("vendor_id", ""),
        family=_number(fields, "cpu family"),
        model=_number(fields, "model"),
        stepping=_number(fields, "stepping"),
        name=fields.get("model name", ""),
        hypervisor="hypervisor" in fields.get("flags", "").split(),
    )


def machine_cpus(sysfs: str, procfs: str) -> int:
    """How many processors of the machine are online; 0 if nothing tells.

    /proc/stat and cpuinfo list fewer in a container that virtualises them (LXC does). /sys may be virtualised too, except for what it says
    of the processors that are present and offline. No view shows more than there are, so the largest one counts. Raises nothing.
    """
    cpu = Path(sysfs, "devices", "system", "cpu")
    online, present, offline = (listed_cpus(read_text(cpu / name)) or 0 for name in ("online", "present", "offline"))
    listed = online_cpus(read_text(Path(procfs, "stat")))
    return max(listed, len(processors(read_text(Path(procfs, "cpuinfo")))), online, present - offline)


def in_container(procfs: str) -> bool:
    """Whether this process runs in a container, according to the marks in the folder around `procfs` ("/" for "/proc") and to the control
    group.

    A container may hide all of these, so False proves nothing.
    """
    root = Path(procfs).parent
    if any(os.path.exists(root / mark) for mark in _CONTAINER_MARKS):
        return True
    cgroup = read_text(Path(procfs, "1", "cgroup"))
    return any(word in cgroup for word in _CONTAINER_PATHS)


def _number(fields: dict[str, str], name: str) -> int:
    number = whole_number(fields.get(name, ""))
    return -1 if number is None else number
