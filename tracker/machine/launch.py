"""The launch that this process is a rank of: what its ranks, on all nodes, know it by."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import NamedTuple

from ..unwarned import unwarned
from .job import rank_in_run, rank_variable
from .process import Identity, children, environment_of, parent, this_process

_JOBS = ("SLURM_JOB_ID", "FLUX_JOB_ID", "LSB_JOBID", "PBS_JOBID", "COBALT_JOBID", "OAR_JOB_ID")
"""The job of a batch system: Slurm, Flux, LSF, PBS, Cobalt, OAR. It keeps its id when it is requeued."""
_LAUNCHES = ("PMIX_NAMESPACE", "PALS_APID", "PMI_JOBID", "OMPI_MCA_ess_base_jobid")
"""What mpirun and the like call a launch: PRRTE and Open MPI 5, Cray PALS, MPICH, Open MPI 4."""
_ELASTIC = "TORCHELASTIC_RUN_ID"
_NO_ID = ("", "none")
"""torchrun without --rdzv-id has the id "none"."""


class Launch(NamedTuple):
    """A launch of the ranks of a job.

    `key` is equal in all of its ranks, and in no other launch at the same time. `lasting`: a job that is requeued has it again.
    `restarted`: a launcher that goes on has started this process again.
    """

    key: str
    lasting: bool
    restarted: bool


def launch(environ: Mapping[str, str], procfs: str = "/proc") -> Launch | None:
    """The launch of which this process is a rank; None outside a distributed job."""
    if rank_in_run(environ) is None:
        return None
    launcher, job = _named(_launcher(environ, procfs)), job_of(environ)
    part = _part(environ, job, launcher)
    restarts = environ.get("TORCHELASTIC_RESTART_COUNT", "")
    key = "/".join(filter(None, (job, part))) or launcher
    return Launch(key, job is not None, restarts.isdecimal() and int(restarts) > 0)


def job_of(environ: Mapping[str, str]) -> str | None:
    """The job of a batch system that this process belongs to; None outside of one. The tasks of an array are jobs of their own."""
    for name in _JOBS:
        if number := environ.get(name):
            array, task = environ.get("SLURM_ARRAY_JOB_ID"), environ.get("SLURM_ARRAY_TASK_ID")
            if name == "SLURM_JOB_ID":
                number = f"{environ.get('SLURM_CLUSTER_NAME', '')}:{f'{array}_{task}' if array and task else number}"
            return f"{name}:{number}"
    return None


def _part(environ: Mapping[str, str], job: str | None, launcher: str) -> str | None:
    """What tells the launches of a job apart, or of this machine."""
    if (elastic := environ.get(_ELASTIC)) is not None:
        parts = [elastic if elastic not in _NO_ID else _meeting(environ)]
        if job is None and environ.get("GROUP_WORLD_SIZE") == "1":  # an id or a port that is given by hand is used again and again
            parts.append(launcher)
        return f"{_ELASTIC}:{'/'.join(filter(None, parts))}"
    for name in _LAUNCHES:
        if number := environ.get(name):
            return f"{name}:{number}"
    if rank_variable(environ) == "SLURM_LOCALID" and (step := environ.get("SLURM_STEP_ID")):
        return f"step:{step}"
    ray, meeting = _ray_job(), _meeting(environ)
    return "/".join(filter(None, (ray, meeting))) or None


def _ray_job() -> str | None:
    """The job of Ray; None if this process is none of its workers."""
    ray = sys.modules.get("ray")
    try:
        if ray is not None and unwarned(ray.is_initialized):
            return f"ray:{unwarned(lambda: ray.get_runtime_context().get_job_id())}"
    except Exception:  # Ray's code may raise anything
        pass
    return None


def _meeting(environ: Mapping[str, str]) -> str | None:
    """Where the ranks of torch.distributed meet: no two launches have the same port at the same time."""
    address, port = environ.get("MASTER_ADDR"), environ.get("MASTER_PORT")
    if not address or not port:
        return None
    if re.fullmatch(r"localhost|127\..*|::1", address):
        address += f"@{this_process().boot_id}"
    return f"meeting:{address}:{port}"


def _launcher(environ: Mapping[str, str], procfs: str) -> Identity:
    """The process of this node that started its ranks: the nearest one above this one that is not of its rank. Or this one, which is the
    first rank itself then."""
    variable, pid = rank_variable(environ), os.getpid()
    mine = environ.get(variable or "")
    if variable and any((environment_of(child, procfs) or {}).get(variable, mine) != mine for child in children(pid, procfs)):
        return this_process(procfs)
    above = parent(pid, procfs) or pid
    while variable and (environment_of(above, procfs) or {}).get(variable) == mine:
        if not (higher := parent(above, procfs)) or higher == above:
            break
        above = higher
    return this_process(procfs, above)


def _named(process: Identity) -> str:
    return f"launcher:{process.boot_id}:{process.pid_namespace}:{process.pid}:{process.start_ticks}"
