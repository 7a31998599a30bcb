"""PURE: what the job of a run had of each node, and whether this is a part of the node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ...core.sensing import whole_name

if TYPE_CHECKING:
    from ...core.contract.slurm import AllocationJson
    from ...storage.read.records import InventoryRow, StoredRun


class _Cpus(NamedTuple):
    held: int | None = None
    of: int | None = None
    unit: Literal["core", "processor"] | None = None


def allocations_of(stored: StoredRun) -> list[AllocationJson]:
    """The allocation of each node of a run, in the order of hosts. Empty outside of a job of Slurm."""
    return [_allocation(stored, piece) for piece in stored.inventory if piece.kind == "allocation"]


def _allocation(stored: StoredRun, piece: InventoryRow) -> AllocationJson:
    held, here = piece.detail, [other for other in stored.inventory if other.host == piece.host]
    allowed = next((other.detail.get("allowed_cpus") for other in here if other.kind == "cpu"), None)
    cpus = _cpus(held, allowed)
    whole = [d for d in stored.devices if d.host == piece.host and d.kind == "gpu" and d.first is not None and whole_name(d.name) is None]
    gpus_read = len({d.uuid or d.name for d in whole})
    gpus = _count(held, "gpus")
    sliced = any(other.detail.get("mig_slices") is not None for other in here if other.kind == "gpu")
    # Slurm counts the slices of a GPU as GPUs
    gpus_of = None if gpus is None or sliced else max(_count(held, "of_gpus") or 0, gpus_read) or None
    return {
        "scheduler": "slurm",
        "host": piece.host,
        "job": str(held.get("job")),
        "step": _text(held, "step"),
        "node": _text(held, "node"),
        "cpus": cpus.held,
        "cpus_of": cpus.of,
        "cpu_unit": cpus.unit,
        "gpus": gpus,
        "gpus_of": gpus_of,
        "gpus_read": gpus_read,
        "memory_bytes": _count(held, "memory_bytes"),
        "part_of_node": _is_part(((cpus.held, cpus.of), (gpus, gpus_of))),
    }


def _cpus(held: Mapping[str, Any], allowed: object) -> _Cpus:
    """The processors of the job, and of the node in the same unit.

    A site sets up Slurm to count either cores or logical processors. The control group of the job tells which, if it is limited to the
    processors of the job. If it is not, and the job has as many as the node has cores, it may have half of the node or all of it."""
    cpus, processors, cores = (_count(held, key) for key in ("cpus", "of_cpus", "of_cores"))
    if cpus is None or processors is None:
        return _Cpus(cpus)
    if cores is None or cores == processors:
        return _Cpus(cpus, max(cpus, processors), "processor" if cores is None else "core")
    if cpus <= cores and allowed == cpus * (processors / cores) and allowed < processors:
        return _Cpus(cpus, cores, "core")
    if cpus == cores and allowed != cpus:
        return _Cpus(cpus)
    return _Cpus(cpus, max(cpus, processors), "processor")


def _is_part(held: Iterable[tuple[int | None, int | None]]) -> bool | None:
    known = [n < of for n, of in held if n is not None and of is not None]
    return any(known) if known else None


def _text(detail: Mapping[str, Any], key: str) -> str | None:
    return value if isinstance(value := detail.get(key), str) else None


def _count(detail: Mapping[str, Any], key: str) -> int | None:
    """A count of a stored row, which may have anything."""
    value = detail.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
