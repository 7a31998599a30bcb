"""Processes that go on when the command of `trainwatt run` has ended are named, with the time for which they were not measured."""

from __future__ import annotations

import os
import re
import signal
import sys

import pytest

from tests.fakes.views import events
from tests.fakes.world import TRAINWATT, World, finished, wait_for

JOINS = """
import os, sys, time
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    open("joined.new", "w").write("now\\n")
    os.rename("joined.new", "joined")
    while os.getppid() == int(sys.argv[1]): time.sleep(0.05)
    time.sleep(3)
open("over.new", "w").write("now\\n")
os.rename("over.new", "over")
"""


def test_a_child_that_outlives_its_command_is_named(world: World) -> None:
    code = "sleep 60 >/dev/null 2>&1 </dev/null & echo $!"
    ended = finished(world.popen([*TRAINWATT, "run", "--", "sh", "-c", code]))
    pid = int(ended.stdout)
    os.kill(pid, signal.SIGKILL)
    [event] = events(world.show(), "outlived")
    assert event["detail"] == f"process {pid} (sleep 60) of the command went on when it ended: from then on the run measured nothing"
    lines = ended.stderr.splitlines()
    assert len(lines) == 4
    assert lines[2] == f"trainwatt: {event['detail']}"


def test_many_children_are_counted(world: World) -> None:
    code = "for i in 1 2 3 4 5; do sleep 60 >/dev/null 2>&1 </dev/null & echo $!; done"
    ended = finished(world.popen([*TRAINWATT, "run", "--", "setsid", "-w", "sh", "-c", code]))
    for pid in map(int, ended.stdout.split()):
        os.kill(pid, signal.SIGKILL)
    [event] = events(world.show(), "outlived")
    assert event["detail"].count("(sleep 60)") == 3
    assert " and 2 more of the command" in event["detail"]


def test_children_that_end_with_the_command_are_not(world: World) -> None:
    ended = world.cli("run", "--", "sh", "-c", "sleep 0.1 & true")
    assert ended.returncode == 0
    assert events(world.show(), "outlived") == []
    assert len(ended.stderr.splitlines()) == 3


@pytest.mark.slow
def test_a_tracker_that_joined_says_for_how_long_it_was_not_measured(world: World) -> None:
    (world.work / "joins.py").write_text(JOINS)
    code = f"{sys.executable} joins.py $$ >/dev/null 2>&1 </dev/null & for i in $(seq 300); do [ -e joined ] && break; sleep 0.1; done"
    assert world.cli("run", "--", "sh", "-c", code).returncode == 0
    wait_for(world.work / "over")
    named, told = events(world.show(), "outlived")
    assert "joins.py" in named["detail"]
    found = re.fullmatch(r"process \d+ went on for ([\d.]+) s after the end of the run, which were not measured", told["detail"])
    assert found
    assert 1 < float(found[1]) < 60
