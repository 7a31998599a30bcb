"""scope="process": real processes on a fake machine, of whose energy they get a share."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.views import device, events, phase_named, rows
from tests.fakes.world import TRAINWATT, MakeWorld, World, finished

BUSY = "import os, sys\nprint(os.getpid(), flush=True)\nwhile True: pass"
TRACKED = """
import os, sys, time
from trainwatt import EnergyTracker
print(os.getpid(), flush=True)
sys.stdin.readline()
with EnergyTracker(scope="process") as tracker:
    with tracker.phase("train"):
        begin = time.process_time()
        while time.process_time() - begin < 0.5: pass
        time.sleep(max(0.0, 2.5 - time.process_time()))
"""


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process outside every run that is always busy."""
    process = subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.kill()
    process.communicate()


def tracked(world: World, use: str | None, code: str = TRACKED) -> Any:
    """The view of a run of a tracker inside a program. `use`: what the driver says of GPU 0, with "ours" for the program."""
    process = world.python(code, stdin=subprocess.PIPE)
    assert process.stdout is not None
    pid = process.stdout.readline().strip()
    if use is not None:
        world.gpu("0.use", use.replace("ours", pid))
    _, err = process.communicate("\n")
    assert process.returncode == 0, err
    return world.show()


def share(view: Any, name: str) -> tuple[Any, Any]:
    """The share of a device, and the device as a whole."""
    return device(view, f"share of {name}"), device(view, name)


def assert_sound(view: Any) -> None:
    """The parts sum to the machine, each share lies in its range, and that in the range of the whole."""
    energy = view["energy"]
    shares = [d for d in energy["devices"] if d["share_of"] is not None]
    assert shares
    for of_run in shares:
        _, whole = share(view, of_run["share_of"])
        assert (of_run["included_in_total"], whole["included_in_total"]) == (True, False)
        assert 0.0 <= of_run["low_j"] <= of_run["energy_j"] <= of_run["high_j"]
        assert of_run["energy_j"] <= whole["energy_j"] + 1e-9
        assert of_run["high_j"] <= whole["high_j"] + 1e-9
        assert of_run["provenance"]["modelled"] == pytest.approx(of_run["energy_j"])
    of = energy["attribution"]
    assert of["attributed_j"] == pytest.approx(energy["total_j"])
    assert of["machine_j"] == pytest.approx(of["attributed_j"] + of["unattributed_j"])
    assert not energy["measured_fraction"]  # None where nothing was attributed
    assert energy["interval_kind"] == "judged"


def test_a_busy_command_beside_a_busy_stranger_gets_a_share(make_world: MakeWorld, stranger: int) -> None:
    world = make_world(gpus_w=())
    code = "import time\nwhile time.process_time() < 1: pass"
    ended = world.cli("run", "--scope", "process", "--", sys.executable, "-c", code)
    assert ended.returncode == 0, ended.stderr
    assert "attributed to its processes, of " in ended.stderr
    view = world.show()
    assert_sound(view)
    assert {d["device"]: d["included_in_total"] for d in view["energy"]["devices"]} == {
        "package-0": False, "share of package-0": True, "dram-0": False, "share of dram-0": True,
    }  # fmt: skip
    of_run, whole = share(view, "package-0")
    assert whole["energy_j"] == pytest.approx(world.package_w * view["run"]["duration_s"], rel=0.5)
    assert of_run["low_j"] > 0.0
    assert of_run["energy_j"] < 0.95 * whole["energy_j"]  # the stranger was as busy
    shown = world.call("show", COLUMNS="140").stdout
    assert "share of package-0" in shown
    assert "* the whole device: the total has the share of it that is attributed to the processes of the run" in shown
    assert "contains other devices" not in shown
    assert "stay unattributed" in shown
    assert "attributed" in world.call("list").stdout
    methods = " ".join(world.call("footprint", "latest", "--format", "text").stdout.split())
    assert "was attributed to its processes: a share of the " in methods
    report = world.work / "report.md"
    world.call("report", "latest", "--format", "md", "-o", str(report))
    assert "attributed to the processes of this run: " in report.read_text()
    assert json.loads(world.call("list", "--json").stdout)["runs"][0]["energy"]["attribution"]["machine_j"] > 0
    assert json.loads(rows(world, "SELECT settings FROM run")[0][0])["scope"] == "process"


