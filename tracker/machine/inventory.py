"""What hardware a run had: processors, memory, GPUs; for later questions, above all the footprint of making it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..core.sensing import Device
from .cgroup import Cgroup
from .host import read_text


def inventory(
    devices: Iterable[Device], gpu_count: int | None = None, sysfs: str = "/sys", procfs: str = "/proc"
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(kind, name, detail) of each piece: "cpu" with sockets, logical processors and how many of them the control group may use,
    "dram" in bytes, each "gpu" that the run holds, and the "host": its product, how many GPUs it has, whether it is a virtual machine."""
    processors = _processors(procfs)
    if processors:
        yield (
            "cpu",
            processors[0].get("model name", "unknown"),
            {
                "sockets": len({p.get("physical id", "0") for p in processors}),
                "logical_cpus": len(processors),
                "allowed_cpus": None if (share := Cgroup(sysfs, procfs).cpu_share()) is None else share.cpus,
                "vendor": processors[0].get("vendor_id"),
                "family": processors[0].get("cpu family"),
                "model": processors[0].get("model"),
            },
        )
    total = _memory_bytes(procfs)
    if total is not None:
        yield "dram", "memory", {"bytes": total}
    for device in devices:
        if device.kind == "gpu":
            yield "gpu", device.name, {"model": device.model, "uuid": device.uuid}
    yield (
        "host",
        read_text(Path(sysfs, "class/dmi/id/product_name")) or "unknown",
        {
            "vendor": read_text(Path(sysfs, "class/dmi/id/sys_vendor")) or None,
            "gpus": gpu_count,
            "virtual": any("hypervisor" in p.get("flags", "").split() for p in processors[:1]),
        },
    )


def _processors(procfs: str) -> list[dict[str, str]]:
    blocks = read_text(Path(procfs, "cpuinfo")).split("\n\n")
    parsed = [
        {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in block.splitlines())} for block in blocks if block.strip()
    ]
    return [p for p in parsed if "processor" in p]


def _memory_bytes(procfs: str) -> int | None:
    for line in read_text(Path(procfs, "meminfo")).splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None
