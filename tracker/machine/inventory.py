"""What hardware a run had: processors, memory and GPUs. The footprint of its manufacture is estimated from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ..core.sensing import Device
from .cgroup import Cgroup
from .files import read_int, read_text
from .host import machine_cpus, processor
from .proc import memory_total_bytes, online_cpus, processors


class Piece(NamedTuple):
    """A piece of hardware: its kind ("cpu", "dram", "gpu", "host"), its name, and what else is known of it."""

    kind: str
    name: str
    detail: Mapping[str, object]


def gpu_piece(device: Device) -> Piece:
    """A GPU that the run holds."""
    slices = {} if device.mig_slices is None else {"mig_slices": device.mig_slices}
    return Piece("gpu", device.name, {"model": device.model, "uuid": device.uuid, **slices})


def inventory(devices: Iterable[Device], gpu_count: int | None = None, sysfs: str = "/sys", procfs: str = "/proc") -> Iterator[Piece]:
    """The hardware of this machine. Only the GPUs among `devices` are listed: those that the run holds. Raises nothing.

    - "cpu": sockets, logical processors of the machine, and how many of these the control group or container may use;
    - "dram": bytes;
    - "gpu": model, UUID, and the slices of it that the run holds, if it is partitioned;
    - "host": vendor, how many GPUs it has, whether it is a virtual machine, the type of its case in the DMI tables, and whether it is a
      board that its device tree describes.
    """
    found = processors(read_text(Path(procfs, "cpuinfo")))
    if found:
        share, machine = Cgroup(sysfs, procfs).cpu_share(), machine_cpus(sysfs, procfs)
        listed = online_cpus(read_text(Path(procfs, "stat")))
        yield Piece(
            "cpu",
            found[0].get("model name", "unknown"),
            {
                "sockets": len({p.get("physical id", "0") for p in found}),
                "logical_cpus": machine,
                "allowed_cpus": min((c for c in (listed if listed < machine else None, share and share.cpus) if c), default=None),
                "vendor": found[0].get("vendor_id"),
                "family": found[0].get("cpu family"),
                "model": found[0].get("model"),
            },
        )
    total_bytes = memory_total_bytes(read_text(Path(procfs, "meminfo")))
    if total_bytes is not None:
        yield Piece("dram", "memory", {"bytes": total_bytes})
    for device in devices:
        if device.kind == "gpu":
            yield gpu_piece(device)
    product = read_text(Path(sysfs, "class/dmi/id/product_name"))
    board = "" if product else read_text(Path(sysfs, "firmware/devicetree/base/model")).rstrip("\0")
    yield Piece(
        "host",
        product or board or "unknown",
        {
            "vendor": read_text(Path(sysfs, "class/dmi/id/sys_vendor")) or None,
            "gpus": gpu_count,
            "virtual": processor(procfs).hypervisor,
            "chassis_type": read_int(Path(sysfs, "class/dmi/id/chassis_type")),
            "board": bool(board),
        },
    )
