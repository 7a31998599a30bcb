"""The news of running runs: looked at once for all watchers, and only while there are some."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator, Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.benchmarks.history import NS
from tests.fakes.coroutines import run
from tests.fakes.raw_http import Watcher, receive_until, wait_until
from tests.fakes.served import served
from tests.fakes.stored_rows import point
from tests.web.test_live_pages import several
from trainwatt.analysis.over_time.figures import Figures
from trainwatt.analysis.over_time.live import LiveRun
from trainwatt.errors import RunNotFoundError, StoreError
from trainwatt.presentation.report.elements import Html
from trainwatt.storage.write.writer import Writer
from trainwatt.web import broadcast
from trainwatt.web.broadcast import BEAT, ENDED, LATER, LIVE_S, SILENT, Broadcasts
from trainwatt.web.live_pages import Refreshed


class Growing:
    """A run that is longer at each look, and what happens at some of the looks."""

    def __init__(self, end: int | None = None, faults: dict[int, Exception] | None = None) -> None:
        self.looks = 0
        self.at: list[float] = []
        self._end = end
        self._faults = faults or {}

    def __call__(self, run_id: str) -> Refreshed:
        self.looks += 1
        self.at.append(time.monotonic())
        if self.looks in self._faults:
            raise self._faults[self.looks]
        return Refreshed(Html(f"{run_id} {self.looks}"), self.looks == self._end)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "LIVE_S", 0.01)
    monkeypatch.setattr(broadcast, "RETRY_S", 0.01)


def update(text: str) -> bytes:
    return f"event: update\ndata: {json.dumps(text)}\n\n".encode()


def all_of(look: Callable[[str], Refreshed]) -> list[bytes]:
    """What a watcher is told from the beginning to the end."""

    async def watch() -> list[bytes]:
        return [message async for message in Broadcasts(look, 9).watch("a")]

    return run(watch())


@pytest.mark.usefixtures("quick")
def test_the_last_state_comes_before_the_end() -> None:
    assert all_of(Growing(end=3)) == [update("a 1"), update("a 2"), update("a 3"), ENDED]
    assert all_of(Growing(end=1)) == [update("a 1"), ENDED]


@pytest.mark.usefixtures("quick")
def test_a_database_that_does_not_answer_is_asked_again() -> None:
    faults = {2: StoreError("locked"), 3: ValueError("a fault of ours")}
    told = all_of(Growing(end=4, faults=dict(faults)))
    assert told == [update("a 1"), SILENT, SILENT, update("a 4"), ENDED]


@pytest.mark.usefixtures("quick")
def test_a_run_that_was_deleted_ends_its_news() -> None:
    assert all_of(Growing(faults={2: RunNotFoundError("no run")})) == [update("a 1")]


@pytest.mark.usefixtures("quick")
def test_watchers_share_the_looks_and_a_slow_one_misses_states() -> None:
    async def watch() -> None:
        look = Growing()
        broadcasts = Broadcasts(look, 99)
        slow = broadcasts.watch("a")
        assert await anext(slow) == update("a 1")
        others = [broadcasts.watch("a") for _ in range(20)]
        for _ in range(10):
            told = await asyncio.gather(*(anext(other) for other in others))
            assert len(set(told)) <= 2  # some may have begun to wait before a look, and some after it
        assert look.looks >= 10
        assert await anext(slow) == update(f"a {look.looks}")
        for watcher in (slow, *others):
            await watcher.aclose()

    run(watch())


@pytest.mark.usefixtures("quick")
def test_nothing_is_looked_at_once_nobody_watches() -> None:
    async def watch() -> None:
        look = Growing()
        broadcasts = Broadcasts(look, 99)
        one, other = broadcasts.watch("a"), broadcasts.watch("a")
        await anext(one)
        await anext(other)
        await one.aclose()
        await anext(other)
        await other.aclose()
        before = look.looks
        await asyncio.sleep(0.1)
        assert look.looks <= before + 1  # one may have been under way
        assert len(asyncio.all_tasks()) == 1
        again = broadcasts.watch("a")
        assert (await anext(again)).startswith(b"event: update")
        await again.aclose()

    run(watch())


@pytest.mark.usefixtures("quick")
def test_no_more_than_so_many_watch() -> None:
    async def watch() -> None:
        broadcasts = Broadcasts(Growing(), 2)
        watching: list[AsyncGenerator[bytes, None]] = [broadcasts.watch("a"), broadcasts.watch("b")]
        for watcher in watching:
            await anext(watcher)
        assert [message async for message in broadcasts.watch("a")] == [LATER]
        await watching[0].aclose()
        watching[0] = broadcasts.watch("c")
        assert (await anext(watching[0])).startswith(b"event: update")
        for watcher in watching:
            await watcher.aclose()

    run(watch())


@pytest.mark.usefixtures("quick")
def test_a_watcher_without_news_gets_a_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "BEAT_S", 0.02)

    async def watch() -> None:
        broadcasts = Broadcasts(lambda run_id: Refreshed(Html("the same"), False), 2)
        watcher = broadcasts.watch("a")
        while (news := await anext(watcher)) != update("the same"):
            assert news == BEAT  # a busy machine has not looked yet
        assert [await anext(watcher) for _ in range(2)] == [BEAT, BEAT]
        await watcher.aclose()

    run(watch())


def test_many_runs_cost_together_what_one_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest after a look grows with the number of runs that are watched, and one run at a time is looked at."""
    monkeypatch.setattr(broadcast, "LIVE_S", 0.0)
    took_s, runs = 0.01, 5
    looking = threading.Lock()
    at: dict[str, list[float]] = {}

    def look(run_id: str) -> Refreshed:
        assert looking.acquire(blocking=False)
        at.setdefault(run_id, []).append(time.monotonic())
        time.sleep(took_s)
        looking.release()
        return Refreshed(Html(f"{run_id} {len(at[run_id])}"), False)

    async def watch() -> None:
        broadcasts = Broadcasts(look, 99)
        watchers = [broadcasts.watch(f"run {i}") for i in range(runs)]
        await asyncio.gather(*(anext(watcher) for watcher in watchers))
        for _ in range(2):
            await asyncio.gather(*(anext(watcher) for watcher in watchers))
        for watcher in watchers:
            await watcher.aclose()

    run(watch())
    for begins in at.values():
        assert begins[2] - begins[1] >= broadcast.REST * took_s * runs  # a busy machine only makes it longer


