"""PURE: what `show --json` and `show --cross-check --json` say of the job of Slurm that a run belongs to."""

from __future__ import annotations

from typing import Literal, TypedDict


class AllocationJson(TypedDict):
    """What a job has of a node. None: not known.

    `cpus` of `cpus_of` are cores or logical processors, as `cpu_unit` says. `gpus_read` are those that the run has read; if they are more
    than `gpus`, others' GPUs are among them. `part_of_node`: the job has fewer processors or GPUs than the node, so others may use it too.
    No energy is scaled by any of this."""

    scheduler: Literal["slurm"]
    host: str
    job: str
    step: str | None
    node: str | None
    cpus: int | None
    cpus_of: int | None
    cpu_unit: Literal["core", "processor"] | None
    gpus: int | None
    gpus_of: int | None
    gpus_read: int
    memory_bytes: int | None
    part_of_node: bool | None


class CrossCheckJson(TypedDict):
    """What Slurm's accounting has recorded for the step of a run, or else for its job, beside what was measured on the same nodes. A run
    that was resumed may have several `jobs`.

    `missing` is a `Missing` if there is nothing to compare, and `detail` is what `sacct` said then. `ratio` is measured by recorded.
    `measured_j` is the energy of whole devices, also where the run has an attributed share of them."""

    jobs: list[str]
    step: str | None
    recorded_j: float | None
    recorded_s: float | None
    recorded_nodes: int | None
    measured_j: float | None
    measured_low_j: float | None
    measured_high_j: float | None
    measured_s: float
    measured_nodes: int | None
    ratio: float | None
    missing: str | None
    detail: str | None
