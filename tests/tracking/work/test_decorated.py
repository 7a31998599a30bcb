"""Decorated functions of every kind, and the tracker's name within them."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import threading
import time
import types
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextvars import copy_context
from typing import Any

import pytest

from tests.fakes.coroutines import run
from tests.fakes.views import phase_named, rows
from tests.fakes.world import World
from trainwatt import EnergyTracker

WAIT_S = 0.05
ENOUGH_S = 2 * WAIT_S - 0.005
"""The functions wait twice; a phase or run that ends before the second wait is shorter."""


async def coroutine() -> str:
    await asyncio.sleep(WAIT_S)
    await asyncio.sleep(WAIT_S)
    return "done"


def generator() -> Generator[int, str, str]:
    time.sleep(WAIT_S)
    got = yield 1
    time.sleep(WAIT_S)
    yield 2
    return got


async def async_generator() -> AsyncIterator[int]:
    await asyncio.sleep(WAIT_S)
    yield 1
    await asyncio.sleep(WAIT_S)
    yield 2


class Model:
    async def coroutine(self) -> str:
        return await coroutine()

    def generator(self) -> Iterator[int]:
        yield from generator()

    async def __call__(self) -> str:
        return await coroutine()


def renamed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Another decorator, as most are: the function that it makes is a plain one."""

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return plain


async def collected(items: AsyncIterator[int]) -> list[int]:
    return [item async for item in items]


def run_through(function: Callable[..., Any]) -> object:
    """Use what a call returns to its end."""
    result: Any = function()
    if hasattr(result, "__anext__"):
        return run(collected(result))
    return run(result) if inspect.iscoroutine(result) else list(result)


