"""The sampling thread: it reads the sensors when they are due, and gives the readings to their integrators.

`poll()` does one round without the thread. Deadlines are absolute, so that sampling does not drift, and moved at random, so that it is
not in step with the training loop. Missed ticks are skipped and counted; they are not read later.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ...core.clock import Clock
from ...core.run import Event, EventKind
from ...core.sensing import Reading, Sensor
from ...energy.integrator import DeviceIntegrator
from ...log import warn
from ...machine.threads import start_thread
from ...unwarned import unwarned
from ..activity.gpus import Activities
from .calibration import Calibration
from .channel import Channel, grouped, integrator_of, read_again
from .schedule import DOUBT_S, EDGE_S, Schedule
from .snapshot import Snapshot, snapshot_of
from .step_watch import StepWatch

NS = 1e-9
SETTLE_NS = 3_000_000_000
"""How long readings are queued at most if no snapshot is taken."""
JOIN_S = LOCK_S = 1.0
"""How long the end waits for the thread, and a snapshot for a round of readings."""
STUCK_S = 2.0
"""How long the training thread waits for a driver call of another thread."""


class Sampler:
    """Reads every sensor at its rate: in a thread, or by `poll`. `period_s` is the time between two readings at the full rate, and `calm_s`
    at the calm one (see schedule.py), if any. Readings are queued, and integrated for a snapshot or after a few seconds: on every tick,
    caches would be cold. The thread calls `on_round` after a planned round, with the seconds until the next, and `on_death` if it dies.
    """

    def __init__(self, sensors: Sequence[Sensor], clock: Clock, period_s: float, calm_s: float | None = None) -> None:
        self.period_s = period_s
        self.integrators: dict[str, DeviceIntegrator] = {}
        self.activity = Activities(self.integrators, clock)
        self.channels: list[Channel] = []
        self.events: list[Event] = []
        self.samples = self.missed = self.last_tick_ns = self._settled_ns = 0
        self.cpu_s = self.startup_cpu_s = 0.0
        self._clock = clock
        self._taken: deque[tuple[Channel, int, int, object]] = deque()  # channel, time before and after the read (ns), value
        self._lock = threading.Lock()
        self._settling = threading.Lock()
        self._wake = threading.Lock()
        self._wake.acquire()
        self._begun = self._stopping = self._failed = self.stuck = self._waits = False  # waits for longer than a period
        self._measured = Calibration()
        self.steps = StepWatch()
        self.on_round: Callable[[float], None] = lambda _: None
        self.on_death: Callable[[], None] = lambda: None
        self.on_settled: Callable[[], None] = lambda: None  # readings were integrated; it must be quick
        self.settle_ns = SETTLE_NS
        self._thread: threading.Thread | None = None
        self._calm_s = calm_s
        self.schedule = Schedule(self.channels, period_s)
        self._take_in(sensors)

    def _take_in(self, sensors: Sequence[Sensor]) -> list[Channel]:
        new: list[Channel] = []
        for name, group in grouped(sensors).items():
            integrator = self.integrators[name] = integrator_of(group)
            new += [Channel(sensor, integrator, self.period_s, self._calm_s) for sensor in group]
        self.channels += new
        self.schedule.add(new)
        self.activity.add(sensors)
        return new

    # ---- in the calling thread

    def add(
        self, sensors: Sequence[Sensor], begin_ns: int, asleep_ns: Mapping[str, int], states: Mapping[str, Reading], *, once: bool = False
    ) -> bool:
        """Read devices from now on, whose curves begin at `begin_ns`. `asleep_ns`: until when some slept; `states`: what another process
        has read last, by sensor. False after `finish`, unless they are to be read `once` then, or if a driver call takes long."""
        if not self._lock.acquire(timeout=LOCK_S):
            return False
        try:
            new = [] if self._stopping and not once else self._take_in(sensors)
            for channel in new:
                channel.integrator.begin(begin_ns, asleep_ns.get(channel.sensor.device.name, 0))
                if channel.counts and (state := states.get(channel.sensor.name)) is not None:
                    self._taken.append((channel, state.t_ns, state.t_ns, state.value))
            self._round(new)
            if self._stopping:
                self._settle()
                for integrator in {channel.integrator for channel in new}:
                    integrator.finish(self.last_tick_ns)
            return bool(new)
        finally:
            self._lock.release()

    def poll(self) -> int:
        """Read every sensor now, whatever its rate, in the calling thread. Returns the monotonic ns of the round's start. Reads nothing
        after `finish`, or if a driver call in the sampling thread does not end within STUCK_S seconds."""
        now_ns = self._clock.monotonic_ns()
        if self._acquired():
            try:
                now_ns = self._clock.monotonic_ns()
                if not self._stopping:
                    for integrator in () if self.samples else self.integrators.values():
                        integrator.begin(now_ns)
                    self._round(self.channels)
                    if self.samples > 1 and not self.alive:
                        self.activity.look(now_ns)  # the thread has its own times: an edge may be in step with the load
            finally:
                self._lock.release()
        return now_ns

    def finish(self) -> int:
        """Read every sensor for the last time, then end the curves and the thread. Returns the monotonic ns of the end."""
        end_ns = self._clock.monotonic_ns()
        if not self._acquired():
            self._stopping = True
            self.events.append(Event(EventKind.LATE, end_ns, None, "a sensor does not answer; the run ends without a last reading"))
            return end_ns
        try:
            end_ns = self._clock.monotonic_ns()
            if not self._stopping:
                self._stopping = True
                self._measured.tell()
                self._round(self.channels)
                self.activity.look(end_ns, last=True)
                self._settle()
                self.steps.book(self.integrators, end_ns, last=True)
                for integrator in self.integrators.values():
                    integrator.finish(end_ns)
        finally:
            self._lock.release()
        self._nudge()
        return end_ns

    def snapshot(self) -> Snapshot | None:
        """All readings up to now, integrated, and the events since the last snapshot. None if the lock is not free within LOCK_S seconds
        because a driver call takes long: ask again later. Once `poll` or `finish` has found that the call does not return (`stuck`), the
        snapshot is taken at once and without the lock: the thread that holds it waits in that call and changes nothing. If the call ends
        just then, its readings are integrated before or after the snapshot, never during it."""
        if not (held := self._lock.acquire(timeout=0.0 if self.stuck else LOCK_S)) and not self.stuck:
            return None
        try:
            with self._settling:
                self._integrate()
                self.steps.book(self.integrators, self._clock.monotonic_ns())
                own, self.events = self.events, []
                done = self.activity.take(), self.samples, self.missed, self.cpu_s, self.startup_cpu_s
                return snapshot_of(self.integrators, self.channels, own, *done)
        finally:
            if held:
                self._lock.release()

    def _acquired(self) -> bool:
        """Take the lock. False if a driver call does not release it: the training must not hang too."""
        self.stuck = not self._lock.acquire(timeout=STUCK_S)
        return not self.stuck

    def close(self) -> None:
        """Close the sensors after `finish`, when no read is under way."""
        if not self.stuck:
            if self._thread is not None and self._thread.ident is not None:
                self._thread.join(JOIN_S)  # when the interpreter exits, it stops threads; without memory, that aborts the process
            with self._lock:
                for close in (*(channel.sensor.close for channel in self.channels), self.activity.close):
                    unwarned(close)

    # ---- the thread

    def start(self) -> None:
        """Start the sampling thread. Raises RuntimeError if there can be none: whoever writes reads the sensors then."""
        self._begun = True
        self._thread = start_thread(self._run, "trainwatt-sampler")

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def died(self) -> bool:
        """Whether the thread could not be started, or has ended before `finish`."""
        return self._failed or (self._begun and not self.alive and not self._stopping)

    def nudge(self, t_ns: int) -> None:
        """Ask the thread for a round now, near an edge at `t_ns`, unless one was just now or the next one is near. Never blocks."""
        if self._waits or (t_ns - self.last_tick_ns) * NS > self.period_s / 4:
            self._nudge()

    def _nudge(self) -> None:
        with suppress(RuntimeError):  # already released
            self._wake.release()

    def _run(self) -> None:
        try:
            self._keep_sampling()
        except BaseException:  # raised again below: it ends this thread
            self._failed = True
            self.on_death()  # the writing thread reads the sensors from now on
            raise

    def _keep_sampling(self) -> None:
        clock, period_ns = self._clock, round(self.period_s / NS)
        start_cpu_s = clock.thread_cpu_s()
        try:
            self._measured = Calibration(self.channels)
            self._measured.run(clock, self._lock, self._wake, lambda: self._stopping)
        except Exception as error:  # without the update periods the widest lag is assumed
            warn("the update periods of the counters could not be measured", fault=error)
        self.startup_cpu_s, begin_ns = clock.thread_cpu_s() - start_cpu_s, clock.monotonic_ns()
        while not self._stopping:
            self.cpu_s = clock.thread_cpu_s() - start_cpu_s - self.startup_cpu_s
            tick = self.schedule.next_tick()
            deadline_ns, now_ns = self.schedule.due_ns(begin_ns, tick), clock.monotonic_ns()
            behind = (now_ns - deadline_ns) // period_ns
            if behind >= 1:
                self._miss(int(behind) // (tick - self.schedule.tick), now_ns)
                tick += int(behind)
            self._waits = deadline_ns - now_ns > 2 * period_ns
            if deadline_ns > now_ns and self._wake.acquire(timeout=(deadline_ns - now_ns) * NS):
                self._at_edge(begin_ns)
            elif self._sample(tick):
                self.on_round((self.schedule.next_read() - self.schedule.tick) * self.period_s)

    def _sample(self, tick: int) -> bool:
        """Read what is due at a tick. Whether that was a round of readings."""
        with self._lock:
            due = [] if self._stopping else self.schedule.due(tick)
            if is_round := bool(due) or not self.channels:
                self._round(due)
            if not self._stopping:
                self.schedule.look_in(self.activity.look(self._clock.monotonic_ns()))
            return is_round

    def _at_edge(self, begin_ns: int) -> None:
        """Read the counters for an edge, unless the last round is recent enough; then at the full rate for a moment."""
        with self._lock:
            if self._stopping:
                return
            now_ns = self._clock.monotonic_ns()
            if (now_ns - self.last_tick_ns) * NS > self.period_s / 4:
                self._round(self.schedule.at_edges)
            self.schedule.hurry(self.schedule.at_edges, EDGE_S, int((now_ns - begin_ns) * NS / self.period_s))

    def _round(self, channels: Sequence[Channel]) -> None:
        """Read some channels. The lock is held."""
        monotonic_ns, failed = self._clock.monotonic_ns, False
        before_ns = self.last_tick_ns = monotonic_ns()
        for channel in channels:
            if not channel.integrator.lost:
                try:
                    value: object = channel.sensor.read()
                except Exception as error:  # one sensor must not end the sampling of the others
                    value, failed = read_again(channel.sensor, error), True
                after_ns = monotonic_ns()
                self._taken.append((channel, before_ns, after_ns, value))
                if channel.counts and channel.doubtful(value, after_ns):
                    self._doubt(channel.integrator)
                before_ns = after_ns
        self.samples += 1
        if failed or before_ns - self._settled_ns > self.settle_ns:
            self._settle()

    def _doubt(self, integrator: DeviceIntegrator) -> None:
        """Read the sensors of a device at the full rate for some time."""
        self.schedule.hurry([c for c in self.channels if c.integrator is integrator], DOUBT_S)

    def _settle(self) -> None:
        """Integrate what has been read. The lock is held."""
        with self._settling:
            self._integrate()

    def _integrate(self) -> None:
        """Give the queued readings to the integrators, in order. `_settling` is held; a snapshot of a stuck sampler has no lock."""
        self._settled_ns = self.last_tick_ns
        while self._taken:
            channel, before_ns, after_ns, value = self._taken.popleft()
            channel.deliver(before_ns, after_ns, value)
            if channel.costs_ns and (slower_s := channel.back_off(self.period_s)) is not None:
                self.schedule.slow_down(channel)
                text = f"reads of {channel.sensor.name} are slow; it is now read every {slower_s:.2g} s"
                self.events.append(Event(EventKind.LATE, after_ns, channel.sensor.device.name, text))
        for integrator in self.integrators.values():
            if integrator.doubted:
                self._doubt(integrator)
        self.on_settled()

    def _miss(self, ticks: int, now_ns: int) -> None:
        if ticks and not self.missed:
            text = "the sampling thread could not run in time; missed ticks are skipped and counted, and counters stay exact"
            self.events.append(Event(EventKind.LATE, now_ns, None, text))
        self.missed += ticks
