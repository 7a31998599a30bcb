"""What is known of a run and is not in the database yet. It is gathered for each commit, and kept until it is stored."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...core.clock import Anchor, Clock
from ...core.run import Event, EventKind
from ...log import warn
from ...storage.write.closing import close_run
from ...storage.write.statements import Statement
from ...storage.write.writer import Writer
from ..activity.log import ActivityLog
from ..budgeting.live import Live
from ..harmless import Harmless
from ..sampling.sampler import Sampler
from ..sampling.snapshot import Snapshot
from ..sharing.outliving import went_on
from . import rows
from .anchoring import Anchoring
from .backlog import KEPT_ROWS, Backlog
from .commit import Commit
from .compaction import Compaction
from .curve_log import CurveLog
from .phases.other_phases import AROUND, FROM_NUMBER, LEFT, PROCESSES, WINDOW_NS, Around
from .phases.phase_log import ALL, JOINED, PhaseLog
from .renewal import Renewal
from .rows import Row
from .work_done import WorkDone

if TYPE_CHECKING:
    from ..sharing.rank_use import RankUse
    from ..sharing.standby import Standby
    from ..surroundings import Surroundings

PIECE = 10
"""How many phases are computed between two commits at the end of a run for which there is too little memory to compute all."""


class Record:
    """The record of one segment of a run. If this process reads sensors, also the energy of all phases of the run on their devices.

    `first` is what was written when the run began. It is written again if a new database replaces a damaged one. `owner`: the run does not
    belong to another process, such as `trainwatt run`. `surroundings` describes the machine in the first commit, and finds out who else
    uses its devices; None if this process joined a run. `joinable`: other processes may record phases in this run. `several`: they may
    measure for it too; `standby` has the sensors that they read. `rank_use` looks at what ranks of a job use; None if there are none.
    """

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        sampler: Sampler | None,
        *,
        run_id: str,
        segment_id: str,
        first: Mapping[str, Sequence[Row]],
        boot_id: str,
        owner: bool,
        joinable: bool,
        several: bool,
        surroundings: Surroundings | None,
        standby: Standby | None,
        rank_use: RankUse | None = None,
        live: Live | None = None,
    ) -> None:
        self._writer = writer
        self.standby = standby
        self.live = live or Live(clock, sampler)
        self._rank_use = rank_use
        self.renewal = Renewal(first)
        self._clock = clock
        self._sampler = sampler
        self.run_id = run_id
        self.segment_id = segment_id
        self._boot_id = boot_id
        self.owner = owner
        self._joinable = joinable
        self._several = several
        self.harmless = Harmless(lambda text: self.note(EventKind.STORE, text))
        self.surroundings = surroundings
        self._described = surroundings is None
        self._about_run: Row = {}
        self._anchoring = Anchoring(clock.anchor())
        self.start_t_ns = self._anchoring.anchor.monotonic_ns
        self.cpu_s = self.startup_cpu_s = 0.0
        """CPU seconds of the threads that write, and of the start."""
        self.phases = PhaseLog(
            run_id, segment_id, measured=sampler is not None and bool(sampler.integrators), joinable=joinable, several=several
        )
        self._activity = ActivityLog(segment_id, self.start_t_ns, None if surroundings is None else surroundings.processors)
        self._compaction = Compaction(writer, segment_id, self.start_t_ns, self._activity)
        self.work = WorkDone(segment_id)
        self.notes: deque[Event] = deque()  # other threads append to it at any time
        self._events = 0
        self._backlog = Backlog()
        self._resolved: deque[Row] = deque(maxlen=KEPT_ROWS)
        self._curves = CurveLog(segment_id, often=several)
        self._until_ns: dict[str, int] = {}
        """Where the curves of devices end that this process has taken over after its end."""
        self.sampler_died = False

    def note(self, kind: EventKind, text: str) -> None:
        """Something happens to the run now."""
        self.notes.append(Event(kind, self._clock.monotonic_ns(), None, text))

    def take_over(self) -> None:
        """Read the devices from now on whose owners have ended. Raises StoreError."""
        if self.standby is None or self._sampler is None:
            return
        for taken in self.standby.look(self._sampler, self._writer, self._clock):
            name, former = taken.device.name, taken.former
            added = {} if self.surroundings is None else self.surroundings.take_in(self._sampler, taken.sensors)
            if self._rank_use is not None:
                self._rank_use.add(taken.sensors, self._clock.monotonic_ns())
            self._describe(added, {})
            if taken.event is not None:
                self.notes.append(taken.event)
            found: list[Around] = []
            if former is not None:
                of = (name, self.segment_id, name, taken.device.uuid, self.run_id, self._boot_id, former.end_ns - WINDOW_NS)
                found = [Around(*row) for row in self._writer.query(AROUND, of)]
            self.phases.take_over(self._sampler.integrators[name], former, found)

    def settle_left(self, end_t_ns: int, until_ns: int) -> bool:
        """After the last commit, look for phases whose energy nobody computes, because the owner of a device has ended at the same time as
        this process, and take its device over, up to the end of this process at `end_t_ns`. True if that gives one more commit: then ask
        again, for another process may have taken another device. If the owner is just ending, this waits for it, at most until `until_ns`.
        An owner that is not ending yet will find these phases. Raises StoreError."""
        if self.standby is None or self._sampler is None:
            return False
        self.standby.leave()  # first: another process may wait for what this one owns
        begun_ns, read = self._clock.monotonic_ns(), len(self._sampler.integrators)
        while any(
            self._writer.query(LEFT, (self.run_id, self._boot_id, begun_ns - WINDOW_NS, device.name, device.name, device.uuid))
            for device in self.standby.devices
        ):
            ending = self.standby.owners_end()
            self.take_over()
            if len(self._sampler.integrators) > read:
                self._until_ns = dict.fromkeys(list(self._sampler.integrators)[read:], end_t_ns)
                return True
            if not ending or self._clock.monotonic_ns() > until_ns:
                return False
            time.sleep(0.01)
        return False

    # ---- for a commit

    def gather(self, *, final: bool, run: Row | None = None, segment: Row | None = None, asks: bool = True) -> Commit:
        """All that is new. Call `stored` when it is in the database; what is gathered before is gathered again then.

        `final`: the run has ended; `run` and `segment` say how. `asks`: the database is asked for what other processes have stored.
        Raises StoreError.
        """
        now = self._clock.anchor()
        if self.surroundings is not None and not self._described:
            described, self._about_run = self.surroundings.describe(self.harmless)
            self._describe(described, self._about_run)
            self._described = True
        self._keep_anchor(now, final)
        if asks and not final:
            self.take_over()  # before the phases are taken, which this process may have to compute from now on
        for found in self.phases.take(self._anchoring.anchor):
            self._keep_all(found)
        self._keep("metric_point", self.work.metrics.new_points())
        seen = None if self._sampler is None else self._collect(self._sampler, now, final, asks)
        if self._rank_use is not None:
            ask = asks and (self._sampler is None or not self._sampler.stuck)
            self._keep("device_use", self._rank_use.rows(self._writer, now.monotonic_ns, self.harmless, final=final, asks=ask))
        self.live.look_safely(seen, self._writer if asks else None, self.harmless)
        self.notes += self.phases.take_events(now.monotonic_ns)
        self.notes += went_on(self._writer, self.run_id, now) if final and asks and not self.owner else []
        self._take_notes()
        inserts = self.renewal.before(self._backlog.rows)
        inserts |= {"work": self.work.rows(), "metric": self.work.metrics.rows()}
        updates: dict[str, Sequence[Row]] = {
            "segment": [
                {"id": self.segment_id, "last_seen_utc_ns": now.utc_ns, "start_t_ns": self.start_t_ns}
                | rows.sampling_update(seen, self.cpu_s, self.startup_cpu_s)
                | (segment or {})
            ],
            "phase": tuple(self._resolved),
        }
        then: list[Statement] = [*self.phases.folds(), *self.live.changes(final=final)]
        smaller: list[Statement] = []
        if seen is not None:
            updates["device"] = [rows.device_update(self.segment_id, device) for device in seen.devices.values()]
        if self.surroundings is not None:
            then += self.surroundings.changes()
        if not final:  # at the end of a run, everything that can be left out is
            devices = () if seen is None else tuple(seen.devices)
            with self.harmless("the run could not be made smaller"):
                smaller += self._compaction.statements(now.monotonic_ns, devices, self.phases.settled)
                smaller += self.work.metrics.smaller()
        if self.owner:
            ended = {} if self._several else run or {}
            updates["run"] = [{"id": self.run_id, "last_seen_utc_ns": now.utc_ns} | self._about_run | ended]
        if self._several and run:
            then.append(close_run(self.run_id, run["ended_utc_ns"], run["outcome"], run.get("external")))
        return Commit(inserts, updates, then, smaller)

    def piece(self) -> Commit | None:
        """A part of the last commit that needs little memory: what is kept already, else the energy of PIECE more phases. None if there is
        nothing more."""
        if not self._resolved and not any(self._backlog.rows.values()):
            waiting = self.phases.waiting
            if self._sampler is not None:
                self._collect(self._sampler, self._clock.anchor(), final=True, asks=False, most=PIECE)
            if self.phases.waiting == waiting:
                return None
        return Commit(self.renewal.before(self._backlog.rows), {"phase": tuple(self._resolved)}, self.phases.folds(), ())

    def stored(self) -> None:
        """What was gathered last is in the database."""
        self._compaction.done()
        self.work.metrics.stored()
        self.phases.stored()
        self._backlog.clear()
        self.renewal.stored()
        self._resolved.clear()
        self._about_run = {}

    def begin_anew(self) -> None:
        """A new database is in place. It gets what it needs with the next commit."""
        self._keep("curve_point", self._curves.rows_again())
        self._keep("metric_point", self.work.metrics.points_again())
        self.renewal.begin(self.phases.rows_again(self._anchoring.anchor), self._backlog.rows)

    def base(self) -> dict[str, Sequence[Row]]:
        """What a database must have before what was gathered can be added to it."""
        return self.renewal.base(self.phases.unsettled(self._anchoring.anchor), self._curves.rows_again())

    # ---- its parts

    def _keep(self, table: str, found: Sequence[Row]) -> None:
        if self._backlog.add(table, found):
            text = f"the database has not answered for too long; the oldest rows of {table} are lost"
            warn("%s", text)
            self.note(EventKind.STORE, text)

    def _keep_all(self, found: Mapping[str, Sequence[Row]]) -> None:
        for table, added in found.items():
            self._keep(table, added)

    def _describe(self, found: Mapping[str, Sequence[Row]], about_run: Row) -> None:
        self._keep_all(found)
        self.renewal.described(found, about_run)

    def _collect(self, sampler: Sampler, now: Anchor, final: bool, asks: bool, most: int = ALL) -> Snapshot | None:
        """Keep what is new from the sensors, and the energy of `most` phases that they have passed. None if a driver call delays it."""
        if sampler.died:
            if not self.sampler_died:
                self.sampler_died = True
                self.note(EventKind.DEAD, "the sampling thread died; from here on sensors are read once a second")
            sampler.poll()
        if asks and self._joinable and not self._several and not self._resolved:  # else it finds phases whose energy is not stored yet
            self.phases.joined(self._writer.query(JOINED, (self.run_id, self.segment_id, self._boot_id)), self.start_t_ns)
        if asks and self._several and sampler.integrators:
            for (segment_id,) in self._writer.query(PROCESSES, (self.run_id, self.segment_id, self._boot_id)):
                new = self._writer.query(FROM_NUMBER, (segment_id, self.phases.others.from_number(segment_id)))
                self.phases.joined(new, self.start_t_ns)
        if self.surroundings is not None and self.surroundings.seeks(now.monotonic_ns) and not (final or sampler.stuck):
            late = self.surroundings.seek(sampler, self.start_t_ns, self.harmless)
            self._describe(late, {})
        seen = sampler.snapshot()
        if seen is not None and self.surroundings is not None:
            seen = self.surroundings.attributed(seen, now.monotonic_ns, self.harmless, final=final, asks=not sampler.stuck)
        if seen is not None:
            self.notes += seen.events
            self._keep("curve_point", self._curves.take(seen.devices, self._until_ns))
            self._keep("activity_point", self._activity.rows(seen, now.monotonic_ns, final=final))
            self._keep("sensor_state", [rows.state_row(self.segment_id, self._boot_id, state) for state in seen.counters])
            mine = {n: d for n, d in seen.devices.items() if self.standby is None or self.standby.owns(d.device)}
            for update, energies in self.phases.resolve(mine, now.monotonic_ns, self._anchoring.anchor, final=final, most=most):
                self._keep("phase_energy", energies)
                self._resolved.append(update)
            if final and self._several:
                self._keep("curve_point", [rows.point_row(self.segment_id, *end) for end in self.phases.ends()])
        if self.surroundings is not None and not sampler.stuck:  # looking would wait for the same driver
            self.notes += self.surroundings.look(now.monotonic_ns, self.harmless, final=final, asks=asks)
        return seen

    def _keep_anchor(self, now: Anchor, final: bool) -> None:
        renewed, suspended = self._anchoring.renew(now, final=final)
        if suspended is not None:
            self.notes.append(suspended)
        if renewed:
            self._keep("clock_anchor", [rows.anchor_row(self.segment_id, now)])

    def _take_notes(self) -> None:
        while self.notes:
            event = self.notes.popleft()
            self._events += 1
            row = rows.event_row(self.segment_id, self._events, event, self._anchoring.anchor)
            self.renewal.said(row)
            self._keep("event", [row])