KINDS: dict[str, tuple[Callable[..., Any], object]] = {
    "coroutine": (coroutine, "done"),
    "generator": (generator, [1, 2]),
    "asynchronous generator": (async_generator, [1, 2]),
    "partial": (functools.partial(coroutine), "done"),
    "partial of a partial": (functools.partial(functools.partial(async_generator)), [1, 2]),
    "method": (Model().coroutine, "done"),
    "method that generates": (Model().generator, [1, 2]),
    "callable": (Model(), "done"),
    "lambda": (lambda: coroutine(), "done"),
    "decorated coroutine": (renamed(coroutine), "done"),
    "decorated generator": (renamed(generator), [1, 2]),
    "decorated asynchronous generator": (renamed(async_generator), [1, 2]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_of_any_kind_is_measured_to_its_end(here: World, kind: str) -> None:
    function, returned = KINDS[kind]
    assert run_through(EnergyTracker(project=kind)(function)) == returned
    [run] = here.runs()
    assert (run["status"], run["end_reason"]) == ("completed", None)
    assert run["duration_s"] >= ENOUGH_S

    with EnergyTracker() as tracker:
        assert run_through(tracker.phase(kind)(function)) == returned
        assert tracker._phases.open_here == []
    assert phase_named(tracker.summary().to_dict(), kind)["duration_s"] >= ENOUGH_S


@pytest.mark.parametrize("name", ["iscoroutinefunction", "isgeneratorfunction", "isasyncgenfunction"])
def test_a_decorated_function_keeps_its_kind(name: str) -> None:
    tracker, is_kind = EnergyTracker(), getattr(inspect, name)
    for function in (coroutine, generator, async_generator, renamed, functools.partial(coroutine), Model().coroutine):
        for decorate in (tracker, tracker.phase("p")):
            assert is_kind(decorate(function)) == is_kind(function)


def test_methods_of_a_class_may_be_phases(here: World) -> None:
    tracker = EnergyTracker()

    class Trainer:
        @tracker.phase("static")
        @staticmethod
        async def static(x: int) -> int:
            return x

        @tracker.phase("class")
        @classmethod
        def of_class(cls, x: int) -> str:
            return f"{cls.__name__} {x}"

        @tracker.phase("method")
        async def method(self) -> int:
            return await self.static(3)

    with tracker:
        assert run(Trainer().method()) == 3
        assert Trainer.of_class(4) == "Trainer 4"
    assert rows(here, "SELECT name, parent_seq FROM phase ORDER BY seq") == [("method", None), ("static", 1), ("class", None)]


def test_a_generator_that_is_awaited_can_be_awaited_still(here: World) -> None:
    with EnergyTracker() as tracker:

        @tracker.phase("old style")
        @types.coroutine
        def old_style() -> Generator[Any, Any, int]:
            yield from asyncio.sleep(2 * WAIT_S).__await__()
            return 7

        async def use() -> int:
            return await old_style()

        assert run(use()) == 7
    assert phase_named(tracker.summary().to_dict(), "old style")["duration_s"] >= ENOUGH_S


# ---- generators


def test_a_generator_gets_what_is_sent_and_thrown_into_it(here: World) -> None:
    with EnergyTracker() as tracker:

        @tracker.phase("load")
        def load() -> Generator[object, object, str]:
            got: object = None
            while got != "end":
                try:
                    got = yield got
                except LookupError as error:
                    got = repr(error)
            return "returned"

        it = load()
        assert next(it) is None
        assert it.send(7) == 7
        assert it.throw(KeyError("k")) == "KeyError('k')"
        with pytest.raises(StopIteration) as stopped:
            it.send("end")
        assert stopped.value.value == "returned"
    assert phase_named(tracker.summary().to_dict(), "load")["count"] == 1


def test_an_asynchronous_generator_gets_what_is_sent_and_thrown_into_it(here: World) -> None:
    with EnergyTracker() as tracker:

        @tracker.phase("load")
        async def load() -> Any:
            got: object = None
            while got != "end":
                try:
                    got = yield got
                except LookupError as error:
                    got = repr(error)

        async def use() -> None:
            it = load()
            assert await anext(it) is None
            assert await it.asend(7) == 7
            assert await it.athrow(KeyError("k")) == "KeyError('k')"
            with pytest.raises(StopAsyncIteration):
                await it.asend("end")

        run(use())
    assert phase_named(tracker.summary().to_dict(), "load")["count"] == 1


def test_a_generator_that_is_closed_early_ends_its_phase(here: World) -> None:
    closed: list[str] = []
    with EnergyTracker() as tracker:

        @tracker.phase("load")
        def load() -> Iterator[int]:
            try:
                yield from range(10)
            finally:
                closed.append("plain")

        @tracker.phase("load")
        async def load_async() -> AsyncIterator[int]:
            try:
                for i in range(10):
                    yield i
            finally:
                await asyncio.sleep(0)
                closed.append("async")

        async def use() -> None:
            it = load_async()
            async for _ in it:
                break
            await it.aclose()  # type: ignore[attr-defined]

        for i in load():
            if i == 3:
                break
        it = load()
        next(it)
        del it
        gc.collect()
        run(use())
        assert closed == ["plain", "plain", "async"]
        assert tracker._phases.open_here == []
    assert [end is not None for (end,) in rows(here, "SELECT end_t_ns FROM phase")] == [True] * 3


def test_what_the_consumer_does_is_not_work_of_the_generator(here: World) -> None:
    with EnergyTracker() as tracker:

        @tracker.phase("load")
        def load() -> Iterator[int]:
            for i in range(3):
                tracker.update(tokens=1)
                yield i

        with tracker.phase("train"):
            for _ in load():
                tracker.update(samples=8)
                with tracker.phase("step"):
                    pass
    view = tracker.summary().to_dict()
    assert phase_named(view, "train")["work"] == {"samples": 24}
    assert phase_named(view, "load")["work"] == {"tokens": 3}
    names = dict(rows(here, "SELECT seq, name FROM phase"))
    parents = {(name, names.get(parent)) for name, parent in rows(here, "SELECT name, parent_seq FROM phase")}
    assert parents == {("train", None), ("load", "train"), ("step", "train")}


def test_a_generator_may_begin_in_one_thread_and_end_in_another(here: World) -> None:
    with EnergyTracker() as tracker:

        def load() -> Iterator[int]:
            with tracker.phase("load"):
                yield 1
                yield 2

        it = load()
        next(it)
        assert [phase.name for phase in tracker._phases.open_here] == ["load"]
        thread = threading.Thread(target=lambda: list(it))
        thread.start()
        thread.join()
        assert tracker._phases.open_here == []  # although it was ended elsewhere
        with tracker.phase("after"):
            pass
    assert rows(here, "SELECT name, parent_seq, end_t_ns IS NULL FROM phase ORDER BY seq") == [("load", None, 0), ("after", None, 0)]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_a_coroutine_that_is_never_awaited_ends_its_phase(here: World) -> None:
    with EnergyTracker() as tracker:
        result = tracker.phase("forgotten")(renamed(coroutine))()
        result.close()
        del result
        gc.collect()
        assert tracker._phases.open_here == []
    assert [end is not None for (end,) in rows(here, "SELECT end_t_ns FROM phase")] == [True]


# ---- tasks, threads and contexts


def test_phases_of_tasks_do_not_mix(here: World) -> None:
    with EnergyTracker() as tracker:
        shared = tracker.phase("shared")

        async def work(name: str, samples: int, turns: int) -> None:
            with tracker.phase(name), shared:
                for _ in range(turns):
                    await asyncio.sleep(0.002)
                with tracker.phase(f"{name} last"):
                    await asyncio.sleep(0.002)
                    tracker.update(samples=samples)

        async def both() -> None:
            with tracker.phase("epoch"):
                await asyncio.gather(work("small", 10, 30), work("big", 1000, 10))
                assert tracker._phases.open_here[-1].name == "epoch"

        run(both())
    view = tracker.summary().to_dict()
    assert phase_named(view, "small last")["work"] == {"samples": 10}
    assert phase_named(view, "big last")["work"] == {"samples": 1000}
    assert phase_named(view, "small")["duration_s"] > phase_named(view, "big")["duration_s"]
    seconds = rows(here, "SELECT name, end_t_ns - start_t_ns FROM phase")
    shared_s, other_s = ([s for name, s in seconds if name in names] for names in (("shared",), ("small", "big")))
    assert sorted(shared_s) == [pytest.approx(s, abs=20e6) for s in sorted(other_s)]  # each task left its own
    parents = dict(rows(here, "SELECT c.name, p.name FROM phase c JOIN phase p ON p.seq = c.parent_seq WHERE c.name != 'shared'"))
    assert parents == {"small": "epoch", "big": "epoch", "small last": "shared", "big last": "shared"}


def test_a_task_that_outlives_a_phase_is_not_part_of_it_any_more(here: World) -> None:
    async def main() -> None:
        async def later() -> None:
            await asyncio.sleep(0.02)
            tracker.update(samples=5)

        with tracker.phase("brief"):
            task = asyncio.create_task(later())
            await asyncio.sleep(0)
        await task

    with EnergyTracker() as tracker:
        run(main())
    view = tracker.summary().to_dict()
    assert view["work"] == {"samples": 5}
    assert phase_named(view, "brief")["work"] == {}


def test_a_copied_context_is_in_the_phase_and_a_new_thread_is_not(here: World) -> None:
    with EnergyTracker() as tracker:
        with tracker.phase("outer"):
            context = copy_context()
            for target in (lambda: tracker.update(samples=1), lambda: context.run(tracker.update, samples=10)):
                thread = threading.Thread(target=target)
                thread.start()
                thread.join()
        context.run(tracker.update, samples=100)  # the phase is over
    view = tracker.summary().to_dict()
    assert view["work"] == {"samples": 111}
    assert phase_named(view, "outer")["work"] == {"samples": 10}


def test_contexts_do_not_keep_the_phases_of_ended_runs(here: World) -> None:
    from trainwatt.tracking.phase import _OPEN

    for _ in range(3):
        tracker = EnergyTracker().start()
        tracker.phase("left open").__enter__()
        tracker.stop()
    with EnergyTracker() as tracker, tracker.phase("last"):
        assert len(_OPEN.get()) == 1


# ---- the tracker's own name


def test_the_tracker_means_the_run_of_the_call_within_it(here: World) -> None:
    tracker = EnergyTracker(project="own")

    @tracker.phase("step")
    def step() -> None:
        tracker.update(samples=4)

    @tracker
    def train() -> str:
        with tracker.phase("train"):
            for _ in tracker.wrap([[1, 2]] * 3):
                step()
        thread = threading.Thread(target=tracker.update, kwargs={"tokens": 7})
        thread.start()
        thread.join()
        assert tracker.path == here.db
        assert tracker.summary().to_dict()["run"]["status"] == "running"
        assert tracker.run_id is not None
        return tracker.run_id

    assert tracker.run_id is None
    ids = [train(), train()]
    assert [r["id"] for r in here.runs()] == ids[::-1]
    assert tracker.run_id == ids[1]  # the last run
    assert not tracker.running
    for run_id in ids:
        view = here.show(run_id)
        assert view["work"] == {"samples": 18, "tokens": 7}
        assert {p["name"]: p["count"] for p in view["phases"]} == {"train": 1, "step": 3}
    assert tracker.summary().to_dict()["run"]["id"] == ids[1]


def test_a_recursive_call_belongs_to_the_run_of_the_first(here: World) -> None:
    tracker = EnergyTracker()

    @tracker
    def descend(n: int) -> list[str | None]:
        tracker.update(samples=1)
        return [tracker.run_id, *(descend(n - 1) if n else [])]

    ids = descend(3)
    assert len(set(ids)) == 1
    assert len(here.runs()) == 1
    with tracker:
        assert set(descend(1)) == {tracker.run_id}
    assert [here.show(str(run_id))["work"] for run_id in (ids[0], tracker.run_id)] == [{"samples": 4}, {"samples": 2}]


@pytest.mark.parametrize("how", ["tasks", "threads"])
def test_calls_at_the_same_time_are_runs_of_their_own(here: World, how: str) -> None:
    tracker = EnergyTracker()
    ids: dict[int, str | None] = {}

    @tracker
    async def train(samples: int) -> None:
        for _ in range(5):
            await asyncio.sleep(0.01)
            tracker.update(samples=samples)
        ids[samples] = tracker.run_id

    async def both() -> None:
        await asyncio.gather(train(1), train(100))

    def in_thread(call: Coroutine[Any, Any, None]) -> threading.Thread:
        return threading.Thread(target=asyncio.run, args=(call,))

    if how == "tasks":
        run(both())
    else:
        threads = [in_thread(train(1)), in_thread(train(100))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {n: here.show(str(run_id))["work"] for n, run_id in ids.items()} == {1: {"samples": 5}, 100: {"samples": 500}}
    assert [event["kind"] for event in here.show(str(ids[1]))["events"]].count("overlap") == 1


def test_stop_within_a_call_ends_its_run(here: World) -> None:
    tracker = EnergyTracker()

    @tracker
    def train() -> None:
        tracker.stop("failed", "diverged")
        tracker.update(samples=3)

    train()
    assert [(r["status"], r["end_reason"]) for r in here.runs()] == [("failed", "diverged")]


def test_a_consumer_of_a_measured_generator_counts_in_its_run(here: World) -> None:
    tracker = EnergyTracker()

    @tracker
    def batches() -> Iterator[list[int]]:
        yield from ([1, 2], [3])

    for batch in batches():
        tracker.update(samples=len(batch))
    assert here.show()["work"] == {"samples": 3}


def test_a_cancelled_task_is_interrupted(here: World) -> None:
    @EnergyTracker()
    async def train() -> None:
        await asyncio.sleep(30)

    async def cancel() -> None:
        task = asyncio.create_task(train())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(cancel())
    assert [(r["status"], r["end_reason"]) for r in here.runs()] == [("interrupted", "the task was cancelled")]
