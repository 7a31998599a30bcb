"""A machine's RAPL zones as ordinary files: devices/virtual/powercap with nested zones, and class/powercap with links to them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from trainwatt.core.sensing import DiscoveryRequest

MakeRequest = Callable[..., DiscoveryRequest]
"""Makes a request from `gpus` and the environment's variables as keywords."""

INTEL_RANGE_UJ = 262143328850
AMD_RANGE_UJ = 65532610987


class FakePowercap:
    """A powercap tree below `root`/sys, and a procfs beside it. `zone` adds zones, `set_energy` changes a counter."""

    def __init__(self, root: Path) -> None:
        self.sysfs = root / "sys"
        self.procfs = root / "proc"
        self._class = self.sysfs / "class" / "powercap"
        self._devices = self.sysfs / "devices" / "virtual" / "powercap"
        self.procfs.mkdir(parents=True)
        self.sysfs.joinpath("class").mkdir(parents=True)
        self.cpuinfo()
        (self.procfs / "stat").write_text("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 50 0 50 400 0 0 0 0 0 0\ncpu1 50 0 50 400 0 0 0 0 0 0\n")
        (self.procfs / "meminfo").write_text("MemTotal:       67108864 kB\nMemFree: 1 kB\n")

    def cpuinfo(self, vendor: str = "GenuineIntel", flags: str = "fpu", name: str = "Intel(R) Xeon(R) Platinum 8480+") -> None:
        """Say which processor this is."""
        lines = {
            "processor": 0,
            "vendor_id": vendor,
            "cpu family": 6,
            "model": 143,
            "model name": name,
            "stepping": 8,
            "flags": flags,
        }
        (self.procfs / "cpuinfo").write_text("".join(f"{key}\t: {value}\n" for key, value in lines.items()))

    def zone(
        self, zone_id: str, label: str, energy_uj: object = 0, range_uj: object = INTEL_RANGE_UJ, limit_w: float | None = None
    ) -> Path:
        """Add a zone as the kernel does: a folder in its parent's, and a link in class/. Returns the folder."""
        folder = self._folder(zone_id)
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{label}\n")
        (folder / "energy_uj").write_text(f"{energy_uj}\n")
        (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
        if limit_w is not None:
            (folder / "constraint_0_power_limit_uw").write_text(f"{limit_w * 1e6:.0f}\n")
        self._link(zone_id.partition(":")[0])
        self._link(zone_id)
        return folder

    def set_energy(self, zone_id: str, text: object) -> None:
        """Change what energy_uj says."""
        (self._folder(zone_id) / "energy_uj").write_text(f"{text}\n")

    def mask(self) -> None:
        """Hide the devices as a container runtime does: an empty folder in their place, so that the links lead nowhere."""
        shutil.rmtree(self._devices)
        self._devices.mkdir()

    def _folder(self, zone_id: str) -> Path:
        """Of "intel-rapl:0:1": …/intel-rapl/intel-rapl:0/intel-rapl:0:1."""
        control, *numbers = zone_id.split(":")
        folder = self._devices / control
        for depth in range(1, len(numbers) + 1):
            folder /= ":".join([control, *numbers[:depth]])
        return folder

    def _link(self, zone_id: str) -> None:
        self._class.mkdir(parents=True, exist_ok=True)
        link = self._class / zone_id
        if not link.is_symlink():
            target = self._folder(zone_id).relative_to(self.sysfs)
            link.symlink_to(Path("../..") / target)
            subsystem = self._folder(zone_id) / "subsystem"  # the kernel's way back, which a careless walk follows for ever
            subsystem.symlink_to(self._class)
