"""A clock that moves only when told to."""

from __future__ import annotations

from trainwatt.clock import Anchor


class FakeClock:
    """Implements trainwatt.clock.Clock. `advance` moves all three clocks together; `step_utc_ns` moves the wall clock alone."""

    def __init__(self, start_ns: int = 1_000_000_000, utc_ns: int = 1_750_000_000_000_000_000) -> None:
        self.now_ns = start_ns
        self.utc_minus_monotonic_ns = utc_ns - start_ns
        self.cpu_s = 0.0

    def advance(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)

    def step_utc_ns(self, by_ns: int) -> None:
        self.utc_minus_monotonic_ns += by_ns

    def monotonic_ns(self) -> int:
        return self.now_ns

    def anchor(self) -> Anchor:
        return Anchor(self.now_ns, self.now_ns + self.utc_minus_monotonic_ns, self.now_ns)

    def thread_cpu_s(self) -> float:
        return self.cpu_s
