"""PURE: how long a run lasts that did not end normally, or has not ended, or in which several processes measure: on the monotonic clock of
its readings. The time between two processes, in which the run did not go on, does not count.

The wall clock may be set while a run goes on. It only says how the processes on different machines, or before and after a restart of one,
lie to each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ....core.clock import Anchor

NS = 1e-9
UNSEEN_NS = 70 * 10**9
"""An anchor is stored once a minute: a process without readings may have been seen for so long after its last one."""


class Lived(NamedTuple):
    """A process of a run: its clock (that of a host since its start), when it began on the wall clock, and from when to when it was seen on
    the monotonic one. `clock` is None if it is not known: no other process has the same."""

    clock: tuple[str, str] | None
    started_utc_ns: int
    start_t_ns: int
    last_t_ns: int


def last_t_ns(start_t_ns: int, end_t_ns: int | None, readings: Iterable[int], anchor: Anchor | None, last_seen_utc_ns: int) -> int:
    """When a process was last seen, on its monotonic clock. `readings`: the ends of its curves; `anchor`: its newest one.

    Without readings the wall clock says how long after the anchor it was seen, unless that is longer than the anchors are apart.
    """
    known = [start_t_ns, *([] if end_t_ns is None else [end_t_ns]), *readings, *([] if anchor is None else [anchor.monotonic_ns])]
    if anchor is not None and end_t_ns is None and len(known) == 2:
        after_ns = last_seen_utc_ns - anchor.utc_ns
        known.append(anchor.monotonic_ns + (after_ns if 0 <= after_ns <= UNSEEN_NS else 0))
    return max(known)


def lasted_s(begun_utc_ns: int, processes: Iterable[Lived]) -> float | None:
    """The time in which a run that began at `begun_utc_ns` had a process, in seconds; None without one."""
    by_clock: dict[object, list[Lived]] = defaultdict(list)
    for number, process in enumerate(processes):
        by_clock[number if process.clock is None else process.clock].append(process)
    if not by_clock:
        return None
    return _union_ns(span for of in by_clock.values() for span in _spans(begun_utc_ns, of)) * NS


def _spans(begun_utc_ns: int, processes: Sequence[Lived]) -> Iterator[tuple[int, int]]:
    """When the processes on one clock lived, in UTC. How they lie to each other is known. None of them began before the run:
    a wall clock that says so is wrong."""
    first_t_ns, first_utc_ns = min(p.start_t_ns for p in processes), min(p.started_utc_ns for p in processes)
    ahead_ns = max(first_utc_ns, begun_utc_ns) - first_t_ns
    for p in processes:
        yield p.start_t_ns + ahead_ns, p.last_t_ns + ahead_ns


def _union_ns(spans: Iterable[tuple[int, int]]) -> int:
    """The time in which at least one process lived."""
    counted_ns, until_ns = 0, None
    for start_ns, end_ns in sorted(spans):
        begin_ns = start_ns if until_ns is None else max(until_ns, start_ns)
        counted_ns += max(0, end_ns - begin_ns)
        until_ns = max(begin_ns, end_ns)
    return counted_ns
