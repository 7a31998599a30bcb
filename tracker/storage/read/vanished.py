"""Finds the runs that say they are running, but are over: their process is gone, or the machine was restarted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, update

from ...core.run import Status
from ..schema import RUN, SEGMENT
from .checked import sound
from .records import SegmentRow
from .rows import select_fields

DIED = "vanished: the process was killed or died"
RESTARTED = "vanished: the machine restarted"


class Here(Protocol):
    """This machine and its processes."""

    @property
    def host(self) -> str: ...
    @property
    def boot_id(self) -> str: ...
    @property
    def pid_namespace(self) -> str: ...

    def is_alive(self, pid: int, start_ticks: int) -> bool:
        """Whether the process `pid` of this namespace that started at `start_ticks` still runs."""
        ...


class Candidate(NamedTuple):
    """A segment that says it is running, and what its run says."""

    segment: SegmentRow
    run_status: str
    run_last_seen_utc_ns: int


class Ending(NamedTuple):
    """Why a run or segment is over, and when it was last seen, in UTC nanoseconds."""

    reason: str
    ended_utc_ns: int


class Vanished(NamedTuple):
    """The segments and runs that are over, by id."""

    segments: dict[str, Ending]
    runs: dict[str, Ending]


def judge(candidates: Iterable[Candidate], here: Here) -> Vanished:
    """Which of the segments are over, and which runs: a run is over when none of its owner segments may still run.

    Segments of another host or of another pid namespace are left alone, because their processes cannot be seen from here.
    """
    vanished = Vanished({}, {})
    alive: set[str] = set()
    for segment, run_status, run_last_seen_utc_ns in candidates:
        reason = _reason(segment, here)
        if reason:
            vanished.segments[segment.id] = Ending(reason, segment.last_seen_utc_ns)
        if segment.role != "owner" or run_status != Status.RUNNING:
            continue
        if reason:
            vanished.runs[segment.run_id] = Ending(reason, run_last_seen_utc_ns)
        else:
            alive.add(segment.run_id)
    for run_id in alive:
        vanished.runs.pop(run_id, None)
    return vanished


def _reason(segment: SegmentRow, here: Here) -> str | None:
    if segment.host != here.host or not segment.boot_id or not here.boot_id:
        return None
    if segment.boot_id != here.boot_id:
        return RESTARTED
    if segment.pid_namespace != here.pid_namespace:
        return None
    return None if here.is_alive(segment.pid, segment.start_ticks) else DIED


def vanished_of(connection: Connection, here: Here) -> Vanished:
    """The segments and runs that say they are running, and are over."""
    query = (
        select_fields(SEGMENT, SegmentRow._fields)
        .add_columns(RUN.c.status, RUN.c.last_seen_utc_ns)
        .join(RUN, RUN.c.id == SEGMENT.c.run_id)
        .where(SEGMENT.c.status == Status.RUNNING)
    )
    rows = sound(SEGMENT, SegmentRow._fields, connection.execute(query), [])  # what is said of the run comes after these fields
    candidates = (Candidate(SegmentRow._make(segment), status, last_seen_ns) for *segment, status, last_seen_ns in rows)
    return judge((c for c in candidates if isinstance(c.run_last_seen_utc_ns, int)), here)


def write_down(connection: Connection, vanished: Vanished) -> None:
    """Mark segments and runs that are over as interrupted."""
    for table, endings in ((SEGMENT, vanished.segments), (RUN, vanished.runs)):
        for id_, ending in endings.items():
            connection.execute(
                update(table)
                .where(table.c.id == id_, table.c.status == Status.RUNNING)
                .values(status=Status.INTERRUPTED, end_reason=ending.reason, ended_utc_ns=ending.ended_utc_ns)
            )