def noted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times of all looks at runs from now on."""
    looks: list[float] = []
    figures = LiveRun.figures

    def look(run: LiveRun) -> Figures:
        looks.append(time.monotonic())
        return figures(run)

    monkeypatch.setattr(LiveRun, "figures", look)
    return looks


@pytest.mark.slow
def test_200_watchers_cost_a_look_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a real server. They used to cost two looks a second, however long a look took, and each its own text."""
    [run_id] = several(tmp_path / "runs.db", 1)
    looks = noted(monkeypatch)
    writer = Writer.open(tmp_path / "runs.db")
    with served(tmp_path / "runs.db") as address:
        watchers = [Watcher(address, run_id) for _ in range(200)]
        reading = watchers[:-1]  # the last one never reads
        for second in (1, 2):
            writer.write({"curve_point": [point((9 + second) * NS, (9 + second) * 9.0, segment_id=f"s{run_id}")]})
            receive_until(reading, lambda least=second: min(watcher.count("update") for watcher in reading) >= least)  # type: ignore[misc]
        assert all(later - before >= LIVE_S for before, later in pairwise(looks))
        with sqlite3.connect(tmp_path / "runs.db") as connection:
            connection.execute("UPDATE run SET status = 'completed', duration_s = 12")
        connection.close()
        receive_until(reading, lambda: min(watcher.count("ended") for watcher in reading) == 1)
        last = {str(watcher.events[-2]) for watcher in reading}
        assert len(last) == 1
        assert "completed" in last.pop()
        assert all(watcher.events[-1] == ("ended", {}) for watcher in reading)
        for watcher in watchers:
            watcher.connection.close()
    writer.close()


@pytest.mark.slow
def test_watchers_that_go_end_the_looks_of_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [run_id] = several(tmp_path / "runs.db", 1)
    looks = noted(monkeypatch)
    monkeypatch.setattr(broadcast, "LIVE_S", 0.05)
    with served(tmp_path / "runs.db") as address:
        watchers = [Watcher(address, run_id) for _ in range(5)]
        receive_until(watchers, lambda: all(watcher.count("update") for watcher in watchers))
        for watcher in watchers:
            watcher.connection.close()

        def still() -> bool:
            before = len(looks)
            time.sleep(0.5)
            return len(looks) == before

        wait_until(still, "the end of the looks")
