"""PURE: `bench --json`."""

from __future__ import annotations

from typing import TypedDict

from .compare import CompareJson


class BenchedJson(TypedDict):
    """A command in `bench --json`. `runs` are the ids of its runs that completed, in the group `group`. `variation` is the standard
    deviation of their energies as a share of the mean; None with one run."""

    label: str
    command: str | None
    group: str
    runs: list[str]
    variation: float | None


class BenchJson(TypedDict):
    """`bench --json`. `runs_needed` has, for each command whose energy cannot be told from that of the first, how many runs of each would
    decide; None if no number would, and if they differ."""

    schema_version: int
    commands: list[BenchedJson]
    comparison: CompareJson
    runs_needed: dict[str, int | None]
