"""GPUs and accelerators of makes that trainwatt does not read: that they exist is said, so that a total without them is a lower bound."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.sensing import Availability, Device, Discovery, DiscoveryRequest, Finding, Missed
from .pci import PciDevice, devices, displays

SOURCE = "pci"
_MAKES = {"0x1002": "AMD GPU", "0x8086": "Intel GPU", "0x1da3": "Habana accelerator"}
"""PCI vendor ids."""
_HIDING: Mapping[str, tuple[str, ...]] = {
    "0x1002": ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"),
    "0x8086": ("ZE_AFFINITY_MASK",),
    "0x1da3": ("HABANA_VISIBLE_DEVICES",),
}
"""The variables that choose the devices of a run, as CUDA_VISIBLE_DEVICES does. An empty value and -1 hide all."""
_AMD = ("0x1002", "0x1022")
_SECURITY_PROCESSOR = "0x108000"  # PCI class: an encryption controller
_MAX_W = 1500.0  # above the highest limit of one sold in 2025 (MI355X: 1400 W)
_REMEDY = "Name a function that reads it in the setting `sensors`: docs/sensors.md. examples/amdgpu.py reads AMD's GPUs."


def discover(request: DiscoveryRequest, read: int) -> Discovery:
    """The GPUs and accelerators on the bus that nothing reads. `read`: how many the user's own sensors read. Raises nothing.

    Integrated graphics are left out: their power is in the package's counter.
    """
    if request.gpus is not None:
        return Discovery()  # the user has named the GPUs to track
    found = [device for device in displays(request.sysfs, *_MAKES) if not _hidden(device, request.environ)]
    integrated = _integrated(request.sysfs) if found else set()
    result = Discovery()
    for number, device in enumerate([d for d in found if d.address not in integrated][read:]):
        name, detail = f"accelerator{number}", f"{_MAKES[device.vendor]} at {device.address}: trainwatt has no sensor for it"
        model = Device(name, "gpu", _MAX_W, request.gains.get("gpu", 0.0), "gpu", model=_MAKES[device.vendor])
        result.missed.append(Missed(model, Availability.ABSENT, detail))
        result.findings.append(Finding(SOURCE, Availability.ABSENT, name, detail, _REMEDY, "Its energy.", (name,)))
    return result


def _hidden(device: PciDevice, environ: Mapping[str, str]) -> bool:
    values = [environ[name].strip() for name in _HIDING[device.vendor] if name in environ]
    return any(value in ("", "-1") for value in values)


def _integrated(sysfs: str) -> set[str]:
    """The addresses of integrated graphics. Intel's is on the first bus. AMD's shares its slot with the processor's security processor,
    which no card has."""
    every = devices(sysfs)
    with_processor = {_slot(d.address) for d in every if d.vendor in _AMD and d.pci_class == _SECURITY_PROCESSOR}
    return {
        d.address
        for d in every
        if (d.vendor == "0x8086" and d.address.split(":")[1:2] == ["00"]) or (d.vendor == "0x1002" and _slot(d.address) in with_processor)
    }


def _slot(address: str) -> str:
    return address.rpartition(".")[0]
