"""The page of a running run: the cost of a refresh, and what is kept from one refresh to the next."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pytest

from tests.benchmarks.history import LARGE, NS, long_run
from tests.fakes.stored_rows import device, point, run, segment
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.writer import Writer
from trainwatt.web.live_pages import MOST_RUNS, LivePages

RUN, SEGMENT = f"{1:012x}", f"{1:016x}"


def calls_of(work: Callable[[], object]) -> int:
    """How many functions some work calls. This measures its cost, and does not depend on other processes."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def refreshes(path: Path, seconds: int, count: int, by_the_hour: bool) -> float:
    """The mean cost of a refresh of a run of ten devices. Before each refresh, a second of the run is written.

    `by_the_hour`: whether the intensity of the grid is known for each hour.
    """
    writer = Writer.open(path)
    long_run(writer, 1, LARGE, seconds)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE run SET status = 'running', ended_utc_ns = NULL, duration_s = NULL")
        connection.execute("UPDATE segment SET status = 'running', ended_utc_ns = NULL, end_t_ns = NULL")
    connection.close()
    store = Store.open(str(path))
    if by_the_hour:
        cache_hours(store, path, seconds)
    pages = LivePages(lambda: store, store)
    pages.refreshed(RUN)
    calls = []
    for t in range(seconds + 1, seconds + 1 + count):
        writer.write({"curve_point": [point(t * NS + 10**7, t * watts, name, SEGMENT) for name, watts in LARGE.items()]})
        calls.append(calls_of(lambda: pages.refreshed(RUN)))
    store.close()
    writer.close()
    return sum(calls) / count


def cache_hours(store: Store, path: Path, seconds: int) -> None:
    """An intensity for each hour of the run, and one more."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE run SET zone = 'FR'")
        (begin_ns,) = connection.execute("SELECT started_utc_ns FROM run").fetchone()
    connection.close()
    of_all = {"provider": "electricitymaps", "zone": "FR", "basis": "lifecycle", "estimated": 0, "fetched_utc_ns": begin_ns}
    hours = [(begin_ns + hour * 3600 * NS, 40.0 + hour % 24) for hour in range(seconds // 3600 + 1)]
    times = [{"start_utc_ns": start, "end_utc_ns": start + 3600 * NS, "g_per_kwh": g_per_kwh} for start, g_per_kwh in hours]
    store.cache_intensities([{**of_all, **of_hour} for of_hour in times])


@pytest.mark.parametrize("by_the_hour", [False, True])
def test_a_run_of_days_costs_about_as_much_as_one_of_a_minute(tmp_path: Path, by_the_hour: bool) -> None:
    minute = refreshes(tmp_path / "minute.db", 60, 10, by_the_hour)
    assert refreshes(tmp_path / "days.db", 3 * 86_400, 10, by_the_hour) < 1.5 * minute


def several(path: Path, count: int) -> list[str]:
    """Running runs with one device each."""
    ids = [f"run-{i:04d}" for i in range(count)]
    now_ns = time.time_ns()
    writer = Writer.open(path)
    times = {"started_utc_ns": now_ns - 9 * NS, "last_seen_utc_ns": now_ns}
    writer.write(
        {
            "run": [run(r, **times, name=r) for r in ids],
            "segment": [segment(f"s{r}", r, **times) for r in ids],
            "device": [device(segment_id=f"s{r}") for r in ids],
            "curve_point": [point(t * NS, t * 9.0 * (i + 1), segment_id=f"s{r}") for i, r in enumerate(ids) for t in range(9)],
        }
    )
    writer.close()
    return ids


def test_a_bounded_number_of_runs_is_kept_and_threads_do_not_mix_them_up(tmp_path: Path) -> None:
    ids = several(tmp_path / "runs.db", MOST_RUNS + 4)
    store = Store.open(str(tmp_path / "runs.db"))
    pages = LivePages(lambda: store, store)
    asked = [ids[i * 7 % len(ids)] for i in range(4 * len(ids))] + ids[:1] * 40
    with ThreadPoolExecutor(8) as threads:
        for run_id, found in zip(asked, threads.map(pages.refreshed, asked), strict=True):
            assert not found.ended
            assert f"digits/<wbr>{run_id.replace('-', '-<wbr>')}</span>" in found.html
            assert f"run {run_id} ·" in found.html
    assert len(pages._pages) == MOST_RUNS
    store.close()


def test_a_run_that_ended_is_not_kept(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    [run_id] = several(db, 1)
    store = Store.open(str(db))
    pages = LivePages(lambda: store, store)
    assert not pages.refreshed(run_id).ended
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE run SET status = 'completed', duration_s = 9")
    connection.close()
    assert pages.refreshed(run_id).ended
    assert not pages._pages
    store.close()
