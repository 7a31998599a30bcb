"""Simulated short runs from rest to work and back: how far their energy is off on average, how often its range holds the truth, and how
wide that is. `python -m tests.energy.delay.short_runs` prints the table, with and without what the delay of the sensors is known to hide.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from statistics import fmean, median
from typing import NamedTuple

from tests.fakes.clock import FakeClock
from tests.fakes.sensor import AVERAGE, GPU, INSTANT, ScriptedSensor
from tests.fakes.simulated import Load, Simulation, averaged, latched
from trainwatt.core.sensing import Gauge
from trainwatt.energy.integrator import DeviceIntegrator

S = 10**9
RUNS, SEED = 250, 7
SHORTEST_S, LONGEST_S = 0.5, 5.0
INSTANT_WINDOW_S = 0.025
"""What a board calls the power now is the mean of so long (arXiv:2312.02741)."""


class Board(NamedTuple):
    """How a simulated board is read. Its counter is renewed every `update_s`, None for none; `average`: its gauge of a mean, renewed every
    0.1 s; `instant`: it also shows the power now."""

    update_s: float | None
    average: Gauge | None = None
    instant: bool = False

    def sensors(self, load: Load, clock: FakeClock, phase_s: float) -> list[ScriptedSensor]:
        """The sensors of the board under a load."""

        def now() -> float:
            t_s = clock.now_ns / S
            return load.joules(t_s, t_s - INSTANT_WINDOW_S) / INSTANT_WINDOW_S

        made = []
        if self.average is not None:
            made.append(averaged(GPU, load, clock, update_s=0.1, phase_s=phase_s, kind=self.average))
        if self.instant:
            made.append(ScriptedSensor(GPU, INSTANT, [now]))
        if self.update_s is not None:
            made.append(latched(GPU, load, clock, self.update_s, phase_s=phase_s))
        return made


def window(window_s: float) -> Gauge:
    """The mean of so long, which is known to be renewed every 0.1 s."""
    return Gauge("window", window_s, renewed_s=0.1)


BOARDS = {
    "counter, 20 ms": Board(0.02, AVERAGE, instant=True),
    "counter, 100 ms": Board(0.1, AVERAGE, instant=True),
    "counter, 100 ms, mean of 1 s": Board(0.1, AVERAGE),
    "counter, 100 ms, no gauge": Board(0.1),
    "mean of 0.1 s": Board(None, window(0.1)),
    "mean of 0.2 s": Board(None, window(0.2)),
    "mean of 0.5 s": Board(None, window(0.5)),
    "mean of 1 s": Board(None, window(1.0)),
    "mean of 1 s, renewal unknown": Board(None, AVERAGE),
    "mean of 1 s, and power now": Board(None, window(1.0), instant=True),
}


class Run(NamedTuple):
    """One run: its error and the width of its range as shares of the truth, and whether the ranges of it and of its phases hold."""

    error: float
    width: float
    held: bool
    phases_held: bool


Loads = Callable[[random.Random, float], tuple[float, float, float]]
"""From a length: for how long the board rests in the run before the work, how long it works, and how long it rests after it (s)."""


def aligned(rng: random.Random, length_s: float) -> tuple[float, float, float]:
    """The run is the work, as between `start` and `stop` in a program."""
    return 1e-6, length_s, rng.uniform(0.0, 0.004)


def within(rng: random.Random, length_s: float) -> tuple[float, float, float]:
    """The board rests for some time at both ends, as under `trainwatt run`."""
    return rng.uniform(0.0, 0.3), length_s, rng.uniform(0.02, 0.3)


def steady(_: random.Random, length_s: float) -> tuple[float, float, float]:
    """The board works before and after the run too."""
    return -5.0, length_s + 10.0, -5.0


def runs_of(board: Board, loads: Loads, count: int = RUNS, *, corrected: bool = True) -> list[Run]:
    """Simulate runs of 0.5 to 5 s, evenly spread over the orders of magnitude."""
    rng = random.Random(SEED)
    return [_run(board, rng, loads, corrected) for _ in range(count)]


def _run(board: Board, rng: random.Random, loads: Loads, corrected: bool) -> Run:
    begin_s, rest_w, work_w = 10.0 + rng.random(), rng.uniform(30.0, 80.0), rng.uniform(180.0, 290.0)
    before_s, work_s, after_s = loads(rng, SHORTEST_S * (LONGEST_S / SHORTEST_S) ** rng.random())
    load = Load([(0.0, rest_w), (begin_s + before_s, work_w), (begin_s + before_s + work_s, rest_w)])
    end_s, clock = begin_s + before_s + work_s + after_s, FakeClock(round(begin_s * S))
    simulation = Simulation(clock, board.sensors(load, clock, rng.random()), seed=rng.getrandbits(32))
    integrator = simulation.sampler.integrators[GPU.name]
    if not corrected:
        forget_delays(integrator)
    if board.update_s is not None:
        integrator.set_update_period(1.1 * board.update_s)
    middle_s = begin_s + rng.uniform(0.3, 0.7) * (end_s - begin_s)
    simulation.phases((begin_s, middle_s), (middle_s, end_s))
    simulation.follow(round(end_s * S), [round((middle_s + 0.001) * S)] if board.update_s else [])
    clock.now_ns = round(end_s * S)
    simulation.finish()
    true_j, total = load.joules(end_s, begin_s), simulation.total
    parts = [(part, load.joules(b_s, a_s)) for a_s, b_s, part in simulation.parts]
    assert abs(sum(part.energy_j for part, _ in parts) - total.energy_j) < 1e-6 * true_j
    held = [part.low_j - 0.01 <= joules <= part.high_j + 0.01 for part, joules in [(total, true_j), *parts]]
    return Run(total.energy_j / true_j - 1, (total.high_j - total.low_j) / true_j, held[0], all(held[1:]))


def forget_delays(integrator: DeviceIntegrator) -> None:
    """As if nothing were known of the delays."""
    if integrator._meter is not None:
        integrator._meter._late.know = lambda late_s: None  # type: ignore[method-assign]
    elif integrator._primary is not None:
        integrator._primary.books_start, integrator._primary._late_ns = False, 0


def bias(runs: list[Run]) -> float:
    """The mean error."""
    return fmean(run.error for run in runs)


def table() -> str:
    """For every board: the mean error without and with what is known, how many ranges hold, and their median half-width."""
    lines = [
        f"{'':30}{'aligned: was':>14}{'is':>9}{'held':>8}{'phases':>8}{'range':>9}{'rests at the ends: was':>26}{'is':>9}{'steady: is':>13}"
    ]
    for name, board in BOARDS.items():
        before, after = (runs_of(board, aligned, corrected=corrected) for corrected in (False, True))
        loose = [bias(runs_of(board, within, corrected=corrected)) for corrected in (False, True)]
        held, phases = (100 * fmean(getattr(run, name) for run in after) for name in ("held", "phases_held"))
        lines.append(
            f"{name:30}{100 * bias(before):+12.1f} %{100 * bias(after):+7.1f} %{held:6.1f} %{phases:6.1f} %"
            f"   ±{50 * median(run.width for run in after):4.1f} %{100 * loose[0]:+24.1f} %{100 * loose[1]:+7.1f} %"
            f"{100 * bias(runs_of(board, steady)):+11.1f} %"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
