"""Ranks that see different GPUs: they record in one run, in which each device counts once."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import pytest

from tests.fakes.views import assert_within, events, rows
from tests.fakes.world import TRAINWATT, MakeWorld, World, finished
from trainwatt.machine.job import global_rank, local_rank

RANK = """
import os, pathlib, time
from trainwatt import EnergyTracker
with EnergyTracker(project="ranks") as tracker:
    pathlib.Path("begun-" + os.environ["RANK"]).touch()
    while len(list(pathlib.Path().glob("begun-*"))) < int(os.environ.get("WORLD_SIZE", "1")):
        time.sleep(0.02)
    time.sleep(0.5)
"""
"""No rank ends before the others have begun."""
LAUNCHER = """
import os, subprocess, sys
command, ranks = sys.argv[1:-1], eval(sys.argv[-1])
started = [subprocess.Popen(command, env=os.environ | extra) for extra in ranks]
sys.exit(max(process.wait() for process in started))
"""
"""Starts a command once for each environment in a list."""


def launch(world: World, *ranks: dict[str, str], command: tuple[str, ...] = (sys.executable, "-c", RANK)) -> Any:
    """The run of the ranks, which are started as a launcher starts them."""
    ended = finished(world.python(LAUNCHER, *command, repr(list(ranks))))
    assert ended.returncode == 0, ended.stderr
    assert [run["status"] for run in world.runs()] == ["completed"]
    return world.show()


def ranks_with(*visible: str | None) -> list[dict[str, str]]:
    """The environments of ranks; None leaves every GPU visible."""
    own = [{} if value is None else {"CUDA_VISIBLE_DEVICES": value} for value in visible]
    return [{"LOCAL_RANK": str(i), "RANK": str(i), "WORLD_SIZE": str(len(own)), **more} for i, more in enumerate(own)]


def assert_once(view: Any, world: World, *gpus: int) -> None:
    """The run has these GPUs and the rest of the node, each once, from when the first rank began that sees it."""
    watts = {f"gpu{i}": world.gpus_w[i] for i in gpus} | {"package-0": world.package_w, "dram-0": world.dram_w}
    assert [d["device"] for d in view["energy"]["devices"]] == list(watts)
    for device in view["energy"]["devices"]:
        assert_within(device, watts[device["device"]], device["seen_fraction"] * view["run"]["duration_s"])
    assert not events(view, "overlap")
    assert not events(view, "rank")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("visible", "gpus"),
    [
        (("0", "1", "2"), [0, 1, 2]),
        ((None, None), [0, 1, 2]),
        (("0,1", "0,1"), [0, 1]),
        (("0", "0,1"), [0, 1]),
        (("1", None), [0, 1, 2]),
        (("0", "0"), [0]),
        (("0", ""), [0]),
        (("GPU-1", "0"), [0, 1]),
        (("0", "1", "1"), [0, 1]),
    ],
)
def test_each_gpu_that_a_rank_sees_counts_once(make_world: MakeWorld, visible: tuple[str | None, ...], gpus: list[int]) -> None:
    world = make_world(gpus_w=(300.0, 200.0, 100.0))
    view = launch(world, *ranks_with(*visible))
    assert_once(view, world, *gpus)
    assert view["run"]["ranks"] == {"recorded": len(visible), "of": len(visible), "joined": True}


def test_a_script_around_the_training_may_set_the_variable(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    python = shlex.join([sys.executable, "-c", RANK])
    command = ("sh", "-c", f"CUDA_VISIBLE_DEVICES=$LOCAL_RANK {python}; exit $?")
    assert_once(launch(world, *ranks_with(None, None), command=command), world, 0, 1)


@pytest.mark.parametrize(("gpu", "gpus"), [("os.environ['LOCAL_RANK']", [0, 1]), ("'0'", [0])])
def test_a_program_may_set_the_variable_itself(make_world: MakeWorld, gpu: str, gpus: list[int]) -> None:
    """No process can see what the others have set."""
    world = make_world(gpus_w=(300.0, 200.0))
    code = f"import os\nos.environ['CUDA_VISIBLE_DEVICES'] = {gpu}\n{RANK}"
    assert_once(launch(world, *ranks_with(None, None), command=(sys.executable, "-c", code)), world, *gpus)


def test_a_rank_whose_node_has_no_other_measures_all_that_it_sees(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    assert world.run_python(RANK, env=world.environ(LOCAL_RANK="1", RANK="1", CUDA_VISIBLE_DEVICES="1")).returncode == 0
    assert_once(world.show(), world, 1)


@pytest.mark.slow
@pytest.mark.parametrize("by_program", [False, True])
def test_a_rank_that_the_first_rank_starts_records_in_the_same_run(make_world: MakeWorld, by_program: bool) -> None:
    """As Lightning does: the first rank is the program that the user starts, and has no number in its environment."""
    world = make_world(gpus_w=(300.0, 200.0))
    code = f"""
