"""Whether the loop is in step with a sensor: looked at for this process, and heard from processes that joined the run."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from ...energy.checks.in_step import InStep, Steps
from ...energy.integrator import DeviceIntegrator


class StepWatch:
    """The steps of a run, for the sampler that measures it."""

    def __init__(self) -> None:
        self.own = Steps()
        self._heard: deque[InStep] = deque(maxlen=64)

    def hear(self, found: InStep) -> None:
        """A process that joined the run has looked at its own steps."""
        self._heard.append(found)

    def book(self, integrators: Mapping[str, DeviceIntegrator], now_ns: int, *, last: bool = False) -> None:
        """Widen the ranges of the devices whose sensor may have been in step, about every ten seconds and at the end."""
        looked_at = [integrator for integrator in integrators.values() if integrator.device.part_time_s is not None]
        if not looked_at or not (last or self.own.due(now_ns)):
            return
        own = self.own.look(now_ns)
        found = max([*([] if own is None else [own]), *(self._heard.popleft() for _ in range(len(self._heard)))], default=None)
        for integrator in looked_at:
            integrator.steps(now_ns, found)
