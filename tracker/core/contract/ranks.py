"""PURE: what `show --ranks --json` and `show --cross-check --json` add to `show --json`."""

from __future__ import annotations

from typing import TypedDict

from .show import ShowJson
from .slurm import CrossCheckJson


class ReadJson(TypedDict):
    """A device that a process has read, from when to when (seconds since the run began), and the energy that counts in the run."""

    device: str
    from_s: float
    to_s: float
    energy_j: float


class ProcessJson(TypedDict):
    """A process of a run, and from when to when it was there. `role` is "owner", or "joined" in the run of a command around it. `work` is
    that of this process alone."""

    rank: int | None
    role: str
    host: str
    pid: int
    status: str
    end_reason: str | None
    from_s: float
    to_s: float
    work: dict[str, int]
    reads: list[ReadJson]


class PhaseByRankJson(TypedDict):
    """The time that the ranks spent in a phase: of the one that was fastest, and of the one that was slowest."""

    name: str
    fastest_rank: int
    fastest_s: float
    slowest_rank: int
    slowest_s: float


class ShowCheckedJson(ShowJson):
    """`show --cross-check --json`."""

    cross_check: CrossCheckJson


class ShowRanksJson(ShowJson):
    """`show --ranks --json`. The energies of all `reads` of a device are that of the device, and those of the devices of the total are the
    total."""

    processes: list[ProcessJson]
    phases_by_rank: list[PhaseByRankJson]