@pytest.mark.slow
def test_a_gpu_is_divided_by_computing_time(make_world: MakeWorld, stranger: int) -> None:
    """60 % of the time ours and 30 % the stranger's: between 60 % (all of the energy is idle) and two thirds (none is)."""
    view = tracked(make_world(), f"ours:60 {stranger}:30")
    assert_sound(view)
    of_run, whole = share(view, "gpu0")
    assert of_run["energy_j"] / whole["energy_j"] == pytest.approx((0.6 + 2 / 3) / 2)
    assert of_run["low_j"] < whole["energy_j"] * 60 / 180
    assert of_run["high_j"] > whole["energy_j"] * 240 / 270
    assert of_run["uuid"] == whole["uuid"]
    phase = phase_named(view, "train")
    assert 0.0 < phase["energy_j"] <= view["energy"]["total_j"] * 1.001
    assert [line["count"] for line in view["carbon"]["embodied_lines"] if line["part"] == "gpu"] == [1]


def test_a_gpu_on_which_nobody_computes_stays_unattributed(make_world: MakeWorld) -> None:
    view = tracked(make_world(), "", TRACKED.replace("2.5", "0"))
    assert_sound(view)
    assert share(view, "gpu0")[0]["energy_j"] == 0.0


def test_use_of_a_process_that_nobody_knows_widens_the_range_only(make_world: MakeWorld) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    view = tracked(make_world(), f"ours:20 {ended.pid}:80", TRACKED.replace("2.5", "0"))
    assert_sound(view)
    of_run, whole = share(view, "gpu0")
    assert of_run["energy_j"] / whole["energy_j"] == pytest.approx(0.2)
    assert of_run["high_j"] > 0.99 * whole["energy_j"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ({"0.use": "1:10", "0.mig": "MIG-1"}, "partitioned (MIG)"),
        ({}, "Not Supported (NVML error 3)"),
        ({"0.use": "1:10", "0.use_code": 4}, "(NVML error 4)"),  # no permission
    ],
)
def test_a_gpu_that_cannot_be_divided_is_refused_before_anything_runs(make_world: MakeWorld, lines: dict[str, object], reason: str) -> None:
    world = make_world()
    for key, value in lines.items():
        world.gpu(key, value)
    ended = world.cli("run", "--scope", "process", "--", "touch", "ran")
    assert ended.returncode == 2
    assert "scope='process' is not possible on gpu0: " in ended.stderr
    assert reason in ended.stderr
    assert "Measure the machine (scope='machine'), or leave this GPU out (gpus=…)" in ended.stderr
    assert not (world.work / "ran").exists()
    assert not world.db.exists() or not world.runs()
    assert world.cli("run", "--scope", "process", "--gpus", "none", "--", "touch", "ran").returncode == 0
    assert_sound(world.show())


