"""The PCI bus, the driver's files and the device nodes of a machine, as ordinary files: what tells of a GPU without NVML."""

from __future__ import annotations

from pathlib import Path


class FakeBus:
    """Adds devices below `sysfs`, and what a driver says of them below `procfs` and the folder dev beside it."""

    def __init__(self, sysfs: Path, procfs: Path) -> None:
        self.sysfs, self.procfs = sysfs, procfs
        self.dev = procfs.parent / "dev"

    def device(
        self,
        address: str = "0000:65:00.0",
        vendor: str = "0x10de",
        pci_class: str = "0x030200",
        *,
        status: str = "active",
        driver: str = "",
    ) -> Path:
        """A device on the bus. Returns its folder."""
        folder = self.sysfs / "bus" / "pci" / "devices" / address
        (folder / "power").mkdir(parents=True)
        (folder / "vendor").write_text(f"{vendor}\n")
        (folder / "class").write_text(f"{pci_class}\n")
        (folder / "power" / "runtime_status").write_text(f"{status}\n")
        if driver:
            (folder / "driver").symlink_to(self.sysfs / "bus" / "pci" / "drivers" / driver)
        return folder

    def sleeps(self, address: str = "0000:65:00.0", status: str = "suspended") -> None:
        """The device changes its state of power."""
        (self.sysfs / "bus" / "pci" / "devices" / address / "power" / "runtime_status").write_text(f"{status}\n")

    def driver(self, address: str = "0000:65:00.0", model: str = "NVIDIA H100 80GB HBM3", uuid: str = "", minor: int = 0) -> None:
        """What NVIDIA's kernel module says of a GPU."""
        folder = self.procfs / "driver" / "nvidia" / "gpus" / address
        folder.mkdir(parents=True)
        lines = {"Model": model, "IRQ": 90, "GPU UUID": uuid or "GPU-????????-????-????-????-????????????", "Bus Location": address}
        text = "".join(f"{key}: \t {value}\n" for key, value in (lines | {"Device Minor": minor, "GPU Excluded": "No"}).items())
        (folder / "information").write_text(text)

    def node(self, *names: str) -> None:
        """Device nodes, such as "nvidia0"."""
        self.dev.mkdir(exist_ok=True)
        for name in names:
            (self.dev / name).touch()

    def jetson(self, model: str = "NVIDIA Jetson AGX Orin Developer Kit") -> None:
        """The device tree of a Jetson."""
        tree = self.procfs / "device-tree"
        tree.mkdir(parents=True)
        (tree / "compatible").write_text("nvidia,p3737-0000+p3701-0005\0nvidia,tegra234\0")
        (tree / "model").write_text(f"{model}\0")
