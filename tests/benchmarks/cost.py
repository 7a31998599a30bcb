"""What tracking costs: `python -m tests.benchmarks.cost`. On an emulated node of 8 GPUs, 2 packages and 2 DRAM domains.

The CPU time of trainwatt, which reads and writes as often as it needs, is compared with that of a plain Python thread and of a C program
that read the counters ten times a second, in turn and in one run. All three read the same emulated NVML. A real driver may take longer;
what the tracker adds is the difference. The times of import, start and stop are also ratios to the start of the bare interpreter. The
slowdown compares fixed work with the tracker to the mean of the same work before and after it without the tracker. A/A compares the work
after with the work before.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.benchmarks._emulator import Load
from tests.benchmarks._machine import HERE, Machine, build_library, compile_c, context, spread, table

GPUS = 8
PACKAGES = (Load(180), Load(150))
DRAMS = (Load(24), Load(20))
MODES = {"idle": "the process alone", "c": "C program", "thread": "plain Python thread", "tracked": "trainwatt"}
WHAT = ("CPU of the thread", "CPU of the process", "wall time")


class Node:
    """The emulated node, and processes on it."""

    def __init__(self, root: Path) -> None:
        library = build_library(root / "library")
        gpus = [Load(250 + 50 * i, 100, 2) for i in range(GPUS)]
        self.machine = Machine(root / "node", packages=PACKAGES, drams=DRAMS, gpus=gpus)
        self.program = root / "reads"
        compile_c(HERE / "_reads.c", self.program, "-ldl")
        self.work = root / "work"
        self.work.mkdir()
        self.files = [str(path) for path in sorted((self.machine.powercap.sysfs / "devices").rglob("energy_uj"))]
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.env = self.machine.environ(library, rooted=True, **one)

    def run(self, *command: str) -> str:
        """What a command on the node prints."""
        ended = subprocess.run(command, env=self.env, cwd=self.work, check=True, stdout=subprocess.PIPE, text=True)
        return ended.stdout

    def reader(self, *arguments: str) -> Any:
        """What a reader process finds."""
        return json.loads(self.run(sys.executable, "-m", "tests.benchmarks._reader", *arguments))

    def sample(self, mode: str, seconds: float) -> tuple[float, float]:
        """CPU seconds per second, and memory in MiB."""
        if mode == "c":
            cpu_s, rss = map(float, self.run(str(self.program), str(GPUS), str(seconds), *self.files).split())
            return cpu_s / seconds, rss
        found = self.reader(mode, str(seconds), *self.files)
        return found["cpu_s"] / seconds, found["rss_mib"]


def sampling(node: Node, rounds: int, seconds: float) -> str:
    """The CPU time of the three samplers, in turn."""
    found: dict[str, list[tuple[float, float]]] = {mode: [] for mode in MODES}
    for turn in range(rounds):
        for mode in MODES:
            found[mode].append(node.sample(mode, seconds))
        print(f"sampling {turn + 1} of {rounds}", file=sys.stderr, flush=True)
    cpu = {mode: [share for share, _ in values] for mode, values in found.items()}
    idle_mib = statistics.median(mib for _, mib in found["idle"])
    rows = []
    for mode, words in MODES.items():
        ratios = [spread([t / other for t, other in zip(cpu["tracked"], cpu[mode], strict=True)]) if mode in ("c", "thread") else ""]
        added = "" if mode in ("idle", "c") else spread([mib - idle_mib for _, mib in found[mode]], digits=1)
        rows.append([words, spread(cpu[mode], " %", 100, 3), *ratios, added])
    beyond = [t - c for t, c in zip(cpu["tracked"], cpu["c"], strict=True)]
    rows.append(["trainwatt beyond the C program", spread(beyond, " %", 100, 3), "", ""])
    return table(["ten readings a second; trainwatt: as many as it needs", "CPU of a core", "trainwatt ÷ it", "memory added, MiB"], rows)


def starting(node: Node, rounds: int) -> str:
    """Import, start and stop against the start of the interpreter."""
    bare, own = [], []
    for _ in range(rounds):
        begin = time.perf_counter()
        node.run(sys.executable, "-c", "pass")
        bare.append(time.perf_counter() - begin)
        own.append(node.reader("started"))
    rows = [["bare interpreter", spread(bare, " ms", 1000, 1), "1"]]
    for key, words in (("import_s", "import trainwatt"), ("start_s", "start()"), ("stop_s", "stop()")):
        values = [found[key] for found in own]
        ratio = spread([v / b for v, b in zip(values, bare, strict=True)])
        rows.append([words, spread(values, " ms", 1000, 1), ratio])
    first_s = [found["first_cpu_s"] for found in own]
    rows.append(["CPU time from import to a second after the start", spread(first_s, " ms", 1000, 1), ""])
    return table(["step", "time", "÷ bare interpreter"], rows)


def slowing(node: Node, rounds: int, block_s: float) -> str:
    """The slowdown of two kinds of work, with its A/A control."""
    rows = []
    for mode in ("python", "numpy"):
        if mode == "numpy" and find_spec("numpy") is None:
            continue
        blocks = node.reader(mode, str(block_s), str(rounds))
        for i, what in enumerate(WHAT):
            slower = [t[i] / ((a[i] + b[i]) / 2) - 1 for a, t, b in blocks]
            control = [b[i] / a[i] - 1 for a, _, b in blocks]
            rows.append([f"{mode} loop", what, spread(slower, " %", 100), spread(control, " %", 100)])
        print(f"slowdown of {mode} done", file=sys.stderr, flush=True)
    return table(["work", "measured by", "slower with trainwatt", "A/A"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (5)")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a measurement of the samplers (60)")
    parser.add_argument("--block", type=float, default=5.0, help="seconds of work in a block of the slowdown (5)")
    parser.add_argument("--starts", type=int, default=15, help="how often a start is measured (15)")
    parser.add_argument("--write", type=Path, help="write the page there, too")
    options = parser.parse_args()
    parts = ["# What tracking costs", f"{context()}. Made by `python -m tests.benchmarks.cost`; median (least–most)."]
    with tempfile.TemporaryDirectory() as folder:
        node = Node(Path(folder))
        try:
            parts.append(sampling(node, options.rounds, options.seconds))
            parts.append(starting(node, options.starts))
            parts.append(slowing(node, options.rounds, options.block))
        finally:
            node.machine.close()
    page = "\n\n".join(parts) + "\n"
    print(page)
    if options.write is not None:
        options.write.write_text(page)


if __name__ == "__main__":
    main()
