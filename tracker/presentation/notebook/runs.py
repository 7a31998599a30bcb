"""`trainwatt.runs()`: stored runs as rows, for notebooks and data frames."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args

from ...analysis.open_store import open_store
from ...core.units import NS_PER_S
from ...errors import ConfigurationError
from ..words.quantities import format_duration, format_energy, format_range
from .elements import paragraph, table

if TYPE_CHECKING:
    from ...core.contract import RunRecord

SHOWN = 20
Status = Literal["running", "completed", "failed", "interrupted"]


class Runs(list["RunRecord"]):
    """Runs, newest first: plain dictionaries with the columns of `trainwatt export --what runs`, but for work and grams.

    `pandas.DataFrame(runs)` takes them as they are, and a notebook shows them as a table.
    """

    def _repr_html_(self) -> str:
        if not self:
            return paragraph("no runs")
        head = ("run", "started", "project", "name", "status", "time", "energy (range)", "measured")
        rows = [_cells(row) for row in self[:SHOWN]]
        more = paragraph(f"… and {len(self) - SHOWN} more") if len(self) > SHOWN else ""
        return table(head, rows, right=("time", "measured")) + more


def _cells(row: RunRecord) -> tuple[str, ...]:
    joules, share = row["energy_j"], row["measured_fraction"]
    return (
        row["run_id"][:8],
        row["started_at"].replace("T", " ")[:16] + " UTC",
        row["project"],
        row["name"] or "",
        row["status"],
        format_duration(row["duration_s"] or 0.0),
        "–"
        if joules is None
        else ("≥ " if row["lower_bound"] else "")
        + (format_range(joules, row["low_j"] or 0.0, row["high_j"] or 0.0) if joules else format_energy(joules)),
        "" if share is None else f"{100 * share:.0f} %",
    )


def runs(
    db: str | os.PathLike[str] | None = None,
    project: str | None = None,
    *,
    group: str | None = None,
    status: Status | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> Runs:
    """The stored runs that fit every given filter, newest first, as a list of dictionaries.

    `db` is a file or folder, by default where trackers of this place store; `since` is the earliest start, local time
    where it has no zone; `status` is running, completed, failed or interrupted; `limit` is the most there may be. Energies are joules with
    a 95 % range, `duration_s` is seconds, times are UTC. Raises ConfigurationError, and StoreError where nothing is stored yet.
    """
    if status is not None and status not in get_args(Status):
        raise ConfigurationError(f"status={status!r}: a run is {', '.join(get_args(Status))}")
    since_utc_ns = None if since is None else round(since.timestamp() * NS_PER_S)
    from ...analysis.tables import run_record  # SQLAlchemy is for those who read
    from ...analysis.totals import listed

    store = open_store(db)
    try:
        found = store.list_runs(project=project, group=group, status=status, since_utc_ns=since_utc_ns, limit=limit)
        return Runs(run_record(run, entry["run"], entry["energy"]) for run, entry in zip(found, listed(store, found), strict=True))
    finally:
        store.close()
