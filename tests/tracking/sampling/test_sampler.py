"""The sampler, by hand with a fake clock and in its thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.sensor import AVERAGE, DRAM, DRAM_COUNTER, GPU, INSTANT, NVML_COUNTER, OTHER_GPU, PACKAGE, ScriptedSensor
from trainwatt.core.clock import SystemClock
from trainwatt.core.sensing import Counter, Device
from trainwatt.errors import ReadError
from trainwatt.tracking.sampling.calibration import Renewals
from trainwatt.tracking.sampling.channel import COST_READS
from trainwatt.tracking.sampling.sampler import Sampler

LONG_S = 300.0
"""How long a test waits for what should happen at once."""


def counting(
    clock: FakeClock, device: Device = GPU, power_w: float = 200.0, kind: Counter = NVML_COUNTER, cost_s: float = 0.0
) -> ScriptedSensor:
    """A counter whose device draws 200 W on the fake clock."""
    begin_ns = clock.now_ns

    def read() -> int:
        return round((clock.now_ns - begin_ns) * 1e-9 * 200 / kind.unit_j)

    return ScriptedSensor(device, kind, [read], clock=clock, cost_s=cost_s)


def energy_j(sampler: Sampler, device: str) -> float:
    point = sampler.integrators[device].curve.latest
    assert point is not None
    return point.energy_j


def poll(sampler: Sampler, clock: FakeClock, rounds: int, step_s: float = 0.1) -> None:
    for _ in range(rounds):
        clock.advance(step_s)
        sampler.poll()
    sampler._settle()


def kinds(sampler: Sampler, device: str) -> list[str]:
    return [e.kind for e in sampler.integrators[device].events]


# ---- by hand


def test_polling_reads_every_sensor_whatever_its_rate() -> None:
    clock = FakeClock()
    sensors = [counting(clock), ScriptedSensor(PACKAGE, INSTANT, [150.0], period_s=2.0)]
    sampler = Sampler(sensors, clock, 0.1)
    assert sampler.poll() == clock.now_ns
    poll(sampler, clock, 10)
    assert energy_j(sampler, "gpu0") == pytest.approx(200)
    assert energy_j(sampler, "package-0") == pytest.approx(150)
    assert [s.reads for s in sensors] == [11, 11]
    assert sampler.samples == 11


def test_a_reading_stands_in_the_middle_of_its_read() -> None:
    clock = FakeClock(start_ns=10**9)
    sampler = Sampler([counting(clock, cost_s=0.004)], clock, 0.1)
    poll(sampler, clock, 1, 0.0)
    sampler.integrators["gpu0"].set_update_period(0.0)
    point = sampler.integrators["gpu0"].curve.latest
    assert point is not None
    assert point.t_ns == 10**9 + 2_000_000
    assert point.edge_low_j == pytest.approx(0.002 * 300)  # ± 2 ms at full power
    assert sampler.channels[0].last == (10**9 + 2_000_000, 800, 2_000_000)


def test_readings_are_taken_in_when_somebody_looks_after_three_seconds_and_with_a_failure() -> None:
    clock = FakeClock()
    failing = ScriptedSensor(OTHER_GPU, NVML_COUNTER, [*range(60), ReadError("Unknown Error")])
    sampler = Sampler([counting(clock), failing], clock, 0.1)
    curve = sampler.integrators["gpu0"].curve

    def polls(rounds: int) -> int:
        for _ in range(rounds):
            clock.advance(0.1)
            sampler.poll()
        return len(curve.ticks)

    sampler.poll()
    assert polls(20) == 0
    assert sampler.snapshot() is not None
    assert len(curve.ticks) == 21
    assert polls(29) == 21
    assert polls(2) == 52
    assert polls(8) == 52
    assert polls(1) == 61  # the failure
    assert [e.kind for e in sampler.integrators["gpu1"].events] == ["gap"]


def test_readings_go_in_one_at_a_time_whoever_takes_them_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer does so without the lock where a driver call holds it for good, and that call may end just then."""
    clock = FakeClock()
    sampler = Sampler([counting(clock)], clock, 0.1)
    for _ in range(5):
        clock.advance(0.1)
        sampler.poll()
    sampler.stuck = True
    integrator = sampler.integrators["gpu0"]
    entered, go_on, said = threading.Event(), threading.Event(), list[tuple[str, int]]()
    mark = integrator.curve.mark

    def slow(t_ns: int, uncertainty_ns: int = 0, less_j: float = 0.0, more_j: float = 0.0) -> None:
        said.append(("in", t_ns))
        entered.set()
        go_on.wait(LONG_S)
        mark(t_ns, uncertainty_ns, less_j, more_j)
        said.append(("out", t_ns))

    monkeypatch.setattr(integrator.curve, "mark", slow)
    threads = [threading.Thread(target=sampler.snapshot) for _ in range(2)]
    threads[0].start()
    assert entered.wait(LONG_S)
    threads[1].start()
    threads[1].join(0.05)
    assert len(said) == 1
    go_on.set()
    for thread in threads:
        thread.join(LONG_S)
    times = [t_ns for way, t_ns in said if way == "in"]
    assert said == [(way, t_ns) for t_ns in times for way in ("in", "out")]
    assert times == sorted(times)
    assert len(times) == 5


