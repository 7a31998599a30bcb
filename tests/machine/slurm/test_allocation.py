"""What Slurm has given a job on this node, from the variables of its processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.machine.job import external_ids
from trainwatt.machine.slurm.allocation import allocated, allocation
from trainwatt.machine.slurm.lists import MOST_NODES, node_names, number_of_node, only_number

JOB = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NODELIST": "gpu[01-03]",
    "SLURM_JOB_CPUS_PER_NODE": "72(x2),36",
    "SLURMD_NODENAME": "gpu03",
    "SLURM_CPUS_ON_NODE": "18",
    "SLURM_GPUS_ON_NODE": "2",
    "SLURM_MEM_PER_NODE": "65536",
}


def test_an_allocation_is_what_the_job_has_on_this_node() -> None:
    assert allocation(JOB) == ("4711", None, "gpu03", 36, 2, 2**36)
    assert allocation({"HOME": "/root"}) is None


@pytest.mark.parametrize(
    ("changes", "cpus", "gpus"),
    [
        ({"SLURMD_NODENAME": "gpu01"}, 72, 2),  # its step has 18 of them
        ({"SLURMD_NODENAME": "elsewhere"}, 18, 2),
        ({"SLURM_JOB_CPUS_PER_NODE": "24(x3)", "SLURMD_NODENAME": ""}, 24, 2),
        ({"SLURM_JOB_CPUS_PER_NODE": ""}, 18, 2),
        ({"SLURM_JOB_CPUS_PER_NODE": "many", "SLURM_CPUS_ON_NODE": "-3"}, None, 2),
        ({"SLURM_JOB_CPUS_PER_NODE": "", "SLURM_CPUS_ON_NODE": "65534"}, None, 2),  # Slurm has no value
        ({"SLURM_JOB_CPUS_PER_NODE": "9" * 5000 + "(x2)", "SLURM_CPUS_ON_NODE": "9" * 5000}, None, 2),
        ({"SLURM_JOB_CPUS_PER_NODE": f"72(x{'9' * 5000})", "SLURM_CPUS_ON_NODE": ""}, None, 2),
        ({"SLURM_GPUS_ON_NODE": "", "SLURM_JOB_GPUS": "0,2,5"}, 36, 3),
        ({"SLURM_GPUS_ON_NODE": "1", "SLURM_STEP_GPUS": "4-7"}, 36, 4),
        ({"SLURM_GPUS_ON_NODE": "4294967294", "SLURM_JOB_GPUS": "a:b"}, 36, None),
        ({"SLURM_GPUS_ON_NODE": "gpu:2"}, 36, None),
    ],
)
def test_counts_that_are_missing_or_wrong_are_not_known(changes: dict[str, str], cpus: int | None, gpus: int | None) -> None:
    found = allocation(JOB | changes)
    assert found is not None
    assert (found.cpus, found.gpus) == (cpus, gpus)


def test_a_job_that_asked_for_all_memory_has_no_number_for_it() -> None:
    assert allocation(JOB | {"SLURM_MEM_PER_NODE": "0"}).memory_bytes is None  # type: ignore[union-attr]
    assert allocation(JOB | {"SLURM_MEM_PER_NODE": "18446744073709551614"}).memory_bytes is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("gpu01", ["gpu01"]),
        ("gpu[01-03,07],login-1", ["gpu01", "gpu02", "gpu03", "gpu07", "login-1"]),
        ("r[1-2]n[08-10]", ["r1n08", "r1n09", "r1n10", "r2n08", "r2n09", "r2n10"]),
        ("n[9-11]-ib", ["n9-ib", "n10-ib", "n11-ib"]),
        ("", []),
        ("n[3-1]", []),
        ("n[1-", []),
        ("n[a-b]", []),
        (f"n[1-{MOST_NODES + 1}]", []),
        ("n[1-99999][1-99999]", []),
        ("n[0-99999999999999999999999999]", []),
    ],
)
def test_lists_of_nodes_are_expanded(text: str, names: list[str]) -> None:
    assert node_names(text) == names


@given(st.lists(st.tuples(st.integers(0, 512), st.integers(1, 5)), min_size=1, max_size=6))
def test_each_node_has_its_number(runs: list[tuple[int, int]]) -> None:
    text = ",".join(f"{n}(x{times})" if times > 1 else str(n) for n, times in runs)
    each = [n for n, times in runs for _ in range(times)]
    assert [number_of_node(text, place) for place in range(len(each) + 1)] == [*each, None]
    assert only_number(text) == (each[0] if len(set(each)) == 1 else None)


@given(st.text(max_size=60) | st.text("[]-,0123n()x", max_size=40))
def test_any_text_is_survived(text: str) -> None:
    node_names(text)
    names = ("SLURM_JOB_ID", "SLURM_JOB_NODELIST", "SLURMD_NODENAME", "SLURM_JOB_CPUS_PER_NODE", "SLURM_JOB_GPUS", "SLURM_MEM_PER_NODE")
    allocation(dict.fromkeys(names, text))


def test_the_machine_is_recorded_beside_the_allocation(tmp_path: Path) -> None:
    """Two sockets with two cores of two threads each, and three GPUs of which the job sees one."""
    (tmp_path / "stat").write_text("cpu  1 0 1 1\n" + "".join(f"cpu{n} 1 0 1 1\n" for n in range(8)))
    cpus = [f"processor\t: {n}\nphysical id\t: {n % 2}\ncore id\t: {n // 2 % 2}\n" for n in range(8)]
    (tmp_path / "cpuinfo").write_text("\n".join(cpus))
    for slot in ("0000:01:00.0", "0000:02:00.0", "0000:03:00.0"):
        (tmp_path / "driver/nvidia/gpus" / slot).mkdir(parents=True)
    piece = allocated(JOB | {"SLURM_STEP_ID": "5"}, 1, str(tmp_path), str(tmp_path))
    assert piece is not None
    assert (piece.kind, piece.name) == ("allocation", "slurm 4711.5")
    assert piece.detail == {
        **{"job": "4711", "step": "5", "node": "gpu03", "cpus": 36, "gpus": 2, "memory_bytes": 2**36},
        **{"of_cpus": 8, "of_cores": 4, "of_gpus": 3},
    }
    assert allocated({}, 1, str(tmp_path), str(tmp_path)) is None


def test_a_machine_that_tells_nothing_is_not_known(tmp_path: Path) -> None:
    piece = allocated(JOB | {"SLURM_JOB_ID": "\udcff", "SLURMD_NODENAME": "n" * 9999}, None, str(tmp_path), str(tmp_path))
    assert piece is not None
    assert (piece.detail["of_cpus"], piece.detail["of_cores"], piece.detail["of_gpus"]) == (None, None, None)
    assert "\udcff" not in piece.name
    assert len(str(piece.detail["node"])) < 300


def test_the_ids_of_a_task_of_an_array_are_kept() -> None:
    environ = JOB | {
        **{"SLURM_STEP_ID": "0", "SLURM_ARRAY_JOB_ID": "4700", "SLURM_ARRAY_TASK_ID": "11", "SLURM_CLUSTER_NAME": "alps"},
        **{"SLURM_JOB_PARTITION": "normal", "SLURM_JOB_NUM_NODES": "3"},
    }
    assert external_ids(environ) == {
        **{"slurm_job_id": "4711", "slurm_step_id": "0", "slurm_array_job_id": "4700", "slurm_array_task_id": "11"},
        **{"slurm_cluster": "alps", "slurm_partition": "normal", "slurm_nodes": "gpu[01-03]", "slurm_node_count": "3"},
    }
