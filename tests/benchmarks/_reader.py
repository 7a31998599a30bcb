"""One process of the cost benchmark: `python -m tests.benchmarks._reader MODE …` prints a JSON object.

`idle|thread|tracked SECONDS [FILE…]`: the main thread sleeps; beside it nothing, a plain thread that makes the reads, or trainwatt. CPU
time is counted after a time to settle, so that what a start costs is not in it.
`python|numpy BLOCK_S ROUNDS`: a loop of fixed work without, with and without the tracker, in turn.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.benchmarks._worker import rss_mib

SETTLE_S = 4.0
PERIOD_S, POWER_EVERY = 0.1, 5
FIELDS = (185, 186)
DB = "runs.db"


def read_for_ever(files: list[str]) -> None:
    """Ten readings a second, with nothing around them: `_reads.c` in Python."""
    nvml: Any = import_module("pynvml")
    nvml.nvmlInit()
    gpus = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
    fds = [os.open(path, os.O_RDONLY) for path in files]
    tick, total, begin = 0, 0.0, time.monotonic()
    while True:
        for gpu in gpus:
            total += nvml.nvmlDeviceGetTotalEnergyConsumption(gpu) * 1e-3
            for field in FIELDS if tick % POWER_EVERY == 0 else ():
                total += nvml.nvmlDeviceGetFieldValues(gpu, [field])[0].value.uiVal * 1e-3
        for fd in fds:
            total += int(os.pread(fd, 64, 0)) * 1e-6
        tick += 1
        time.sleep(max(0.0, begin + tick * PERIOD_S - time.monotonic()))


def sampled(mode: str, seconds: float, files: list[str]) -> dict[str, float]:
    """CPU seconds of this process over `seconds`, and its memory at the end."""
    tracker: Any = None
    if mode == "thread":
        threading.Thread(target=read_for_ever, args=(files,), daemon=True).start()
    elif mode == "tracked":
        tracker = import_module("trainwatt").EnergyTracker(db=DB).start()
    time.sleep(SETTLE_S)
    begin_s = time.process_time()
    time.sleep(seconds)
    found = {"cpu_s": time.process_time() - begin_s, "rss_mib": rss_mib()}
    if tracker is not None:
        tracker.stop()
    return found


def started() -> dict[str, float]:
    """How long the tracker's own steps take in a fresh process."""
    cpu_s = time.process_time()
    a = time.perf_counter()
    make: Any = import_module("trainwatt").EnergyTracker
    b = time.perf_counter()
    tracker = make(db=DB).start()
    c = time.perf_counter()
    time.sleep(1)
    first_cpu_s = time.process_time() - cpu_s
    d = time.perf_counter()
    tracker.stop()
    return {"import_s": b - a, "start_s": c - b, "stop_s": time.perf_counter() - d, "first_cpu_s": first_cpu_s}


def python_work(steps: int) -> Callable[[], object]:
    """Pure Python, which holds the GIL."""
    return lambda: sum(i * i % 7 for i in range(steps))


def numpy_work(steps: int) -> Callable[[], object]:
    """Matrix products, which release it."""
    numpy: Any = import_module("numpy")
    matrix = numpy.random.default_rng(0).random((256, 256))

    def work() -> None:
        for _ in range(steps):
            matrix @ matrix

    return work


def slowed(make: Callable[[int], Callable[[], object]], block_s: float, rounds: int) -> list[list[list[float]]]:
    """For each round the blocks without, with and without the tracker: seconds of the thread's CPU, the process's CPU, and wall."""
    steps = 1000
    while True:  # as much work as fills a block
        begin = time.perf_counter()
        make(steps)()
        took_s = time.perf_counter() - begin
        if took_s > block_s / 4:
            break
        steps *= 2
    work = make(max(1, round(steps * block_s / took_s)))

    def block() -> list[float]:
        before = time.thread_time(), time.process_time(), time.perf_counter()
        work()
        after = time.thread_time(), time.process_time(), time.perf_counter()
        return [b - a for a, b in zip(before, after, strict=True)]

    found = []
    block()  # the first one finds a cold machine
    for _ in range(rounds):
        first = block()
        tracker: Any = import_module("trainwatt").EnergyTracker(db=DB).start()
        time.sleep(SETTLE_S)
        tracked = block()
        tracker.stop()
        found.append([first, tracked, block()])
    return found


def main() -> None:
    mode, *rest = sys.argv[1:]
    if mode == "started":
        print(json.dumps(started()))
    elif mode in ("python", "numpy"):
        print(json.dumps(slowed(python_work if mode == "python" else numpy_work, float(rest[0]), int(rest[1]))))
    else:
        print(json.dumps(sampled(mode, float(rest[0]), rest[1:])))


if __name__ == "__main__":
    main()
