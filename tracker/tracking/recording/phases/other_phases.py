"""The phases of other processes of a run in which several measure: each computes the energy of all phases on its own devices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from .phase_record import PhaseRecord

if TYPE_CHECKING:
    from .phase_record import Former

WINDOW_NS = 60_000_000_000
"""Phases that ended so long before a device was taken over have their energy: its former owner stored it within a few seconds."""
MOST = 10_000
PROCESSES = "SELECT id FROM segment WHERE run_id = ? AND id <> ? AND boot_id = ?"
"""The other processes of a run on this boot."""
FROM_NUMBER = f"SELECT segment_id, seq, name, start_t_ns, end_t_ns FROM phase WHERE segment_id = ? AND seq >= ? ORDER BY seq LIMIT {MOST}"
"""The phases of one of them from a number on."""
AROUND = (
    "SELECT p.segment_id, p.seq, p.name, p.start_t_ns, p.end_t_ns, EXISTS ("
    "SELECT 1 FROM phase_energy e WHERE e.segment_id = p.segment_id AND e.seq = p.seq AND e.device = ? AND e.owner_segment_id IN ("
    "SELECT d.segment_id FROM device d WHERE d.segment_id <> ? AND d.name = ? AND COALESCE(d.uuid, '') = COALESCE(?, '')))"
    " FROM phase p JOIN segment s ON s.id = p.segment_id"
    f" WHERE p.run_id = ? AND s.boot_id = ? AND (p.end_t_ns IS NULL OR p.end_t_ns > ?) ORDER BY p.segment_id, p.seq LIMIT {MOST}"
)
"""The phases around a take-over, and whether a former owner has stored their energy on the device. Parameters: the device, this process's
segment, the device and its UUID, the run, the boot, and the earliest end."""
LEFT = (
    "SELECT 1 FROM phase p JOIN segment s ON s.id = p.segment_id WHERE p.run_id = ? AND s.boot_id = ? AND p.end_t_ns > ? AND NOT EXISTS ("
    "SELECT 1 FROM phase_energy e WHERE e.segment_id = p.segment_id AND e.seq = p.seq AND e.device = ? AND e.owner_segment_id IN ("
    "SELECT d.segment_id FROM device d WHERE d.name = ? AND COALESCE(d.uuid, '') = COALESCE(?, ''))) LIMIT 1"
)
"""Whether a phase has no energy on a device. Parameters: the run, the boot, the earliest end, the device twice and its UUID."""


class Around(NamedTuple):
    """A row of AROUND."""

    segment_id: str
    seq: int
    name: str
    start_t_ns: int
    end_t_ns: int | None
    known: int


class OtherPhases:
    """Which phases of other processes are settled here. `open_` are those that are not, of this process too."""

    def __init__(self, open_: dict[tuple[str, int], PhaseRecord]) -> None:
        self._open = open_
        self._next: dict[str, int] = {}
        self._settled: dict[str, set[int]] = defaultdict(set)
        self.former: dict[str, Former] = {}
        """What other processes have read of a device before this one, by device."""

    def from_number(self, segment_id: str) -> int:
        """From which number on the phases of a process are to be looked for."""
        return self._next.get(segment_id, 0)

    def is_settled(self, segment_id: str, seq: int) -> bool:
        """Whether nothing is left to be computed here."""
        return seq in self._settled[segment_id]

    def settle(self, segment_id: str, seq: int) -> None:
        """The energy of a phase is computed, or is not computed here."""
        self._settled[segment_id].add(seq)

    def pass_over(self) -> None:
        """Look no more for phases before which all are settled."""
        for segment_id, settled in self._settled.items():
            first = min((seq for segment, seq in self._open if segment == segment_id), default=max(settled, default=-1) + 1)
            self._next[segment_id] = max(first, self.from_number(segment_id))
            self._settled[segment_id] = {seq for seq in settled if seq >= first}

    def take_over(self, device: str, former: Former | None, found: Iterable[Around]) -> list[PhaseRecord]:
        """This process reads `device` now; `found` are the phases around that. Returns those whose energy the former owner has stored: the
        others add to the union with them."""
        if former is None:
            return []
        self.former[device] = former
        known: list[PhaseRecord] = []
        of_segment: dict[str, list[Around]] = defaultdict(list)
        for row in found:
            of_segment[row.segment_id].append(row)
        for segment_id, around in of_segment.items():
            for row in around:
                phase = PhaseRecord(segment_id, row.seq, row.name, row.start_t_ns)
                phase.end_t_ns = row.end_t_ns
                if row.known:
                    known.append(phase)
                    self.settle(segment_id, row.seq)
                elif (waiting := self._open.get((segment_id, row.seq))) is not None:
                    if waiting.only is not None:
                        waiting.only.add(device)
                else:
                    phase.only = None if row.end_t_ns is None else {device}
                    self._open[segment_id, row.seq] = phase
            if segment_id not in self._next:  # this process has read no device before
                numbers = {row.seq for row in around}
                self._settled[segment_id] |= set(range(min(numbers), max(numbers) + 1)) - numbers
                self._next[segment_id] = min(numbers)
        return known
