"""A run that has a budget, on a machine whose power is known."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.fakes.views import events
from tests.fakes.world import TRAINWATT, MakeWorld, World, finished

LOOP = """
import json, sys, time
from trainwatt import BudgetExceeded, EnergyTracker
settings, how = json.loads(sys.argv[1]), sys.argv[2]
steps, raised = 0, False
with EnergyTracker(**settings) as tracker:
    try:
        if how == "wrap":
            for _ in tracker.wrap(range(400), samples=1):
                time.sleep(0.1)
                steps += 1
        while how != "wrap" and steps < 400 and not (tracker.over_budget and how == "asks"):
            if how == "phase":
                with tracker.phase("train", step=steps):
                    time.sleep(0.1)
            else:
                time.sleep(0.1)
            steps += 1
            if how == "update":
                tracker.update(samples=1)
    except BudgetExceeded as error:
        raised = str(error)
    used = tracker.energy_j
print(json.dumps([steps, raised, used, tracker.over_budget, tracker.should_stop]))
"""


def loop(world: World, how: str, **settings: Any) -> tuple[list[Any], str, Any]:
    ended = world.run_python(LOOP, json.dumps(settings), how)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout), ended.stderr, world.show()


@pytest.mark.slow
def test_a_loop_that_asks_ends_within_a_step_of_its_budget(world: World) -> None:
    """A step of 0.1 s: what it draws, and as much again for a machine that is busy."""
    budget_j = 3 * world.total_w
    (steps, raised, used_j, over, stops), said, view = loop(world, "asks", budget=f"{budget_j} J")
    assert (raised, over, stops) == (False, True, False)
    assert steps < 400
    assert budget_j * 0.99 < used_j < budget_j + 0.3 * world.total_w
    assert said.count("the run has used its budget of") == 1
    [event] = events(view, "budget")
    assert event["detail"] == f"the run has used its budget of {budget_j} J: the training goes on"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["wrap", "phase", "update"])
def test_the_budget_is_raised_in_the_loop_where_that_is_asked_for(world: World, how: str) -> None:
    budget_j = 2 * world.total_w
    (steps, raised, used_j, over, stops), _, view = loop(world, how, budget=f"{budget_j} J", on_budget="raise")
    assert raised == f"the run has used its budget of {budget_j} J, and on_budget is 'raise'"
    assert (over, stops) == (True, True)
    assert budget_j * 0.99 < used_j < budget_j + 0.3 * world.total_w
    if how != "phase":
        assert view["work"] == {"samples": steps}


@pytest.mark.slow
def test_grams_are_those_that_show_prints(world: World) -> None:
    """With the making of the hardware, on the run's own terms."""
    (_, _, used_j, over, _), _, view = loop(world, "asks", budget="1 gCO2e", intensity_g_per_kwh=2000, pue=1.5)
    assert over
    carbon = view["carbon"]
    grams = carbon["operational_g"] + carbon["embodied_g"]
    rate = grams / view["run"]["duration_s"]
    assert carbon["embodied_g"] > 0
    assert 0.99 < grams < 1 + 0.6 * rate
    assert used_j == pytest.approx(view["energy"]["total_j"], rel=0.2)


@pytest.mark.slow
def test_money_is_that_of_the_price(world: World) -> None:
    budget = 3 * world.total_w / 3.6e6 * 100 * 1.5
    (_, _, _, over, _), _, view = loop(world, "asks", budget=f"{budget} CHF", price_per_kwh=100, pue=1.5)
    assert over
    cost = view["carbon"]["cost"]
    assert cost["currency"] == "CHF"
    assert budget * 0.99 < cost["amount"] < budget * 1.3


def test_without_a_budget_and_below_it_nothing_happens(world: World) -> None:
    for settings in ({}, {"budget": "1 GWh", "on_budget": "raise"}):
        code = LOOP.replace("400", "3")
        ended = world.run_python(code, json.dumps(settings), "update")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert json.loads(ended.stdout)[3:] == [False, False]
        assert events(world.show(), "budget") == []


