"""Thousands of simulated runs whose sensors have a hidden scale error, a hidden update phase, and gaps: how often the stated range holds
the truth, and how wide it is beside what would have been enough. `python -m tests.cases.monte_carlo` prints the table.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import NamedTuple

from tests.fakes.clock import FakeClock
from tests.fakes.sensor import DRAM, DRAM_COUNTER, GPU, INTEL_COUNTER, NVML_COUNTER, OTHER_GPU, PACKAGE, ScriptedSensor
from tests.fakes.simulated import Load, Simulation, averaged, instantaneous, latched
from trainwatt.core.sensing import Device
from trainwatt.energy.intervals import Interval

S = 10**9
LEVEL = 0.95
PHASES = 3
"""Phases in each run."""
RUNS, SEED = 450, 43
"""Runs of each machine."""


class Hidden(NamedTuple):
    """The quantities of one device in one run that the tracker does not know."""

    load: Load
    gain: float  # what the sensor multiplies by
    phase_s: float  # of its updates
    gap_s: tuple[float, float]  # reads fail in between

    def failing(self, t_s: float) -> bool:
        return self.gap_s[0] <= t_s < self.gap_s[1]


Make = Callable[[Device, Hidden, FakeClock], list[ScriptedSensor]]


@dataclass(frozen=True)
class Part:
    """A device of a simulated machine: how it is read, and its lowest and highest power."""

    device: Device
    make: Make
    update_s: float | None
    least_w: float
    most_w: float


def counter(update_s: float) -> Make:
    """An energy counter that changes every `update_s`."""

    def make(device: Device, hidden: Hidden, clock: FakeClock) -> list[ScriptedSensor]:
        kind = {"cpu": INTEL_COUNTER, "dram": DRAM_COUNTER}.get(device.kind, NVML_COUNTER)
        sensor = latched(device, hidden.load, clock, update_s, phase_s=hidden.phase_s, gain=hidden.gain, kind=kind, failing=hidden.failing)
        return [sensor]

    return make


def gauges(*, average: bool, instant: bool) -> Make:
    """Power only: the mean of the last second, which changes every 0.1 s, the power now, or both."""

    def make(device: Device, hidden: Hidden, clock: FakeClock) -> list[ScriptedSensor]:
        sensors = []
        if average:
            sensors.append(
                averaged(device, hidden.load, clock, update_s=0.1, phase_s=hidden.phase_s, gain=hidden.gain, failing=hidden.failing)
            )
        if instant:
            sensors.append(instantaneous(device, hidden.load, clock, gain=hidden.gain, failing=hidden.failing))
        return sensors

    return make


def gpu(make: Make, update_s: float | None, device: Device = GPU) -> Part:
    return Part(device, make, update_s, 50.0, 290.0)


HOST = (Part(PACKAGE, counter(0.001), 0.001, 60.0, 350.0), Part(DRAM, counter(0.001), 0.001, 10.0, 60.0))
MACHINES: dict[str, tuple[Part, ...]] = {
    "GPU, counter renewed every 20 ms": (gpu(counter(0.02), 0.02),),
    "GPU, counter renewed every 100 ms": (gpu(counter(0.1), 0.1),),
    "GPU, power over 1 s and now": (gpu(gauges(average=True, instant=True), None),),
    "GPU, power over 1 s": (gpu(gauges(average=True, instant=False), None),),
    "GPU, power now": (gpu(gauges(average=False, instant=True), None),),
    "package and memory": HOST,
    "two GPUs, package, memory": (gpu(counter(0.02), 0.02), gpu(counter(0.02), 0.02, OTHER_GPU), *HOST),
}


@dataclass
class Figures:
    """Stated ranges compared with the truth."""

    errors_j: list[float] = field(default_factory=list)
    widths_j: list[float] = field(default_factory=list)
    held: int = 0

    def add(self, stated: Interval, true_j: float) -> None:
        self.errors_j.append(stated.energy_j - true_j)
        self.widths_j.append(stated.high_j - stated.low_j)
        self.held += stated.low_j <= true_j <= stated.high_j

    @property
    def coverage(self) -> float:
        """The share of the figures whose range holds the truth."""
        return self.held / len(self.errors_j)

    @property
    def needed_j(self) -> float:
        """The width that holds the central 95 % of the errors."""
        return 2 * sorted(map(abs, self.errors_j))[math.ceil(LEVEL * len(self.errors_j)) - 1]

    @property
    def width_j(self) -> float:
        """The mean width of the stated ranges."""
        return math.fsum(self.widths_j) / len(self.widths_j)

    @property
    def excess(self) -> float:
        """The stated width over the needed width."""
        return self.width_j / self.needed_j


class Simulated(NamedTuple):
    """The figures of whole runs and of single phases."""

    runs: Figures
    phases: Figures


def simulate(machine: Sequence[Part], runs: int, seed: int) -> Simulated:
    """Simulate `runs` runs of a machine, each with its own hidden quantities."""
    chance = random.Random(seed)
    result = Simulated(Figures(), Figures())
    for errors in _scale_errors({part.device.gain_class for part in machine}, runs, chance):
        _run(machine, errors, chance, result)
    return result


def _scale_errors(classes: set[str], n: int, chance: random.Random) -> list[dict[str, float]]:
    """n draws of one scale error a class, as shares of its stated 95 % half-width: normal, and evenly spread over all probabilities (a
    Kronecker sequence), so that coverage does not hang on the luck of the draw."""
    names, root = sorted(classes), 2.0
    for _ in range(50):
        root = (1 + root) ** (1 / (len(names) + 1))
    normal = NormalDist(0.0, 1 / NormalDist().inv_cdf((1 + LEVEL) / 2))
    shift = {name: chance.random() for name in names}
    drawn = [{name: normal.inv_cdf(((shift[name] + i / root ** (k + 1)) % 1) or 0.5) for k, name in enumerate(names)} for i in range(n)]
    chance.shuffle(drawn)
    return drawn


def _run(machine: Sequence[Part], errors: dict[str, float], chance: random.Random, result: Simulated) -> None:
    begin_s = 10.0 + chance.random()
    end_s = begin_s + 2.0 * 15.0 ** chance.random()
    steps_s = _steps(begin_s, end_s, chance)
    hidden = [_hidden(part, errors[part.device.gain_class], steps_s, begin_s, end_s, chance) for part in machine]
    edges_s = _edges(steps_s, begin_s, end_s, chance)
    counters = machine[0].update_s is not None
    clock = FakeClock(round(begin_s * S))
    sensors = [s for part, h in zip(machine, hidden, strict=True) for s in part.make(part.device, h, clock)]
    simulation = Simulation(clock, sensors, gains=True, seed=chance.getrandbits(32))
    sampler = simulation.sampler
    for part in machine:
        sampler.integrators[part.device.name].set_update_period(None if part.update_s is None else 1.1 * part.update_s)
    simulation.phases(*edges_s)
    nudges_s = [t + chance.uniform(0.0002, 0.005) for edge in edges_s for t in edge] if counters else []  # which are read at edges too
    simulation.follow(round(end_s * S), [round(t * S) for t in nudges_s])
    clock.now_ns = round(end_s * S)
    simulation.finish()
    assert len(simulation.parts) == PHASES
    for a, b, stated in simulation.parts:
        result.phases.add(stated, sum(h.load.joules(b, a) for h in hidden))
    result.runs.add(simulation.total, sum(h.load.joules(end_s, begin_s) for h in hidden))


def _steps(begin_s: float, end_s: float, chance: random.Random) -> list[float]:
    """The times at which the load changes, 30 ms to 3 s apart."""
    steps, t_s = [begin_s - 3.0], begin_s - 3.0
    while t_s < end_s:
        t_s += math.exp(chance.uniform(math.log(0.03), math.log(3.0)))
        steps.append(t_s)
    return steps


def _hidden(part: Part, error: float, steps_s: list[float], begin_s: float, end_s: float, chance: random.Random) -> Hidden:
    load = Load([(t, chance.uniform(part.least_w, part.most_w)) for t in steps_s])
    gap_s = chance.uniform(begin_s + 0.2, end_s - 0.2)
    length_s = chance.choice((0.0, 0.1, 0.3, 1.0, 2.0)) * chance.random()
    return Hidden(load, 1 / (1 + part.device.gain * error), chance.random(), (gap_s, min(gap_s + length_s, end_s - 0.2)))


def _edges(steps_s: list[float], begin_s: float, end_s: float, chance: random.Random) -> list[tuple[float, float]]:
    """Phases of at least 0.25 s. Half of their edges are at changes of the load."""
    inside = [t for t in steps_s if begin_s + 0.1 < t < end_s - 0.1]
    edges: list[tuple[float, float]] = []
    while len(edges) < PHASES:
        a, b = sorted(chance.choice(inside) if inside and chance.random() < 0.5 else chance.uniform(begin_s, end_s) for _ in range(2))
        if b - a >= 0.25:
            edges.append((a, b))
    return edges


def table() -> str:
    """Print for every machine how many of the ranges hold the truth, and how many times wider than needed they are."""
    lines = [f"{'':34}{'runs: held':>12}{'wider':>7}{'phases: held':>15}{'wider':>7}"]
    for name, machine in MACHINES.items():
        runs, phases = simulate(machine, RUNS, SEED)
        lines.append(f"{name:34}{100 * runs.coverage:10.1f} %{runs.excess:7.2f}{100 * phases.coverage:13.1f} %{phases.excess:7.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
