"""A training in which every warning is an exception, with the installed trainwatt and the standard library only: `python tests/strict.py`.

Nothing may reach the training, no record may be lost, and the training's filters stay as they were. `.ci/pythons` runs it with each
interpreter that is there, and tests/hostile/test_strict.py with the flags of one.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trainwatt
from trainwatt import EnergyTracker

HANGS_S = 300
METER = """
import itertools, warnings
pattern = "\\d"
from trainwatt.core import Counter, Device, Discovery, Finding, Availability
warnings.warn("this library is old", DeprecationWarning)
numbers = itertools.count()

class Meter:
    name, period_s, kind = "energy", None, Counter(1.0)
    device = Device("own0", "gpu", max_power_w=500.0, gain=0.05, gain_class="own")
    def read(self):
        warnings.warn("reading so is old", DeprecationWarning)
        warnings.warn(f"reading {next(numbers)} is old", FutureWarning)
        return str(next(numbers)) and next(numbers)
    def holder_pids(self):
        warnings.warn("asking so is old", ResourceWarning)
    def close(self):
        warnings.warn("closing so is old", PendingDeprecationWarning)

def discover(request):
    warnings.warn("looking so is old", UserWarning)
    return Discovery([Meter()], [Finding("own", Availability.OK, "own0", "")])
"""
"""A meter of the user's whose library warns at each step."""
INSIDE = """
import time, warnings
warnings.simplefilter("error")
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    with tracker.phase("train"):
        tracker.update(samples=8)
        time.sleep(0.3)
"""


class Old:
    """A number of a library that warns when it is converted, as an array of one element does."""

    def __float__(self) -> float:
        warnings.warn("converting so is old", DeprecationWarning)
        return 4.0

    def __str__(self) -> str:
        warnings.warn("writing so is old", PendingDeprecationWarning)
        return "old"


def loops() -> None:
    """Phases, batches and counts, in a block."""
    with EnergyTracker(project="loops") as tracker:
        for step in range(3):
            with tracker.phase("train", step=step):
                for _ in tracker.wrap([[1, 2], [3]], samples=len):
                    time.sleep(0.02)
                tracker.update(samples=Old())
        with tracker.phase(Old()):  # type: ignore[arg-type]
            time.sleep(1.2)  # a commit or two by the writing thread
        with tracker.phase(b"bytes", exact=True):  # type: ignore[arg-type]
            tracker.update(tokens=Old())
    check(tracker, "completed", {"samples": 21, "tokens": 4}, {"train": 3, "old": 1, "bytes": 1})


def decorated() -> None:
    """Functions, coroutines, generators, asyncio's tasks and threads."""
    tracker = EnergyTracker(project="decorated", tags={"of": "decorated"})

    @tracker
    def train() -> None:
        threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @tracker.phase("thread")
    def work(n: int) -> None:
        tracker.update(samples=n)
        time.sleep(0.05)

    train()
    check(tracker, "completed", {"samples": 3}, {"thread": 3})

    @tracker
    async def serve() -> None:
        async def task(n: int) -> None:
            with tracker.phase("task", step=n):
                await asyncio.sleep(0.05)
                tracker.update(samples=1)

        await asyncio.gather(*(task(n) for n in range(4)))

    asyncio.run(serve())
    check(tracker, "completed", {"samples": 4}, {"task": 4})

    @tracker
    def batches() -> Iterator[int]:
        with tracker.phase("generate"):
            yield from range(5)
            time.sleep(0.05)

    same(sum(batches()), 10)
    check(tracker, "completed", {}, {"generate": 1})
    same(pickle.loads(pickle.dumps(tracker)).run_id, None)


def forks() -> None:
    """Children of every kind, while the threads of trainwatt are the only ones."""
    with EnergyTracker(project="forks") as tracker:
        for _ in range(3):
            pid = os.fork()
            if pid == 0:
                os._exit(7)
            same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 7)
        subprocess.run([sys.executable, "-c", ""], check=True, preexec_fn=os.getpid, timeout=HANGS_S)
        process = multiprocessing.get_context("fork").Process(target=tracker.update, kwargs={"samples": 1000})
        process.start()
        process.join(HANGS_S)
        same(process.exitcode, 0)
        process.close()
        tracker.update(samples=1)
        time.sleep(0.2)
    check(tracker, "completed", {"samples": 1}, {})


