"""Findings for NVML that cannot be used: no library, no driver, versions that do not match, no permission, or a suspended GPU."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from typing import Any

from ...core.sensing import Availability, DiscoveryRequest, Finding
from ...machine.host import in_container
from .presence import Present
from .readers import error_text

SOURCE = "nvml"
_WORTH = "GPU energy measured to about ±5 %. Without it, this run's GPUs are not counted at all."
_LIBRARY = "libnvidia-ml.so.1"
PART_TIME = (
    "its sensor looks at 25 of every 100 ms: count batches or mark phases (`wrap`, `update`, `phase`), so that steps in step with it are"
    " noticed, and vary their length if they are"
)
"""The advice for A100 and H100 (energy/checks/in_step.py)."""
_LOOK = "Look at the output of nvidia-smi."

# nvml.h, nvmlReturn_t
_NO_PERMISSION, _DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND, _MISMATCH = 4, 9, 12, 18
SAYS_NOTHING = (_DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND)
"""After these errors of nvmlInit it is not known whether there is a GPU. After any other, the driver has answered: there is one."""


def absent(detail: str, remedy: str = "", worth: str = "") -> Finding:
    """This run has no GPUs to count."""
    return Finding(SOURCE, Availability.ABSENT, "GPUs", detail, remedy=remedy, worth=worth)


def not_imported(error: Exception) -> Finding:
    """The Python package cannot be imported, or is not what it should be."""
    if isinstance(error, ImportError):
        return absent(f"pynvml cannot be imported: {error}", "pip install nvidia-ml-py", _WORTH)
    return broken(f"pynvml cannot be imported: {type(error).__name__}: {error}", "pip install --force-reinstall nvidia-ml-py")


def broken(detail: str, remedy: str = _LOOK) -> Finding:
    """There is something to read with, and it does not work."""
    return Finding(SOURCE, Availability.BROKEN, "GPUs", detail, remedy, _WORTH)


def init_failed(nvml: Any, code: int, request: DiscoveryRequest, here: list[Present]) -> Finding:
    """The meaning of the return code of nvmlInit on this machine, whose GPUs are `here`."""
    if code == LIBRARY_NOT_FOUND:
        return _no_library(request, here)
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
    return broken(f"NVML does not start: {text}")


def suspended() -> Finding:
    """The GPUs of the run sleep."""
    remedy = "Nothing is wrong: it is measured as soon as it is in use. To measure it from the start, name it (gpus=[0]), which wakes it."
    return absent("suspended; not woken", remedy, _WORTH)


def jetson(board: str, problem: str) -> Finding:
    """A Jetson has no NVIDIA card: its GPU is a part of the processor, whose power NVML does not report."""
    return Finding(
        SOURCE,
        Availability.ABSENT,
        "GPUs",
        f"this is a Jetson ({board}): its GPU is a part of the chip, and NVML does not report its power ({problem})",
        "The board has power monitors (INA3221), which tegrastats shows and trainwatt does not read. Your own sensor can: docs/sensors.md",
        _WORTH,
    )


def gives_nothing(what: str, device: str, problems: list[str], board: str | None) -> Finding:
    """The driver lists the GPU, and answers none of the questions about its energy and power."""
    said = "; ".join(dict.fromkeys(problems))
    if board is not None:
        return jetson(board, said)._replace(what=what, devices=(device,))
    remedy = "A virtual GPU has no sensors: measure on its host. Otherwise look at the output of nvidia-smi -q -d POWER."
    text = f"reports neither energy nor power: {said}"
    return Finding(SOURCE, Availability.ABSENT, what, text, remedy, "This GPU's energy.", (device,))


def library_found() -> bool:
    """Whether NVML's library is installed, even if it cannot be loaded."""
    problem = _load_problem()
    return problem is None or not _not_found(problem)


def library_broken() -> bool:
    """Whether NVML's library is installed and cannot be loaded. It comes with a driver, so there is a GPU."""
    problem = _load_problem()
    return problem is not None and not _not_found(problem)


def _no_library(request: DiscoveryRequest, here: list[Present]) -> Finding:
    problem = _load_problem()
    if problem is not None and not _not_found(problem):
        remedy = "Install the driver's user-space libraries again, in the version of the kernel's driver (cat /proc/driver/nvidia/version)."
        return broken(f"the library is installed, but cannot be loaded: {problem}", remedy)
    if Path(request.procfs, "driver", "nvidia").exists():
        if in_container(request.procfs):
            remedy = "Start the container with its GPUs (NVIDIA Container Toolkit): docker run --gpus all …"
        else:
            remedy = "Install the driver's user-space libraries of the same version (libnvidia-compute on Debian and Ubuntu)."
        detail = f"the kernel has NVIDIA's driver, but {_LIBRARY} is not visible here"
        return Finding(SOURCE, Availability.MASKED, "GPUs", detail, remedy, _WORTH)
    if here:
        return absent("an NVIDIA GPU is here, but no driver is installed", "Install NVIDIA's driver.", _WORTH)
    return absent("no NVIDIA GPU: neither its library nor its driver is installed")


def _load_problem() -> str | None:
    """Why the library cannot be loaded, in the words of the dynamic loader; None if it can."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError as e:
        return str(e)
    return None


def _not_found(problem: str) -> bool:
    return _LIBRARY in problem and os.strerror(errno.ENOENT) in problem
