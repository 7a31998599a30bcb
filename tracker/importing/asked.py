"""PURE: what the user says of a file, because the file does not."""

from __future__ import annotations

from typing import NamedTuple


class Asked(NamedTuple):
    """What the user says of the runs in a file. None leaves it to the file.

    `exclusive`: jobs had their nodes to themselves. `started_utc_ns` and `every_s`: for a log without times. `now_utc_ns` stands in for a
    time that nobody says. `fallback_name` is what a run is called that has no name in its file.
    """

    now_utc_ns: int
    fallback_name: str
    project: str | None = None
    name: str | None = None
    group: str | None = None
    stage: str | None = None
    zone: str | None = None
    exclusive: bool = False
    started_utc_ns: int | None = None
    every_s: float | None = None
