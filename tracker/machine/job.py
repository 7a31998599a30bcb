"""The job that this process is part of: its rank, and the ids that a scheduler or an experiment tracker gave it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping

_LOCAL = ("LOCAL_RANK", "SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK")
_GLOBAL = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")


def local_rank(environ: Mapping[str, str]) -> int | None:
    """This process's number on its node; None outside a distributed job. The first variable that is set decides."""
    return _first(environ, _LOCAL)


def global_rank(environ: Mapping[str, str]) -> int | None:
    """This process's number in the whole job; None outside a distributed job."""
    return _first(environ, _GLOBAL)


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = environ.get(name, "")
        if value.isdecimal():
            return int(value)
    return None


_EXTERNAL = {
    "slurm_job_id": "SLURM_JOB_ID",
    "slurm_array_task_id": "SLURM_ARRAY_TASK_ID",
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
        info = active_run().info if callable(active_run) else None
        if isinstance(getattr(info, "run_id", None), str):
            found["mlflow_run_id"] = info.run_id  # type: ignore[union-attr]
    return found
