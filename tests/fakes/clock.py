"""Clocks that move only when told to."""

from __future__ import annotations

from trainwatt.core.clock import Anchor, SystemClock


class FakeClock:
    """Implements trainwatt.core.clock.Clock.

    `advance` moves all three clocks together, `step_utc_ns` the wall clock alone, `sleep` the two that run on while a machine is suspended.
    """

    def __init__(self, start_ns: int = 1_000_000_000, utc_ns: int = 1_750_000_000_000_000_000) -> None:
        self.now_ns = start_ns
        self.utc_minus_monotonic_ns = utc_ns - start_ns
        self.slept_ns = 0
        self.cpu_s = 0.0

    def advance(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)

    def step_utc_ns(self, by_ns: int) -> None:
        self.utc_minus_monotonic_ns += by_ns

    def sleep(self, seconds: float) -> None:
        self.slept_ns += round(seconds * 1e9)
        self.step_utc_ns(round(seconds * 1e9))

    def monotonic_ns(self) -> int:
        return self.now_ns

    def anchor(self) -> Anchor:
        return Anchor(self.now_ns, self.now_ns + self.utc_minus_monotonic_ns, self.now_ns + self.slept_ns)

    def thread_cpu_s(self) -> float:
        return self.cpu_s


class HeldClock:
    """A clock that stands still until it is told to go on, so that one phase begins where another ends, to the nanosecond."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self.go_on()

    def go_on(self) -> None:
        self.t_ns = self._clock.monotonic_ns()

    def monotonic_ns(self) -> int:
        return self.t_ns

    def anchor(self) -> Anchor:
        return self._clock.anchor()

    def thread_cpu_s(self) -> float:
        return self._clock.thread_cpu_s()