def test_a_snapshot_changes_no_more_and_has_each_event_once() -> None:
    clock = FakeClock()
    sampler = Sampler([counting(clock), ScriptedSensor(OTHER_GPU, NVML_COUNTER, [1, ReadError("busy"), 2])], clock, 0.1)
    poll(sampler, clock, 10)
    seen = sampler.snapshot()
    assert seen is not None
    before = [(d.curve.latest, d.curve.first, d.covered_ns, len(d.curve.ticks)) for d in seen.devices.values()]
    poll(sampler, clock, 10)
    assert [(d.curve.latest, d.curve.first, d.covered_ns, len(d.curve.ticks)) for d in seen.devices.values()] == before
    later = sampler.snapshot()
    assert later is not None
    assert later.devices["gpu0"].curve.latest == sampler.integrators["gpu0"].curve.latest
    assert ([e.kind for e in seen.events], list(later.events)) == (["gap"], [])
    assert (seen.samples, later.samples) == (10, 20)
    assert [(c.device, c.sensor, c.reading.value) for c in later.counters] == [("gpu0", "energy", 400_000), ("gpu1", "energy", 2)]


def test_a_snapshot_waits_for_a_read_and_not_for_one_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwatt.tracking.sampling.sampler.LOCK_S", 0.05)
    monkeypatch.setattr("trainwatt.tracking.sampling.sampler.STUCK_S", 0.05)
    clock, entered, let_go = FakeClock(), threading.Event(), threading.Event()

    def hang() -> int:
        entered.set()
        let_go.wait(LONG_S)
        return 3

    sampler = Sampler([counting(clock), ScriptedSensor(OTHER_GPU, NVML_COUNTER, [1, hang])], clock, 0.1)
    sampler.poll()
    thread = threading.Thread(target=sampler.poll)
    thread.start()
    assert entered.wait(LONG_S)
    assert sampler.snapshot() is None
    sampler.finish()  # gives up
    assert sampler.stuck
    seen = sampler.snapshot()
    assert seen is not None
    assert seen.devices["gpu0"].curve.latest is not None
    assert [(c.device, c.reading.value) for c in seen.counters] == [("gpu0", 0), ("gpu1", 1)]
    let_go.set()
    thread.join(LONG_S)


def test_a_devices_gauges_are_read_before_its_counter() -> None:
    clock, order = FakeClock(), list[str]()

    def seen(name: str) -> Callable[[], int]:
        def read() -> int:
            order.append(name)
            return 1

        return read

    sensors = [
        ScriptedSensor(GPU, NVML_COUNTER, [seen("energy")]),
        ScriptedSensor(GPU, AVERAGE, [seen("average")], "power-average"),
        ScriptedSensor(GPU, INSTANT, [seen("instant")], "power-instant"),
    ]
    sampler = Sampler(sensors, clock, 0.1)
    sampler.poll()
    assert order == ["average", "instant", "energy"]
    assert list(sampler.integrators) == ["gpu0"]


def test_a_failed_read_loses_nothing() -> None:
    clock = FakeClock()
    sensor = ScriptedSensor(GPU, NVML_COUNTER, [0, 20_000, ReadError("Unknown Error"), 60_000])
    sampler = Sampler([sensor], clock, 0.1)
    sampler.poll()
    poll(sampler, clock, 2)
    assert energy_j(sampler, "gpu0") == pytest.approx(20)
    poll(sampler, clock, 1)
    assert energy_j(sampler, "gpu0") == pytest.approx(60)
    [event] = sampler.integrators["gpu0"].take_events()
    assert event.kind == "gap"
    assert "Unknown Error" in event.detail


