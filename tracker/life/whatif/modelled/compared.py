"""PURE: runs that did the same work under other circumstances, as multiples of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ....carbon.accounting import Estimate
from ....core.work import chosen, counted
from .facts import Facts


class Compared(NamedTuple):
    """Another run, for the work of the first one: its energy and its time as multiples, and `times` its own work. Both are compared by
    `unit`; None: each run as a whole, because they have the same command or the user says that they did the same."""

    other: Facts
    unit: str | None
    times: float
    energy: Estimate
    time: float


def compared(run: Facts, other: Facts, unit: str | None, *, same_work: bool = False) -> Compared | None:
    """The other run, for the work of the first one. `unit`: what the user asks to compare by, else what both have counted. None if they
    have counted nothing in common, and it is not known that they did the same."""
    common = {name: amount for name, amount in run.work.items() if amount and counted(other.work, name)}
    by = chosen(common, unit)
    if by is not None:
        times = counted(run.work, by) / counted(other.work, by)
    elif unit is None and other.completed and (same_work or _alike(run, other)):
        times = 1.0
    else:
        return None
    energy = other.energy.times(times / run.energy.central)
    return Compared(other, by, times, energy, other.seconds * times / run.seconds)


def _alike(run: Facts, other: Facts) -> bool:
    """Whether whole runs did the same work, as far as it is known: the same command in the same stage, to its end. An imported run has no
    command."""
    a, b = run.footprint["run"], other.footprint["run"]
    return run.completed and run.command == other.command and a["stage"] == b["stage"] and not any(run.work.values())


def likely(run: Facts, found: Sequence[Compared]) -> list[Compared]:
    """Those that did the work in the same way, as far as it is known: with the command of the run, if any of them has it."""
    return [of for of in found if run.command is not None and of.other.command == run.command] or list(found)


def mean(found: Iterable[Compared]) -> tuple[Estimate, Estimate]:
    """The energy and the time of several runs: the mean of them, from the lowest to the highest."""
    all_of = list(found)
    energy = Estimate(
        sum(of.energy.central for of in all_of) / len(all_of),
        min(of.energy.low for of in all_of),
        max(of.energy.high for of in all_of),
    )
    times = [of.time for of in all_of]
    return energy, Estimate(sum(times) / len(times), min(times), max(times))
