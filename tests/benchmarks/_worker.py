"""One measured process: `python -m tests.benchmarks._worker TOOL FOLDER SECONDS [PERIOD]` writes FOLDER/measured.json.

The loop does a little arithmetic twenty times a second and sleeps. Its edges are stamped on the monotonic clock, which the helper of the
machine shares. CPU time is that of this process and of all processes below it. With SECONDS 0 nothing is run, and what a killed process
has left in FOLDER is read.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tests.benchmarks._tools import TOOLS

STEP_S = 0.05
TICK_HZ = os.sysconf("SC_CLK_TCK")


def cpu_s() -> float:
    """CPU seconds of this process, of those below it that live, and of those that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(ticks / TICK_HZ for ticks in _below(os.getpid()).values())


def rss_mib() -> float:
    """Memory of this process and of those below it, in MiB: the proportional share where the kernel tells it."""
    return sum(_memory_kib(pid) for pid in (os.getpid(), *_below(os.getpid()))) / 1024


def _memory_kib(pid: int) -> int:
    for name, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            lines = Path(f"/proc/{pid}/{name}").read_text().splitlines()
        except OSError:
            continue
        if found := next((line for line in lines if line.startswith(key)), None):
            return int(found.split()[1])
    return 0


def _below(root: int) -> dict[int, int]:
    """The living descendants of a process, and the clock ticks each has used."""
    parents: dict[int, tuple[int, int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry)] = int(fields[1]), int(fields[11]) + int(fields[12])
    found: dict[int, int] = {}
    for pid in parents:
        above = pid
        while above in parents and above != root:
            above = parents[above][0]
        if above == root and pid != root:
            found[pid] = parents[pid][1]
    return found


def main() -> None:
    name, folder, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    tool = TOOLS[name](folder, float(sys.argv[4]) if len(sys.argv) > 4 else None)
    found: dict[str, Any] = {}

    def loop() -> None:
        found["begin_s"] = begin = time.monotonic()  # the truth is what is drawn from here to `end_s`
        (folder.parent / "begun").write_text(f"{begin!r}\n")
        found["cpu_begin_s"] = cpu_s()
        steps = 0
        while (left_s := seconds - (time.monotonic() - begin)) > 0:
            sum(i * i for i in range(2000))
            steps += 1
            time.sleep(min(left_s, max(0.0, begin + STEP_S * steps - time.monotonic())))
        found["cpu_end_s"] = cpu_s()
        found["rss_mib"] = rss_mib()
        found["end_s"] = time.monotonic()

    try:
        if seconds:
            before = time.monotonic()
            tool.imported()
            called = time.monotonic()
            tool.use(loop)
            returned = time.monotonic()
            found |= {"import_s": called - before, "start_s": found["begin_s"] - called, "stop_s": returned - found["end_s"]}
        found["energies"] = tool.read()
    except BaseException as error:  # SystemExit too: what a tool does to a training
        traceback.print_exc()
        found["error"] = f"{type(error).__name__}: {error}"
    (folder.parent / "measured.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
