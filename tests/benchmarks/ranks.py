"""What tracking costs the ranks of a job: `python -m tests.benchmarks.ranks`. The same training loop in 1 and in 4 processes at a time,
with trackers and without, on an emulated node of 8 GPUs, 2 packages and 2 DRAM domains.

A step is a fixed piece of arithmetic. With a tracker it is a phase, and counts its samples. Compared is the CPU time of the training thread
for the median step of each rank, averaged over the ranks, and the CPU time of the whole processes, in which the threads of the tracker are.
A/A compares two sets of runs without trackers in the same way. The order of the runs changes from round to round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks._emulator import Load
from tests.benchmarks._machine import Machine, build_library, context, spread, table

STEPS = """
import json, statistics, sys, time
from contextlib import nullcontext

tracker, steps = None, int(sys.argv[2])
if sys.argv[1] == "tracked":
    from trainwatt import EnergyTracker
    tracker = EnergyTracker(project="ranks")

def step():
    total = 0
    for i in range(400_000):
        total += i * i
    return total

with tracker or nullcontext():
    for _ in range(5):
        step()
    seconds, begun = [], time.process_time()
    for number in range(steps):
        at = time.thread_time()
        if tracker is None:
            step()
        else:
            with tracker.phase("step", step=number):
                step()
            tracker.update(samples=8)
        seconds.append(time.thread_time() - at)
    whole = time.process_time() - begun
print(json.dumps([statistics.median(seconds), whole / steps]))
"""
KINDS = ("before", "tracked", "after")
"""Without a tracker, with one, and without one again: the two without are the A/A control."""


class Node:
    """The emulated node, and jobs on it."""

    def __init__(self, root: Path) -> None:
        library = build_library(root / "library")
        gpus = [Load(250 + 50 * i, 100, 2) for i in range(8)]
        self.machine = Machine(root / "node", packages=(Load(180), Load(150)), drams=(Load(24), Load(20)), gpus=gpus)
        self.env = self.machine.environ(library, rooted=True)
        self._jobs = 0

    def job(self, kind: str, ranks: int, steps: int) -> tuple[float, float]:
        """CPU seconds of a step: of the training thread, and of the whole process. The mean over the ranks."""
        self._jobs += 1
        with tempfile.TemporaryDirectory() as folder:
            of_job = self.env | {"TRAINWATT_DB": str(Path(folder, "runs.db")), "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": str(self._jobs)}
            found = [
                subprocess.Popen(_command(kind, steps), env=of_job | _of_rank(rank, ranks), stdout=subprocess.PIPE) for rank in range(ranks)
            ]
            printed = [rank.communicate()[0] for rank in found]
        if any(rank.returncode for rank in found):
            sys.exit(f"a rank of {ranks} has failed")
        each = [json.loads(line) for line in printed]
        return statistics.mean(thread for thread, _ in each), statistics.mean(process for _, process in each)


def _command(kind: str, steps: int) -> list[str]:
    return [sys.executable, "-c", STEPS, kind, str(steps)]


def _of_rank(rank: int, ranks: int) -> dict[str, str]:
    sizes = {"WORLD_SIZE": str(ranks), "LOCAL_WORLD_SIZE": str(ranks)}
    return {} if ranks == 1 else {"RANK": str(rank), "LOCAL_RANK": str(rank), **sizes}


def compared(node: Node, ranks: int, rounds: int, steps: int) -> list[list[str]]:
    """The rows of the table for jobs of some ranks."""
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for turn in range(rounds):
        for kind in KINDS[turn % 3 :] + KINDS[: turn % 3]:
            found[kind].append(node.job(kind, ranks, steps))
        print(f"{ranks} ranks: {turn + 1} of {rounds}", file=sys.stderr, flush=True)
    rows = []
    for i, what in enumerate(("training thread", "whole process")):
        a, tracked, b = ([values[i] for values in found[kind]] for kind in KINDS)
        slower = [t / ((x + y) / 2) - 1 for x, t, y in zip(a, tracked, b, strict=True)]
        control = [y / x - 1 for x, y in zip(a, b, strict=True)]
        rows.append([str(ranks), what, spread(a, " ms", 1000, 2), spread(slower, " %", 100), spread(control, " %", 100)])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="how often everything is measured (9)")
    parser.add_argument("--steps", type=int, default=200, help="steps of each rank (200)")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 4], help="sizes of the job (1 4)")
    parser.add_argument("--write", type=Path, help="write the page there, too")
    options = parser.parse_args()
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        node = Node(Path(folder))
        try:
            for ranks in options.ranks:
                rows += compared(node, ranks, options.rounds, options.steps)
        finally:
            node.machine.close()
    head = ["ranks", "CPU time of", "a step without trainwatt", "slower with trainwatt", "A/A"]
    made = f"{context()}. Made by `python -m tests.benchmarks.ranks`; median (least–most)."
    page = "\n\n".join(("# What tracking costs the ranks of a job", made, table(head, rows))) + "\n"
    print(page)
    if options.write is not None:
        options.write.write_text(page)


if __name__ == "__main__":
    main()
