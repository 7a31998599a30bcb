"""The records of phases one by one. Fields have the names of the columns; the schema's SQL explains them."""

from __future__ import annotations

from typing import NamedTuple

from ..records import PhaseDeviceSum


class OpenPhase(NamedTuple):
    """An instance of a phase that has not ended; it began at `start_t_ns` of its segment's monotonic clock.

    `newest_j` has the joules of the newest instances of its name that have ended, without those that were too short to resolve.
    """

    segment_id: str
    seq: int
    parent_seq: int | None
    name: str
    step: int | None
    start_utc_ns: int
    start_t_ns: int
    newest_j: tuple[float, ...]


class PhaseInstance(NamedTuple):
    """An instance of a phase that is kept one by one, with the energy of the devices and the units of work that were counted in it. Times
    are on its segment's monotonic clock. `resolved` is None until its energy is known."""

    segment_id: str
    seq: int
    parent_seq: int | None
    name: str
    step: int | None
    start_t_ns: int
    end_t_ns: int | None
    start_utc_ns: int
    synchronized: int
    exact: int
    resolved: int | None
    devices: tuple[PhaseDeviceSum, ...]
    work: dict[str, int]


class PhaseTime(NamedTuple):
    """One instance of a phase, on its segment's monotonic clock; `end_t_ns` is None if it has not ended."""

    segment_id: str
    name: str
    start_t_ns: int
    end_t_ns: int | None
