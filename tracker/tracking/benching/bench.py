"""Commands that run several times in changing order, each run with a rest before it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ...analysis.comparing.choosing import Chosen, sides_of
from ...analysis.comparing.comparison import letter
from ...analysis.comparing.precision import known_to
from ...analysis.comparing.side import Side
from ...analysis.footprint import DEFAULT
from ...analysis.open_store import open_store
from ...config import Settings, arguments, resolve, working_folder
from ...errors import TrainwattError
from .cooling import Cooling, power_of_the_machine
from .goal import Goal
from .one_run import OneRun, run_once
from .order import order

LEAST_FOR_PRECISION = 3
"""With fewer runs, their spread is hardly known."""


class Plan(NamedTuple):
    """What to run. `lines` are the commands; each has at most `runs` runs after `warmup` runs that are not measured.

    `rest_s` before each run; None to wait until the machine is idle. `group`: the runs of the first command are in the group GROUP/A.
    `precision`: stop when the means, or their differences from the first, are known to this share. `ignore_failure`: leave runs out that
    fail; otherwise they end the bench.
    """

    lines: tuple[str, ...]
    runs: int
    warmup: int
    rest_s: float | None
    group: str
    goal: Goal | None = None
    precision: float | None = None
    ignore_failure: bool = False


class Bench:
    """The runs of a plan. `groups` are those of the commands, and `ids` their runs that completed. `say` gets a line for the user."""

    def __init__(self, plan: Plan, settings: Settings, say: Callable[[str], None]) -> None:
        self._plan, self._settings, self._say = plan, settings, say
        self._config = resolve(arguments(settings), os.environ, working_folder())
        self.labels = [letter(number) for number in range(len(plan.lines))]
        self.groups = [f"{plan.group}/{label}" for label in self.labels]
        self.ids: list[list[str]] = [[] for _ in plan.lines]

    def run(self) -> None:
        """All runs. Raises TrainwattError if a command fails, and what `run_once` raises."""
        plan = self._plan
        cooling = None if plan.rest_s is not None else Cooling(partial(power_of_the_machine, self._config))
        for number, line in enumerate(plan.lines):
            for _ in range(plan.warmup):
                self._did_its_work(run_once(line, None), number, "in its warm-up")
        for number in range(plan.runs):
            for of in order(len(plan.lines), number):
                self._rest(cooling)
                own: Settings = {**self._settings, "group": self.groups[of], "name": f"{self.labels[of]} {number + 1}"}
                found = run_once(plan.lines[of], own, plan.goal)
                if self._did_its_work(found, of, f"in run {number + 1}") and found.run_id is not None:
                    self.ids[of].append(found.run_id)
            enough = plan.precision is not None and min(map(len, self.ids)) >= LEAST_FOR_PRECISION
            if enough and plan.precision is not None and known_to(self.sides(), plan.precision):
                break

    def sides(self) -> list[Side]:
        """The runs of each command as a side. Raises TrainwattError if a command has none."""
        without = [label for label, ids in zip(self.labels, self.ids, strict=True) if not ids]
        if without:
            raise TrainwattError(f"no run of {', '.join(without)} completed, so there is nothing to compare")
        chosen = [Chosen(tuple(ids), line) for ids, line in zip(self.ids, self._plan.lines, strict=True)]
        return sides_of(open_store(self._settings.get("db")), chosen, DEFAULT)

    def _rest(self, cooling: Cooling | None) -> None:
        if cooling is None:
            time.sleep(self._plan.rest_s or 0.0)
            return
        rest = cooling.wait()
        if rest is not None and not rest.reached:
            self._say(
                f"after {rest.seconds:.0f} s of rest the machine draws {rest.power_w:.0f} W; it drew {rest.idle_w:.0f} W when it was idle"
                " before. The next run begins, but something else may be running"
            )

    def _did_its_work(self, found: OneRun, number: int, when: str) -> bool:
        """Whether a run did its work. Raises TrainwattError if not, unless failures are ignored."""
        if found.code == 0 and found.reached is not False:
            return True
        said = f"{self.labels[number]} ({self._plan.lines[number]}) {_fault(found, self._plan.goal)} {when}"
        if self._plan.ignore_failure:
            self._say(f"{said}; left out")
            return False
        last = "".join(f"\n  | {line}" for line in found.last_lines)
        mend = "mend it, or give --ignore-failure to leave such runs out"
        raise TrainwattError(f"{said}; {mend}{f'. Its last lines:{last}' if last else ''}")


def _fault(found: OneRun, goal: Goal | None) -> str:
    if found.code == 0:
        return f"did not print {goal}"
    return f"ended with exit code {found.code}" if found.code > 0 else f"was ended by signal {-found.code}"
