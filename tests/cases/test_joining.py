"""A tracker inside `trainwatt run` joins its run; no other tracker does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fakes.views import assert_true, assert_within, phase_named, rows
from tests.fakes.world import HANGS_S, TRAINWATT, World, finished

INSIDE = """
import time
from trainwatt import EnergyTracker
with EnergyTracker(project="inside", name="n", group="g", stage="inference", zone="FR", tags={"lr": "0.1", "who": "inside"}) as tracker:
    for epoch in range(2):
        with tracker.phase("train", step=epoch):
            for _ in tracker.wrap(range(3), samples=4):
                time.sleep(0.15)
            time.sleep(0.1)
    with tracker.phase("test"):
        time.sleep(0.3)
view = tracker.summary().to_dict()
print(view["run"]["id"], [(p["name"], p["count"], round(p["energy_j"] or -1)) for p in view["phases"]])
"""


BRIEF = INSIDE.replace("0.15", "0.01").replace("sleep(0.1)", "sleep(0.02)").replace("0.3", "0.02")


def run_inside(world: World, *options: str, code: str = INSIDE, **environ: str) -> str:
    command = [*TRAINWATT, "run", *options, "--", sys.executable, "-c", code]
    ended = finished(world.popen(command, env=world.environ(**environ)))
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_case_49_a_tracker_inside_a_tracked_command_counts_once(world: World) -> None:
    out = run_inside(world)
    [run] = world.runs()
    view = world.show()
    assert out.startswith(run["id"])
    assert "-1" not in out  # the summary inside waits for the energy of the phases, which another process works out
    assert (run["project"], run["name"], run["group"], run["stage"]) == ("inside", "n", "g", "inference")
    assert run["tags"] == {"lr": "0.1", "who": "inside"}
    assert run["status"] == "completed"
    assert rows(world, "SELECT zone FROM run") == [("FR",)]

    assert len(view["energy"]["devices"]) == 3
    assert_within(view["energy"], world.total_w, run["duration_s"])
    assert [(p["name"], p["count"]) for p in view["phases"]] == [("train", 2), ("test", 1)]
    for phase in view["phases"]:
        assert_within(phase, world.total_w, phase["duration_s"])
        assert phase["resolved"]
    assert_true(phase_named(view, "test"), world.total_w, phase_named(view, "test")["duration_s"])
    assert view["work"] == {"samples": 24}
    assert phase_named(view, "train")["work"] == {"samples": 24}
    assert rows(world, "SELECT role, status FROM segment ORDER BY role") == [("joined", "completed"), ("owner", "completed")]


def test_case_49_the_command_line_names_the_run_where_it_says_something(world: World) -> None:
    run_inside(world, "--project", "outside", "--name", "o", "--stage", "data", "--tag", "who=outside", "--group", "og", code=BRIEF)
    [run] = world.runs()
    assert (run["project"], run["name"], run["group"], run["stage"]) == ("outside", "o", "og", "data")
    assert run["tags"] == {"lr": "0.1", "who": "outside"}


@pytest.mark.slow
def test_case_49_two_trackers_one_after_the_other_inside_join_the_same_run(world: World) -> None:
    run_inside(world, code=BRIEF + BRIEF)
    [run] = world.runs()
    view = world.show()
    assert [(p["name"], p["count"]) for p in view["phases"]] == [("train", 4), ("test", 2)]
    assert all(p["energy_j"] > 0 for p in view["phases"])
    assert view["work"] == {"samples": 48}
    assert run["status"] == "completed"


def test_case_49_a_tracker_inside_that_fails_is_not_the_end_of_the_command(world: World) -> None:
    code = """
from trainwatt import EnergyTracker
try:
    with EnergyTracker() as tracker:
        raise ValueError("tried")
except ValueError:
    pass
"""
    run_inside(world, code=code)
    [run] = world.runs()
    assert (run["status"], run["end_reason"]) == ("completed", None)
    assert rows(world, "SELECT role, status FROM segment ORDER BY role") == [("joined", "failed"), ("owner", "completed")]


@pytest.mark.slow
def test_case_49_a_killed_tracker_inside_keeps_its_phases(world: World) -> None:
    code = """
