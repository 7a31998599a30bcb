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


class DeviceOfRankJson(TypedDict):
    """A part of the energy of a device, and the range it lies in."""

    host: str
    device: str
    uuid: str | None
    energy_j: float
    low_j: float
    high_j: float


class RankShareJson(TypedDict):
    """What is attributed to a rank, in all and of each device. The range assumes that the policy errs for all devices alike."""

    rank: int
    energy_j: float
    low_j: float
    high_j: float
    devices: list[DeviceOfRankJson]


class RankSharesJson(TypedDict):
    """How the energy of the devices in the total is divided between ranks by `policy`. All parts and `unattributed_j` are the total;
    `unattributed` has a part for each device."""

    policy: str
    ranks: list[RankShareJson]
    unattributed_j: float
    unattributed: list[DeviceOfRankJson]


class ShowCheckedJson(ShowJson):
    """`show --cross-check --json`."""

    cross_check: CrossCheckJson


class RanksPartJson(TypedDict):
    """What `show --ranks --json` adds. The energies of all `reads` of a device are that of the device, and those of the devices of the
    total are the total. `attributed_to_ranks` is None if nothing is known of what ranks have used."""

    processes: list[ProcessJson]
    phases_by_rank: list[PhaseByRankJson]
    attributed_to_ranks: RankSharesJson | None


class ShowRanksJson(ShowJson, RanksPartJson):
    """`show --ranks --json`."""