UNCAUGHT = """
import time
from trainwatt import EnergyTracker
with EnergyTracker(budget="1 J", on_budget="raise") as tracker:
    while True:
        time.sleep(0.02)
        tracker.update(samples=1)
"""


def test_a_run_that_ends_by_its_budget_is_interrupted_and_not_failed(world: World) -> None:
    ended = world.run_python(UNCAUGHT)
    assert "BudgetExceeded: the run has used its budget of 1 J" in ended.stderr
    run = world.show()["run"]
    assert (run["status"], run["end_reason"]) == ("interrupted", "the budget is used")


@pytest.mark.slow
def test_a_command_gets_sigterm_and_ends_in_its_own_way(world: World) -> None:
    code = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); time.sleep(200)"
    budget = f"{2 * world.total_w} J"
    ended = finished(world.popen([*TRAINWATT, "run", "--budget", budget, "--on-budget", "stop", "--", sys.executable, "-c", code]))
    assert ended.returncode == 7
    view = world.show()
    assert (view["run"]["status"], view["run"]["end_reason"]) == ("interrupted", "the budget is used (exit code 7)")
    assert "the command gets SIGTERM" in ended.stderr
    assert [e["detail"] for e in events(view, "budget")] == [f"the run has used its budget of {budget}: the training is to stop"]
    assert view["energy"]["total_j"] < 3 * world.total_w


@pytest.mark.slow
def test_a_command_that_ignores_sigterm_is_killed_after_the_grace(world: World) -> None:
    code = (
        "import trainwatt.cli.track.processes.stopping as s, sys; s.GRACE_S = 0.5; from trainwatt.cli.main import main;"
        ' sys.argv = ["trainwatt", "run", "--budget", "1 J", "--on-budget", "stop", "--", *sys.argv[1:]]; main()'
    )
    ended = world.run_python(code, "sh", "-c", "trap : TERM; while :; do sleep 1; done")
    assert ended.returncode == -9
    assert world.show()["run"]["status"] == "interrupted"


@pytest.mark.slow
def test_a_warning_does_not_end_the_command(world: World) -> None:
    ended = finished(world.popen([*TRAINWATT, "run", "--budget", "1 J", "--", "sh", "-c", "sleep 1; exit 3"]))
    assert ended.returncode == 3
    assert ended.stderr.count("has used its budget of 1 J: the training goes on") == 1
    assert len(events(world.show(), "budget")) == 1


def test_a_budget_that_is_none_does_not_start_the_command(world: World) -> None:
    ended = finished(world.popen([*TRAINWATT, "run", "--budget", "2", "--", "touch", "begun"]))
    assert ended.returncode == 2
    assert "budget='2' in the arguments has no unit" in ended.stderr
    assert not (world.work / "begun").exists()


AFTER = """
import time
from trainwatt import BudgetExceeded, EnergyTracker
tracker = EnergyTracker(budget="1 J", on_budget="raise")
try:
    with tracker:
        while True:
            time.sleep(0.02)
            tracker.update(samples=1)
except BudgetExceeded:
    print("raised")
with tracker.phase("test"):
    tracker.update(samples=1)
print(*tracker.wrap([1, 2]), tracker.over_budget)
"""


def test_nothing_is_raised_after_the_end_of_the_run(world: World) -> None:
    ended = world.run_python(AFTER)
    assert (ended.returncode, ended.stdout) == (0, "raised\n1 2 True\n")


INNER = """
import sys, time
from trainwatt import EnergyTracker
with EnergyTracker(budget=sys.argv[1]) as tracker:
    begun = time.monotonic()
    while not tracker.over_budget and time.monotonic() < begun + 60:
        time.sleep(0.05)
print(tracker.over_budget)
"""


