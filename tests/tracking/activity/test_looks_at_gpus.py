"""The activity of GPUs is looked at about once a second, by the thread that reads them, and cheaply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.nvml import FakeNvml
from tests.fakes.powercap import MakeRequest
from tests.fakes.sensor import GPU, NVML_COUNTER, ScriptedSensor
from trainwatt.core.activity import Activity, figures
from trainwatt.core.sensing import Discovery, Sensor
from trainwatt.sensors.nvidia import discovery as nvml
from trainwatt.tracking.activity.gpus import LOOK_NS, SELDOM_NS, WALL_COST, Activities
from trainwatt.tracking.sampling.sampler import Sampler
from trainwatt.tracking.sampling.schedule import CALM_S

S = 10**9


class Looked:
    """The sampling of the fake GPUs on a clock that is moved by hand, as the thread would do it."""

    def __init__(self, gpus: FakeNvml, sensors: list[Sensor]) -> None:
        self.gpus = gpus
        self.clock = FakeClock()
        self.sampler = Sampler(sensors, self.clock, 0.1, CALM_S)
        self.begin_ns = self.sampler.poll()
        self.sampler.snapshot()
        self.looks: list[int] = []

    def run(self, seconds: float, each: Callable[[float], None] = lambda _: None) -> None:
        """`each` is told the time before each tick at which something is done."""
        schedule, end_ns = self.sampler.schedule, self.clock.now_ns + round(seconds * S)
        while (due_ns := schedule.due_ns(self.begin_ns, tick := schedule.next_tick())) < end_ns:
            self.clock.now_ns = max(self.clock.now_ns, due_ns)
            for name in self.sampler.integrators:
                self.gpus.set(f"{name[3:]}.energy", 5_000_000 + self.clock.now_ns // 10_000_000)  # 100 W
            each((self.clock.now_ns - self.begin_ns) / S)
            before = self.sampler.activity._next_ns
            self.sampler._sample(tick)
            self.looks += [self.clock.now_ns] if self.sampler.activity._next_ns != before else []
        self.clock.now_ns = end_ns

    def end(self) -> Activity:
        """The figures of the whole run of gpu0."""
        self.sampler.finish()
        found = figures(self.sampler.activity.take()["gpu0"])
        self.sampler.close()
        assert found is not None
        return found


@pytest.fixture
def discovered(request_for: MakeRequest) -> Iterator[Callable[[], list[Sensor]]]:
    found: list[Discovery] = []

    def make() -> list[Sensor]:
        found.append(nvml.discover(request_for(None)))
        return found[-1].sensors

    yield make
    for each in found:
        for sensor in each.sensors:
            sensor.close()


@pytest.mark.parametrize(
    ("share", "within", "profile"),
    [
        (0.60, 0.001, lambda _: 60),
        (0.50, 0.02, lambda t: 100 if t < 10 else 0),
        (0.35, 0.02, lambda t: 70 if 5 <= t < 15 else 0),
        (0.50, 0.10, lambda t: 100 if t % 5 < 2.5 else 0),
    ],
)
def test_the_busy_share_of_a_known_profile(
    gpus: FakeNvml, discovered: Any, share: float, within: float, profile: Callable[[float], int]
) -> None:
    """Within two points where it changes seldom: it errs by at most half of the time between two looks at each change."""
    gpus.gpu(busy=profile(0))
    run = Looked(gpus, discovered())
    run.run(20, lambda t: gpus.set("0.busy", profile(t)))
    found = run.end()
    assert found.busy is not None
    assert found.busy_low is not None
    assert found.busy_high is not None
    assert found.busy_low <= share <= found.busy_high
    assert found.busy == pytest.approx(share, abs=within)
    assert found.seen_s == pytest.approx(20.0, abs=0.1)


def test_looks_come_about_once_a_second_and_wake_nobody_up_for_it(gpus: FakeNvml, discovered: Any) -> None:
    gpus.gpu(busy=50)
    run = Looked(gpus, discovered())
    run.run(70)
    late, rounds = len(run.looks), run.sampler.samples
    run.run(100)
    assert 95 <= len(run.looks) - late <= 115
    calm = Looked(gpus, [s for s in discovered() if s.name == "energy"])
    calm.sampler.activity._gpus.clear()
    calm.run(70)
    without = calm.sampler.samples
    calm.run(100)
    assert run.sampler.samples - rounds == pytest.approx(calm.sampler.samples - without, abs=5)
    for each in (run, calm):
        each.sampler.finish()
        each.sampler.close()


def test_a_slow_driver_is_looked_at_less_often(gpus: FakeNvml, discovered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus.gpu(busy=50)
    run = Looked(gpus, discovered())
    look = run.sampler.activity._look_at

    def slow(*arguments: Any) -> None:
        run.clock.advance(0.2)
        look(*arguments)

    monkeypatch.setattr(run.sampler.activity, "_look_at", slow)
    run.run(60)
    assert len(run.looks) == pytest.approx(60 / (WALL_COST * 0.2), abs=2)
    assert run.sampler.activity._every_ns == round(WALL_COST * 0.2 * S)
    run.clock.advance(5 * SELDOM_NS / S)
    run.run(1)
    assert run.end().seen_s < 70


def test_an_edge_of_a_phase_is_no_time_to_look(gpus: FakeNvml, discovered: Any) -> None:
    """The training loop decides when these come, so the share would be that of one place in the loop."""
    gpus.gpu(busy=50)
    run = Looked(gpus, discovered())
    run.run(5)
    looked = run.sampler.activity._next_ns
    run.clock.advance(LOOK_NS / S)
    run.sampler._at_edge(run.begin_ns)
    assert run.sampler.activity._next_ns == looked
    run.sampler._sample(run.sampler.schedule.next_tick())
    assert run.sampler.activity._next_ns > looked
    run.end()


def test_a_lost_gpu_keeps_what_it_did(gpus: FakeNvml, discovered: Any) -> None:
    gpus.gpu(busy=100)
    gpus.gpu(busy=20)
    run = Looked(gpus, discovered())
    run.run(10)
    gpus.set("0.lost", 1)
    run.run(10)
    run.sampler.snapshot()
    run.sampler.finish()
    sums = run.sampler.activity.take()
    lost, other = figures(sums["gpu0"]), figures(sums["gpu1"])
    assert lost is not None
    assert other is not None
    assert lost.busy == 1.0
    assert lost.seen_s == pytest.approx(10, abs=1.1)
    assert other.busy == pytest.approx(0.2)
    assert other.seen_s == pytest.approx(20, abs=0.1)
    run.sampler.close()


def test_the_maxima_are_those_since_they_were_taken(gpus: FakeNvml, discovered: Any) -> None:
    gpus.gpu(celsius=80, used=5 << 20)
    run = Looked(gpus, discovered())
    run.run(3)
    assert run.sampler.activity.take()["gpu0"].celsius_max == 80
    gpus.set("0.celsius", 60)
    run.run(3)
    [point] = run.sampler.activity.take().values()
    assert (point.celsius_max, point.memory_mib_max) == (60, 5)
    run.end()


def test_a_sensor_of_the_user_tells_no_activity() -> None:
    clock = FakeClock()
    activities = Activities({}, clock)
    activities.add([ScriptedSensor(GPU, NVML_COUNTER, [1])])
    activities.look(S)
    assert activities.take() == {}
    activities.close()
