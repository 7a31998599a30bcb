"""How often each sensor is read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.sensor import AVERAGE, GPU, INSTANT, INTEL_COUNTER, NVML_COUNTER, OTHER_GPU, PACKAGE, ScriptedSensor
from trainwatt.errors import ReadError
from trainwatt.tracking.recording import pace
from trainwatt.tracking.sampling.sampler import Sampler
from trainwatt.tracking.sampling.schedule import CALM_S, DOUBT_S, EDGE_S, FIRST_S, FULL_S

PERIOD_NS = 100_000_000
CALM = {0.9, 1.0}


class Follower:
    """Follows the schedule of a sampler on a fake clock, without its thread."""

    def __init__(self, sensors: Sequence[ScriptedSensor], clock: FakeClock, calm_s: float | None = CALM_S) -> None:
        self.clock = clock
        self.sampler = Sampler(sensors, clock, FULL_S, calm_s)
        self.begin_ns = self.sampler.poll()
        self.rounds_s: list[float] = []

    def run(self, until_s: float) -> None:
        """Tick until then; readings are integrated every two seconds."""
        settled_s = self.now_s
        while (tick := self.sampler.schedule.next_tick()) * FULL_S < until_s:
            self.clock.now_ns = max(self.clock.now_ns, self.begin_ns + tick * PERIOD_NS)
            self.sampler._sample(tick)
            self.rounds_s.append(self.now_s)
            if self.now_s - settled_s > 1.75:
                settled_s = self.now_s
                self.sampler.snapshot()
        self.clock.now_ns = self.begin_ns + round(until_s * 1e9)

    def edge(self) -> None:
        """The thread wakes up for an edge of a phase."""
        self.sampler._at_edge(self.begin_ns)
        self.rounds_s.append(self.now_s)

    @property
    def now_s(self) -> float:
        return (self.clock.now_ns - self.begin_ns) * 1e-9

    def apart_s(self, since_s: float, until_s: float) -> list[float]:
        """The times between the rounds of a time."""
        rounds = [t for t in self.rounds_s if since_s <= t <= until_s]
        return [round(b - a, 3) for a, b in pairwise(rounds)]


def steady(clock: FakeClock, power_w: float = 200.0) -> ScriptedSensor:
    """A GPU's counter at a constant power."""
    return ScriptedSensor(GPU, NVML_COUNTER, [lambda: round(clock.now_ns * 1e-6 * power_w)])


def test_a_counter_is_read_at_the_full_rate_first_and_then_at_the_calm_one() -> None:
    clock = FakeClock()
    follower = Follower([steady(clock)], clock)
    follower.run(20.0)
    assert set(follower.apart_s(0, FIRST_S)) == {FULL_S}
    assert set(follower.apart_s(FIRST_S + 1, 20)) <= CALM
    assert len(set(follower.apart_s(FIRST_S + 1, 20))) > 1  # not in step with a load


def test_a_gauge_beside_a_counter_is_read_in_the_same_rounds() -> None:
    clock = FakeClock()
    gauges = [ScriptedSensor(GPU, AVERAGE, [200.0], "power-average"), ScriptedSensor(GPU, INSTANT, [200.0], "power-instant")]
    follower = Follower([steady(clock), *gauges], clock)
    follower.run(4.0)
    before = [gauge.reads for gauge in gauges]
    follower.run(22.0)
    assert [gauge.reads - n for gauge, n in zip(gauges, before, strict=True)] == pytest.approx([19, 19], abs=2)
    assert set(follower.apart_s(5, 22)) <= CALM


@pytest.mark.parametrize("kind", [INSTANT, AVERAGE], ids=["instant", "average"])
def test_a_device_without_a_counter_keeps_the_full_rate(kind: object) -> None:
    clock = FakeClock()
    gauge, counter = ScriptedSensor(OTHER_GPU, kind, [150.0]), steady(clock)  # type: ignore[arg-type]
    follower = Follower([counter, gauge], clock)
    follower.run(20.0)
    assert gauge.reads == pytest.approx(200, abs=1)
    assert counter.reads < 60