@pytest.mark.slow
def test_of_a_budget_that_both_have_the_command_says_that_it_is_used(world: World) -> None:
    ended = world.cli("run", "--budget", "1 J", "--", sys.executable, "-c", INNER, "1 J")
    assert (ended.returncode, ended.stdout.splitlines()[:1]) == (0, ["True"])
    assert ended.stderr.count("has used its budget of 1 J") == 1
    assert len(events(world.show(), "budget")) == 1
    ended = world.cli("run", "--", sys.executable, "-c", INNER, "2 J")
    assert ended.stderr.count("has used its budget of 2 J") == 1
    view = world.show()
    assert (view["budget"]["text"], view["budget"]["over_at"] is None) == ("2 J", False)
    assert view["budget"]["used"] == view["energy"]["total_j"] > 2


NOTHING = """
from trainwatt import EnergyTracker
with EnergyTracker(budget="2 kWh", gpus="none", on_budget="raise") as tracker:
    tracker.update(samples=1)
print(tracker.over_budget, tracker.budget_share, tracker.energy_j)
"""


def test_a_budget_of_a_run_that_measures_nothing_is_said_at_the_start(make_world: MakeWorld) -> None:
    world = make_world(package_w=0, gpus_w=())
    no_model = "import trainwatt.sensors.modelled.discovery as d\nfrom trainwatt.core.sensing import Discovery\n"
    no_model += "d.discover = lambda *_: Discovery()\n"
    ended = world.run_python(no_model + NOTHING)
    assert (ended.returncode, ended.stdout) == (0, "False None None\n")
    assert ended.stderr.count("nothing is measured here, so the budget of 2 kWh is never used") == 1
    view = world.show()
    assert [e["detail"] for e in events(view, "unmeasured")] == ["nothing is measured here, so the budget of 2 kWh is never used"]
    assert (view["budget"]["used"], view["budget"]["over_at"]) == (None, None)


SHARE = """
import json, os, sys, time
from trainwatt import EnergyTracker
print(os.getpid(), flush=True)
sys.stdin.readline()
seen = []
with EnergyTracker(scope="process", budget="300 J") as tracker:
    begin = time.monotonic()
    while time.monotonic() < begin + 3.2:
        time.sleep(0.05)
        seen.append(tracker.energy_j)
    over, share = tracker.over_budget, tracker.budget_share
known = [j for j in seen if j is not None]
print(json.dumps([known == sorted(known), known[-1], over, share, tracker.energy_j]))
"""


@pytest.mark.slow
def test_a_share_of_the_machine_uses_the_budget(world: World) -> None:
    """Half of a GPU of 300 W, and next to nothing of the processors."""
    process = world.python(SHARE, stdin=subprocess.PIPE)
    assert process.stdout is not None
    pid = process.stdout.readline().strip()
    world.gpu("0.use", f"{pid}:40 1:40")
    out, err = process.communicate("\n")
    assert process.returncode == 0, err
    grows, live_j, over, share, end_j = json.loads(out)
    view = world.show()
    assert grows
    assert view["energy"]["attribution"] is not None
    assert end_j == pytest.approx(view["energy"]["total_j"], rel=1e-9)
    assert live_j == pytest.approx(end_j, rel=0.35)  # what is known every two seconds, and the last power since
    assert share == pytest.approx(live_j / 300, rel=0.05)
    assert over == (share >= 1)


RANK = """
import time
from trainwatt import EnergyTracker
with EnergyTracker(budget="200 J") as tracker:
    begun = time.monotonic()
    while not tracker.over_budget and time.monotonic() < begun + 60:
        time.sleep(0.05)
    time.sleep(0.3)
print(tracker.over_budget)
"""


@pytest.mark.slow
def test_the_ranks_of_a_node_all_know_and_one_says_it(world: World) -> None:
    launcher = f"""
import os, subprocess, sys
ranks = [subprocess.Popen([sys.executable, "-c", {RANK!r}], env=os.environ | {{"LOCAL_RANK": str(i), "RANK": str(i)}}) for i in range(3)]
sys.exit(sum(rank.wait() for rank in ranks))
"""
    ended = finished(world.python(launcher))
    assert (ended.returncode, ended.stdout) == (0, "True\n" * 3)
    assert ended.stderr.count("has used its budget") == 1
    assert len(events(world.show(), "budget")) == 1
