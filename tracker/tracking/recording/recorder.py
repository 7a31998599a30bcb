"""The writing thread: about every two seconds it writes everything that is new in one transaction, right after a round of readings.

What cannot be written is kept in memory, up to a limit, and written when the database answers again. The training never waits for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ...core.clock import Anchor, Clock
from ...core.run import Event, EventKind
from ...errors import DamagedDatabaseError, StoreError
from ...log import warn
from ...storage.write.writer import Statement, Writer
from ..harmless import Harmless
from ..sampling.sampler import Sampler
from ..sampling.snapshot import Snapshot
from ..sharing.outliving import went_on
from . import pace, rows
from .anchoring import Anchoring
from .backlog import KEPT_ROWS, Backlog
from .compaction import Compaction
from .curve_log import CurveLog
from .phase_log import JOINED, PhaseLog
from .phase_record import PhaseRecord
from .renewal import Renewal, wording
from .rows import Row
from .work_done import WorkDone

if TYPE_CHECKING:
    from ..surroundings import Surroundings

STUCK_S = 15.0
"""How long the end of a run waits for a commit under way. A commit may wait for a locked database twice, five seconds each."""
JOIN_S = 1.0


class Recorder:
    """Writes one segment of a run. If this process owns the sensors, also the energy of all phases of the run.

    `first` is what was written when the run began. It is written again if a new database replaces a damaged one. `surroundings` describes
    the machine in the first commit, and finds out who else uses its devices; None if this process joined a run. `joinable`: other
    processes may record phases in this run.
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
        surroundings: Surroundings | None,
    ) -> None:
        self._writer = writer
        self._renewal = Renewal(first)
        self._clock = clock
        self._sampler = sampler
        self._run_id = run_id
        self._segment_id = segment_id
        self._boot_id = boot_id
        self._owner = owner
        self._joinable = joinable
        self.harmless = Harmless(self._note_fault)
        """Guards the parts of the record that can be left out. Each that fails is logged and becomes an event, once."""
        self._surroundings = surroundings
        self._described = surroundings is None
        self._about_run: Row = {}
        self._lock = threading.Lock()
        self._wake = threading.Lock()
        self._wake.acquire()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._anchoring = Anchoring(clock.anchor())
        self._start_t_ns = self._tried_ns = self._anchoring.anchor.monotonic_ns
        self._cpu_s = self._startup_cpu_s = 0.0
        self._phases = PhaseLog(run_id, segment_id, measured=sampler is not None, joinable=joinable)
        self._compaction = Compaction(writer, segment_id, self._start_t_ns)
        self._work = WorkDone(segment_id)
        self._notes: deque[Event] = deque()  # other threads append to it at any time
        self._events = 0
        self._backlog = Backlog()
        self._resolved: deque[Row] = deque(maxlen=KEPT_ROWS)
        self._curves = CurveLog(segment_id)
        self._sampler_died = self._store_failed = False

    # ---- called by the training thread: none of these waits for a disk or a driver

    def phase(self, phase: PhaseRecord) -> None:
        """A phase began or ended."""
        self._phases.stamp(phase)
        if phase.end_t_ns is None and self._surroundings is not None and self._surroundings.seeks(phase.start_t_ns):
            self._wake_up()

    def work(self, unit: str, phase: str, amount: int) -> None:
        """Work was done in the current phase."""
        self._work.add(unit, phase, amount)

    def note(self, event: Event) -> None:
        """Something happened to the run."""
        self._notes.append(event)

    def _note_fault(self, text: str) -> None:
        self.note(Event(EventKind.STORE, self._clock.monotonic_ns(), None, text))

    # ---- its life

    def start(self, start_t_ns: int, startup_cpu_s: float) -> None:
        """Start the writing thread. The run began at `start_t_ns`, and its start used `startup_cpu_s` CPU seconds."""
        self._start_t_ns = start_t_ns
        self._startup_cpu_s = startup_cpu_s
        thread = threading.Thread(target=self._loop, name="trainwatt-writer", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the limit of threads is reached
            text = f"{error}: the sensors are read and the run is written only at its end"
            warn("%s", text)
            self.note(Event(EventKind.STORE, start_t_ns, None, text))
        else:
            self._thread = thread
            if self._sampler is not None:
                self._sampler.on_round = self._after_round
                self._sampler.on_death = self._wake_up

    def flush(self) -> None:
        """Commit now, in the calling thread. Raises StoreError."""
        with self._lock:
            if not self._closed:
                self._commit_somewhere(final=False)

    def finish(self, run: Row, segment: Row) -> None:
        """Make the last commit in the calling thread, then close the database. `run` and `segment`: how they ended. Raises StoreError."""
        if not self._lock.acquire(timeout=STUCK_S):
            self._closed = True
            raise StoreError(f"{self._writer.path} does not answer; the last seconds of the run could not be written")
        try:
            self._closed = True
            self._commit_somewhere(final=True, run=run, segment=segment)
        finally:
            self._writer.close()
            self._lock.release()
            self._wake_up()
        if self._thread is not None:
            self._thread.join(JOIN_S)  # see Sampler.close

    def _after_round(self, next_s: float) -> None:
        """In the sampling thread: a round of readings has ended, and the next one is due in `next_s` seconds."""
        if pace.due((self._clock.monotonic_ns() - self._tried_ns) * 1e-9, next_s):
            self._wake_up()

    def _wake_up(self) -> None:
        """Let the thread make its next commit now."""
        with suppress(RuntimeError):  # it is awake
            self._wake.release()

    def abandon(self) -> None:
        """In a forked child: leave the parent's database alone from now on."""
        self._closed = True
        self._writer.abandon()

    def _loop(self) -> None:
        start_cpu_s = self._clock.thread_cpu_s()
        wait_s = pace.FIRST_COMMIT_S
        while not self._closed:
            self._wake.acquire(timeout=wait_s)
            wait_s = pace.longest_wait_s(measures=self._sampler is not None, dead=self._sampler_died)
            with self._lock:
                if self._closed:
                    return
                try:
                    self._commit_somewhere(final=False)
                except Exception as error:  # the disk and the database must not harm the training
                    with suppress(MemoryError):
                        self._failed(error)
                self._cpu_s = self._clock.thread_cpu_s() - start_cpu_s

    def _failed(self, error: Exception) -> None:
        if not self._store_failed:
            warn("the run could not be written (%s); it is kept in memory and written again every two seconds", error)
            self.note(Event(EventKind.STORE, self._clock.monotonic_ns(), None, f"a commit failed: {error}"))
        self._store_failed = True

    # ---- one transaction

    def _commit_somewhere(self, *, final: bool, run: Row | None = None, segment: Row | None = None) -> None:
        try:
            self._commit(final=final, run=run, segment=segment)
        except DamagedDatabaseError as error:
            self._begin_anew(error)
            self._commit(final=final, run=run, segment=segment)

    def _begin_anew(self, error: DamagedDatabaseError) -> None:
        """Continue in a new database. The run keeps all of its energy."""
        text = wording(self._writer.begin_anew(), self._writer.path)
        warn("%s (%s)", text, error)
        self._keep("curve_point", self._curves.rows_again())
        self._renewal.begin(self._phases.rows_again(self._anchoring.anchor), self._backlog.rows)
        self.note(Event(EventKind.STORE, self._clock.monotonic_ns(), None, text))

    def _commit(self, *, final: bool, run: Row | None = None, segment: Row | None = None) -> None:
        now = self._clock.anchor()
        self._tried_ns = now.monotonic_ns  # before it may fail: a database that does not answer is not asked more often
        if self._surroundings is not None and not self._described:
            found, self._about_run = self._surroundings.describe(self.harmless)
            for table, added in found.items():
                self._keep(table, added)
            self._renewal.described(found, self._about_run)
            self._described = True
        self._keep_anchor(now, final)
        self._keep("phase", self._phases.take(self._anchoring.anchor))
        seen = None if self._sampler is None else self._collect(self._sampler, now, final)
        self._notes += self._phases.take_events(now.monotonic_ns)
        self._notes += went_on(self._writer, self._run_id, now) if final and not self._owner else []
        self._take_notes()
        inserts = self._renewal.before(self._backlog.rows)
        inserts["work"] = self._work.rows()
        updates: dict[str, Sequence[Row]] = {
            "segment": [
                {"id": self._segment_id, "last_seen_utc_ns": now.utc_ns, "start_t_ns": self._start_t_ns}
                | rows.sampling_update(seen, self._cpu_s, self._startup_cpu_s)
                | (segment or {})
            ],
            "phase": tuple(self._resolved),
        }
        then: list[Statement] = [*self._phases.folds()]
        if seen is not None:
            updates["device"] = [rows.device_update(self._segment_id, device) for device in seen.devices.values()]
        if self._surroundings is not None:
            then += self._surroundings.changes()
        if not final:  # at the end of a run, everything that can be left out is
            devices = () if self._sampler is None else tuple(self._sampler.integrators)
            with self.harmless("the run could not be made smaller"):
                then += self._compaction.statements(now.monotonic_ns, devices, self._phases.settled)
        if self._owner:
            updates["run"] = [{"id": self._run_id, "last_seen_utc_ns": now.utc_ns} | self._about_run | (run or {})]
        self._writer.write(inserts, updates, then)
        self._compaction.done()
        self._phases.stored()
        self._backlog.clear()
        self._renewal.stored()
        self._resolved.clear()
        self._about_run = {}
        if self._store_failed:
            self._store_failed = False
            warn("the run is being written again")

    def _keep(self, table: str, found: Sequence[Row]) -> None:
        if self._backlog.add(table, found):
            text = f"the database has not answered for too long; the oldest rows of {table} are lost"
            warn("%s", text)
            self.note(Event(EventKind.STORE, self._clock.monotonic_ns(), None, text))

    def _collect(self, sampler: Sampler, now: Anchor, final: bool) -> Snapshot | None:
        """Keep what is new from the sensors, and the energy of the phases that they have passed. None if a driver call delays it."""
        if sampler.died:
            if not self._sampler_died:
                self._sampler_died = True
                text = "the sampling thread died; from here on sensors are read once a second"
                self.note(Event(EventKind.DEAD, now.monotonic_ns, None, text))
            sampler.poll()
        if self._joinable and not self._resolved:  # otherwise the query would find phases whose energy is computed but not stored yet
            self._phases.joined(self._writer.query(JOINED, (self._run_id, self._segment_id, self._boot_id)))
        if self._surroundings is not None and self._surroundings.seeks(now.monotonic_ns) and not (final or sampler.stuck):
            for table, found in self._surroundings.seek(sampler, self._start_t_ns, self.harmless).items():
                self._keep(table, found)
        seen = sampler.snapshot()
        if seen is not None:
            self._notes += seen.events
            self._keep("curve_point", self._curves.take(seen.devices))
            self._keep("sensor_state", [rows.state_row(self._segment_id, self._boot_id, state) for state in seen.counters])
            updates, energies = self._phases.resolve(seen.devices, now.monotonic_ns, self._anchoring.anchor, final=final)
            self._resolved.extend(updates)
            self._keep("phase_energy", energies)
        if self._surroundings is not None and not sampler.stuck:  # looking would wait for the same driver
            self._notes += self._surroundings.look(now.monotonic_ns, self.harmless, final=final)
        return seen

    def _keep_anchor(self, now: Anchor, final: bool) -> None:
        renewed, suspended = self._anchoring.renew(now, final=final)
        if suspended is not None:
            self.note(suspended)
        if renewed:
            self._keep("clock_anchor", [rows.anchor_row(self._segment_id, now)])

    def _take_notes(self) -> None:
        while self._notes:
            event = self._notes.popleft()
            self._events += 1
            row = rows.event_row(self._segment_id, self._events, event, self._anchoring.anchor)
            self._renewal.said(row)
            self._keep("event", [row])