def test_a_rate_that_the_sensor_asks_for_is_kept() -> None:
    clock = FakeClock()
    own = ScriptedSensor(PACKAGE, INTEL_COUNTER, [lambda: clock.now_ns // 1000], period_s=0.5)
    follower = Follower([own], clock)
    follower.run(20.0)
    assert own.reads == pytest.approx(40, abs=1)


def test_a_fixed_period_is_kept_whatever_happens() -> None:
    clock = FakeClock()
    sensor = steady(clock)
    follower = Follower([sensor], clock, calm_s=None)
    follower.run(20.0)
    assert set(follower.apart_s(0, 20)) == {FULL_S}


def test_an_edge_gets_a_reading_of_its_own_and_the_full_rate_for_a_moment() -> None:
    clock = FakeClock()
    sensor = steady(clock)
    follower = Follower([sensor], clock)
    follower.run(10.03)
    reads = sensor.reads
    follower.edge()
    assert sensor.reads == reads + 1
    follower.run(20.0)
    assert set(follower.apart_s(10.1, 10.0 + EDGE_S)) == {FULL_S}
    assert set(follower.apart_s(11.5, 20)) <= CALM


def test_an_edge_right_after_a_round_gets_none_and_the_next_round_is_near() -> None:
    clock = FakeClock()
    sensor = steady(clock)
    follower = Follower([sensor], clock)
    follower.run(10.0)
    clock.now_ns = follower.begin_ns + round((last_s := follower.rounds_s[-1]) * 1e9) + 10_000_000
    reads = sensor.reads
    follower.edge()
    assert sensor.reads == reads
    follower.rounds_s.pop()
    follower.run(20.0)
    assert min(t for t in follower.rounds_s if t > last_s) <= last_s + FULL_S + 1e-9


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(lambda value, t_s: 10_000_000 if t_s >= 10 else value, id="it stands still"),
        pytest.param(lambda value, t_s: value - 1_950_000 if t_s >= 10 else value, id="it falls"),
        pytest.param(lambda value, t_s: ReadError("busy") if t_s >= 10 else value, id="it fails"),
        pytest.param(lambda value, t_s: "N/A" if t_s >= 10 else value, id="it is no number"),
        pytest.param(lambda value, t_s: value + round(t_s * 10) * 10**12 if t_s >= 10 else value, id="it jumps"),
    ],
)
def test_a_counter_in_doubt_is_read_at_the_full_rate_with_its_gauge(trouble: object) -> None:
    clock = FakeClock(10**6)
    gauge = ScriptedSensor(GPU, INSTANT, [200.0], "power-instant")

    def read() -> object:
        found = trouble(round(clock.now_ns * 1e-6 * 200), clock.now_ns * 1e-9)  # type: ignore[operator]
        if isinstance(found, Exception):
            raise found
        return found

    other = ScriptedSensor(OTHER_GPU, NVML_COUNTER, [lambda: clock.now_ns // 5000])
    follower = Follower([ScriptedSensor(GPU, NVML_COUNTER, [read]), gauge, other], clock)
    follower.run(9.9)
    calm = other.reads
    follower.run(13.9)
    assert follower.apart_s(11.9, 13.9).count(FULL_S) >= 10
    assert other.reads - calm <= 6  # a healthy one beside it is left alone


def test_a_counter_that_goes_on_is_calm_again() -> None:
    clock = FakeClock(10**6)
    sensor = ScriptedSensor(GPU, NVML_COUNTER, [lambda: (min(clock.now_ns, 10**10) + max(0, clock.now_ns - 12 * 10**9)) // 5000])
    follower = Follower([sensor], clock)
    follower.run(40.0)
    assert set(follower.apart_s(12 + DOUBT_S + 1, 40)) <= CALM


def test_a_device_above_its_stated_limit_is_calm_once_the_limit_is_not_believed() -> None:
    """Twice the stated limit."""
    clock = FakeClock(10**6)
    follower = Follower([steady(clock, 2 * GPU.max_power_w)], clock)
    follower.run(30.0)
    assert set(follower.apart_s(15, 30)) <= CALM


def test_without_sensors_the_thread_hardly_wakes_up() -> None:
    follower = Follower([], FakeClock())
    follower.run(10.0)
    assert len(follower.rounds_s) <= 10


def test_commits_follow_rounds_and_are_at_most_two_seconds_apart() -> None:
    for apart_s in (0.1, 0.5, CALM_S, 1.0, 1.5):
        since_s = apart_s
        while not pace.due(since_s, apart_s):
            since_s += apart_s
        assert since_s <= pace.COMMIT_S
        assert since_s + apart_s > pace.COMMIT_S - pace.MARGIN_S