@pytest.mark.parametrize("error", [RuntimeError("odd"), OSError(5, "I/O"), KeyError("x"), ZeroDivisionError(), MemoryError()])
def test_whatever_a_sensor_raises_the_others_go_on(error: Exception) -> None:
    clock = FakeClock()
    odd, good = ScriptedSensor(GPU, NVML_COUNTER, [error]), counting(clock, OTHER_GPU)
    sampler = Sampler([odd, good], clock, 0.1)
    sampler.poll()
    poll(sampler, clock, 10)
    assert energy_j(sampler, "gpu1") == pytest.approx(200)
    assert sampler.integrators["gpu0"].curve.latest is None
    [event] = sampler.integrators["gpu0"].take_events()
    assert type(error).__name__ in event.detail
    assert odd.reads == 11  # it may come back


@pytest.mark.parametrize("kind", [NVML_COUNTER, INSTANT], ids=["counter", "gauge"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "N/A", ""])
def test_whatever_a_sensor_returns_the_others_go_on(kind: Counter, value: object) -> None:
    clock = FakeClock()
    odd, good = ScriptedSensor(GPU, kind, [lambda: value]), counting(clock, OTHER_GPU)
    sampler = Sampler([odd, good], clock, 0.1)
    sampler.poll()
    poll(sampler, clock, 10)
    assert energy_j(sampler, "gpu1") == pytest.approx(200)
    assert kinds(sampler, "gpu0")


def test_slow_reads_back_off_until_they_cost_little() -> None:
    clock = FakeClock()
    slow, quick = counting(clock, cost_s=0.005), counting(clock, OTHER_GPU)
    sampler = Sampler([slow, quick], clock, 0.1)
    poll(sampler, clock, 4 * COST_READS)
    [channel] = [c for c in sampler.channels if c.sensor is slow]
    assert 0.005 / (channel.every * 0.1) <= 0.02
    assert channel.every <= 5  # and no rarer than that asks for
    assert [c.every for c in sampler.channels if c.sensor is quick] == [1]
    assert sampler.events
    assert {e.kind for e in sampler.events} == {"late"}
    assert "every 0.3 s" in sampler.events[-1].detail
    assert sampler.events[-1].device == "gpu0"


def test_one_slow_read_backs_nothing_off() -> None:
    clock = FakeClock()
    sensor = counting(clock)
    sampler = Sampler([sensor], clock, 0.1)
    for round_ in range(4 * COST_READS):
        sensor.cost_s = 0.0 if round_ % COST_READS else 0.09
        poll(sampler, clock, 1)
    assert sampler.channels[0].every == 1
    assert sampler.events == []


def test_even_the_slowest_sensor_is_read_every_five_seconds() -> None:
    clock = FakeClock()
    sampler = Sampler([counting(clock, cost_s=2.0)], clock, 0.1)
    poll(sampler, clock, 6 * COST_READS, step_s=3.0)
    assert sampler.channels[0].every * 0.1 == pytest.approx(5.0)


def test_the_end_reads_once_more_and_only_once() -> None:
    clock = FakeClock()
    sensor = counting(clock)
    sampler = Sampler([sensor], clock, 0.1)
    sampler.poll()
    clock.advance(1.0)
    assert sampler.finish() == clock.now_ns
    assert energy_j(sampler, "gpu0") == pytest.approx(200)
    clock.advance(1.0)
    sampler.finish()
    assert sensor.reads == 2
    assert energy_j(sampler, "gpu0") == pytest.approx(200)


def test_closing_closes_every_sensor_once() -> None:
    clock = FakeClock()
    sensors = [counting(clock), counting(clock, DRAM, kind=DRAM_COUNTER), ScriptedSensor(GPU, INSTANT, [1.0])]
    sampler = Sampler(sensors, clock, 0.1)
    sampler.finish()
    sampler.close()
    assert [s.closed for s in sensors] == [1, 1, 1]


def test_no_sensors_are_no_error() -> None:
    sampler = Sampler([], FakeClock(), 0.1)
    sampler.poll()
    sampler.finish()
    sampler.close()
    assert sampler.integrators == {}


@pytest.mark.parametrize("update_s", [0.02, 0.1])
def test_the_update_period_of_a_counter_is_measured(update_s: float) -> None:
    """Looked at every 2 ms, it is found within 15 %, never shorter."""
    clock = FakeClock()
    sensor = ScriptedSensor(GPU, NVML_COUNTER, [lambda: int(clock.now_ns * 1e-9 / update_s + 1e-6)])
    sampler = Sampler([sensor], clock, 0.1)
    renewals = Renewals(sensor, sampler.integrators["gpu0"])
    assert renewals.period_s is None
    looks = 0
    while not renewals.look(clock):
        clock.advance(0.002)
        looks += 1
        assert looks < 2000
    assert renewals.period_s is not None
    assert update_s <= renewals.period_s <= 1.15 * update_s


