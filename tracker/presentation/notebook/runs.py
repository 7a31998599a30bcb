"""`trainwatt.runs()`: stored runs as rows for notebooks and data frames."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ...analysis.open_store import open_store
from ...core.plain import whole
from ...core.run import Origin, Status
from ...core.units import NS_PER_S
from ...errors import ConfigurationError
from ...texts import shown
from ...unwarned import unwarned
from ..words.quantities import format_duration, largest_j, percent
from ..words.runs import energy_text
from .elements import paragraph, table

if TYPE_CHECKING:
    from ...core.contract import EnergyRangeJson, RunRecord

SHOWN = 20
"""A notebook shows this many runs."""


class Runs(list["RunRecord"]):
    """Runs, newest first: plain dictionaries with the columns of `trainwatt export --what runs`, without work and grams.

    `pandas.DataFrame(runs)` accepts them, and a notebook shows them as a table.
    """

    def __repr__(self) -> str:
        """As a list. Characters that the encoding of stdout does not have are replaced."""
        return shown(super().__repr__(), sys.stdout)

    def _repr_html_(self) -> str:
        if not self:
            return paragraph("no runs")
        head = ("run", "started", "project", "name", "status", "time", "energy (range)", "measured")
        unit_of_j = largest_j(row["energy_j"] for row in self[:SHOWN])
        rows = [_cells(row, unit_of_j) for row in self[:SHOWN]]
        more = paragraph(f"… and {len(self) - SHOWN} more") if len(self) > SHOWN else ""
        return table(head, rows, right=("time", "measured")) + more


def _cells(row: RunRecord, unit_of_j: float | None) -> tuple[str, ...]:
    energy: EnergyRangeJson = {
        "total_j": row["energy_j"],
        "low_j": row["low_j"],
        "high_j": row["high_j"],
        "lower_bound": row["lower_bound"],
    }
    return (
        row["run_id"][:8],
        row["started_at"].replace("T", " ")[:16] + " UTC",
        row["project"],
        row["name"] or "",
        ", ".join([row["status"], *(["damaged"] if row["damaged"] else []), *([] if row["origin"] == Origin.TRACKED else [row["origin"]])]),
        format_duration(row["duration_s"] or 0.0),
        energy_text(energy, unit_of_j),
        "" if row["measured_fraction"] is None else percent(row["measured_fraction"]),
    )


def runs(
    db: str | os.PathLike[str] | None = None,
    project: str | None = None,
    *,
    group: str | None = None,
    status: Literal["completed", "searched", "pruned", "failed", "interrupted", "running"] | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> Runs:
    """The stored runs that fit every given filter, newest first, as a list of dictionaries.

    `db` is a file or a folder; the default is the database that trackers started in this folder use. `since` is the earliest start; it is
    local time if it has no time zone. `limit` is the largest number of runs. Energies are joules with a 95 % range, `duration_s` is
    seconds, times are UTC. Raises ConfigurationError, and StoreError if nothing is stored yet.
    """
    if status is not None and status not in [*Status]:
        raise ConfigurationError(f"status={status!r}: a run is {', '.join(Status)}")
    since_utc_ns = None if since is None else round(since.timestamp() * NS_PER_S)
    count = None if limit is None else whole(limit)
    return unwarned(_stored, db, project=project, group=group, status=status, since_utc_ns=since_utc_ns, limit=count)


def _stored(db: str | os.PathLike[str] | None, **filters: Any) -> Runs:
    from ...analysis.tables import run_record  # imports SQLAlchemy
    from ...analysis.totals import listed

    store = open_store(db)
    try:
        found = store.list_runs(**filters)
        return Runs(run_record(run, entry["run"], entry["energy"]) for run, entry in zip(found, listed(store, found), strict=True))
    finally:
        store.close()
