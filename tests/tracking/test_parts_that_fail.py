"""A part of the record that fails costs itself, and nothing else: the run is whole, and says once what it lacks."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.views import assert_true, device, events, phase_named, rows
from tests.fakes.world import World

TRAIN = """
import logging, sys, time
logging.basicConfig(format="%(message)s")
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    with tracker.phase("train"):
        tracker.update(samples=8)
        time.sleep(1.3)
sys.exit(7)
"""

METER = """
from trainwatt.core import Availability, Device, Discovery, Finding, Gauge
class Meter:
    name, kind, period_s = "power", Gauge("instant"), None
    device = Device("meter", "platform", 1000.0, 0.01, "meter", included_in_total=False)
    def read(self): return 100.0
    def holder_pids(self): {holders}
    def close(self): pass
def discover(request):
    return Discovery([Meter()], [{finding}])
"""
FINDING = 'Finding("meter", Availability.OK, "meter", "found")'


def trained(world: World, **environ: str) -> tuple[dict[str, Any], str]:
    """The view of a run that is whole, and what its process logged."""
    ended = world.run_python(TRAIN, env=world.environ(**environ))
    assert ended.returncode == 7, ended.stderr
    view = world.show()
    assert view["run"]["status"] == "completed"
    assert view["work"] == {"samples": 8}
    assert phase_named(view, "train")["count"] == 1
    for name, watts in (("gpu0", world.gpus_w[0]), ("package-0", world.package_w)):
        assert_true(device(view, name), watts, view["run"]["duration_s"])
    return view, ended.stderr


def assert_said_once(view: dict[str, Any], logged: str, words: str) -> None:
    """One event, which names the fault as well, and one line of the log."""
    [event] = events(view, "store")
    assert event["detail"].startswith(words)
    assert "Error" in event["detail"]
    assert logged.count(f"trainwatt: {words}") == 1


def test_memory_without_a_number_is_memory_unknown(world: World) -> None:
    """`/proc/meminfo` as some containers show it."""
    procfs = world.root / "machine" / "proc"
    procfs.mkdir(exist_ok=True)
    shutil.copy("/proc/cpuinfo", procfs / "cpuinfo")
    (procfs / "meminfo").write_text("MemTotal:\n")
    trained(world, TRAINWATT_PROCFS=str(procfs))
    kinds = {kind for (kind,) in rows(world, "SELECT kind FROM inventory")}
    assert "cpu" in kinds
    assert "dram" not in kinds


@pytest.mark.parametrize(
    ("meter", "words"),
    [
        ({"holders": 'raise RuntimeError("the bus is gone")'}, "the processes that hold meter could not be looked up"),
        ({"holders": "return 4711"}, "the processes that hold meter could not be looked up"),
        ({"finding": 'Finding("meter", "fine", "meter", "found")'}, "a finding about meter could not be recorded"),
    ],
    ids=["holders raise", "holders are a number", "no such availability"],
)
def test_a_meter_that_errs_beside_its_readings_is_read(world: World, meter: Mapping[str, str], words: str) -> None:
    (world.work / "my_meter.py").write_text(METER.format(**({"holders": "return None", "finding": FINDING} | dict(meter))))
    view, logged = trained(world, TRAINWATT_SENSORS="my_meter.py:discover")
    assert_said_once(view, logged, words)
    assert device(view, "meter")["energy_j"] == pytest.approx(100 * view["run"]["duration_s"], rel=0.1)
    assert {kind for (kind,) in rows(world, "SELECT kind FROM inventory")} >= {"gpu", "host"}


def test_a_finding_may_be_an_exception(world: World) -> None:
    finding = 'Finding("meter", "broken", "meter", OSError("no answer"))'
    (world.work / "my_meter.py").write_text(METER.format(holders="return None", finding=finding))
    view, logged = trained(world, TRAINWATT_SENSORS="my_meter.py:discover")
    assert (events(view, "store"), logged) == ([], "")
    assert rows(world, "SELECT availability, detail FROM finding WHERE source = 'meter'") == [("broken", "no answer")]


def test_an_experiment_tracker_that_breaks_when_it_is_asked_leaves_the_run_without_its_id(world: World) -> None:
    """It is loaded while the run goes on, so only the end asks it."""
    (world.work / "wandb.py").write_text("def __getattr__(name):\n    if name == 'run': raise RuntimeError('call init() first')\n")
    code = TRAIN.replace("time.sleep", "import wandb; time.sleep")
    ended = world.run_python(code, env=world.environ(PYTHONPATH=f"{world.environ()['PYTHONPATH']}:{world.work}"))
    assert ended.returncode == 7, ended.stderr
    view = world.show()
    assert view["run"]["status"] == "completed"
    assert_said_once(view, ended.stderr, "the ids of the job could not be read")


def test_a_counter_too_large_to_be_written_is_lost_by_itself(world: World) -> None:
    """Python refuses to write a whole number of so many digits as text."""
    text = METER.format(holders="return None", finding=FINDING).replace('"power", Gauge("instant")', '"energy", Counter(1.0)')
    (world.work / "my_meter.py").write_text(text.replace("Discovery,", "Discovery, Counter,").replace("100.0", "10 ** 5000"))
    view, logged = trained(world, TRAINWATT_SENSORS="my_meter.py:discover")
    assert [event["device"] for event in events(view, "lost")] == ["meter"]
    assert "it is no longer read" in logged


def test_a_git_folder_that_cannot_be_read_as_text_is_no_commit(world: World) -> None:
    """A branch may have a name in Latin-1."""
    git = world.work / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_bytes(b"0123456789abcdef0123456789abcdef01234567 refs/heads/caf\xe9\n")
    view, _ = trained(world)
    assert view["run"]["git_commit"] is None


def test_an_experiment_tracker_that_breaks_at_the_start_leaves_the_run_without_its_id(world: World) -> None:
    (world.work / "wandb.py").write_text("def __getattr__(name):\n    if name == 'run': raise RuntimeError('call init() first')\n")
    (world.work / "sitecustomize.py").write_text("import wandb\n")
    view, logged = trained(world, PYTHONPATH=f"{world.environ()['PYTHONPATH']}:{world.work}")
    assert {e["detail"] for e in events(view, "store")} == {"the ids of the job could not be read: RuntimeError: call init() first"}
    assert "the ids of the job could not be read" in logged