def test_a_use_that_cannot_be_read_any_more_is_unknown_and_said(make_world: MakeWorld) -> None:
    code = TRACKED.replace("tracker.phase", "(print(flush=True), sys.stdin.readline()) and tracker.phase").replace("2.5", "0")
    world = make_world()
    process = world.python(code, stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    world.gpu("0.use", "")
    process.stdin.write("\n")
    process.stdin.flush()
    process.stdout.readline()
    world.gpu("0.use_code", 999)
    process.communicate("\n")
    view = world.show()
    assert_sound(view)
    of_run, whole = share(view, "gpu0")
    assert of_run["energy_j"] == 0.0
    assert of_run["high_j"] > 0.5 * whole["energy_j"]
    assert any("the use of gpu0 by processes could not be read" in event["detail"] for event in events(view, "store"))


@pytest.mark.slow
def test_a_gpu_that_is_found_later_has_a_share_too(make_world: MakeWorld) -> None:
    """Nobody knows who used it before: that is in the range, from nothing to all."""
    world = make_world()
    world.gpu("0.lost", 1)
    code = "import os, sys\nprint(os.getpid(), flush=True)\nsys.stdin.readline()"
    process = world.popen([*TRAINWATT, "run", "--scope", "process", "--", sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert process.stdout is not None
    world.gpu("0.use", f"{process.stdout.readline().strip()}:50")
    world.gpu("0.lost", 0)
    time.sleep(5)
    _, err = process.communicate("\n")
    assert process.returncode == 0, err
    view = world.show()
    assert_sound(view)
    of_run, whole = share(view, "gpu0")
    assert 0.0 < of_run["energy_j"] < 0.75 * whole["energy_j"]  # (1 + 1/2) / 2, but for the time before
    assert of_run["high_j"] > 0.9 * whole["energy_j"]


def test_a_model_is_divided_too_and_says_so(make_world: MakeWorld) -> None:
    world = make_world(package_w=0, gpus_w=())
    assert world.cli("run", "--scope", "process", "--", sys.executable, "-c", "sum(range(10**7))").returncode == 0
    view = world.show()
    assert_sound(view)
    of_run, whole = share(view, "cpu")
    assert 0.0 < of_run["energy_j"] < whole["energy_j"]
    assert of_run["note"].startswith("attributed to the processes of the run by their CPU time; modelled from ")


def test_two_shares_of_a_device_do_not_overlap_but_a_share_and_the_whole_do(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=())
    wait = "import sys; print(flush=True); sys.stdin.readline()"
    held = [
        world.popen([*TRAINWATT, "run", "--name", name, "--scope", scope, "--", sys.executable, "-c", wait], stdin=subprocess.PIPE)
        for name, scope in (("share-1", "process"), ("share-2", "process"))
    ]
    for process in held:
        assert process.stdout is not None
        process.stdout.readline()
    assert world.cli("run", "--name", "whole", "--", "sleep", "1").returncode == 0
    for process in held:
        assert process.communicate("\n")[0] == ""
    others = {
        name: [e["detail"].partition(" measured")[0] for e in events(world.show(name), "overlap")]
        for name in ("share-1", "share-2", "whole")
    }
    ids = {run["name"]: run["id"] for run in world.runs()}
    assert {who for text in others["share-1"] + others["share-2"] for who in ids.values() if who in text} == {ids["whole"]}
    assert {who for text in others["whole"] for who in ids.values() if who in text} == {ids["share-1"], ids["share-2"]}
    [total] = json.loads(world.call("list", "--by", "project", "--json").stdout)["groups"]
    assert total["runs_at_once"] == 0


def test_a_share_is_not_compared_with_whole_devices_without_a_word(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=())
    for scope in ("machine", "process"):
        assert world.cli("run", "--name", f"of-{scope}", "--scope", scope, "--", "sleep", "0.2").returncode == 0
    said = " ".join(world.call("compare", "of-machine", "of-process", COLUMNS="200").stdout.split())
    assert "one is the share of processes, the other has whole devices" in said
    assert "whole devices" not in world.call("compare", "of-process", "of-process", COLUMNS="200").stdout


def test_attach_counts_the_process_to_its_end(make_world: MakeWorld, stranger: int) -> None:
    """The last look comes when the process has ended, and its parent has waited for it."""
    world = make_world(gpus_w=())
    code = "import sys, time\nsys.stdin.readline()\nwhile time.process_time() < 0.5: pass"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, text=True)
    tracker = world.popen([*TRAINWATT, "attach", "--scope", "process", str(process.pid)])
    assert tracker.stderr is not None
    assert "following process" in tracker.stderr.readline()
    process.communicate("\n")
    assert finished(tracker).returncode == 0
    view = world.show()
    assert_sound(view)
    assert share(view, "package-0")[0]["energy_j"] > 0.0


def test_a_run_of_the_machine_has_no_attribution(world: World) -> None:
    assert world.cli("run", "--", "true").returncode == 0
    view = world.show()
    assert view["energy"]["attribution"] is None
    assert {d["share_of"] for d in view["energy"]["devices"]} == {None}
    assert (
        "psutil"
        not in world.run_python(
            "import sys\nfrom trainwatt import EnergyTracker\nwith EnergyTracker(): pass\nprint([m for m in sys.modules if m == 'psutil'])"
        ).stdout
    )
