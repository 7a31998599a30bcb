"""What kind of machine this is, as far as it decides which mend to name for a missing sensor.

Everything is read below `procfs`, so that a test can root the world in a folder; the container marks are looked for in the folder
that holds it ("/" for "/proc").
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_CONTAINER_MARKS = (".dockerenv", "run/.containerenv")  # written by Docker and by Podman
_CONTAINER_PATHS = ("docker", "kubepods", "containerd", "libpod", "lxc", "crio")  # in the cgroup of a container's process 1


@dataclass(frozen=True, slots=True)
class Processor:
    """The first processor of cpuinfo. `vendor` is the CPUID vendor ("GenuineIntel"), empty where the machine is not x86."""

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
    """Read <procfs>/cpuinfo; what is not said there keeps its default. Raises nothing."""
    fields: dict[str, str] = {}
    for line in read_text(Path(procfs, "cpuinfo")).splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    return Processor(
        vendor=fields.get("vendor_id", ""),
        family=_number(fields.get("cpu family", "")),
        model=_number(fields.get("model", "")),
        stepping=_number(fields.get("stepping", "")),
        name=fields.get("model name", ""),
        hypervisor="hypervisor" in fields.get("flags", "").split(),
    )


def in_container(procfs: str) -> bool:
    """Whether a container's marks are to be seen. A container may hide them all, so False is not proof."""
    root = Path(procfs).parent
    if any((root / mark).exists() for mark in _CONTAINER_MARKS):
        return True
    cgroup = read_text(Path(procfs, "1", "cgroup"))
    return any(word in cgroup for word in _CONTAINER_PATHS)


def read_text(path: Path) -> str:
    """The file's text, stripped; "" where it cannot be read. For files whose absence is an answer."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def read_int(path: Path) -> int | None:
    """The file's whole number, None where it cannot be read or is none."""
    text = read_text(path)
    return int(text) if text.isascii() and text.isdigit() else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1