def test_a_counter_that_stands_or_fails_has_no_update_period() -> None:
    clock = FakeClock()
    standing = ScriptedSensor(GPU, NVML_COUNTER, [5])
    sampler = Sampler([standing], clock, 0.1)
    renewals = Renewals(sampler.channels[0].sensor, sampler.channels[0].integrator)
    assert not any(renewals.look(clock) for _ in range(50))
    assert renewals.period_s is None
    failing = ScriptedSensor(GPU, NVML_COUNTER, [ReadError("timeout")])
    assert Renewals(failing, sampler.integrators["gpu0"]).look(clock)


def test_ticks_are_moved_by_up_to_half_a_period_where_samples_of_power_are_integrated() -> None:
    """So that a load in step with them is met at any moment of its swing; elsewhere by a tenth."""
    clock = FakeClock()
    sampled = Sampler([counting(clock), ScriptedSensor(OTHER_GPU, INSTANT, [100.0])], clock, 0.1)
    counted = Sampler([counting(clock), ScriptedSensor(GPU, INSTANT, [100.0]), ScriptedSensor(OTHER_GPU, AVERAGE, [100.0])], clock, 0.1)
    for sampler, share in ((sampled, 0.5), (counted, 0.1)):
        moved = [(sampler.schedule.due_ns(7, tick) - 7) / 1e8 - tick for tick in range(2000)]
        assert -share <= min(moved) < -0.9 * share
        assert 0.9 * share < max(moved) <= share


# ---- the thread


@contextmanager
def running(sampler: Sampler) -> Iterator[threading.Thread]:
    sampler.start()
    [thread] = [t for t in threading.enumerate() if t.name == "trainwatt-sampler" and t is sampler._thread]
    try:
        yield thread
    finally:
        sampler.finish()
        thread.join(LONG_S)
        assert not thread.is_alive()
        sampler.close()


class Waiting:
    """A reading to wait for: `at(n)` is set at the n-th read."""

    def __init__(self, n: int, value: float = 100.0) -> None:
        self.left, self.reached, self.value = n, threading.Event(), value

    def __call__(self) -> float:
        self.left -= 1
        if self.left <= 0:
            self.reached.set()
        return self.value


def test_the_thread_samples_and_stops() -> None:
    waiting = Waiting(3)
    sensor = ScriptedSensor(GPU, INSTANT, [waiting])
    sampler = Sampler([sensor], SystemClock(), 0.01)
    assert not sampler.alive
    with running(sampler) as thread:
        assert waiting.reached.wait(LONG_S)
        assert sampler.alive
        assert thread.daemon
    assert not sampler.alive
    reads = sensor.reads
    assert sampler.samples >= 3
    assert sampler.cpu_s >= 0
    threading.Event().wait(0.03)
    assert sensor.reads == reads
    assert sensor.closed == 1


def test_in_the_thread_too_whatever_a_sensor_raises_the_others_go_on() -> None:
    waiting = Waiting(5)
    odd = ScriptedSensor(GPU, NVML_COUNTER, [RuntimeError("odd")])
    sampler = Sampler([odd, ScriptedSensor(OTHER_GPU, INSTANT, [waiting])], SystemClock(), 0.01)
    with running(sampler):
        assert waiting.reached.wait(LONG_S)
        assert sampler.alive


def test_one_counter_that_raises_leaves_the_others_update_period_measurable() -> None:
    """A counter that changes at every look has a period; its neighbour's trouble must not hide it."""
    waiting = Waiting(3)
    count = iter(range(10**9))
    sensors = [
        ScriptedSensor(GPU, NVML_COUNTER, [RuntimeError("odd")]),
        ScriptedSensor(OTHER_GPU, NVML_COUNTER, [lambda: next(count)]),
        ScriptedSensor(PACKAGE, INSTANT, [waiting]),
    ]
    sampler = Sampler(sensors, SystemClock(), 0.01)
    with running(sampler):
        assert waiting.reached.wait(LONG_S)
    assert sampler.integrators["gpu1"].update_period_s is not None


def test_a_sensors_own_rate_is_kept() -> None:
    waiting = Waiting(20)
    slow = ScriptedSensor(GPU, INSTANT, [100.0], period_s=0.05)
    sampler = Sampler([ScriptedSensor(OTHER_GPU, INSTANT, [waiting]), slow], SystemClock(), 0.01)
    begun = time.monotonic()
    with running(sampler):
        assert waiting.reached.wait(LONG_S)
        slow_reads, seconds = slow.reads, time.monotonic() - begun
    assert slow_reads <= seconds / 0.05 + 2


