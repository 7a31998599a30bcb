"""PURE: which of two rows of one process is newer, and the row of a run whose processes are in several databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...core.run import Status

Row = Mapping[str, Any]
"""A row by column."""

_WORST = (Status.FAILED, Status.INTERRUPTED, Status.COMPLETED)
"""The statuses of processes that are over, the worst first."""


class Part(NamedTuple):
    """How a process of a run, or several of them, ended: from when to when it was seen, in UTC nanoseconds."""

    status: str
    reason: str | None
    started_utc_ns: int
    until_utc_ns: int


def progress(segment: Row) -> tuple[bool, int, int, bool]:
    """How far the row of a process got: the greater is the newer. The wall clock may have been set back while it ran, so it comes late."""
    ended = segment["end_t_ns"] is not None
    return ended, _number(segment["samples"]), _number(segment["last_seen_utc_ns"]), segment["status"] != Status.RUNNING


def part_of(row: Row) -> Part:
    """The part that a row of a segment or of a run describes."""
    until_utc_ns = row["last_seen_utc_ns"] if row["ended_utc_ns"] is None else row["ended_utc_ns"]
    return Part(row["status"], row["end_reason"], row["started_utc_ns"], until_utc_ns)


def verdict(parts: Iterable[Part]) -> Part:
    """How a run ended whose parts ended like this. It runs while one of them runs. A part that was continued by a later one, because the
    job was resumed, decides nothing. Of the others the worst decides, and of equal ones the last."""
    every = list(parts)
    last = [p for p in every if not any(p.until_utc_ns <= other.started_utc_ns and other is not p for other in every)]
    running = [p for p in every if p.status == Status.RUNNING]
    among = running or last or every
    decisive = next((status for status in _WORST if any(p.status == status for p in among)), among[0].status)
    return max((p for p in among if p.status == decisive), key=lambda p: (p.until_utc_ns, p.started_utc_ns, p.reason or ""))


def combined(theirs: Row, ours: Row | None, others: Sequence[Row]) -> Row:
    """The row of a run in the target. `theirs` is that of the source, `ours` that of the target, `others` are the segments of the target
    that the source does not have: those of other nodes. What names the run is that of the part that began first."""
    if ours is None:
        return theirs
    if not others:
        return ours if _run_progress(ours) > _run_progress(theirs) else theirs
    first, second = (theirs, ours) if _age(theirs) <= _age(ours) else (ours, theirs)
    row = {name: second[name] if value is None else value for name, value in first.items()}
    decisive = verdict([part_of(theirs), *(part_of(other) for other in others if other["role"] == "owner")])
    over = decisive.status != Status.RUNNING
    ends = [end for end in (theirs["ended_utc_ns"], *(other["ended_utc_ns"] for other in others)) if end is not None]
    outcomes = (theirs["outcome"], ours["outcome"])
    return row | {
        "status": decisive.status,
        "end_reason": ours["end_reason"] if ours["status"] == decisive.status and ours["end_reason"] else decisive.reason,
        "outcome": next((o for o in outcomes if o is not None), None) if decisive.status == Status.COMPLETED else None,
        "started_utc_ns": min(theirs["started_utc_ns"], ours["started_utc_ns"]),
        "last_seen_utc_ns": max(theirs["last_seen_utc_ns"], *(other["last_seen_utc_ns"] for other in others)),
        "ended_utc_ns": max(ends) if over and ends else None,
        "duration_s": None,  # that of its processes, on their own clocks, is computed when the run is read
    }


def _number(value: object) -> int:
    """A stored number; -1 for what is none, because a database may be damaged."""
    return value if isinstance(value, int) else -1


def _age(row: Row) -> tuple[int, str]:
    return row["started_utc_ns"], row["host"]


def _run_progress(row: Row) -> tuple[bool, int, bool]:
    return row["duration_s"] is not None, _number(row["last_seen_utc_ns"]), row["status"] != Status.RUNNING
