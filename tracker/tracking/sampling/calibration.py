"""How often a counter is updated: measured by reads in quick succession."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise

from ...core.clock import Clock
from ...core.sensing import Sensor
from ...energy.delay.unshown import PERIOD_MARGIN
from ...energy.integrator import DeviceIntegrator
from ...unwarned import unwarned
from .channel import Channel

NS = 1e-9
CALIBRATION_S = 0.6
CALIBRATION_CHANGES = 10


class Renewals:
    """Watches the value of one counter to measure its update period."""

    def __init__(self, sensor: Sensor, integrator: DeviceIntegrator) -> None:
        self.integrator = integrator
        self._sensor = sensor
        self._value: int | float | None = None
        self._looked_ns: list[int] = []
        self._changed_ns: list[int] = []

    def look(self, clock: Clock) -> bool:
        """Read once. Returns True when enough changes were seen, or if the read failed."""
        try:
            value = unwarned(self._sensor.read)
        except Exception:  # sampling will report the failure
            return True
        now_ns = clock.monotonic_ns()
        self._looked_ns.append(now_ns)
        if self._value is not None and value != self._value:
            self._changed_ns.append(now_ns)
        self._value = value
        return len(self._changed_ns) >= CALIBRATION_CHANGES

    def tell(self) -> None:
        """Give the integrator the update period, if it is known. Without it, the points of the curve are final as they are."""
        self.integrator.curve.provisional = False
        if (period_s := self.period_s) is not None:
            self.integrator.set_update_period(period_s)

    @property
    def period_s(self) -> float | None:
        """The mean time between changes plus a tenth; late reads can only lengthen it. For a counter with irregular updates: the upper
        quartile, minus the time by which a read can be late. None after fewer than three changes."""
        if len(self._changed_ns) < 3:
            return None
        gaps = sorted(b - a for a, b in pairwise(self._changed_ns))
        spacings = sorted(b - a for a, b in pairwise(self._looked_ns))
        mean_ns = (self._changed_ns[-1] - self._changed_ns[0]) / len(gaps)
        return max(PERIOD_MARGIN * mean_ns, gaps[len(gaps) * 3 // 4] - spacings[len(spacings) // 2]) * NS


class Calibration:
    """Measures the update periods of all counters of `channels` at once. Until `tell`, no point of their curves is final."""

    def __init__(self, channels: Sequence[Channel] = ()) -> None:
        self._renewals = [Renewals(channel.sensor, channel.integrator) for channel in channels if channel.counts]
        self._pending = list(self._renewals)
        for renewals in self._renewals:
            renewals.integrator.curve.provisional = True

    def look(self, clock: Clock) -> bool:
        """Read each counter once. Returns whether more readings are needed."""
        self._pending = [renewals for renewals in self._pending if not renewals.look(clock)]
        return bool(self._pending)

    def run(self, clock: Clock, lock: threading.Lock, wake: threading.Lock, over: Callable[[], bool]) -> None:
        """Read the counters in quick succession until each has changed a few times, each time with `lock`, then tell. `over`: the run
        has ended; `wake` is then released."""
        begin_ns = clock.monotonic_ns()
        try:
            while (passed_s := (clock.monotonic_ns() - begin_ns) * NS) < CALIBRATION_S:
                with lock:
                    if over() or not self.look(clock):
                        break
                wake.acquire(timeout=0.0003 if passed_s < CALIBRATION_S / 8 else 0.002)
        finally:
            with lock:
                self.tell()

    def tell(self) -> None:
        """Tell the integrators what was found, once."""
        renewals, self._renewals = self._renewals, []
        for of_one in renewals:
            of_one.tell()
