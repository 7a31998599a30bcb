"""The phases of a run on their way from the training to the store: which are stored one by one, and which are added up.

However fast a training loop makes phases, memory and database stay small. A commit stores at most INDIVIDUAL new phases; the others that
are over by then are added up by name. All are counted, with their time and energy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ....core.clock import Anchor
from ....core.point import Point
from ....core.run import Event, EventKind
from ....energy.curve import KEEP_NS
from ....energy.intervals import JOULES, Share
from ....energy.union import Span, Union
from ....masking.text import scrubbed_name
from ....storage.write.compact import add_to_fold
from ....storage.write.statements import Statement
from .. import rows
from ..rows import Row
from .other_phases import Around, OtherPhases
from .phase_record import Former, Integrated, PhaseRecord

INDIVIDUAL = 1_000
"""How many new phases one commit stores one by one."""
MOST_WAITING = 10_000
"""How many phases may wait to be stored or for their energy. Ends of phases are accepted up to twice as many."""
ALL = 2 * MOST_WAITING
"""No more phases than this wait for their energy."""
MOST_SPANS = 2_000
"""How many spans of one phase name and device are kept apart, so that phases which end later are not counted again where they overlap."""
MOST_NAMES = 1_000
OTHERS = "other phases"
"""The name given to phases after MOST_NAMES names."""
JOINED = "SELECT p.segment_id, p.seq, p.name, p.start_t_ns, p.end_t_ns FROM phase p JOIN segment s ON s.id = p.segment_id" + (
    f" WHERE p.run_id = ? AND p.segment_id <> ? AND p.resolved IS NULL AND s.boot_id = ? ORDER BY p.start_t_ns DESC LIMIT {MOST_WAITING}"
)
"""The phases without energy that other processes of a run have stored. Parameters: the run, this process's segment, the boot."""


@dataclass(slots=True)
class _Fold:
    """Phases of one name, added up. Joules are by device, in the order of JOULES."""

    first_start_utc_ns: int
    count: int = 0
    duration_ns: int = 0
    unresolved: int = 0
    synchronized: int = 0
    exact: int = 0
    joules: dict[str, list[float]] = field(default_factory=dict)

    def add(self, phase: PhaseRecord, shares: Mapping[str, Share], resolved: bool) -> None:
        self.count += 1
        self.duration_ns += (phase.end_t_ns or phase.start_t_ns) - phase.start_t_ns
        self.unresolved += not resolved
        self.synchronized += phase.synchronized
        self.exact += phase.exact
        for device, share in shares.items():
            sums = self.joules.setdefault(device, [0.0] * len(JOULES))
            for i, name in enumerate(JOULES):
                sums[i] += getattr(share, name)


class _Overlaps:
    """The time that the phases of each name have taken so far, by device. Ranks that do the same at the same time count it once, and so do
    threads: the energy of a name is that of the union of its times."""

    def __init__(self, late_ns: int) -> None:
        self._late_ns = late_ns
        self._of: dict[tuple[str, str], Union] = {}
        self._seeded: set[tuple[str, str]] = set()

    def add(self, phase: PhaseRecord, devices: Mapping[str, Integrated], shares: Mapping[str, Share]) -> None:
        """Set what a phase, whose own shares are given, adds to those of its name. If memory ends within, a second call goes on."""
        assert phase.end_t_ns is not None
        for name in shares:
            if name in phase.added:
                continue
            start, end, device = phase.starts[name], phase.ends[name], devices[name].device
            assert start is not None
            assert end is not None
            union = self._of.setdefault((phase.name, name), Union())
            share = union.add(Span(phase.start_t_ns, phase.end_t_ns, start, end), device.gain, device.gain_class)
            if (phase.name, name) in self._seeded:  # what another process has counted has other edges
                share = share._replace(edge_low_j=max(0.0, share.edge_low_j), edge_high_j=max(0.0, share.edge_high_j))
            phase.added[name] = share

    def seed(self, phase: PhaseRecord, devices: Mapping[str, Integrated], shares: Mapping[str, Share]) -> None:
        """Another process has counted a phase."""
        self.add(phase, devices, shares)
        self._seeded |= {(phase.name, name) for name in shares}

    def ends(self) -> Iterator[tuple[str, Point]]:
        """The points of the curves where the newest spans end, by device."""
        for (_, device), union in self._of.items():
            if (end := union.end) is not None:
                yield device, end

    def forget(self, open_: Iterable[PhaseRecord], now_ns: int, most: int) -> None:
        """Forget what no phase that is `open_`, or that is found up to `late_ns` after its edges, can overlap, and keep at most so many
        spans of each name and device apart."""
        earliest_ns: dict[str, int] = {}
        for phase in open_:
            earliest_ns[phase.name] = min(phase.start_t_ns, earliest_ns.get(phase.name, phase.start_t_ns))
        for key, union in list(self._of.items()):
            union.forget(min(now_ns - self._late_ns, earliest_ns.get(key[0], now_ns)), most)
            if not union:
                del self._of[key]


