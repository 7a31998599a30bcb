"""The partitions of a GPU by NVIDIA's Multi-Instance GPU: whose they are, and how large."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def parent(nvml: Any, uuid: str) -> int | None:
    """The NVML index of the card of a MIG instance; None if there is no such instance."""
    try:
        instance = nvml.nvmlDeviceGetHandleByUUID(uuid)
        return int(nvml.nvmlDeviceGetIndex(nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(instance)))
    except nvml.NVMLError:
        return None


def slices(nvml: Any, instances: Iterable[str]) -> int | None:
    """How many slices of the card these MIG instances have; None if there are none, or if the driver does not say so."""
    found = 0
    for instance in instances:
        try:
            found += int(nvml.nvmlDeviceGetAttributes_v2(nvml.nvmlDeviceGetHandleByUUID(instance)).gpuInstanceSliceCount)
        except nvml.NVMLError:
            return None
    return found or None


def enabled(nvml: Any, handle: Any) -> bool:
    """Whether a card is partitioned; False if the driver does not say so."""
    try:
        return bool(nvml.nvmlDeviceGetMigMode(handle)[0])
    except nvml.NVMLError:
        return False
