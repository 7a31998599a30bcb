"""The units of work that a run has done, in total and in each phase, and the metrics that it has logged."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ...core.plain import whole
from ...core.work import FLOPS, LONGEST_NAME, MOST_AT_ONCE, MOST_FLOPS, MOST_UNITS, wrong_with
from ...errors import TrainwattError
from ...masking.text import scrubbed_name
from ...texts import repr_of
from ..work.metrics import Metrics
from . import rows
from .phases.phase_record import PhaseRecord
from .rows import Row

LONGEST_SHOWN = 60


class AmountError(TrainwattError):
    """What was given is no amount of work."""


class WorkDone:
    """Adds up units of work; any thread may add. `metrics` are kept beside them."""

    def __init__(self, segment_id: str) -> None:
        self._segment_id = segment_id
        self.metrics = Metrics(segment_id)
        self._units: set[str] = set()
        self._amounts: dict[tuple[str, str], int] = {}
        self._lock = threading.RLock()  # not a Lock: the handler of a signal may count too, while this thread does

    def add(self, unit: str, phases: Sequence[PhaseRecord], given: object) -> None:
        """Count an amount of a unit, in the whole run, in the innermost one of the open phases, and in the instances of all of them: the
        energy of an outer one has that of the inner ones. Raises AmountError for an amount that cannot be, TrainwattError for a name that
        is none of a unit, and what the user's type raises."""
        try:
            amount = given if type(given) is int else whole(given)
        except (TypeError, ValueError, OverflowError):
            raise AmountError(f"{unit}={repr_of(given, LONGEST_SHOWN)}: give a whole number of at least 0") from None
        if not 0 <= amount < MOST_AT_ONCE:
            most = MOST_FLOPS if unit == FLOPS else MOST_AT_ONCE
            if not 0 <= amount < most:
                raise AmountError(f"{unit}={repr_of(given, LONGEST_SHOWN)}: give a whole number of at least 0, and below {most:.2g}")
        if not amount:
            return
        if unit not in self._units:
            self._take(unit)
        key = unit, phases[-1].name if phases else ""
        with self._lock:
            self._amounts[key] = self._amounts.get(key, 0) + amount
            for phase in phases:
                phase.work[unit] = phase.work.get(unit, 0) + amount

    def _take(self, unit: str) -> None:
        """A unit is counted for the first time."""
        wrong = wrong_with(unit) or ("its name looks like a secret" if scrubbed_name(unit) != unit else None)
        if wrong is None and len(self._units) >= MOST_UNITS:
            wrong = f"a process counts at most {MOST_UNITS} units"
        if wrong is not None:
            raise TrainwattError(f"{unit[: 2 * LONGEST_NAME]}=…: {wrong}")
        with self._lock:
            self._units.add(unit)

    def totals(self) -> dict[str, int]:
        """The amounts so far by unit, in the whole run."""
        with self._lock:
            amounts = dict(self._amounts)
        found: dict[str, int] = {}
        for (unit, _), amount in amounts.items():
            found[unit] = found.get(unit, 0) + amount
        return found

    def rows(self) -> list[Row]:
        """All amounts so far."""
        with self._lock:
            amounts = dict(self._amounts)
        shown: dict[tuple[str, str], int] = {}
        for (unit, phase), amount in amounts.items():
            # The names of two phases may be the same without their secrets.
            for key in dict.fromkeys(((unit, ""), (unit, scrubbed_name(phase)))):
                shown[key] = shown.get(key, 0) + amount
        return rows.work_rows(self._segment_id, shown)