def test_a_slower_sensor_whose_tick_is_missed_is_read_at_the_next_one() -> None:
    """Each round takes two and a half periods of the clock, so that of the ticks the gauge waits for most are missed."""
    clock, waiting = FakeClock(), Waiting(30)
    slower = ScriptedSensor(GPU, INSTANT, [100.0], period_s=0.03)

    def read() -> float:
        if waiting.left % COST_READS:
            clock.advance(0.025)
        return waiting()

    sampler = Sampler([ScriptedSensor(OTHER_GPU, INSTANT, [read]), slower], clock, 0.01)
    with running(sampler):
        assert waiting.reached.wait(LONG_S)
    assert slower.reads >= 30 * 2 / 5 - 2


@pytest.mark.slow
def test_the_thread_reads_a_slow_sensor_as_seldom_as_it_costs_little() -> None:
    clock, waiting = FakeClock(), Waiting(100)
    costly = ScriptedSensor(GPU, INSTANT, [100.0], clock=clock, cost_s=0.002)

    def read() -> float:
        clock.advance(0.001)
        return waiting()

    sampler = Sampler([ScriptedSensor(OTHER_GPU, INSTANT, [read]), costly], clock, 0.01)
    [channel] = [c for c in sampler.channels if c.sensor is costly]
    with running(sampler):
        for looks in range(6000):
            if waiting.reached.wait(LONG_S / 6000) or (channel.every >= 10 and looks >= 20):
                break
            sampler.snapshot()
    assert channel.every == 10  # 2 ms are 2 % of 100 ms


def test_missed_ticks_are_counted_and_never_caught_up() -> None:
    """Most reads take three and a half periods of the clock: every tick is either read or counted as missed, none read late."""
    clock, waiting = FakeClock(), Waiting(20)

    def read() -> float:
        if waiting.left % COST_READS:  # one quick read in five keeps it from backing off
            clock.advance(0.035)
        return waiting()

    sensor = ScriptedSensor(GPU, INSTANT, [read])
    sampler = Sampler([sensor], clock, 0.01)
    begin_ns = clock.now_ns
    with running(sampler):
        assert waiting.reached.wait(LONG_S)
    ticks_passed = (clock.now_ns - begin_ns) / 10_000_000
    assert sampler.missed >= ticks_passed / 3
    assert sampler.samples + sampler.missed <= ticks_passed + 20 / COST_READS + 20 + 4  # a quick round moves no clock
    assert sampler.missed <= ticks_passed
    assert [e.kind for e in sampler.events if e.device is None] == ["late"]


def test_a_nudge_brings_a_round_of_the_counters_forward_and_leaves_gauges_alone() -> None:
    gauge = Waiting(1)
    sensors = [ScriptedSensor(GPU, NVML_COUNTER, [1000]), ScriptedSensor(GPU, INSTANT, [gauge])]
    sampler = Sampler(sensors, SystemClock(), 60.0)
    with running(sampler):
        for _ in range(100):  # it first watches how often the counter changes
            sampler.nudge(SystemClock().monotonic_ns() + 60 * 10**9)
            if sampler.samples or gauge.reached.wait(0.05):
                break
        assert sampler.samples
        assert not gauge.reached.is_set()


def test_a_nudge_right_after_a_round_does_nothing() -> None:
    sensor = ScriptedSensor(GPU, INSTANT, [100.0])
    sampler = Sampler([sensor], SystemClock(), 60.0)
    now_ns = sampler.poll()
    sampler.nudge(now_ns + 10**9)
    with running(sampler):
        threading.Event().wait(0.05)
        assert sensor.reads == 1


def test_no_sensor_is_closed_while_it_is_read() -> None:
    """The thread may still be measuring update periods when a short run ends."""
    entered, go = threading.Event(), threading.Event()

    class Slow(ScriptedSensor):
        busy = False
        closed_while_busy = False

        def read(self) -> int:
            if threading.current_thread() is threading.main_thread():
                return 1
            self.busy = True
            entered.set()
            go.wait(0.2)
            self.busy = False
            return 1

        def close(self) -> None:
            self.closed_while_busy = self.busy

    sensor = Slow(GPU, NVML_COUNTER, [1])
    sampler = Sampler([sensor], SystemClock(), 0.01)
    sampler.start()
    assert entered.wait(LONG_S)
    sampler.finish()
    sampler.close()
    go.set()
    assert sampler._thread is not None
    sampler._thread.join(LONG_S)
    assert not sensor.closed_while_busy
