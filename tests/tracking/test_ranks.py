"""Several processes of one job on one node: each device counts once."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.fakes.views import assert_true, assert_within, device, events, phase_named, rows
from tests.fakes.world import TRAINWATT, World, finished
from trainwatt.presentation.words.quantities import format_energy

RANK = """
import time
from trainwatt import EnergyTracker
with EnergyTracker(project="ranks") as tracker:
    with tracker.phase("train"):
        tracker.update(samples=10)
        time.sleep(0.7)
print(tracker.summary().headline)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("local", "job"), [("LOCAL_RANK", "RANK"), ("SLURM_LOCALID", "SLURM_PROCID")])
def test_case_29_the_ranks_of_a_node_record_in_one_run(world: World, local: str, job: str) -> None:
    launcher = f"""
import os, subprocess, sys
code = {RANK!r}
ranks = [subprocess.Popen([sys.executable, "-c", code], env=os.environ | {{"{local}": str(i), "{job}": str(4 + i)}}) for i in range(4)]
sys.exit(sum(p.wait() for p in ranks))
"""
    ended = finished(world.python(launcher))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [run["status"] for run in world.runs()] == ["completed"]
    view = world.show()
    assert len(view["energy"]["devices"]) == 3
    assert_within(view["energy"], world.total_w, view["run"]["duration_s"])
    assert view["work"] == {"samples": 40}
    assert [(p["name"], p["count"], p["pending_count"]) for p in view["phases"]] == [("train", 1, 0)]
    assert_within(phase_named(view, "train"), world.total_w, union_s(world, "train"))
    assert not events(view, "rank")
    assert rows(world, "SELECT rank, role, status FROM segment ORDER BY rank") == [(4 + i, "owner", "completed") for i in range(4)]


@pytest.mark.slow
def test_case_29_a_rank_takes_over_from_an_owner_that_was_killed(world: World) -> None:
    """The joules from its last commit to then are bridged, also in the phase that was under way."""
    launched(world, KILLED, 3, outside=False, killed=True)
    [run] = world.runs()
    view = world.show()
    assert len(view["energy"]["devices"]) == 3
    assert (run["status"], view["run"]["end_reason"]) == ("interrupted", "vanished: the process was killed or died")
    assert_true(view["energy"] | {"energy_j": view["energy"]["total_j"]}, world.total_w, view["run"]["duration_s"])
    assert {e["device"] for e in view["events"] if e["kind"] == "rank"} == {"gpu0", "package-0", "dram-0"}
    assert all("was killed; the" in e["detail"] for e in view["events"] if e["kind"] == "rank")
    assert_true(phase_named(view, "whole"), world.total_w, union_s(world, "whole"))
    assert_true(phase_named(view, "train"), world.total_w, union_s(world, "train"))
    owners = dict(rows(world, "SELECT segment.rank, COUNT(device.name) FROM segment JOIN device ON segment_id = segment.id GROUP BY rank"))
    assert owners[0] == 3
    assert sum(owners.values()) >= 6
    parts = view_of_ranks(world)
    for d in view["energy"]["devices"]:
        reads = [read for p in parts["processes"] for read in p["reads"] if read["device"] == d["device"]]
        assert len(reads) >= 2
        assert sum(read["energy_j"] for read in reads) == pytest.approx(d["energy_j"])
    assert [p["rank"] for p in parts["processes"]] == [0, 1, 2]
    shown = world.call("show", "--ranks", COLUMNS="120").stdout
    assert f"= {format_energy(view['energy']['devices'][0]['energy_j'])}" in shown


@pytest.mark.slow
def test_a_gpu_without_a_counter_is_taken_over_from_an_owner_that_was_killed(world: World) -> None:
    """Its power is known up to the last commit, and from the take-over on: the time in between is filled in, and named as such."""
    world.gpu("0.energy_code", 3)
    launched(world, KILLED, 3, outside=False, killed=True)
    view = world.show()
    gpu = device(view, "gpu0")
    assert gpu["provenance"]["measured-counter"] == 0
    assert gpu["provenance"]["imputed"] > 0
    assert_within(gpu, world.gpus_w[0], view["run"]["duration_s"])
    assert gpu["energy_j"] == pytest.approx(world.gpus_w[0] * view["run"]["duration_s"], rel=0.05)
    assert_within(phase_named(view, "train"), world.total_w, union_s(world, "train"))


