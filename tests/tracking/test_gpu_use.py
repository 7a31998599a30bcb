"""Which GPUs a run used, when its program decides that itself."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.fakes.views import assert_within, events, rows
from tests.fakes.world import TRAINWATT, MakeWorld, World
from trainwatt.config import Config, parse_gpus, resolve
from trainwatt.tracking.sharing.gpu_use import GpuUse

S = 1_000_000_000


def use(*looks: dict[str, list[bool] | None], every_s: float = 1.0, pids_match: bool = True) -> dict[str, bool | None]:
    """What is concluded from looks at the GPUs a and b, each with the processes on them: of the run (True) or not."""
    seen = GpuUse(["a", "b"], 0, pids_match)
    for number, look in enumerate(looks, 1):
        seen.looked(round(number * every_s * S))
        for name in ("a", "b"):
            seen.saw(name, look.get(name, []))
    return seen.used()


OURS: dict[str, list[bool] | None] = {"a": [True]}


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([{}, OURS], (True, False)),
        ([{}, OURS, {}], (True, False)),  # also if it has ended
        ([{"a": [True], "b": [False, True]}], (True, True)),
        ([{"a": [True], "b": [False]}], (True, False)),
        ([{"a": [True], "b": None}], (True, None)),
        ([{"a": None}, {"a": [True]}], (True, False)),
        ([{}, {}, {}, {}], (False, False)),
        ([{}, {}], (None, None)),  # too few looks
        ([{"a": [False]}, {}, {}, {}], (None, False)),  # a container that the run started is no child of it
        ([{"a": None, "b": None}] * 4, (None, None)),
        ([], (None, None)),
    ],
)
def test_what_a_run_used_is_concluded_from_looks(looks: list[dict[str, list[bool] | None]], expected: tuple[bool | None, ...]) -> None:
    assert tuple(use(*looks).values()) == expected


def test_nothing_is_concluded_from_rare_looks_or_foreign_numbers() -> None:
    assert set(use(*[{}] * 3, every_s=3.0).values()) == {None}
    assert set(use(*[{}] * 30, every_s=3.0).values()) == {False}  # each gap is a small part of the run
    assert set(use(*[{}] * 30, pids_match=False).values()) == {None}
    assert use({}, OURS, pids_match=False) == {"a": True, "b": False}  # a process of the run shows that the numbers match after all


PROGRAM = """
import os, sys, time
os.environ["CUDA_VISIBLE_DEVICES"] = "1"
print(os.getpid(), flush=True)
sys.stdin.readline()
"""


DAEMON = """
import os, sys
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(write, b"%d" % os.getpid())
        sys.stdin.readline()
    os._exit(0)
print(os.read(read, 20).decode(), flush=True)
sys.stdin.readline()
"""


def run(world: World, *options: str, pids: str = "1.pids", other: bool = False, seconds: float = 3.2, program: str = PROGRAM) -> Any:
    """The view of a run of a program that computes on a GPU of its own choice, and is the only one to know which."""
    command = [*TRAINWATT, "run", *options, "--", sys.executable, "-c", program]
    process = world.popen(command, stdin=subprocess.PIPE)
    assert process.stdout is not None
    pid = process.stdout.readline().strip()
    if pids:
        world.gpu(pids, "1" if other else pid)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    _, err = process.communicate("\n\n")
    world.gpu("1.pids", "None")
    assert process.returncode == 0, err
    return world.show()


def used(view: Any) -> dict[str, tuple[bool | None, bool]]:
    return {d["device"]: (d["used"], d["included_in_total"]) for d in view["energy"]["devices"] if d["kind"] == "gpu"}


@pytest.mark.slow
def test_a_gpu_that_nobody_of_the_run_used_is_marked_idle_and_counts(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    view = run(world)
    assert used(view) == {"gpu0": (False, True), "gpu1": (True, True)}
    assert_within(view["energy"], world.total_w, view["run"]["duration_s"])
    shown = world.call("show", COLUMNS="120").stdout
    assert "gpu0: NVIDIA H100 80GB HBM3; not used by this run: none of its processes was seen on it" in shown
    assert "counter, not used" in shown
    assert events(view, "shared") == []  # the command has ended when the last look is taken
    assert [d["used"] for d in view["energy"]["devices"] if d["kind"] != "gpu"] == [None, None]
    report = world.work / "report.html"
    world.call("report", "latest", "-o", str(report))
    assert "gpu0: not used by this run: none of its processes was seen on it" in report.read_text()


@pytest.mark.slow
def test_a_daemon_that_the_command_started_belongs_to_the_run(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    view = run(world, program=DAEMON)
    assert used(view) == {"gpu0": (False, True), "gpu1": (True, True)}
    assert events(view, "shared") == []


@pytest.mark.slow
@pytest.mark.parametrize("way", ["option", "variable"])
def test_gpus_used_counts_only_what_the_run_used(make_world: MakeWorld, way: str) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    if way == "variable":
        world._environ["TRAINWATT_GPUS"] = "used"
    view = run(world, *(["--gpus", "used"] if way == "option" else []))
    assert used(view) == {"gpu0": (False, False), "gpu1": (True, True)}
    assert_within(view["energy"], world.total_w - 300.0, view["run"]["duration_s"])
    shown = world.call("show", COLUMNS="120").stdout
    assert "gpu0*" in shown
    made = view["carbon"]["embodied_lines"]
    assert [line["count"] for line in made if line["part"] == "gpu"] == [1]
    assert "not part of the total: the run did not use it" in shown
    assert "contains other devices" not in shown


@pytest.mark.slow
@pytest.mark.parametrize("why", ["no list", "somebody else's", "too short"])
def test_what_cannot_be_told_counts_and_is_said(make_world: MakeWorld, why: str) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    if why == "no list":
        world.gpu("0.pids_code", 3)
        world.gpu("1.pids_code", 3)
    if why == "somebody else's":
        world.gpu("0.pids", 1)
    view = run(world, "--gpus", "used", pids="1.pids", other=why != "no list", seconds=0.2 if why == "too short" else 3.2)
    assert used(view) == {"gpu0": (None, True), "gpu1": (None, True)}
    assert_within(view["energy"], world.total_w, view["run"]["duration_s"])
    [event] = events(view, "use")
    assert "gpu0, gpu1" in event["detail"]


def test_a_tracker_in_the_process_that_computes_sees_it_at_the_end(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    code = """
import os, pathlib, sys
from trainwatt import EnergyTracker
with EnergyTracker(gpus="used") as tracker:
    print(os.getpid(), flush=True)
    sys.stdin.readline()
"""
    process = world.python(code, stdin=subprocess.PIPE)
    assert process.stdout is not None
    world.gpu("0.pids", process.stdout.readline().strip())
    process.communicate("\n")
    assert process.returncode == 0
    assert used(world.show()) == {"gpu0": (True, True), "gpu1": (False, False)}
    [settings] = rows(world, "SELECT settings FROM run")
    assert json.loads(settings[0])["gpus"] == ["used"]


def test_used_is_a_value_of_the_setting(tmp_path: Any) -> None:
    assert parse_gpus("used") == ("used",)
    for given in ("used", ["used"]):
        config = resolve({"gpus": given}, {}, tmp_path)
        assert (config.gpus, config.named_gpus) == (("used",), None)
    assert (Config(gpus=(0,)).named_gpus, Config(gpus=()).named_gpus) == ((0,), ())
