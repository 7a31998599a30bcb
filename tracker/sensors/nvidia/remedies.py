"""Findings for NVML that cannot be used: no library, no driver, versions that do not match, no permission, or a suspended GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...core.sensing import Availability, DiscoveryRequest, Finding
from ...machine.files import read_text
from ...machine.host import in_container
from .readers import error_text

SOURCE = "nvml"
_WORTH = "GPU energy measured to about ±5 %. Without it, this run's GPUs are not counted at all."
_NVIDIA_VENDOR = "0x10de"  # PCI vendor id of NVIDIA
_DISPLAY_CLASS = "0x03"  # PCI base class: display controllers

# nvml.h, nvmlReturn_t
_NO_PERMISSION, _DRIVER_NOT_LOADED, _LIBRARY_NOT_FOUND, _MISMATCH = 4, 9, 12, 18


def absent(detail: str, remedy: str = "", worth: str = "") -> Finding:
    """This run has no GPUs to count."""
    return Finding(SOURCE, Availability.ABSENT, "GPUs", detail, remedy=remedy, worth=worth)


def init_failed(nvml: Any, code: int, request: DiscoveryRequest) -> Finding:
    """The meaning of the return code of nvmlInit on this machine."""
    if code == _LIBRARY_NOT_FOUND:
        return _no_library(request)
    text = error_text(nvml, code)
    if code == _DRIVER_NOT_LOADED:
        return absent(
            f"the library is installed, but the kernel's driver is not loaded: {text}",
            "Load it, and check that it finds the GPU: sudo modprobe nvidia && nvidia-smi",
            _WORTH,
        )
    if code == _MISMATCH:
        remedy = "The driver was upgraded while the system was running. Reboot, or reload the modules while nothing uses the GPU:\n"
        remedy += "  sudo rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia && sudo modprobe nvidia"
        detail = f"the library and the kernel module have different versions: {text}"
        return Finding(SOURCE, Availability.MISMATCH, "GPUs", detail, remedy, _WORTH)
    if code == _NO_PERMISSION:
        remedy = "Ask the administrator to let this user open /dev/nvidiactl and /dev/nvidia0 … (see: ls -l /dev/nvidia*)."
        return Finding(SOURCE, Availability.DENIED, "GPUs", f"this user may not use the driver: {text}", remedy, _WORTH)
    return Finding(SOURCE, Availability.BROKEN, "GPUs", f"NVML does not start: {text}", "Look at the output of nvidia-smi.", _WORTH)


def suspended(request: DiscoveryRequest) -> Finding | None:
    """A finding if every NVIDIA GPU on the PCI bus is suspended, because reading one would wake it; else None."""
    states = [read_text(gpu / "power" / "runtime_status") for gpu in _pci_gpus(request.sysfs)]
    if not states or any(state != "suspended" for state in states):
        return None
    return absent(
        "suspended; not woken",
        "Nothing is wrong. To count the GPU, start the run while it is in use, or name it (gpus=[0]), which wakes it.",
        _WORTH,
    )


def _no_library(request: DiscoveryRequest) -> Finding:
    if Path(request.procfs, "driver", "nvidia").exists():
        if in_container(request.procfs):
            remedy = "Start the container with its GPUs (NVIDIA Container Toolkit): docker run --gpus all …"
        else:
            remedy = "Install the driver's user-space libraries of the same version (libnvidia-compute on Debian and Ubuntu)."
        detail = "the kernel has NVIDIA's driver, but libnvidia-ml.so.1 is not visible here"
        return Finding(SOURCE, Availability.MASKED, "GPUs", detail, remedy, _WORTH)
    if _pci_gpus(request.sysfs):
        return absent("an NVIDIA GPU is on the bus, but no driver is installed", "Install NVIDIA's driver.", _WORTH)
    return absent("no NVIDIA GPU: neither its library nor its driver is installed")


def _pci_gpus(sysfs: str) -> list[Path]:
    try:
        devices = sorted(Path(sysfs, "bus", "pci", "devices").iterdir())
    except OSError:
        return []
    return [d for d in devices if read_text(d / "vendor") == _NVIDIA_VENDOR and read_text(d / "class").startswith(_DISPLAY_CLASS)]
