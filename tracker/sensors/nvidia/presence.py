"""NVIDIA GPUs as the operating system tells them, without NVML: the PCI bus, the driver's files in /proc, and its device nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ...core.sensing import DiscoveryRequest
from ...machine.files import read_text
from ...machine.host import in_container
from ..pci import PciDevice, displays

_VENDOR = "0x10de"  # PCI vendor id of NVIDIA
_NODE = re.compile(r"nvidia([0-9]+)")
_JETSON_GPU = ("nvhost-gpu", "nvhost-ctrl-gpu", "nvgpu")  # nodes of the driver for Tegra's integrated GPU


class Present(NamedTuple):
    """A GPU that the machine has. What is not known is None, and `uuid` is then empty. `pci` is its place on the bus."""

    model: str | None = None
    uuid: str = ""
    minor: int | None = None
    pci: PciDevice | None = None

    @property
    def asleep(self) -> bool:
        """Whether runtime power management has suspended it: a call of the driver would wake it."""
        return self.pci is not None and self.pci.asleep


def present(request: DiscoveryRequest) -> list[Present]:
    """The GPUs that this process may use, in the order of the bus, which is also that of NVML. Raises nothing.

    A container has device nodes for its own GPUs only, but sees the bus of the whole machine. So where there are nodes, a GPU without
    one is left out.
    """
    of_driver = dict(_of_driver(request.procfs))
    on_bus = {pci.address: pci for pci in displays(request.sysfs, _VENDOR)}
    known = [of_driver.get(a, Present())._replace(pci=on_bus.get(a)) for a in sorted(of_driver.keys() | on_bus.keys())]
    nodes = device_nodes(request)
    if not nodes:
        return known
    if all(gpu.minor is not None for gpu in known):
        known = [gpu for gpu in known if gpu.minor in nodes]
    return known[: len(nodes)] or [Present(minor=minor) for minor in nodes]


def device_nodes(request: DiscoveryRequest) -> list[int]:
    """The minor numbers of the nodes /dev/nvidia0, /dev/nvidia1, …, in order."""
    return sorted(int(match[1]) for name in _names(_dev(request)) if (match := _NODE.fullmatch(name)))


def not_given(request: DiscoveryRequest) -> bool:
    """Whether the machine's GPUs are not given to the container of this process. If `request` names the host's trees, they are meant."""
    own = Path(request.sysfs).parent == Path(request.procfs).parent
    contained = in_container(request.procfs) or "KUBERNETES_SERVICE_HOST" in request.environ
    return own and contained and not device_nodes(request)


def jetson(request: DiscoveryRequest) -> str | None:
    """The model of this Jetson board; None if this is another machine."""
    tree = Path(request.procfs, "device-tree")
    is_tegra = "nvidia,tegra" in read_text(tree / "compatible")
    if not is_tegra and not any(name.startswith(_JETSON_GPU) for name in _names(_dev(request))):
        return None
    return read_text(tree / "model").strip("\0 ") or "NVIDIA Jetson"


def _of_driver(procfs: str) -> Iterator[tuple[str, Present]]:
    """What the driver's kernel module says of each GPU, by its address on the bus."""
    folder = Path(procfs, "driver", "nvidia", "gpus")
    for address in _names(folder):
        fields = _fields(read_text(folder / address / "information"))
        uuid, minor = fields.get("GPU UUID", ""), fields.get("Device Minor", "")
        if fields.get("GPU Excluded") == "Yes":
            continue
        # a GPU that was never initialised has question marks for its UUID
        yield address.lower(), Present(fields.get("Model"), "" if "?" in uuid else uuid, int(minor) if minor.isdecimal() else None)


def _fields(information: str) -> Mapping[str, str]:
    found = (line.partition(":") for line in information.splitlines())
    return {key.strip(): value.strip() for key, _, value in found}


def _dev(request: DiscoveryRequest) -> Path:
    """/dev of the machine whose /proc is `request.procfs`."""
    return Path(request.procfs).parent / "dev"


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []
