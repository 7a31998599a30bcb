"""The row of a run whose parts are in several databases."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trainwatt.core.run import Status
from trainwatt.storage.merge.combining import Part, Row, combined, verdict

STATUSES = st.sampled_from([Status.COMPLETED, Status.FAILED, Status.INTERRUPTED, Status.RUNNING])


@st.composite
def nodes(draw: st.DrawFn) -> list[tuple[Row, Row]]:
    """What each of several nodes has of one run: the row of the run, and that of its one process."""
    made: list[tuple[Row, Row]] = []
    for number in range(draw(st.integers(2, 4))):
        status, began = draw(STATUSES), draw(st.integers(0, 50))
        until = began + draw(st.integers(1, 50))
        over: dict[str, Any] = {"status": status, "started_utc_ns": began, "last_seen_utc_ns": until, "host": f"node{number}"}
        over |= {"ended_utc_ns": None if status == Status.RUNNING else until, "end_reason": None}
        made.append(
            ({**over, "id": "job", "zone": None, "outcome": None, "duration_s": 1.0}, {**over, "id": f"seg{number}", "role": "owner"})
        )
    return made


def merged(parts: list[tuple[Row, Row]]) -> Row:
    """The row after these parts were taken in one after the other."""
    row: Row | None = None
    there: list[Row] = []
    for run, segment in parts:
        row = combined(run, row, [other for other in there if other["id"] != segment["id"]])
        there = [other for other in there if other["id"] != segment["id"]] + [segment]
    assert row is not None
    return row


@given(nodes())
def test_the_order_does_not_matter_and_once_more_changes_nothing(parts: list[tuple[Row, Row]]) -> None:
    first = merged(parts)
    assert all(merged(list(order)) == first for order in permutations(parts))
    assert merged([*parts, *parts]) == first
    assert first["started_utc_ns"] == min(run["started_utc_ns"] for run, _ in parts)
    assert (first["status"] == Status.RUNNING) == any(run["status"] == Status.RUNNING for run, _ in parts)


def part(status: Status, began: int, until: int) -> Part:
    return Part(status, None, began, until)


def test_the_worst_of_the_parts_at_the_end_decides() -> None:
    completed, failed = part(Status.COMPLETED, 0, 10), part(Status.FAILED, 0, 9)
    assert verdict([completed, failed]) == failed
    assert verdict([failed, part(Status.COMPLETED, 9, 20)]).status == Status.COMPLETED  # it was resumed
    assert verdict([part(Status.INTERRUPTED, 0, 5), failed]).status == Status.FAILED
    assert verdict([part(Status.RUNNING, 0, 5), part(Status.COMPLETED, 6, 9)]).status == Status.RUNNING
