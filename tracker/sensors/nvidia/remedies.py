"""What to say where NVML cannot be used: no library, no driver, the wrong pair of them, no permission, or a sleeping GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...core.sensing import Availability, DiscoveryRequest, Finding
from ...machine.host import in_container, read_text
from .readers import error_text

SOURCE = "nvml"
_WORTH = "GPU energy measured to about ±5 %; without it this run's GPUs are not counted at all."
_NVIDIA_VENDOR = "0x10de"  # PCI vendor id of NVIDIA
_DISPLAY_CLASS = "0x03"  # PCI base class: display controllers

# nvml.h, nvmlReturn_t
_NO_PERMISSION, _DRIVER_NOT_LOADED, _LIBRARY_NOT_FOUND, _MISMATCH = 4, 9, 12, 18


def absent(detail: str, remedy: str = "", worth: str = "") -> Finding:
    """There are no GPUs for this run to count."""
    return Finding(SOURCE, Availability.ABSENT, "GPUs", detail, remedy=remedy, worth=worth)


def init_failed(nvml: Any, code: int, request: DiscoveryRequest) -> Finding:
    """What the return code of nvmlInit means on this machine."""
    if code == _LIBRARY_NOT_FOUND:
        return _no_library(request)
    text = error_text(nvml, code)
    if code == _DRIVER_NOT_LOADED:
        return absent(
            f"the library is installed, but the kernel's driver is not loaded: {text}",
            "Load it and see whether it finds the GPU: sudo modprobe nvidia && nvidia-smi",
            _WORTH,
        )
    if code == _MISMATCH:
        remedy = "The driver was upgraded under a running system. Reboot; or, with nothing on the GPU, reload the modules:\n"
        remedy += "  sudo rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia && sudo modprobe nvidia"
        detail = f"library and kernel module differ in version: {text}"
        return Finding(SOURCE, Availability.MISMATCH, "GPUs", detail, remedy, _WORTH)
    if code == _NO_PERMISSION:
        remedy = "Ask the administrator to let this user open /dev/nvidiactl and /dev/nvidia0 … (see: ls -l /dev/nvidia*)."
        return Finding(SOURCE, Availability.DENIED, "GPUs", f"this user may not use the driver: {text}", remedy, _WORTH)
    return Finding(SOURCE, Availability.BROKEN, "GPUs", f"NVML does not start: {text}", "See what nvidia-smi says.", _WORTH)


def suspended(request: DiscoveryRequest) -> Finding | None:
    """A finding where every NVIDIA GPU on the PCI bus sleeps, for looking at one would wake it; else None."""
    states = [read_text(gpu / "power" / "runtime_status") for gpu in _pci_gpus(request.sysfs)]
    if not states or any(state != "suspended" for state in states):
        return None
    return absent(
        "suspended; not woken",
        "Nothing is wrong. Start the run while the GPU is in use, or name it (gpus=[0]), and it is woken and counted.",
        _WORTH,
    )


def _no_library(request: DiscoveryRequest) -> Finding:
    if Path(request.procfs, "driver", "nvidia").exists():
        if in_container(request.procfs):
            remedy = "Start the container with its GPUs (NVIDIA Container Toolkit): docker run --gpus all …"
        else:
            remedy = "Install the driver's user-space libraries of the same version (libnvidia-compute on Debian and Ubuntu)."
        detail = "the kernel has NVIDIA's driver, but libnvidia-ml.so.1 is not to be seen from here"
        return Finding(SOURCE, Availability.MASKED, "GPUs", detail, remedy, _WORTH)
    if _pci_gpus(request.sysfs):
        return absent("an NVIDIA GPU is on the bus, but no driver is installed", "Install NVIDIA's driver.", _WORTH)
    return absent("no NVIDIA GPU: neither its library nor its driver is here")


def _pci_gpus(sysfs: str) -> list[Path]:
    try:
        devices = sorted(Path(sysfs, "bus", "pci", "devices").iterdir())
    except OSError:
        return []
    return [d for d in devices if read_text(d / "vendor") == _NVIDIA_VENDOR and read_text(d / "class").startswith(_DISPLAY_CLASS)]