import os, subprocess, sys
inner = '''
import os, time
from trainwatt import EnergyTracker
tracker = EnergyTracker().start()
with tracker.phase("train"):
    time.sleep(0.5)
time.sleep(2.3)
os.kill(os.getpid(), 9)
'''
assert subprocess.run([sys.executable, "-c", inner]).returncode == -9
"""
    run_inside(world, code=code)
    view = world.show()
    assert view["run"]["status"] == "completed"
    assert_true(phase_named(view, "train"), world.total_w, phase_named(view, "train")["duration_s"])


def test_the_database_of_the_command_line_is_the_one_that_is_joined(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    run_inside(world, "--db", str(elsewhere), code=BRIEF)
    assert elsewhere.exists()
    assert not world.db.exists()


OUTLIVING = """
import subprocess, sys
late = '''
import os, pathlib, time
from trainwatt import EnergyTracker
while not pathlib.Path("go").exists(): time.sleep(0.01)
with EnergyTracker(project="late"):
    pass
pathlib.Path("done").write_text("done" + chr(10))
'''
subprocess.Popen([sys.executable, "-c", late], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""


def test_a_run_that_is_over_is_not_joined(world: World) -> None:
    from tests.fakes.world import wait_for

    run_inside(world, "--project", "over", code=OUTLIVING)
    over = world.show()
    (world.work / "go").touch()
    wait_for(world.work / "done")
    assert [r["project"] for r in world.runs()] == ["late", "over"]
    assert [r["status"] for r in world.runs()] == ["completed", "completed"]
    assert world.show(over["run"]["id"]) == over
    assert world.show()["energy"]["devices"]


def test_a_run_that_is_not_there_is_not_joined_and_its_place_not_used(world: World, tmp_path: Path) -> None:
    """An old shell may still have these variables in its environment."""
    gone = tmp_path / "gone" / "runs.db"
    code = "from trainwatt import EnergyTracker\nwith EnergyTracker(project='own'):\n    pass"
    ended = world.run_python(code, env=world.environ(TRAINWATT_RUN_ID="0123456789ab", TRAINWATT_RUN_DB=str(gone)))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert not gone.parent.exists()
    assert [r["project"] for r in world.runs()] == ["own"]


def test_a_run_whose_place_cannot_be_used_is_not_joined(world: World, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not a database\n" * 100)
    code = "from trainwatt import EnergyTracker\nwith EnergyTracker(project='own'):\n    pass"
    ended = world.run_python(code, env=world.environ(TRAINWATT_RUN_ID="0123456789ab", TRAINWATT_RUN_DB=str(notes)))
    assert ended.returncode == 0, ended.stderr
    assert [r["project"] for r in world.runs()] == ["own"]


def test_a_run_that_vanished_is_not_joined(world: World) -> None:
    """The command outlived its `trainwatt run`, which was killed. The run has no owner, so nobody would measure its energy."""
    import os
    import signal
    import time

    from tests.fakes.world import wait_for

    code = """
import os, pathlib, time
pathlib.Path("wrapper").write_text(str(os.getppid()) + chr(10))
while not pathlib.Path("go").exists(): time.sleep(0.01)
from trainwatt import EnergyTracker
with EnergyTracker(project="late"):
    time.sleep(0.3)
pathlib.Path("done").write_text("done" + chr(10))
"""
    process = world.popen([*TRAINWATT, "run", "--project", "vanished", "--", sys.executable, "-c", code], stdout=None, stderr=None)
    os.kill(int(wait_for(world.work / "wrapper")), signal.SIGKILL)
    process.wait(HANGS_S)
    deadline = time.monotonic() + HANGS_S
    while world.runs()[0]["status"] == "running":  # what measured notices that it is alone, and closes the run
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (world.work / "go").touch()
    wait_for(world.work / "done")
    runs = world.runs()
    assert [(r["project"], r["status"]) for r in runs] == [("late", "completed"), ("vanished", "interrupted")]
    assert runs[1]["end_reason"] == "trainwatt run was killed; what the command did then is not measured"
    assert world.show()["energy"]["total_j"] > 0


@pytest.mark.parametrize("variable", ["TRAINWATT_RUN_ID", "TRAINWATT_RUN_DB"])
def test_half_an_invitation_is_none(world: World, variable: str, tmp_path: Path) -> None:
    code = "from trainwatt import EnergyTracker\nwith EnergyTracker(project='own'):\n    pass"
    ended = world.run_python(code, env=world.environ(**{variable: str(tmp_path / "x")}))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [r["project"] for r in world.runs()] == ["own"]


def test_the_invitation_does_not_leave_the_command(world: World) -> None:
    """Only the environment of the command has the variables that `trainwatt run` sets."""
    ended = finished(
        world.popen(
            [
                *TRAINWATT,
                "run",
                "--",
                sys.executable,
                "-c",
                "import os; print(sorted(k for k in os.environ if k.startswith('TRAINWATT_RUN')))",
            ]
        )
    )
    assert ended.stdout == "['TRAINWATT_RUN_DB', 'TRAINWATT_RUN_ID']\n"
    assert ended.returncode == 0
