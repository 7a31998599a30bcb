"""A sensor that follows a script, and the devices the tests of the pure part measure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from trainwatt.core.sensing import Counter, Device, Gauge

from .clock import FakeClock

GPU = Device("gpu0", "gpu", 300.0, 0.05, "nvml", uuid="GPU-0")
OTHER_GPU = Device("gpu1", "gpu", 300.0, 0.05, "nvml", uuid="GPU-1")
PACKAGE = Device("package-0", "cpu", 400.0, 0.03, "rapl")
DRAM = Device("dram-0", "dram", 100.0, 0.10, "rapl-dram")
AMD_PACKAGE = Device("package-0", "cpu", 800.0, 0.03, "rapl")

NVML_COUNTER = Counter(1e-3, None, restarts_at_zero=True)
INTEL_COUNTER = Counter(1e-6, 262_143_328_850 + 61)
AMD_COUNTER = Counter(1e-6, 65_532_610_987 + 15)
DRAM_COUNTER = Counter(1e-6, 65_712_999_613 + 15)
UNRANGED_COUNTER = Counter(1e-6, None)

INSTANT = Gauge("instant")
AVERAGE = Gauge("window", 1.0)

Step = int | float | Exception | Callable[[], Any]


class ScriptedSensor:
    """Implements trainwatt.core.sensing.Sensor. Each read takes the next step: a value, an exception to raise, or a function to call; a
    script that has run out repeats its last step. With a clock, a read takes `cost_s` of it."""

    def __init__(
        self,
        device: Device,
        kind: Counter | Gauge,
        script: Iterable[Step],
        name: str | None = None,
        *,
        period_s: float | None = None,
        clock: FakeClock | None = None,
        cost_s: float = 0.0,
    ) -> None:
        self._device, self._kind = device, kind
        self._name = name or ("energy" if isinstance(kind, Counter) else "power-instant")
        self._period_s = period_s
        self._script = iter(script)
        self._step: Step = 0
        self._clock, self.cost_s = clock, cost_s
        self.reads = 0
        self.closed = 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def device(self) -> Device:
        return self._device

    @property
    def kind(self) -> Counter | Gauge:
        return self._kind

    @property
    def period_s(self) -> float | None:
        return self._period_s

    def read(self) -> int | float:
        self.reads += 1
        if self._clock is not None:
            self._clock.advance(self.cost_s)
        self._step = next(self._script, self._step)
        if isinstance(self._step, Exception):
            raise self._step
        value: int | float = self._step() if callable(self._step) else self._step
        return value

    def holder_pids(self) -> Sequence[int] | None:
        return None

    def close(self) -> None:
        self.closed += 1
