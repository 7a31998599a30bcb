"""What Slurm has given a job on this node: processors, GPUs and memory.

It comes from the variables that Slurm sets in the processes of a job (`man sbatch` and `man srun`, output environment variables). A value
that is missing, or cannot be true, is not known."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ...masking.text import scrubbed
from ...texts import text_of
from ..files import read_text
from ..host import machine_cpus
from ..inventory import Piece
from ..proc import processors, whole_number
from .lists import node_names, number_of_node, only_number

_MOST_CPUS, _MOST_GPUS, _MOST_MEMORY_MIB = 2**16 - 3, 1024, 2**27
_BYTES_PER_MIB = 2**20
_LONGEST = 255
"""Characters of a name that is kept: those of the name of a host (`man hostname`)."""


class Allocation(NamedTuple):
    """What job `job` has on node `node`, of which `step` is the step of this process. None: not known.

    `cpus` are counted as the site has set up Slurm: as logical processors, or as cores. `gpus` are those of the node that the job has."""

    job: str
    step: str | None
    node: str | None
    cpus: int | None
    gpus: int | None
    memory_bytes: int | None


def allocation(environ: Mapping[str, str]) -> Allocation | None:
    """The allocation that this process is in; None outside of a job of Slurm. Raises nothing."""
    job = _name(environ, "SLURM_JOB_ID")
    if job is None:
        return None
    mebibytes = _within(environ.get("SLURM_MEM_PER_NODE", ""), _MOST_MEMORY_MIB)  # 0: all of the node
    memory_bytes = mebibytes * _BYTES_PER_MIB if mebibytes else None
    return Allocation(job, _name(environ, "SLURM_STEP_ID"), _name(environ, "SLURMD_NODENAME"), _cpus(environ), _gpus(environ), memory_bytes)


def allocated(environ: Mapping[str, str], gpu_count: int | None = None, sysfs: str = "/sys", procfs: str = "/proc") -> Piece | None:
    """The allocation beside what the machine has, for the inventory of a run; None outside of a job of Slurm. Raises nothing.

    `gpu_count`: how many GPUs the drivers list. A job may see fewer than there are, so the kernel's own list counts too."""
    held = allocation(environ)
    if held is None:
        return None
    cpus = machine_cpus(sysfs, procfs)
    gpus = max(gpu_count or 0, _nvidia_gpus(procfs))
    of = {"of_cpus": cpus or None, "of_cores": _cores(procfs, cpus), "of_gpus": gpus or None}
    return Piece("allocation", f"slurm {held.job}" if held.step is None else f"slurm {held.job}.{held.step}", {**held._asdict(), **of})


def _name(environ: Mapping[str, str], variable: str) -> str | None:
    name = environ.get(variable, "").strip()
    return scrubbed(text_of(name), _LONGEST) if name else None


def _cpus(environ: Mapping[str, str]) -> int | None:
    """The processors of the job on this node. A step may have fewer, and the variable of the step may be the only one."""
    per_node = environ.get("SLURM_JOB_CPUS_PER_NODE", "")
    nodes = node_names(environ.get("SLURM_JOB_NODELIST", ""))
    node = environ.get("SLURMD_NODENAME", "")
    of_job = number_of_node(per_node, nodes.index(node)) if node in nodes else only_number(per_node)
    of_step = _within(environ.get("SLURM_CPUS_ON_NODE", ""), _MOST_CPUS)
    known = [n for n in (of_job, of_step) if n is not None and 0 < n <= _MOST_CPUS]
    return max(known, default=None)


def _gpus(environ: Mapping[str, str]) -> int | None:
    """The GPUs of the job on this node. SLURM_JOB_GPUS and SLURM_STEP_GPUS list them, as "0,1,3" or "0-1,3"."""
    counts = [_within(environ.get("SLURM_GPUS_ON_NODE", ""), _MOST_GPUS)]
    counts += [_listed(environ.get(name, "")) for name in ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS")]
    return max((n for n in counts if n), default=None)


def _listed(text: str) -> int | None:
    ids = node_names(f"[{text.strip()}]") if text.strip() else []
    return len(set(ids)) if 0 < len(ids) <= _MOST_GPUS else None


def _within(text: str, most: int) -> int | None:
    """A count of 1 to `most`; None if the text is none. Slurm writes 2^16, 2^32 or 2^64 less 1 or 2 for a number that it does not have."""
    number = whole_number(text)
    return number if number is not None and 0 < number <= most else None


def _cores(procfs: str, cpus: int) -> int | None:
    """The cores of the machine. None if cpuinfo does not name the core of each of its `cpus` processors, as on Arm."""
    found = processors(read_text(Path(procfs, "cpuinfo")))
    if not found or len(found) != cpus or not all("core id" in p for p in found):
        return None
    return len({(p.get("physical id", "0"), p["core id"]) for p in found})


def _nvidia_gpus(procfs: str) -> int:
    """The GPUs that the NVIDIA driver has, also those that the job does not see; 0 if it does not tell."""
    try:
        return len(os.listdir(Path(procfs, "driver", "nvidia", "gpus")))
    except OSError:
        return 0
