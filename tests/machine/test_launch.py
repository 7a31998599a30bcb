"""What the ranks of a launch have in common, and no other launch has."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from trainwatt.machine.launch import Launch, job_of, launch

ELASTIC = {"LOCAL_RANK": "1", "RANK": "5", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "MASTER_ADDR": "node1", "MASTER_PORT": "29500"}


def key(**environ: str) -> str:
    found = launch(environ)
    assert found is not None
    return found.key


def test_a_process_outside_of_a_job_has_none() -> None:
    assert launch({}) is None
    assert launch({"SLURM_JOB_ID": "7"}) is None  # a batch script alone has no ranks


@pytest.mark.parametrize(
    ("environ", "expected", "lasting"),
    [
        ({**ELASTIC, "TORCHELASTIC_RUN_ID": "abc"}, "TORCHELASTIC_RUN_ID:abc", False),
        ({**ELASTIC, "TORCHELASTIC_RUN_ID": "none"}, "TORCHELASTIC_RUN_ID:meeting:node1:29500", False),
        ({"SLURM_PROCID": "3", "SLURM_LOCALID": "3", "SLURM_JOB_ID": "77", "SLURM_STEP_ID": "2"}, "SLURM_JOB_ID::77/step:2", True),
        (
            {**ELASTIC, "TORCHELASTIC_RUN_ID": "x", "SLURM_JOB_ID": "77", "SLURM_CLUSTER_NAME": "c"},
            "SLURM_JOB_ID:c:77/TORCHELASTIC_RUN_ID:x",
            True,
        ),
        ({"PMIX_RANK": "1", "PMIX_NAMESPACE": "prterun-a-1@1"}, "PMIX_NAMESPACE:prterun-a-1@1", False),
        ({"FLUX_TASK_RANK": "1", "FLUX_TASK_LOCAL_ID": "1", "FLUX_JOB_ID": "f9"}, "FLUX_JOB_ID:f9", True),
        ({"PALS_RANKID": "1", "PALS_APID": "a", "PBS_JOBID": "5.pbs"}, "PBS_JOBID:5.pbs/PALS_APID:a", True),
        (ELASTIC, "meeting:node1:29500", False),
    ],
)
def test_launchers(environ: dict[str, str], expected: str, lasting: bool) -> None:
    assert launch(environ) == Launch(expected, lasting, restarted=False)
    other = {**environ, "RANK": "6", "LOCAL_RANK": "2", "SLURM_PROCID": "2", "SLURM_LOCALID": "2"}
    assert "SLURM_LOCALID" not in environ or key(**other).partition("/")[0] == expected.partition("/")[0]


def test_the_tasks_of_an_array_are_jobs_of_their_own() -> None:
    array = {"SLURM_JOB_ID": "101", "SLURM_ARRAY_JOB_ID": "100", "SLURM_ARRAY_TASK_ID": "1"}
    assert job_of(array) == "SLURM_JOB_ID::100_1"
    assert job_of(array | {"SLURM_JOB_ID": "102", "SLURM_ARRAY_TASK_ID": "2"}) == "SLURM_JOB_ID::100_2"


def test_an_id_or_a_port_that_is_used_again_is_told_apart_by_the_launcher() -> None:
    """On one node, the process above the ranks is the launcher: here the parent of this process."""
    found = key(**ELASTIC, TORCHELASTIC_RUN_ID="100", GROUP_WORLD_SIZE="1")
    assert found.startswith("TORCHELASTIC_RUN_ID:100/launcher:")
    assert f":{os.getppid()}:" in found
    assert "launcher" not in key(**ELASTIC, TORCHELASTIC_RUN_ID="100", GROUP_WORLD_SIZE="2")


def test_an_address_of_this_machine_is_that_of_this_boot() -> None:
    here = key(**ELASTIC | {"MASTER_ADDR": "127.0.0.1"})
    assert here.startswith("meeting:127.0.0.1@")
    assert here != "meeting:127.0.0.1@:29500"


def test_a_worker_that_is_started_again_says_so() -> None:
    assert launch({**ELASTIC, "TORCHELASTIC_RUN_ID": "x", "TORCHELASTIC_RESTART_COUNT": "1"}) == Launch(
        "TORCHELASTIC_RUN_ID:x", lasting=False, restarted=True
    )


def test_a_first_rank_that_has_started_the_others_is_their_launcher() -> None:
    code = "import os; from trainwatt.machine.launch import launch; print(launch(os.environ).key)"
    first = f"""
import os, subprocess, sys
other = subprocess.Popen([sys.executable, "-c", "import time; {code}; sys = __import__('sys'); sys.stdout.flush(); time.sleep(5)"],
    env=os.environ | {{"LOCAL_RANK": "1", "RANK": "1"}}, stdout=subprocess.PIPE, text=True)
theirs = other.stdout.readline().strip()
os.environ |= {{"LOCAL_RANK": "0", "RANK": "0"}}
from trainwatt.machine.launch import launch
print(launch(os.environ).key == theirs)
other.kill()
"""
    environ = {name: value for name, value in os.environ.items() if name not in ("LOCAL_RANK", "RANK", "MASTER_ADDR")}
    ended = subprocess.run([sys.executable, "-c", first], env=environ, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("True\n", "")
