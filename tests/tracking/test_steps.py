"""Loops whose steps are in step with the sensor of an A100 or H100, through the tracker: in its process and inside `trainwatt run`."""

from __future__ import annotations

import re
import sys

import pytest

from tests.fakes.world import TRAINWATT, World, finished

LOOP = """
import sys, time
from trainwatt import EnergyTracker
period_s, kind = float(sys.argv[1]), sys.argv[2]
with EnergyTracker() as tracker:
    begin = time.monotonic()
    for step in (tracker.wrap(range(25), samples=1) if kind == "wrap" else range(25)):
        if kind == "update":
            tracker.update(samples=1)
        if kind == "phase":
            with tracker.phase("step"):
                pass
        time.sleep(max(0.0, begin + (step + 1) * period_s - time.monotonic()))
"""


@pytest.mark.parametrize("kind", ["wrap", "update", "phase"])
def test_steps_in_step_widen_the_range_and_are_an_event(world: World, kind: str) -> None:
    assert finished(world.python(LOOP, "0.1", kind)).returncode == 0
    view = world.show()
    [event] = [e for e in view["events"] if e["kind"] == "in-step"]
    assert event["device"] == "gpu0"
    assert re.match(r"steps of \d+ ms are in step with the sensor", event["detail"])
    gpu = next(d for d in view["energy"]["devices"] if d["device"] == "gpu0")
    assert gpu["low_j"] < 0.9 * gpu["energy_j"]
    assert gpu["high_j"] > 1.1 * gpu["energy_j"]


def test_the_steps_of_a_tracker_inside_run_are_heard(world: World) -> None:
    ended = finished(world.popen([*TRAINWATT, "run", "--", sys.executable, "-c", LOOP, "0.1", "wrap"]))
    assert ended.returncode == 0, ended.stderr
    assert [e["device"] for e in world.show()["events"] if e["kind"] == "in-step"] == ["gpu0"]


def test_a_loop_without_steps_or_out_of_step_has_no_event(world: World) -> None:
    for arguments in (("0.1", "none"), ("0.0618", "wrap")):
        assert finished(world.python(LOOP, *arguments)).returncode == 0
        assert [e for e in world.show()["events"] if e["kind"] == "in-step"] == []


def test_a_sensor_that_sees_all_of_the_time_is_not_looked_at(world: World) -> None:
    world.gpu("0.cc", "8.6")
    assert finished(world.python(LOOP, "0.1", "wrap")).returncode == 0
    assert [e for e in world.show()["events"] if e["kind"] == "in-step"] == []
