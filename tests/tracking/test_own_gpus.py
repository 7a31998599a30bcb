"""Ranks that have GPUs of their own: each device counts once, and each joule is in one of the runs."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.views import assert_within, events, rows
from tests.fakes.world import TRAINWATT, MakeWorld, World, finished
from trainwatt.machine.job import global_rank, local_rank
from trainwatt.machine.ranks import lower_ranks

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


def launch(world: World, *ranks: dict[str, str], command: tuple[str, ...] = (sys.executable, "-c", RANK)) -> dict[int, Any]:
    """Runs of the ranks by their number, which are started as a launcher starts them."""
    ended = finished(world.python(LAUNCHER, *command, repr(list(ranks))))
    assert ended.returncode == 0, ended.stderr
    numbers = dict(rows(world, "SELECT run_id, rank FROM segment WHERE role = 'owner'"))
    return {numbers[run["id"]]: world.show(run["id"]) for run in world.runs()}


def ranks_with(*visible: str | None) -> list[dict[str, str]]:
    """The environments of ranks; None leaves every GPU visible."""
    own = [{} if value is None else {"CUDA_VISIBLE_DEVICES": value} for value in visible]
    return [{"LOCAL_RANK": str(i), "RANK": str(i), "WORLD_SIZE": str(len(own)), **more} for i, more in enumerate(own)]


def measured(runs: dict[int, Any]) -> dict[int, set[str]]:
    return {rank: {d["device"] for d in view["energy"]["devices"]} for rank, view in runs.items()}


NODE = {"package-0", "dram-0"}


@pytest.mark.slow
def test_each_rank_measures_its_own_gpu_and_the_first_the_node_too(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0, 100.0))
    runs = launch(world, *ranks_with("0", "1", "2"))
    assert measured(runs) == {0: {"gpu0", *NODE}, 1: {"gpu1"}, 2: {"gpu2"}}
    for rank, watts in enumerate((world.package_w + world.dram_w + 300.0, 200.0, 100.0)):
        assert_within(runs[rank]["energy"], watts, runs[rank]["run"]["duration_s"])
        assert events(runs[rank], "overlap") == []
    assert events(runs[0], "rank") == []
    [event] = events(runs[1], "rank")
    assert event["detail"].startswith("local rank 1 measures only gpu1;")
    assert "no lower one sees it" in event["detail"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("visible", "devices"),
    [
        ((None, None), [{"gpu0", "gpu1", *NODE}, set()]),
        (("0,1", "0,1"), [{"gpu0", "gpu1", *NODE}, set()]),
        (("0", "0,1"), [{"gpu0", *NODE}, {"gpu1"}]),
        (("1", None), [{"gpu1", *NODE}, {"gpu0"}]),
        ((None, "1"), [{"gpu0", "gpu1", *NODE}, set()]),
        (("0", "0"), [{"gpu0", *NODE}, set()]),
        (("0", ""), [{"gpu0", *NODE}, set()]),
        (("GPU-1", "0"), [{"gpu1", *NODE}, {"gpu0"}]),
        (("0", "1", "1"), [{"gpu0", *NODE}, {"gpu1"}, set()]),
    ],
)
def test_a_gpu_counts_in_the_lowest_rank_that_sees_it(
    make_world: MakeWorld, visible: tuple[str | None, ...], devices: list[set[str]]
) -> None:
    runs = launch(make_world(gpus_w=(300.0, 200.0)), *ranks_with(*visible))
    assert measured(runs) == dict(enumerate(devices))
    for rank, view in runs.items():
        assert [e["kind"] for e in view["events"] if e["kind"] in ("rank", "overlap")] == ([] if rank == 0 else ["rank"])
        if rank and not devices[rank]:
            assert "measures nothing" in events(view, "rank")[0]["detail"]


def test_a_script_around_the_training_may_set_the_variable(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    python = shlex.join([sys.executable, "-c", RANK])
    runs = launch(world, *ranks_with(None, None), command=("sh", "-c", f"CUDA_VISIBLE_DEVICES=$LOCAL_RANK {python}; exit $?"))
    assert measured(runs) == {0: {"gpu0", *NODE}, 1: {"gpu1"}}


def test_a_program_may_set_the_variable_itself(make_world: MakeWorld) -> None:
    """What the other ranks see is then not known, which the event says."""
    world = make_world(gpus_w=(300.0, 200.0))
    code = f"import os\nos.environ['CUDA_VISIBLE_DEVICES'] = os.environ['LOCAL_RANK']\n{RANK}"
    runs = launch(world, *ranks_with(None, None), command=(sys.executable, "-c", code))
    assert measured(runs) == {0: {"gpu0", *NODE}, 1: {"gpu1"}}
    assert "Not all of their settings can be seen from here" in events(runs[1], "rank")[0]["detail"]


def test_ranks_that_see_one_gpu_without_knowing_it_are_told_that_both_count_it(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    code = f"import os\nos.environ['CUDA_VISIBLE_DEVICES'] = '0'\n{RANK}"
    runs = launch(world, *ranks_with(None, None), command=(sys.executable, "-c", code))
    assert measured(runs) == {0: {"gpu0", *NODE}, 1: {"gpu0"}}
    assert all(events(view, "overlap") for view in runs.values())


def test_a_rank_whose_node_has_no_other_measures_its_gpu(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    assert world.run_python(RANK, env=world.environ(LOCAL_RANK="1", RANK="1", CUDA_VISIBLE_DEVICES="1")).returncode == 0
    view = world.show()
    assert {d["device"] for d in view["energy"]["devices"]} == {"gpu1"}
    assert_within(view["energy"], 200.0, view["run"]["duration_s"])


@pytest.mark.slow
@pytest.mark.parametrize("by_program", [False, True])
def test_a_rank_that_the_first_rank_starts_measures_none_of_the_gpus_of_both(make_world: MakeWorld, by_program: bool) -> None:
    """As Lightning does: the first rank is the program that the user starts, and has no number in its environment."""
    world = make_world(gpus_w=(300.0, 200.0))
    code = f"""
