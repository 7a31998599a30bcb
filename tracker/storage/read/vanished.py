"""Finds the runs that say they are running, but are over: their process is gone, or the machine was restarted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, select, update

from ...core.run import Status
from ..schema import RUN, SEGMENT

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
    """A segment that says it is running, and its run."""

    segment_id: str
    run_id: str
    role: str
    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    start_ticks: int
    last_seen_utc_ns: int
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
    for candidate in candidates:
        reason = _reason(candidate, here)
        if reason:
            vanished.segments[candidate.segment_id] = Ending(reason, candidate.last_seen_utc_ns)
        if candidate.role != "owner" or candidate.run_status != Status.RUNNING:
            continue
        if reason:
            vanished.runs[candidate.run_id] = Ending(reason, candidate.run_last_seen_utc_ns)
        else:
            alive.add(candidate.run_id)
    for run_id in alive:
        vanished.runs.pop(run_id, None)
    return vanished


def _reason(candidate: Candidate, here: Here) -> str | None:
    if candidate.host != here.host or not candidate.boot_id or not here.boot_id:
        return None
    if candidate.boot_id != here.boot_id:
        return RESTARTED
    if candidate.pid_namespace != here.pid_namespace:
        return None
    return None if here.is_alive(candidate.pid, candidate.start_ticks) else DIED


def vanished_of(connection: Connection, here: Here) -> Vanished:
    """The segments and runs that say they are running, and are over."""
    query = (
        select(
            SEGMENT.c.id.label("segment_id"),
            SEGMENT.c.run_id,
            SEGMENT.c.role,
            SEGMENT.c.host,
            SEGMENT.c.boot_id,
            SEGMENT.c.pid_namespace,
            SEGMENT.c.pid,
            SEGMENT.c.start_ticks,
            SEGMENT.c.last_seen_utc_ns,
            RUN.c.status.label("run_status"),
            RUN.c.last_seen_utc_ns.label("run_last_seen_utc_ns"),
        )
        .join(RUN, RUN.c.id == SEGMENT.c.run_id)
        .where(SEGMENT.c.status == Status.RUNNING)
    )
    return judge(map(Candidate._make, connection.execute(query)), here)


def write_down(connection: Connection, vanished: Vanished) -> None:
    """Mark segments and runs that are over as interrupted."""
    for table, endings in ((SEGMENT, vanished.segments), (RUN, vanished.runs)):
        for id_, ending in endings.items():
            connection.execute(
                update(table)
                .where(table.c.id == id_, table.c.status == Status.RUNNING)
                .values(status=Status.INTERRUPTED, end_reason=ending.reason, ended_utc_ns=ending.ended_utc_ns)
            )
