"""What a new database needs before anything of the run can be added to it. It is kept in memory in case the first one is damaged."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

from .rows import Row

KEPT_EVENTS = 1_000

Rows = Mapping[str, Sequence[Row]]


class Renewal:
    """The rows that must be there first. `first` is what was written of the run when it began."""

    def __init__(self, first: Rows) -> None:
        self._first: dict[str, Sequence[Row]] = dict(first)
        self._events: deque[Row] = deque(maxlen=KEPT_EVENTS)
        self._again: Rows = {}

    def described(self, found: Rows, about_run: Row) -> None:
        """The rows that describe the machine, which are written once, and columns of the run."""
        self._first |= {table: [*self._first.get(table, ()), *added] for table, added in found.items()}
        self._first["run"] = [row | about_run for row in self._first["run"]]

    def said(self, event: Row) -> None:
        """Keep an event: it may be about joules that the new database has too."""
        self._events.append(event)

    def begin(self, phases: Sequence[Row], unwritten: MutableMapping[str, deque[Row]]) -> None:
        """A new database is in place. `phases`: those to which something is still added later. The energies of others are dropped."""
        self._again = self._first | {"phase": phases, "event": tuple(self._events)}
        known = {(row["segment_id"], row["seq"]) for row in (*phases, *unwritten.get("phase", ()))}
        energies = unwritten.get("phase_energy", deque())
        unwritten["phase_energy"] = deque((row for row in energies if (row["segment_id"], row["seq"]) in known), energies.maxlen)

    def base(self, phases: Sequence[Row], points: Sequence[Row]) -> dict[str, Sequence[Row]]:
        """What any other database needs first. `points`: the first ones of the curves."""
        return self._first | {"phase": phases, "event": tuple(self._events), "curve_point": points}

    def before(self, unwritten: Rows) -> dict[str, Sequence[Row]]:
        """`unwritten`, and before it in each table what must be there first."""
        return {table: (*self._again.get(table, ()), *unwritten.get(table, ())) for table in self._again.keys() | unwritten.keys()}

    def stored(self) -> None:
        """The database has it now."""
        self._again = {}


def wording(aside: Path, path: Path) -> str:
    """The text about a damaged database, for the run and the log."""
    return (
        f"the database was damaged and is now {aside}: it may have this run's phases and power until now; "
        f"{path} has the energy from the start of the run, and all that follows"
    )
