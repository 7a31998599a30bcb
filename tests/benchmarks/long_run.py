"""A long run, simulated: what it costs in memory, in the file and to read. By hand, from the repository:

    python -m tests.benchmarks.long_run --days 30 --devices 12
    python -m tests.benchmarks.long_run --days 7 --devices 10 --tick 1 --phase 5

Every tick of the real sampler is read and every commit of the real recorder is made; only the clock is moved by hand.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.fakes.clock import FakeClock
from tests.fakes.long_run import RUN, SEGMENT, LongRun, swinging
from trainwatt.analysis.footprint import footprint
from trainwatt.analysis.view import describe
from trainwatt.carbon.series import iso, read_series
from trainwatt.carbon.terms import Terms
from trainwatt.storage.read.store import Store

T = TypeVar("T")
DAY_S = 86_400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=1.0)
    parser.add_argument("--devices", type=int, default=12)
    parser.add_argument("--tick", type=float, default=0.1, help="simulated seconds between two readings")
    parser.add_argument("--commit", type=float, default=1.0, help="simulated seconds between two commits")
    parser.add_argument("--phase", type=float, default=0.0, help="simulated seconds of each phase; 0: none")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder) / "runs.db", arguments)


def simulate(db: Path, a: argparse.Namespace) -> None:
    clock = FakeClock(utc_ns=1_750_000_000_123_456_789)  # no reading falls on a full second of UTC
    sensors = swinging(clock, a.devices)
    run = LongRun(db, clock, sensors, commit_s=a.commit, aside=False)
    current = run.begin("train") if a.phase else None

    def next_phase() -> None:
        nonlocal current
        if current is not None and clock.now_ns - current.start_t_ns >= a.phase * 1e9:
            run.over(current)
            current = run.begin("train")

    print(f"{a.days:g} days, {a.devices} devices, a reading every {a.tick:g} s, a commit every {a.commit:g} s\n")
    print("   day   CPU s   resident MiB   file MB   points   anchors   phases")
    steps = max(8, round(a.days * 4))
    for step in range(steps):
        run.move(a.days * DAY_S / steps, a.tick, each=next_phase if a.phase else None)
        counts = "   ".join(f"{run.count(table):6d}" for table in ("curve_point", "clock_anchor", "phase"))
        print(
            f"{(step + 1) * a.days / steps:6.2f}  {time.process_time():6.0f}  {resident_mib():13.1f}  {size_mb(db):8.2f}   {counts}",
            flush=True,
        )
    if current is not None:
        run.over(current)
    run.end()
    true_j = sum(s.joules(clock.now_ns) - s.joules(run.begin_ns) for s in sensors)
    read(db, run, true_j)


def read(db: Path, run: LongRun, true_j: float) -> None:
    """The run is shown and assessed by the hour."""
    store = Store.open(str(db))
    stored, loading_s = timed(lambda: store.load(RUN))
    points, points_s = timed(lambda: store.points(RUN))
    view = describe(stored)
    hours = range(run.begin_utc_ns // (3600 * 10**9), stored.run.ended_utc_ns // (3600 * 10**9) + 1)  # type: ignore[operator]
    lines = [f"{iso(h * 3600 * 10**9)},{300 + h % 24 * 10}" for h in hours]
    hourly = read_series("\n".join(["start,intensity_g_per_kwh", *lines, ""]), "hourly.csv")
    carbon, footprint_s = timed(lambda: footprint(store, stored, view, Terms(series=(hourly,))))
    store.close()
    assert carbon is not None
    total_j = view["energy"]["total_j"] or 0.0
    print(f"\nfile {size_mb(db):.2f} MB: {sum(map(len, points.values()))} points, {len(stored.anchors[SEGMENT])} anchors")
    print(f"total {total_j:.3f} J, truth {true_j:.3f} J, apart by {abs(total_j / true_j - 1):.1e}")
    for p in view["phases"]:
        print(f"phase {p['name']}: {p['count']} instances, {p['energy_j']:.3f} J")
    print(
        f"load {loading_s:.3f} s, points {points_s:.3f} s, footprint over {len(lines)} hours {footprint_s:.3f} s: {carbon['total_g']:.1f} g"
    )


def timed(action: Callable[[], T]) -> tuple[T, float]:
    """The quickest of three, in seconds."""
    times = []
    for _ in range(3):
        begin_s = time.perf_counter()
        result = action()
        times.append(time.perf_counter() - begin_s)
    return result, min(times)


def size_mb(db: Path) -> float:
    """The file, and what is beside it."""
    return sum(f.stat().st_size for f in db.parent.glob(db.name + "*")) / 1e6


def resident_mib() -> float:
    """The memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


if __name__ == "__main__":
    main()