def own_meter(folder: Path) -> None:
    """A meter of the user's, from a file."""
    meter = folder / "my_meter.py"
    meter.write_text(METER, encoding="utf-8")
    with EnergyTracker(project="meter", sensors=f"{meter}:discover") as tracker:
        time.sleep(1.2)
    view = check(tracker, "completed", {}, {})
    [device] = [d for d in view["energy"]["devices"] if d["device"] == "own0"]
    same(device["energy_j"] > 0, True)
    same(device["provenance"]["measured-counter"], device["energy_j"])


def broken() -> None:
    """A training that fails because of a warning of its own: the run says so."""
    tracker = EnergyTracker(project="broken")
    try:
        with tracker:
            warnings.warn("the training's own", UserWarning)
    except UserWarning:
        check(tracker, "failed", {}, {})
    else:
        sys.exit("the training's own filters have changed")


def commands(folder: Path) -> None:
    """`trainwatt run` with a tracker inside, and commands that read."""
    strict = os.environ | {"PYTHONWARNINGS": "error", "PYTHONWARNDEFAULTENCODING": "1", "PYTHONDEVMODE": "1"}
    for arguments in (
        ["run", "--project", "command", "--", sys.executable, "-c", INSIDE],
        ["list"],
        ["list", "--json"],
        ["show"],
        ["export", "-o", str(folder / "runs.csv")],
        ["report", "latest", "-o", str(folder / "report.html")],
    ):
        ended = subprocess.run([sys.executable, "-bb", "-m", "trainwatt", *arguments], capture_output=True, timeout=HANGS_S, env=strict)
        same((ended.returncode, b"Traceback" in ended.stderr, ended.stderr * bool(ended.returncode)), (0, False, b""))
        if "--json" in arguments:
            newest = json.loads(ended.stdout)["runs"][0]
            same((newest["run"]["project"], newest["work"]), ("command", {"samples": 8}))


def check(tracker: EnergyTracker, status: str, work: dict[str, int], phases: dict[str, int]) -> dict[str, Any]:
    """The last run of a tracker is stored whole, and nothing has happened to it."""
    view = tracker.summary().to_dict()
    same((view["run"]["status"], view["work"]), (status, work))
    same({p["name"]: p["count"] for p in view["phases"]}, phases)
    same([e for e in view["events"] if e["kind"] not in ("late", "overlap", "shared")], [])
    same(view["energy"]["total_j"] is None, False)
    return view


def same(found: object, expected: object) -> None:
    """End the program if the two are not equal; `python -O` leaves assertions out."""
    if found != expected:
        raise SystemExit(f"found {found!r}, not {expected!r}\n{''.join(traceback.format_stack()[:-1])}")


class Reached(logging.Handler):
    """What nobody may see: a log line, and exceptions in threads and where nothing can catch them."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        sys.unraisablehook = lambda u: self.said.append(f"{u.err_msg} {u.object!r}: {u.exc_value!r}")
        threading.excepthook = lambda a: self.said.append(f"{a.thread}: {a.exc_value!r}")

    def emit(self, record: logging.LogRecord) -> None:
        if not any(known in record.getMessage() for known in ("measures too", "could not run in time", "not measured")):
            self.said.append(record.getMessage())


def main() -> None:
    """All of it, in an empty folder."""
    warnings.simplefilter("error")
    filters = list(warnings.filters)
    reached = Reached()
    logging.getLogger("trainwatt").addHandler(reached)
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # `-X dev` says how long a run takes to start on a busy machine
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TRAINWATT_DB"] = str(folder / "runs.db")
        loops()
        forks()
        decorated()
        own_meter(folder)
        broken()
        commands(folder)
        same(len(trainwatt.runs()), 8)
    gc.collect()
    same([f for f in warnings.filters if "multi-threaded" not in str(f[1])], filters)  # see tracker/tracking/forking.py
    same(reached.said, [])
    print(f"Python {sys.version.split()[0]}: no warning reached the training, and no record was lost")


if __name__ == "__main__":
    main()
