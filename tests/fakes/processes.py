"""Tracked processes, started and waited for."""

from __future__ import annotations

import subprocess
import time
from datetime import datetime
from typing import Any

from tests.fakes.world import HANGS_S, World, finished, wait_for

BEGIN = """
import atexit, os, pathlib, sys, time
from trainwatt import EnergyTracker
def say(text):
    pathlib.Path(sys.argv[1] + ".new").write_text(text + "\\n")
    os.rename(sys.argv[1] + ".new", sys.argv[1])
"""

WORK_FOR_EVER = """
with EnergyTracker(project="endings") as tracker:
    say(tracker.run_id)
    for epoch in range(10_000):
        with tracker.phase("train", step=epoch):
            tracker.update(samples=8)
            time.sleep(0.05)
"""


def begin(world: World, code: str, name: str = "said") -> tuple[subprocess.Popen[str], str]:
    """Start code that says its run's id; returns once it has."""
    said = world.work / name
    process = world.python(BEGIN + code, str(said))
    return process, wait_for(said)


def run_of(world: World, code: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run code to its end; what the process gave, and its run."""
    ended = world.run_python(BEGIN + code, str(world.work / "said"))
    return ended, world.show()["run"]


def seconds(iso: str) -> float:
    """A time of the JSON contract, as seconds since 1970."""
    return datetime.fromisoformat(iso).timestamp()


START = """
import os, pathlib, sys, time
from trainwatt import EnergyTracker
pathlib.Path(f"ready{sys.argv[1]}").touch()
while not os.path.exists("go"): time.sleep(0.001)
for i in range(int(sys.argv[2])):
    with EnergyTracker(project="many", tags={"who": sys.argv[1]}) as tracker:
        with tracker.phase("train"):
            tracker.update(samples=3)
            time.sleep(float(sys.argv[3]))
"""


def start_together(world: World, processes: int, runs: int, pause_s: float) -> list[subprocess.CompletedProcess[str]]:
    """Start that many processes, let them go at the same moment, and wait for them all."""
    started = [world.python(START, str(i), str(runs), str(pause_s)) for i in range(processes)]
    deadline = time.monotonic() + HANGS_S
    while len(list(world.work.glob("ready*"))) < processes:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (world.work / "go").touch()
    return [finished(p) for p in started]