import os, subprocess, sys
os.environ["CUDA_VISIBLE_DEVICES"] = "0,1"
if "LOCAL_RANK" not in os.environ:
    other = subprocess.Popen([sys.executable, *sys.orig_argv[1:]], env=os.environ | {{"LOCAL_RANK": "1", "RANK": "1", "WORLD_SIZE": "2"}})
    os.environ |= {{"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "2"}}
{RANK}
"""
    ended = world.run_python(code, env=world.environ(**({} if by_program else {"CUDA_VISIBLE_DEVICES": "0,1"})))
    assert ended.returncode == 0, ended.stderr
    for _ in range(200):
        views = [world.show(run["id"]) for run in world.runs()]
        if len(views) == 2 and all(view["run"]["status"] == "completed" for view in views):
            break
        time.sleep(0.1)
    assert sorted(len(view["energy"]["devices"]) for view in views) == [0, 4]
    assert not any(events(view, "overlap") for view in views)


def test_gpus_that_the_settings_name_are_those_of_the_first_rank(make_world: MakeWorld) -> None:
    runs = launch(make_world(gpus_w=(300.0, 200.0)), *({"TRAINWATT_GPUS": "0,1", **rank} for rank in ranks_with("0", "1")))
    assert measured(runs) == {0: {"gpu0", "gpu1", *NODE}, 1: set()}


@pytest.mark.slow
def test_trainwatt_run_in_each_rank_does_the_same_and_the_tracker_inside_says_nothing_else(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    runs = launch(world, *ranks_with("0", "1"), command=(*TRAINWATT, "run", "--", sys.executable, "-c", RANK))
    assert measured(runs) == {0: {"gpu0", *NODE}, 1: {"gpu1"}}
    assert len(events(runs[1], "rank")) == 1


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


class Processes:
    """A /proc with processes of known parents and environments."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, pid: int, parent: int, **environ: str) -> None:
        folder = self.root / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} (python) S {parent} {' '.join(['0'] * 50)}")
        (folder / "environ").write_bytes(b"".join(os.fsencode(f"{k}={v}\0") for k, v in environ.items()))


def test_the_other_ranks_are_what_the_same_launcher_started(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    processes.add(1, 0)
    for launcher, first in ((100, 0), (200, 4)):
        processes.add(launcher, 1, SLURM_LOCALID="0")
        processes.add(launcher + 50, launcher, SLURM_LOCALID="0")  # a helper of the launcher is no rank
        for rank in range(3):
            shell, python = launcher + 10 * (rank + 1), launcher + 10 * (rank + 1) + 1
            processes.add(shell, launcher, SLURM_LOCALID="0", LOCAL_RANK=str(rank))
            processes.add(python, shell, SLURM_LOCALID="0", LOCAL_RANK=str(rank), CUDA_VISIBLE_DEVICES=str(first + rank))
    found = lower_ranks({"SLURM_LOCALID": "0", "LOCAL_RANK": "2"}, 231, str(tmp_path)).by_rank
    assert {rank: {e.get("CUDA_VISIBLE_DEVICES") for e in environs} for rank, environs in found.items()} == {0: {None, "4"}, 1: {None, "5"}}
    assert lower_ranks({"SLURM_LOCALID": "0", "LOCAL_RANK": "0"}, 211, str(tmp_path)).by_rank == {}
    assert lower_ranks({}, 211, str(tmp_path)).by_rank == {}
    assert lower_ranks({"LOCAL_RANK": "2"}, 231, str(tmp_path / "hidden")).by_rank == {}


def test_processes_whose_parents_make_a_circle_end_the_search(tmp_path: Path) -> None:
    """As /proc may show them while they end."""
    processes = Processes(tmp_path)
    processes.add(5, 6, LOCAL_RANK="1")
    processes.add(6, 5, LOCAL_RANK="1")
    assert lower_ranks({"LOCAL_RANK": "1"}, 5, str(tmp_path)).by_rank == {}
