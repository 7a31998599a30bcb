"""The second look at devices that could not be read: how often, and that it never harms."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.sensor import GPU, NVML_COUNTER, ScriptedSensor
from trainwatt.core.sensing import Availability, Discovery, Missed, SecondLook
from trainwatt.tracking.sampling.sampler import Sampler
from trainwatt.tracking.sampling.search import COST, LEAST_NS, Search


class Looks:
    """A driver whose looks take `cost_s`, and that finds the GPU from the look number `finds_at` on."""

    def __init__(self, clock: FakeClock, cost_s: float = 0.0, finds_at: int = 10**9) -> None:
        self.clock, self.cost_s, self.finds_at, self.count = clock, cost_s, finds_at, 0
        self.sensors: list[ScriptedSensor] = []

    def __call__(self, names: Collection[str]) -> Discovery:
        self.count += 1
        self.clock.advance(self.cost_s)
        self.clock.cpu_s += self.cost_s
        if self.count < self.finds_at:
            return Discovery(missed=[Missed(GPU, Availability.BROKEN, "refused")])
        self.sensors.append(ScriptedSensor(GPU, NVML_COUNTER, [0, 10, 20]))
        return Discovery(sensors=[*self.sensors[-1:]])

    def search(self) -> Search:
        missed = [Missed(GPU, Availability.BROKEN, "refused")]
        return Search(Discovery(missed=missed, again=SecondLook((GPU.name,), self)), self.clock)


@pytest.mark.parametrize("cost_s", [0.0, 0.001, 0.05, 0.5])
def test_looking_takes_at_most_a_small_part_of_a_core(cost_s: float) -> None:
    clock = FakeClock()
    looks, sampler = Looks(clock, cost_s), Sampler([], clock, 0.1)
    search, start_ns = looks.search(), clock.now_ns
    while clock.now_ns - start_ns < 100 * 10**9:
        if search.due(clock.now_ns):
            assert search.look(sampler, start_ns) == ()
        clock.advance(0.01)
    seconds = (clock.now_ns - start_ns) * 1e-9
    assert looks.count * cost_s <= seconds / COST + 2 * cost_s
    assert looks.count <= seconds / (LEAST_NS * 1e-9) + 1


def test_once_it_is_found_nobody_looks_again() -> None:
    clock = FakeClock()
    looks, sampler = Looks(clock, finds_at=2), Sampler([], clock, 0.1)
    search, start_ns = looks.search(), clock.now_ns
    for _ in range(2):
        clock.advance(1.0)
        assert search.due(clock.now_ns)
        found = search.look(sampler, start_ns)
    assert [s.device.name for s in found] == [GPU.name]
    clock.advance(3600.0)
    assert not search.due(clock.now_ns)
    assert list(sampler.integrators) == [GPU.name]


def test_a_run_that_is_ending_takes_in_no_device() -> None:
    clock = FakeClock()
    looks, sampler = Looks(clock, finds_at=1), Sampler([], clock, 0.1)
    search = looks.search()
    sampler.finish()
    assert search.look(sampler, clock.now_ns) == ()
    assert sampler.integrators == {}
    assert looks.sensors[0].closed


def test_a_look_that_fails_is_not_repeated_at_once() -> None:
    clock = FakeClock()

    def broken(_: Collection[str]) -> Discovery:
        raise RuntimeError("a driver of another kind")

    search = Search(Discovery(missed=[Missed(GPU, Availability.BROKEN, "")], again=SecondLook((GPU.name,), broken)), clock)
    with pytest.raises(RuntimeError):
        search.look(Sampler([], clock, 0.1), clock.now_ns)
    assert not search.due(clock.now_ns)
