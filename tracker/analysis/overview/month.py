"""What the runs that began in this month have come to, by project and stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from ...core.units import NS_PER_S
from ..over_time.periods import period_of
from ..selection import Filters, fitting
from ..totals import grouped, members, total

if TYPE_CHECKING:
    from ...core.contract import GroupJson, SumJson
    from ...storage.read.store import Store


class Month(NamedTuple):
    """A month, in UTC: its sum, and those of its projects and stages, each with the most energy first. `parts` has the joules of each stage
    of a project; a stage is None where none was recorded. `whole` is None if no run has begun in it."""

    name: str
    whole: SumJson | None
    projects: Sequence[GroupJson]
    stages: Sequence[GroupJson]
    parts: Mapping[str, Mapping[str | None, float]]


def month_of(store: Store, utc_ns: int) -> Month:
    """The month of an instant. Raises StoreError."""
    name = period_of(utc_ns, "month")
    began = datetime.fromisoformat(f"{name}-01").replace(tzinfo=UTC)
    begun = fitting(store, Filters(since_utc_ns=round(began.timestamp()) * NS_PER_S))
    of = members(store, [run for run in begun if period_of(run.started_utc_ns, "month") == name])  # a clock may be ahead
    parts: dict[str, dict[str | None, float]] = defaultdict(lambda: defaultdict(float))
    for member in of:
        parts[member.run.project][member.run.stage] += member.entry["energy"]["total_j"] or 0.0
    by_project, by_stage = _most_first(grouped(of, "project")), _most_first(grouped(of, "stage"))
    return Month(name, total(of) if of else None, by_project, by_stage, parts)


def _most_first(groups: Sequence[GroupJson]) -> list[GroupJson]:
    return sorted(groups, key=lambda group: -(group["energy"]["total_j"] or 0.0))
