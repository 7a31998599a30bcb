"""The job that this process is part of: its rank, and the ids that a scheduler or an experiment tracker gave it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping

from ..unwarned import unwarned
from .slurm.lists import number_of_node

_LOCAL = (
    *("LOCAL_RANK", "HOROVOD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"),
    *("PALS_LOCAL_RANKID", "JSM_NAMESPACE_LOCAL_RANK", "FLUX_TASK_LOCAL_ID", "SLURM_LOCALID"),
)
"""torchrun, Horovod, Open MPI, MVAPICH, Intel MPI and MPICH (Hydra), Cray PALS, IBM JSM, Flux, Slurm. What starts the ranks comes before
what gives the nodes: a batch script of Slurm has SLURM_LOCALID=0, and so has every rank that mpirun starts in it."""
_GLOBAL = (
    *("RANK", "HOROVOD_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"),
    *("PALS_RANKID", "JSM_NAMESPACE_RANK", "FLUX_TASK_RANK", "SLURM_PROCID"),
)
_LOCAL_SIZE = (
    *("LOCAL_WORLD_SIZE", "LOCAL_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_LOCAL_SIZE"),
    *("JSM_NAMESPACE_LOCAL_SIZE", "PALS_LOCAL_SIZE", "PMI_LOCAL_SIZE", "HOROVOD_LOCAL_SIZE"),
)  # LOCAL_SIZE: DeepSpeed's launcher
_GLOBAL_SIZE = ("WORLD_SIZE", "HOROVOD_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS")
_OF_THIS_MACHINE = ("", "localhost", "127.0.0.1", "::1")


def local_rank(environ: Mapping[str, str]) -> int | None:
    """This process's number on its node; None outside a distributed job. The first variable of the list that is set decides."""
    return _first(environ, _LOCAL)


def rank_variable(environ: Mapping[str, str]) -> str | None:
    """The variable that gives this process its number on its node; None outside a distributed job."""
    return next((name for name in _LOCAL if environ.get(name, "").isdecimal()), None)


def global_rank(environ: Mapping[str, str]) -> int | None:
    """This process's number in the whole job; None outside a distributed job."""
    return _first(environ, _GLOBAL)


def rank_in_run(environ: Mapping[str, str]) -> int | None:
    """This process's number among those of its job that may record in one run. None if nothing tells it.

    A process that was spawned knows it from torch.distributed only. Lightning's launcher gives LOCAL_RANK only; then the numbers of what
    started the launcher, such as a batch script of Slurm, are the same for all ranks."""
    of_job = _first(environ, ("RANK",)) if rank_variable(environ) == "LOCAL_RANK" else global_rank(environ)
    numbers = _of_torch("get_rank"), of_job, local_rank(environ)
    return next((number for number in numbers if number is not None), None)


def ranks_here(environ: Mapping[str, str]) -> int:
    """How many processes of the job run on this node, as far as the launcher tells; 1 outside a distributed job.

    Where it tells only how many the whole job has, they are taken to be here: a launcher of several nodes tells more, or can be given
    LOCAL_WORLD_SIZE."""
    local = local_rank(environ)
    spawned = _of_torch("get_world_size") if environ.get("MASTER_ADDR", "") in _OF_THIS_MACHINE else None
    if local is None:  # without a number on the node, only a job on this machine alone is known to have others here
        return spawned or 1
    size = _first(environ, _LOCAL_SIZE) or _slurm_tasks_here(environ) or _flux_tasks_here(environ) or _first(environ, _GLOBAL_SIZE) or 1
    return max(size if size > 1 else spawned or 1, local + 1)  # one task may have spawned all ranks


def ranks_in_job(environ: Mapping[str, str]) -> int:
    """How many processes of the job there are on all nodes, as far as the launcher tells; 1 outside a distributed job."""
    return max(ranks_here(environ), _of_torch("get_world_size") or 1, _first(environ, _GLOBAL_SIZE) or 1)


def _slurm_tasks_here(environ: Mapping[str, str]) -> int | None:
    """The tasks of this node in SLURM_STEP_TASKS_PER_NODE, such as "4(x2),3": two nodes with four tasks each, and one with three. None if
    the tasks are not the ranks: one task may have started several."""
    tasks = environ.get("SLURM_STEP_NUM_TASKS", "")
    node = environ.get("SLURM_NODEID", "")
    if not node.isdecimal() or environ.get("WORLD_SIZE", tasks) != tasks:
        return None
    return number_of_node(environ.get("SLURM_STEP_TASKS_PER_NODE", ""), int(node))


def _flux_tasks_here(environ: Mapping[str, str]) -> int | None:
    """Flux tells the tasks and the nodes of the job, and spreads the tasks evenly. None if the tasks are not the ranks."""
    tasks, nodes = _first(environ, ("FLUX_JOB_SIZE",)), _first(environ, ("FLUX_JOB_NNODES",))
    if not tasks or not nodes or environ.get("WORLD_SIZE", str(tasks)) != str(tasks):
        return None
    return -(-tasks // nodes)


def _of_torch(what: str) -> int | None:
    """What torch.distributed says of this process; None if the process has not joined a group with it."""
    distributed = sys.modules.get("torch.distributed")
    with contextlib.suppress(Exception):
        if distributed is not None and distributed.is_available() and distributed.is_initialized():
            return int(unwarned(getattr(distributed, what)))
    return None


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = environ.get(name, "")
        if value.isdecimal():
            return int(value)
    return None


_EXTERNAL = {
    "slurm_job_id": "SLURM_JOB_ID",
    "slurm_step_id": "SLURM_STEP_ID",
    "slurm_array_job_id": "SLURM_ARRAY_JOB_ID",
    "slurm_array_task_id": "SLURM_ARRAY_TASK_ID",
    "slurm_cluster": "SLURM_CLUSTER_NAME",
    "slurm_partition": "SLURM_JOB_PARTITION",
    "slurm_nodes": "SLURM_JOB_NODELIST",
    "slurm_node_count": "SLURM_JOB_NUM_NODES",
    "wandb_run_id": "WANDB_RUN_ID",
    "mlflow_run_id": "MLFLOW_RUN_ID",
    "torchelastic_run_id": "TORCHELASTIC_RUN_ID",
}


def external_ids(environ: Mapping[str, str]) -> dict[str, str]:
    """The ids that a scheduler or an experiment tracker gave this run. They come from the environment, and from W&B or MLflow if the
    process has loaded them and a run is open there."""
    found = {name: environ[variable] for name, variable in _EXTERNAL.items() if environ.get(variable)}
    wandb_run = getattr(sys.modules.get("wandb"), "run", None)
    if isinstance(getattr(wandb_run, "id", None), str):
        found["wandb_run_id"] = wandb_run.id  # type: ignore[union-attr]
    active_run = getattr(sys.modules.get("mlflow"), "active_run", None)
    with contextlib.suppress(Exception):  # MLflow's code may raise anything
        info = unwarned(active_run).info if callable(active_run) else None
        if isinstance(getattr(info, "run_id", None), str):
            found["mlflow_run_id"] = info.run_id  # type: ignore[union-attr]
    return found
