"""PURE: runs that read the same devices at the same time. A sum of these runs counts the joules more than once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

APART_S = 0.5
"""Runs that follow each other may seem to overlap by this much if the wall clock is set in between."""


class Reading(NamedTuple):
    """A device that a run reads from `start_s` to `end_s`, seconds of the host's wall clock."""

    run_id: str
    host: str
    device: str
    start_s: float
    end_s: float


def at_once(readings: Iterable[Reading]) -> set[str]:
    """The ids of the runs that read a device at the same time as another of them."""
    by_device: dict[tuple[str, str], list[Reading]] = defaultdict(list)
    for reading in readings:
        by_device[reading.host, reading.device].append(reading)
    found = set[str]()
    for of_device in by_device.values():
        latest: Reading | None = None  # of those that began so far, the one that ends last
        for reading in sorted(of_device, key=lambda r: r.start_s):
            if latest is not None and reading.run_id != latest.run_id and latest.end_s - reading.start_s > APART_S:
                found |= {latest.run_id, reading.run_id}
            if latest is None or reading.end_s > latest.end_s:
                latest = reading
    return found