import os, subprocess, sys
os.environ["CUDA_VISIBLE_DEVICES"] = "0,1"
if "LOCAL_RANK" not in os.environ:
    other = subprocess.Popen([sys.executable, *sys.orig_argv[1:]], env=os.environ | {{"LOCAL_RANK": "1", "RANK": "1", "WORLD_SIZE": "2"}})
    os.environ |= {{"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "2"}}
{RANK}
other = globals().get("other")
sys.exit(0 if other is None else other.wait())
"""
    ended = world.run_python(code, env=world.environ(**({} if by_program else {"CUDA_VISIBLE_DEVICES": "0,1"})))
    assert ended.returncode == 0, ended.stderr
    assert len(world.runs()) == 1
    assert_once(world.show(), world, 0, 1)


def test_gpus_that_the_settings_name_count_once(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    assert_once(launch(world, *({"TRAINWATT_GPUS": "0,1", **rank} for rank in ranks_with("0", "1"))), world, 0, 1)


@pytest.mark.slow
def test_trainwatt_run_in_each_rank_is_one_run_with_the_tracker_inside(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    view = launch(world, *ranks_with("0", "1"), command=(*TRAINWATT, "run", "--", sys.executable, "-c", RANK))
    assert_once(view, world, 0, 1)
    assert rows(world, "SELECT role, count(*) FROM segment GROUP BY role ORDER BY role") == [("joined", 2), ("owner", 2)]


@pytest.mark.parametrize(
    ("local", "job"),
    [
        ("LOCAL_RANK", "RANK"),
        ("SLURM_LOCALID", "SLURM_PROCID"),
        ("OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_RANK"),
        ("MPI_LOCALRANKID", "PMI_RANK"),
        ("MV2_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_RANK"),
        ("FLUX_TASK_LOCAL_ID", "FLUX_TASK_RANK"),
        ("PALS_LOCAL_RANKID", "PALS_RANKID"),
        ("JSM_NAMESPACE_LOCAL_RANK", "JSM_NAMESPACE_RANK"),
        ("HOROVOD_LOCAL_RANK", "HOROVOD_RANK"),
    ],
)
def test_launchers_and_their_ranks(local: str, job: str) -> None:
    assert (local_rank({local: "3", job: "11"}), global_rank({local: "3", job: "11"})) == (3, 11)
    assert (local_rank({local: "", job: "x"}), global_rank({local: "-1", job: "-1"})) == (None, None)


def test_the_launcher_of_the_ranks_decides_before_slurm() -> None:
    """In a batch script of Slurm every process has SLURM_LOCALID=0 and SLURM_PROCID=0."""
    batch = {"SLURM_LOCALID": "0", "SLURM_PROCID": "0"}
    assert local_rank(batch) == 0
    assert local_rank({**batch, "OMPI_COMM_WORLD_LOCAL_RANK": "2"}) == 2
    assert global_rank({**batch, "PMI_RANK": "5", "MPI_LOCALRANKID": "1"}) == 5
