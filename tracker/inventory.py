"""What hardware a run had: processors, memory, GPUs; for later questions, above all the footprint of making it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .model import Device


def inventory(devices: Iterable[Device], sysfs: str = "/sys", procfs: str = "/proc") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(kind, name, detail) of each piece: "cpu" with sockets and logical processors, "dram" in bytes, each "gpu", the "host"."""
    processors = _processors(procfs)
    if processors:
        yield (
            "cpu",
            processors[0].get("model name", "unknown"),
            {
                "sockets": len({p.get("physical id", "0") for p in processors}),
                "logical_cpus": len(processors),
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
    product = _text(Path(sysfs, "class/dmi/id/product_name"))
    if product:
        yield "host", product, {"vendor": _text(Path(sysfs, "class/dmi/id/sys_vendor"))}


def _processors(procfs: str) -> list[dict[str, str]]:
    blocks = (_text(Path(procfs, "cpuinfo")) or "").split("\n\n")
    parsed = [
        {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in block.splitlines())} for block in blocks if block.strip()
    ]
    return [p for p in parsed if "processor" in p]


def _memory_bytes(procfs: str) -> int | None:
    for line in (_text(Path(procfs, "meminfo")) or "").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except OSError:
        return None