class PhaseLog:
    """The phases that one process stores. `measured`: it also computes their energy, and that of phases from joined processes.
    `joinable`: there may be such processes. `several`: they may measure too."""

    def __init__(self, run_id: str, segment_id: str, measured: bool, joinable: bool = False, several: bool = False) -> None:
        self._run_id = run_id
        self._segment_id = segment_id
        self._measured = measured
        self._several = several
        self._stamped: deque[PhaseRecord] = deque()  # by the training thread, not yet taken
        self._open: dict[tuple[str, int], PhaseRecord] = {}
        self.others = OtherPhases(self._open)
        self._fresh: deque[PhaseRecord] = deque(maxlen=2 * MOST_WAITING)  # with their energy since the last commit
        self._folds: dict[str, _Fold] = {}
        self._overlaps = _Overlaps(late_ns=KEEP_NS if joinable or several else 0)
        self._names: set[str] = set()
        self._too_many_names = self._too_fast = False
        self._said: set[str] = set()
        self.settled: dict[str, int] = {}
        """How many instances were stored with their energy, by segment, since they were last counted."""

    def stamp(self, phase: PhaseRecord) -> None:
        """A phase began or ended. The training thread calls this, so it waits for nothing."""
        if phase.name not in self._names:
            if len(self._names) < MOST_NAMES:
                self._names.add(phase.name)
            elif phase.name != OTHERS:
                phase.name, self._too_many_names = OTHERS, True
        begins = phase.end_t_ns is None
        if len(self._stamped) + len(self._open) < (MOST_WAITING if begins else 2 * MOST_WAITING):
            self._stamped.append(phase)
        elif not begins:  # a phase whose beginning was not accepted may still be accepted at its end
            self._too_fast = True

    @property
    def waiting(self) -> int:
        """How many phases wait for their energy."""
        return len(self._open)

    def take(self, anchor: Anchor) -> Iterator[Mapping[str, list[Row]]]:
        """The rows of what was stamped since the last time, of one phase at a time, by table. Where memory ends within, the next call goes
        on."""
        taken: set[tuple[str, int]] = set()
        new = 0
        for _ in range(len(self._stamped)):
            phase = self._stamped[0]
            phase.name = scrubbed_name(phase.name)  # here, and not in the training thread
            key = phase.segment_id, phase.seq
            if not phase.settled and not phase.brief and key not in taken:  # else an earlier round has seen its end already
                new += key not in self._open
                if key not in self._open and self._measured and not self._several and new > INDIVIDUAL and phase.end_t_ns is not None:
                    phase.brief = True
                else:
                    yield {"phase": [rows.phase_row(self._run_id, phase, anchor)], "phase_work": rows.phase_work_rows(phase)}
                    taken.add(key)
                if self._measured:  # otherwise the process that measures finds it in the store
                    self._open[key] = phase
            self._stamped.popleft()

    def joined(self, found: Iterable[tuple[str, int, str, int, int | None]], since_ns: int) -> None:
        """Take the phases that the queries `JOINED` and `FROM_NUMBER` find. This process has read nothing before `since_ns`: it cannot tell
        the energy of a phase that was over by then, unless it has taken over what another one had read."""
        for segment_id, seq, name, start_t_ns, end_t_ns in found:
            if self._several:
                if end_t_ns is not None and end_t_ns <= since_ns and (segment_id, seq) not in self._open:
                    self.others.settle(segment_id, seq)
                if self.others.is_settled(segment_id, seq):
                    continue
            phase = self._open.setdefault((segment_id, seq), PhaseRecord(segment_id, seq, name, start_t_ns))
            phase.end_t_ns = end_t_ns

    def take_over(self, device: Integrated, former: Former | None, found: Iterable[Around]) -> None:
        """This process reads a device that another one has read before; `found` are the phases around that."""
        self._measured = True
        for phase in self.others.take_over(device.device.name, former, found):
            phase.only = {device.device.name}
            shares = phase.resolve({device.device.name: device}, phase.start_t_ns, final=True, former=self.others.former)
            if shares:
                self._overlaps.seed(phase, {device.device.name: device}, shares)

    def resolve(
        self, devices: Mapping[str, Integrated], now_ns: int, anchor: Anchor, *, final: bool, most: int = ALL
    ) -> Iterator[tuple[Row, list[Row]]]:
        """Compute the energy of phases that all curves have passed, at most of so many. Yields the update and the rows of energies of each
        that is stored one by one. Where memory ends within, the next call begins with that phase.

        Where a phase overlaps one of its name that was computed before, it gets only what it adds to the union of both."""
        for key in list(self._open):
            phase = self._open[key]
            shares = phase.resolve(devices, now_ns, final=final, former=self.others.former)
            if shares is None:
                continue
            resolved = phase.resolved(devices, shares)
            self._overlaps.add(phase, devices, shares)
            if phase.brief:
                start_utc_ns = anchor.utc_of(phase.start_t_ns)
                fold = self._folds.setdefault(phase.name, _Fold(start_utc_ns))
                fold.first_start_utc_ns = min(fold.first_start_utc_ns, start_utc_ns)
                fold.add(phase, phase.added, resolved)
            else:
                update = {"segment_id": phase.segment_id, "seq": phase.seq, "resolved": int(resolved), "end_t_ns": phase.end_t_ns}
                yield update, [rows.phase_energy_row(self._segment_id, phase, name, share) for name, share in phase.added.items()]
                self._fresh.append(phase)
                self.settled[phase.segment_id] = self.settled.get(phase.segment_id, 0) + 1
            if self._several:
                self.others.settle(phase.segment_id, phase.seq)
            phase.settle()
            del self._open[key]
            most -= 1
            if not most:
                break
        self._overlaps.forget(self._open.values(), now_ns, MOST_SPANS if most else 1)
        if self._several:
            self.others.pass_over()

    def ends(self) -> list[tuple[str, Point]]:
        """Points of the curves, by device, from which another process goes on that computes later phases of the same names. From a curve
        without these points, it would count again what lies between."""
        before = self.others.former
        return [(device, end) for device, end in self._overlaps.ends() if device not in before or end.t_ns >= before[device].end_ns]

    def folds(self) -> list[Statement]:
        """Statements that store what was added up since the last call of `stored`."""
        statements: list[Statement] = []
        for name, fold in self._folds.items():
            key = {"segment_id": self._segment_id, "name": name}
            counts = {c: getattr(fold, c) for c in ("count", "duration_ns", "first_start_utc_ns", "unresolved", "synchronized", "exact")}
            energies = [
                key | {"owner_segment_id": self._segment_id, "device": device} | dict(zip(JOULES, sums, strict=True))
                for device, sums in fold.joules.items()
            ]
            statements += add_to_fold(key | counts, energies)
        return statements

    def stored(self) -> None:
        """Everything that this object has returned is in the store."""
        self._folds.clear()
        self._fresh.clear()

    def rows_again(self, anchor: Anchor) -> list[Row]:
        """For a new store that has nothing of this run: the rows of this process's phases to which something is still added later. The
        phases of joined processes were only in the old store and are lost."""
        for key in [key for key in self._open if key[0] != self._segment_id]:
            del self._open[key]
        own = (p for p in (*self._fresh, *self._open.values()) if p.segment_id == self._segment_id and not p.brief)
        return [rows.phase_row(self._run_id, phase, anchor) for phase in own]

    def unsettled(self, anchor: Anchor) -> list[Row]:
        """The rows of all phases, also of joined processes, to which something is still to be added in the store."""
        return [rows.phase_row(self._run_id, phase, anchor) for phase in (*self._fresh, *self._open.values()) if not phase.brief]

    def take_events(self, t_ns: int) -> list[Event]:
        """What was left out or added up; each is reported once."""
        said = []
        if self._too_many_names:
            said.append(
                f"there are more than {MOST_NAMES:,} names of phases; the others are added up as {OTHERS!r} (use step= for numbers)"
            )
        if self._too_fast:
            said.append("phases end faster than they can be stored; some are left out, but the energy of the run is complete")
        new = [text for text in said if text not in self._said]
        self._said.update(new)
        return [Event(EventKind.STORE, t_ns, None, text) for text in new]