def view_of_ranks(world: World) -> Any:
    ended = world.call("show", "--ranks", "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


KILLED = """
import os, pathlib, time
from trainwatt import EnergyTracker
rank = int(os.environ["RANK"])
while rank and not os.path.exists("begun-0"):
    time.sleep(0.01)
with EnergyTracker() as tracker, tracker.phase("whole"):
    pathlib.Path(f"begun-{rank}").touch()
    while len(list(pathlib.Path().glob("begun-*"))) < 3:
        time.sleep(0.01)
    for step in range(5):
        if step == 3 and rank == 0:
            os.kill(os.getpid(), 9)
        with tracker.phase("train", step=step):
            time.sleep(0.8)
"""
"""Rank 0 begins first, and so reads all sensors."""


def test_a_global_rank_alone_hides_nothing(world: World) -> None:
    """RANK without a local rank: the first of its own node, as far as anyone can tell."""
    assert world.run_python(RANK, env=world.environ(RANK="3")).returncode == 0
    assert world.show()["energy"]["total_j"] > 0
    assert rows(world, "SELECT rank FROM segment") == [(3,)]


@pytest.mark.slow
def test_all_ranks_join_the_one_run_of_the_command_that_started_them(world: World) -> None:
    launcher = f"""
import os, subprocess, sys
code = {RANK!r}
ranks = [subprocess.Popen([sys.executable, "-c", code], env=os.environ | {{"LOCAL_RANK": str(i), "RANK": str(i)}}) for i in range(3)]
sys.exit(sum(p.wait() for p in ranks))
"""
    ended = finished(world.popen([*TRAINWATT, "run", "--", sys.executable, "-c", launcher]))
    assert ended.returncode == 0, ended.stderr
    [run] = world.runs()
    view = world.show()
    assert run["project"] == "ranks"
    assert len(view["energy"]["devices"]) == 3
    assert_within(view["energy"], world.total_w, run["duration_s"])
    [phase] = view["phases"]
    assert phase["count"] == 1
    assert 0 < phase["energy_j"] < view["energy"]["total_j"]
    assert view["work"] == phase["work"] == {"samples": 30}
    roles = rows(world, "SELECT role, rank, status FROM segment ORDER BY role, rank")
    assert roles == [("joined", 0, "completed"), ("joined", 1, "completed"), ("joined", 2, "completed"), ("owner", None, "completed")]


EPOCHS = """
import os, sys, time
from trainwatt import EnergyTracker
rank = int(os.environ.get("RANK", "0"))
with EnergyTracker(project="ranks", name=os.environ.get("RUN_NAME")) as tracker:
    time.sleep(0.02 * rank)  # no two ranks are in step
    for epoch in range(5):
        with tracker.phase("epoch", step=epoch):
            with tracker.phase("train", step=epoch):
                tracker.update(samples=10)
                time.sleep(0.2)
            if rank == 0:
                with tracker.phase("validate", step=epoch):
                    time.sleep(0.05)
            else:
                time.sleep(0.05)
"""
LAUNCHER = """
import os, subprocess, sys
code, ranks = sys.argv[1], int(sys.argv[2])
env = [os.environ | {"LOCAL_RANK": str(i), "RANK": str(i), "WORLD_SIZE": str(ranks), "LOCAL_WORLD_SIZE": str(ranks)} for i in range(ranks)]
processes = [subprocess.Popen([sys.executable, "-c", code], env=each) for each in env]
sys.exit(sum(p.wait() for p in processes))
"""


def launched(world: World, code: str, ranks: int, *, outside: bool, killed: bool = False) -> None:
    """A launcher runs `code` in each of its ranks; `outside`: with `trainwatt run` outside; `killed`: one of them is."""
    run = [*TRAINWATT, "run", "--"] if outside else []
    ended = finished(world.popen([*run, sys.executable, "-c", LAUNCHER, code, str(ranks)]))
    assert (ended.returncode != 0) is killed, ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("outside", [False, True])
def test_phases_of_ranks_at_the_same_time_are_counted_once(world: World, outside: bool) -> None:
    """Added up as if they followed one another, four ranks had 20 epochs and four times the energy."""
    launched(world, EPOCHS, 4, outside=outside)
    view = world.show()
    epoch, train, validate = (phase_named(view, name) for name in ("epoch", "train", "validate"))
    assert [p["count"] for p in (epoch, train, validate)] == [5, 5, 5]
    assert [p["pending_count"] for p in (epoch, train, validate)] == [0, 0, 0]
    assert view["work"] == train["work"] == {"samples": 4 * 5 * 10}
    assert view["run"]["ranks"] == {"recorded": 4, "of": 4, "joined": True}
    [(first, last)] = rows(world, "SELECT min(start_t_ns), max(end_t_ns) FROM phase WHERE name = 'epoch'")
    assert_true(epoch, world.total_w, union_s(world, "epoch"))
    assert_true(train, world.total_w, union_s(world, "train"))
    assert_true(validate, world.total_w, union_s(world, "validate"))
    assert epoch["duration_s"] <= (last - first) * 1e-9
    assert validate["energy_j"] < train["energy_j"] < epoch["energy_j"] < view["energy"]["total_j"]
    assert "samples, each" in world.call("show").stdout
    by_rank = view_of_ranks(world)["phases_by_rank"]
    assert [p["name"] for p in by_rank] == ["epoch", "train"]  # one rank alone validates
    assert all(p["fastest_s"] <= p["slowest_s"] for p in by_rank)
    assert by_rank[0]["slowest_s"] == pytest.approx(epoch["duration_s"])


ENDS_TOGETHER = """
import os, time
from trainwatt import EnergyTracker
from trainwatt.tracking.recording.recorder import Recorder
rank = int(os.environ["RANK"])
def wait(file):
    while not os.path.exists(file): time.sleep(0.002)
if rank == 0:  # it has looked for the phases of others for the last time, and is not gone yet
    commit = Recorder._commit_last
    def slowly(self, *rows):
        commit(self, *rows)
        open("looked", "w").close()
        time.sleep(0.5)
    Recorder._commit_last = slowly
else:
    wait("begun")
with EnergyTracker(project="ranks") as tracker:
    open("begun", "w").close()
    with tracker.phase("train"):
        if rank == 0: time.sleep(0.7)
        else: wait("looked")
"""


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
def test_phases_that_end_while_the_owner_ends_are_computed_by_who_is_last(world: World, ranks: int) -> None:
    """The owner no longer looks, and still owns: whoever ends then waits for that moment, reads on and computes what is left."""
    launched(world, ENDS_TOGETHER, ranks, outside=False)
    train = phase_named(world.show(), "train")
    assert (train["pending_count"], train["count"]) == (0, 1)
    assert_true(train, world.total_w, union_s(world, "train"))
    energies = "SELECT p.segment_id, e.device, COUNT(*) FROM phase p JOIN phase_energy e USING (segment_id, seq) GROUP BY 1, 2"
    assert len(rows(world, energies)) == 3 * ranks


def union_s(world: World, name: str) -> float:
    """The seconds in which at least one process was in a phase of that name."""
    seconds, until = 0, 0
    for start, end in rows(world, f"SELECT start_t_ns, end_t_ns FROM phase WHERE name = '{name}' AND end_t_ns IS NOT NULL ORDER BY 1"):
        seconds += max(0, end - max(start, until))
        until = max(until, end)
    return seconds * 1e-9


@pytest.mark.slow
def test_processes_that_follow_one_another_are_added_up(world: World) -> None:
    """Two programs of one command, and a rank that was started again: neither is at the same time as another."""
    code = RANK.replace('project="ranks"', 'project="again"')
    twice = "import os, subprocess, sys\nfor i in (0, 0): subprocess.run([sys.executable, '-c', sys.argv[1]], env=os.environ, check=True)"
    for env in ({}, {"LOCAL_RANK": "0", "RANK": "0", "LOCAL_WORLD_SIZE": "1"}):
        command = [*TRAINWATT, "run", "--", sys.executable, "-c", twice, code]
        assert finished(world.popen(command, env=world.environ(**env))).returncode == 0
        [phase] = world.show()["phases"]
        assert (phase["count"], phase["work"]) == (2, {"samples": 20})
        assert_true(phase, world.total_w, phase["duration_s"])


@pytest.mark.slow
def test_threads_in_a_phase_of_the_same_name_count_its_energy_once(world: World) -> None:
    code = """
import threading, time
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    def load():
        with tracker.phase("load"):
            time.sleep(0.6)
    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""
    assert world.run_python(code).returncode == 0
    view = world.show()
    load = phase_named(view, "load")
    assert load["count"] == 4  # a process has no rank for each thread: each may do something else
    assert_true(load, world.total_w, union_s(world, "load"))
    assert load["energy_j"] <= view["energy"]["total_j"]


@pytest.mark.slow
def test_a_run_with_the_work_of_one_rank_says_so_and_no_gate_passes_on_it(world: World) -> None:
    """Without `trainwatt run` outside, and with a tracker in one rank only, the joules are those of the devices that this rank sees."""
    only_first = EPOCHS.replace("range(5)", "range(1)").replace("with EnergyTracker", "if rank: sys.exit()\nwith EnergyTracker")
    for name in ("before", "after"):
        launched(world, only_first.replace('os.environ.get("RUN_NAME")', repr(name)), 2, outside=False)
    found = {run["name"]: world.show(run["id"]) for run in world.runs()}
    assert len(found) == 2
    for view in found.values():
        assert view["run"]["ranks"] == {"recorded": 1, "of": 2, "joined": False}
        assert view["carbon"] is None or view["carbon"]["sci"] is None
    before, after = (found[name]["run"]["id"] for name in ("before", "after"))
    shown = world.call("show", after).stdout
    assert "work of 1 of 2 ranks" in shown.splitlines()[0]
    assert "samples (work of 1 of 2 ranks)" in shown
    assert "J of the whole run" not in shown
    assert "2 of them have the work of some ranks only" in world.call("list", COLUMNS="200").stdout
    assert "10 samples (work of 1 of 2 ranks)" in world.call("list", "--columns", "run,energy,work,each", COLUMNS="200").stdout
    for name, said in (("report.md", "work of 1 of 2 ranks"), ("report.html", "so the energy per unit of work is not known")):
        assert world.call("report", after, "--output", name).returncode == 0
        assert said in (world.work / name).read_text()
    for gate in ("energy_per_sample +5%", "energy_per_epoch +500%", "energy +500%", "grams +500%"):
        compared = world.call("compare", before, after, "--gate", gate, COLUMNS="250")
        assert compared.returncode == 1, compared.stdout
        why = "cannot be judged for B: one rank of 2 only, in A; put `trainwatt run --` before the launcher"
        assert f"gate {gate}: {why}" in compared.stdout
    assert world.call("compare", before, after, "--gate", "duration +10min").returncode == 0


@pytest.mark.slow
def test_a_tracker_in_the_first_rank_only_is_partial_too(world: World) -> None:
    """All joules are in the run, so a gate on them and on epochs is judged; on samples it is not."""
    only_first = EPOCHS.replace("range(5)", "range(1)").replace("with EnergyTracker", "if rank: sys.exit()\nwith EnergyTracker")
    for _ in range(2):
        launched(world, only_first, 3, outside=True)
    one, two = (r["id"] for r in world.runs())
    assert world.show(one)["run"]["ranks"] == {"recorded": 1, "of": 3, "joined": True}
    for gate, code in (("energy_per_sample +500%", 1), ("energy_per_epoch +500%", 0), ("energy +500%", 0)):
        compared = world.call("compare", one, two, "--gate", gate, COLUMNS="250")
        assert compared.returncode == code, compared.stdout
    assert "without the work of some ranks" in compared.stdout
