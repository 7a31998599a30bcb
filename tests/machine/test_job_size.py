"""How many ranks of a job run on this node, and which of them this process is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fakes.world import HANGS_S
from trainwatt.machine.job import rank_in_run, ranks_here

SLURM = {
    "SLURM_LOCALID": "1",
    "SLURM_PROCID": "5",
    "SLURM_NODEID": "1",
    "SLURM_STEP_NUM_TASKS": "11",
    "SLURM_STEP_TASKS_PER_NODE": "4(x2),3",
}


@pytest.mark.parametrize(
    ("environ", "ranks"),
    [
        ({}, 1),
        ({"LOCAL_RANK": "0", "RANK": "0", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "16"}, 4),
        ({"LOCAL_RANK": "0", "WORLD_SIZE": "4"}, 4),  # Lightning's launcher
        ({"LOCAL_RANK": "2", "RANK": "2"}, 3),  # at least
        ({"RANK": "3", "WORLD_SIZE": "4"}, 1),  # no number on the node: one process a node, as far as anyone can tell
        ({"LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "WORLD_SIZE": "8"}, 1),
        (SLURM, 4),
        (SLURM | {"SLURM_NODEID": "2"}, 3),
        (SLURM | {"SLURM_NODEID": "9"}, 11),
        (SLURM | {"LOCAL_RANK": "1", "RANK": "5", "WORLD_SIZE": "11"}, 4),  # the script copies Slurm's numbers
        (SLURM | {"LOCAL_RANK": "0", "WORLD_SIZE": "2", "SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_TASKS_PER_NODE": "1"}, 2),
        (SLURM | {"SLURM_STEP_TASKS_PER_NODE": "4(x99999999999)"}, 4),
        (SLURM | {"SLURM_STEP_TASKS_PER_NODE": "none"}, 11),
        ({"SLURM_LOCALID": "0", "SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, 1),  # in a batch script, outside of any step
        ({"OMPI_COMM_WORLD_LOCAL_RANK": "0", "OMPI_COMM_WORLD_LOCAL_SIZE": "2", "OMPI_COMM_WORLD_SIZE": "8"}, 2),
        ({"LOCAL_RANK": "0", "LOCAL_SIZE": "4", "WORLD_SIZE": "8"}, 4),  # DeepSpeed's launcher
        ({"LOCAL_RANK": "0", "WORLD_SIZE": "9", "FLUX_JOB_SIZE": "9", "FLUX_JOB_NNODES": "2"}, 5),
        ({"LOCAL_RANK": "0", "WORLD_SIZE": "4", "FLUX_JOB_SIZE": "1", "FLUX_JOB_NNODES": "1"}, 4),
        ({"LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "many", "WORLD_SIZE": "-1"}, 1),
    ],
)
def test_the_ranks_of_this_node(environ: dict[str, str], ranks: int) -> None:
    assert ranks_here(environ) == ranks


@pytest.mark.parametrize(
    ("environ", "rank"),
    [
        ({}, None),
        ({"LOCAL_RANK": "3"}, 3),
        ({"LOCAL_RANK": "0", "RANK": "8"}, 8),
        (SLURM, 5),
        ({"RANK": "none"}, None),
        ({"LOCAL_RANK": "3", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}, 3),  # Lightning's launcher in a batch script
    ],
)
def test_the_number_of_this_process(environ: dict[str, str], rank: int | None) -> None:
    assert rank_in_run(environ) == rank


SPAWNED = """
import torch.distributed as dist, torch.multiprocessing as mp
from trainwatt.machine.job import rank_in_run, ranks_here

def work(rank, store):
    assert (rank_in_run({}), ranks_here({})) == (None, 1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    assert (rank_in_run({}), ranks_here({})) == (rank, 2), (rank_in_run({}), ranks_here({}))
    assert ranks_here({"LOCAL_RANK": "0"}) == 2  # Lightning's launcher that spawns
    one_task = {"SLURM_LOCALID": "0", "SLURM_PROCID": "0", "SLURM_NODEID": "0", "SLURM_STEP_NUM_TASKS": "1"}
    assert (rank_in_run(one_task), ranks_here(one_task)) == (rank, 2)
    assert ranks_here({"MASTER_ADDR": "node-0"}) == 1  # perhaps the others are on another node

if __name__ == "__main__":
    import os, sys, tempfile
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(work, (os.path.join(folder, "store"),), nprocs=2)
"""


@pytest.mark.slow
def test_a_spawned_process_knows_its_rank_from_torch_distributed(tmp_path_factory: pytest.TempPathFactory) -> None:
    script = tmp_path_factory.mktemp("spawned") / "script.py"
    script.write_text(SPAWNED)
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=HANGS_S, check=False)
    assert ended.returncode == 0, ended.stderr
