"""A database on a filesystem that does not answer: the end of the command is passed on, and nothing is lost.

It stalls until the test is over, so that whatever waits for it would hang.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.processes import BEGIN
from tests.fakes.stalled import Stalled, build
from tests.fakes.views import assert_true, device, phase_named
from tests.fakes.world import TRAINWATT, World, finished, wait_for


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("stalled"))


@pytest.fixture
def stalled(world: World, library: Path) -> Iterator[Stalled]:
    """The filesystem of the machine's database. It answers until its marker is made, and again after the test."""
    world.db.parent.mkdir()
    stalled = Stalled(library, world.db.parent, world.root / "stalled")
    yield stalled
    stalled.marker.unlink(missing_ok=True)


def assert_whole(world: World, ended: subprocess.CompletedProcess[str]) -> None:
    """The run is known at its end, and the next command has it."""
    assert "100 % measured, GPU+CPU+DRAM" in ended.stderr, ended.stderr
    world.call("list")
    view = world.show()
    assert view["run"]["status"] == "failed"
    assert_true(device(view, "gpu0"), world.gpus_w[0], view["run"]["duration_s"])
    assert not list(world.root.glob("state/trainwatt/spill/*/*.db"))


@pytest.mark.slow
@pytest.mark.parametrize("calls", ["", "fsync"], ids=["all calls", "syncs"])
def test_a_command_ends_with_its_code_while_the_disk_stalls(world: World, stalled: Stalled, calls: str) -> None:
    env = world.environ(**stalled.environ(calls))
    ended = world.cli("run", "--", "sh", "-c", f"unset LD_PRELOAD; sleep 0.5; touch {stalled.marker}; sleep 0.2; exit 3", env=env)
    assert ended.returncode == 3
    assert "Traceback" not in ended.stderr
    stalled.marker.unlink()
    assert_whole(world, ended)


@pytest.mark.slow
def test_a_signal_reaches_the_command_and_ends_it_while_the_disk_stalls(world: World, stalled: Stalled) -> None:
    code = f"unset LD_PRELOAD; sleep 0.3; touch {stalled.marker}; sleep 0.2; echo $$ > ready.new; mv ready.new ready; exec sleep 60"
    process = world.popen([*TRAINWATT, "run", "--", "sh", "-c", code], env=world.environ(**stalled.environ()))
    wait_for(world.work / "ready")
    process.send_signal(signal.SIGTERM)
    ended = finished(process)
    assert ended.returncode == -signal.SIGTERM
    assert "interrupted (SIGTERM)" in ended.stderr


@pytest.mark.slow
def test_a_command_starts_although_its_disk_stalls_and_is_recorded_elsewhere(world: World, stalled: Stalled) -> None:
    stalled.marker.touch()
    env = world.environ(XDG_DATA_HOME=str(world.root / "home"), **stalled.environ())
    ended = world.cli("run", "--", "sh", "-c", "sleep 0.3; exit 4", env=env)
    assert ended.returncode == 4
    assert "stalled" in ended.stderr
    assert f"recorded in {world.root / 'home' / 'trainwatt' / 'runs.db'}" in ended.stderr
    stalled.marker.unlink()
    world.db = world.root / "home" / "trainwatt" / "runs.db"
    assert world.show()["run"]["status"] == "failed"


TRAINED = """
import time
with EnergyTracker(project="mine") as tracker:
    with tracker.phase("early"): time.sleep(0.3)
    time.sleep(2.2)
    pathlib.Path(sys.argv[1]).touch()
    with tracker.phase("late"): time.sleep(0.3)
print(tracker.summary().to_dict()["run"]["status"])
sys.exit(5)
"""


@pytest.mark.slow
def test_a_training_ends_while_the_disk_stalls(world: World, stalled: Stalled) -> None:
    ended = world.run_python(BEGIN + TRAINED, str(stalled.marker), env=world.environ(**stalled.environ()))
    assert (ended.returncode, ended.stdout) == (5, "completed\n"), ended.stderr
    assert "Traceback" not in ended.stderr
    stalled.marker.unlink()
    world.call("list")
    view = world.show()
    assert view["run"]["status"] == "completed"
    assert_true(device(view, "gpu0"), world.gpus_w[0], view["run"]["duration_s"])
    for name in ("early", "late"):
        assert phase_named(view, name)["count"] == 1
        assert_true(phase_named(view, name), world.total_w, phase_named(view, name)["duration_s"])


FORGOTTEN = """
tracker = EnergyTracker(project="mine").start()
time.sleep(0.5)
pathlib.Path(sys.argv[1]).touch()
time.sleep(float(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("under_way", ["0.0", "2.5"], ids=["before the last commit", "during a commit"])
def test_an_interpreter_ends_without_stop_while_the_disk_stalls(world: World, stalled: Stalled, under_way: str) -> None:
    """No thread can be started then."""
    ended = world.run_python(BEGIN + FORGOTTEN, str(stalled.marker), under_way, env=world.environ(**stalled.environ()))
    assert ended.returncode == 0
    assert "is kept in" in ended.stderr
    stalled.marker.unlink()
    world.call("list")
    view = world.show()
    assert (view["run"]["status"], view["run"]["end_reason"]) == ("completed", "the interpreter ended without stop()")
    assert_true(device(view, "gpu0"), world.gpus_w[0], view["run"]["duration_s"])


def test_a_start_on_a_stalled_disk_says_so_before_the_training(world: World, stalled: Stalled) -> None:
    code = BEGIN + (
        "from trainwatt import StoreError\nfrom trainwatt.storage.write import patient\npatient.OPEN_S = 0.5\n"
        "try: EnergyTracker().start()\nexcept StoreError as error: print(error)\n"
    )
    stalled.marker.touch()
    ended = world.run_python(code, "said", env=world.environ(**stalled.environ()))
    assert ended.returncode == 0, ended.stderr
    assert "stalled" in ended.stdout
    assert "--db, db= or TRAINWATT_DB" in ended.stdout
