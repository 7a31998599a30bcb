"""The display controllers and accelerators on the PCI bus, as sysfs shows them. Reading these files wakes no device."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from ..machine.files import read_text

DISPLAY, ACCELERATOR = "0x03", "0x12"
"""PCI base classes (PCI Code and ID Assignment Specification, 1.): display controllers, and processing accelerators."""


class PciDevice(NamedTuple):
    """A device on the bus: its `address`, such as "0000:65:00.0", its folder in sysfs, and its `pci_class`, such as "0x030200"."""

    address: str
    folder: Path
    vendor: str
    pci_class: str

    @property
    def asleep(self) -> bool:
        """Whether runtime power management has suspended it."""
        return read_text(self.folder / "power" / "runtime_status") == "suspended"

    @property
    def driver(self) -> str | None:
        """The kernel's driver of the device; None if it has none."""
        try:
            return os.path.basename(os.readlink(self.folder / "driver"))
        except OSError:
            return None


def displays(sysfs: str, *vendors: str) -> list[PciDevice]:
    """The display controllers and accelerators of some vendors ("0x10de"), in the order of the bus, without those that were given to a
    virtual machine. Raises nothing."""
    return [
        device
        for device in devices(sysfs)
        if device.vendor in vendors and device.pci_class.startswith((DISPLAY, ACCELERATOR)) and device.driver != "vfio-pci"
    ]


def devices(sysfs: str) -> list[PciDevice]:
    """All devices on the bus, in its order. Raises nothing."""
    try:
        folders = sorted(Path(sysfs, "bus", "pci", "devices").iterdir())
    except OSError:
        return []
    return [PciDevice(folder.name, folder, read_text(folder / "vendor"), read_text(folder / "class")) for folder in folders]
