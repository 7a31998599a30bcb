"""Passes over loaders: which of them tell how long a training will be."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.world import World
from trainwatt.tracking.budgeting.epochs import Epochs, Forecast


class Loop:
    """A training of a batch a second, at 100 W."""

    def __init__(self, epochs: int | None) -> None:
        self._clock = FakeClock()
        self.epochs = Epochs(epochs, self._clock, ("run", "segment"), self.energy_j)
        self.begun_ns = self._clock.monotonic_ns()

    def energy_j(self) -> float:
        return (self._clock.monotonic_ns() - self.begun_ns) * 1e-7

    def phase(self, name: str, step: int | None = None) -> None:
        self.epochs.begins(name, step, self._clock.monotonic_ns())

    def wrap(self, loader: Iterable[Any], until: int = 10**9, each: Callable[[int], object] = lambda batch: None) -> Forecast | None:
        """A pass over a loader, or over its first batches. The forecast within it."""
        of, found = self.epochs.begin_pass(loader), None
        for batch, _ in enumerate(loader):
            if batch == until:
                break
            each(batch)
            self._clock.advance(1.0)
            if of is not None:
                of.done()
            found = self.epochs.forecast() or found
        if of is not None:
            of.end()
        return found

    @property
    def now(self) -> Forecast | None:
        return self.epochs.forecast()


@pytest.fixture(params=[range(20), [0] * 20, {n: n for n in range(20)}.keys()], ids=["range", "list", "keys"])
def loader(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_a_single_pass_is_taken_to_be_all_until_there_is_another(loader: Any) -> None:
    run = Loop(None)
    found = run.wrap(loader)
    assert found is not None
    assert (found.epoch, found.epochs, found.from_epochs, found.done) == (0, None, 0, 0.95)
    assert found.seconds.value == pytest.approx(20)
    assert found.energy_j is not None
    assert found.energy_j.value == pytest.approx(2000)
    assert run.now is None  # what follows is not known
    assert run.wrap(loader) is None


def test_a_loop_over_epochs_of_unknown_number_has_no_end(loader: Any) -> None:
    run = Loop(None)
    run.phase("train", 0)
    assert run.wrap(loader) is None


def test_phases_within_a_pass_are_no_epochs(loader: Any) -> None:
    run = Loop(None)
    found = run.wrap(loader, each=lambda batch: run.phase("train", batch))
    assert found is not None
    assert found.seconds.value == pytest.approx(20)
    run = Loop(10)
    found = run.wrap(loader, each=lambda batch: run.phase("train"))
    assert found is not None
    assert found.seconds.value == pytest.approx(200)


def test_the_first_epoch_has_a_forecast_from_its_batches(loader: Any) -> None:
    run = Loop(10)
    run.phase("sanity", None)
    run.wrap([1, 2])
    run.phase("train", 0)
    found = run.wrap(loader)
    assert found is not None
    assert (found.epoch, found.epochs, found.from_epochs, found.done) == (0, 10, 0, 0.1)
    assert found.seconds.value == pytest.approx(202)
    run.wrap([1, 2, 3])  # a validation
    assert (run.now or found).seconds.value == pytest.approx(205, abs=4)
    run.phase("train", 1)
    assert run.now is not None
    assert run.now.from_epochs == 1
    assert run.now.seconds.value == pytest.approx(2 + 23 * 10, rel=0.01)


def test_passes_are_epochs_where_no_phase_is(loader: Any) -> None:
    run = Loop(10)
    found = run.wrap(loader)
    assert found is not None
    assert found.seconds.value == pytest.approx(200)
    found = run.wrap(loader)
    assert found is not None
    assert (found.epoch, found.from_epochs) == (1, 1)
    assert found.seconds.value == pytest.approx(200)
    assert run.wrap([0] * 3) is None  # a validation: which of them is the epoch?
    assert run.wrap(loader) is None


def test_one_phase_may_hold_the_whole_loop(loader: Any) -> None:
    run = Loop(10)
    run.phase("train")
    run.wrap(loader)
    run.wrap(loader)
    found = run.wrap(loader)
    assert found is not None
    assert (found.epoch, found.from_epochs) == (2, 2)


def test_two_loaders_at_once_tell_nothing(loader: Any) -> None:
    run = Loop(None)
    run.wrap(loader, each=lambda batch: batch == 1 and run.wrap(range(5)))
    assert run.now is None
    run = Loop(10)
    assert run.wrap(loader, each=lambda batch: batch == 1 and run.wrap(range(5))) is None


def test_a_pass_that_is_left_early_says_nothing_of_its_length(loader: Any) -> None:
    run = Loop(10)
    run.phase("train", 0)
    assert run.wrap(loader, until=8) is not None
    assert run.now is None
    run.phase("train", 1)
    assert run.now is not None
    assert run.now.seconds.value == pytest.approx(80)


class Odd:
    def __init__(self, length: object) -> None:
        self._length = length

    def __len__(self) -> Any:
        if isinstance(self._length, Exception):
            raise self._length
        return self._length

    def __iter__(self) -> Any:
        return iter(range(20))


@pytest.mark.parametrize("length", [0, -3, None, "ten", 1e9, TypeError("it has none"), RuntimeError("x")])
def test_a_loader_that_does_not_tell_its_length_gives_no_forecast(length: object) -> None:
    assert Loop(None).wrap(Odd(length)) is None
    assert Loop(None).wrap(iter([1] * 20)) is None


def test_a_loader_with_more_batches_than_it_says_has_none_when_that_shows() -> None:
    run = Loop(None)
    run.wrap(Odd(10))
    assert run.now is None


PASS = """
import json, sqlite3, time
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    for number in tracker.wrap(range(60), samples=1):
        time.sleep(0.05)
        if number == 40:
            tracker._begun.recorder.flush()
            found = tracker.forecast
            [(settings,)] = sqlite3.connect(tracker.path).execute("SELECT settings FROM run")
    print(found.epochs, *found.energy_j, *found.seconds)
    print(tracker.forecast)
    print(json.dumps(json.loads(settings)["forecast"]))
    for _ in tracker.wrap(iter([1, 2]), samples=1):
        pass
"""


def test_a_training_of_one_pass_says_its_end_to_others(world: World) -> None:
    ended = world.run_python(PASS)
    assert (ended.returncode, ended.stderr) == (0, "")
    first, after, stored = ended.stdout.splitlines()
    seen = json.loads(stored)
    epochs, _, low_j, high_j, _, low_s, high_s = first.split()
    view = world.show()
    assert (epochs, after, view["forecast"]) == ("None", "None", None)
    busy_s, total_j = 1.0, view["energy"]["total_j"]  # a busy machine makes the last batches and the end of the run longer
    assert float(low_s) <= view["run"]["duration_s"] <= float(high_s) + busy_s
    assert 0.95 * float(low_j) <= total_j <= float(high_j) + busy_s * world.total_w
    assert (seen["epochs"], seen["epoch"]) == (None, 0)
    assert 0.6 <= seen["done"] <= 0.7
    assert 0.95 * seen["energy_j"][1] <= total_j <= seen["energy_j"][2] + busy_s * world.total_w
    with sqlite3.connect(world.db) as database:
        [(settings,)] = database.execute("SELECT settings FROM run")
    assert "forecast" not in json.loads(settings)
