"""The writing thread: about once a second, one transaction with everything that is new.

What could not be written is kept, up to a bound, and written when the database answers again; the training never waits for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ...core.clock import Anchor, Clock
from ...core.point import Point
from ...core.run import Event, EventKind
from ...energy.curve import Curve
from ...errors import DamagedDatabaseError, StoreError
from ...log import warn
from ...storage.write.writer import Statement, Writer
from ..sampling.sampler import Sampler
from . import rows
from .anchoring import Anchoring
from .backlog import KEPT_ROWS, Backlog
from .compaction import Compaction
from .phase_log import JOINED, PhaseLog
from .phase_record import PhaseRecord
from .renewal import Renewal, wording
from .rows import Row

COMMIT_S = 1.0
FIRST_COMMIT_S = 0.05
SHARED_NS = 30_000_000_000
LOCK_S = 1.0
STUCK_S = 15.0
"""How long the end of a run waits for a commit under way: a locked database is waited for twice, five seconds each."""
JOIN_S = 1.0


class Recorder:
    """Writes one segment of a run, and, where this process owns the sensors, the energy of all phases of the run.

    `first` is what was written when it began, and is written again where a damaged database is replaced by a new one.
    `gather` gives rows that take a moment to find (the hardware), and columns of the run itself; it is called once, off the training
    thread. `look_around` gives `shared` events, and `look_back`, at the end, those of other runs. `joinable`: other processes may
    record phases in this run.
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
        gather: Callable[[], tuple[Mapping[str, Sequence[Row]], Row]],
        look_around: Callable[[int], list[Event]],
        look_back: Callable[[int], list[Event]],
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
        self._gather: Callable[[], tuple[Mapping[str, Sequence[Row]], Row]] | None = gather
        self._about_run: Row = {}
        self._look_around, self._look_back = look_around, look_back
        self._lock = threading.Lock()
        self._wake = threading.Lock()
        self._wake.acquire()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._anchoring = Anchoring(clock.anchor())
        self._looked_ns: int | None = None
        self._start_t_ns = self._anchoring.anchor.monotonic_ns
        self._cpu_s = self._startup_cpu_s = 0.0
        self._phases = PhaseLog(run_id, segment_id, measured=sampler is not None)
        self._compaction = Compaction(writer, segment_id, self._start_t_ns)
        self._work: dict[tuple[str, str], int] = {}
        self._work_lock = threading.Lock()
        self._notes: list[Event] = []
        self._events = 0
        self._backlog = Backlog()
        self._resolved: deque[Row] = deque(maxlen=KEPT_ROWS)
        self._first: dict[str, Point] = {}
        self._sampler_died = self._store_failed = False

    # ---- called by the training thread: none of these waits for a disk or a driver

    def phase(self, phase: PhaseRecord) -> None:
        """A phase began or ended."""
        self._phases.stamp(phase)

    def work(self, unit: str, phase: str, amount: int) -> None:
        """Count work done, in the whole run and in the current phase."""
        with self._work_lock:
            for name in dict.fromkeys(("", phase)):
                self._work[unit, name] = self._work.get((unit, name), 0) + amount

    def note(self, event: Event) -> None:
        """Something happened to the run."""
        self._notes.append(event)

    # ---- its life

    def start(self, start_t_ns: int, startup_cpu_s: float) -> None:
        """Begin committing, in a thread of its own; the run began at `start_t_ns`, and that had cost `startup_cpu_s`."""
        self._start_t_ns = start_t_ns
        self._startup_cpu_s = startup_cpu_s
        thread = threading.Thread(target=self._loop, name="trainwatt-writer", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the limit of threads
            text = f"{error}: sensors are read and the run is written at its end only"
            warn("%s", text)
            self.note(Event(EventKind.STORE, start_t_ns, None, text))
        else:
            self._thread = thread
            if self._sampler is not None:
                self._sampler.on_death = self._wake_up

    def flush(self) -> None:
        """Commit now, in the calling thread. Raises StoreError."""
        with self._lock:
            if not self._closed:
                self._commit_somewhere(final=False)

    def finish(self, run: Row, segment: Row) -> None:
        """The last commit, in the calling thread, with how run and segment ended; then close the file. Raises StoreError."""
        if not self._lock.acquire(timeout=STUCK_S):
            self._closed = True
            raise StoreError(f"{self._writer.path} does not answer; the run's last seconds could not be written")
        try:
            self._closed = True
            self._commit_somewhere(final=True, run=run, segment=segment)
        finally:
            self._writer.close()
            self._lock.release()
            self._wake_up()
        if self._thread is not None:
            self._thread.join(JOIN_S)  # see Sampler.close

    def _wake_up(self) -> None:
        """Let the thread look around now."""
        with suppress(RuntimeError):  # it is awake
            self._wake.release()

    def abandon(self) -> None:
        """In a forked child: never touch the parent's file again."""
        self._closed = True
        self._writer.abandon()

    def _loop(self) -> None:
        start_cpu_s = self._clock.thread_cpu_s()
        wait_s = FIRST_COMMIT_S  # what is known at the start should outlive a crash in the first second
        while not self._closed:
            self._wake.acquire(timeout=wait_s)
            wait_s = COMMIT_S
            with self._lock:
                if self._closed:
                    return
                try:
                    self._commit_somewhere(final=False)
                except Exception as error:  # whatever the disk or the database does, the training goes on
                    with suppress(MemoryError):
                        self._failed(error)
                self._cpu_s = self._clock.thread_cpu_s() - start_cpu_s

    def _failed(self, error: Exception) -> None:
        if not self._store_failed:
            warn("the run could not be written (%s); it is kept in memory and tried again every second", error)
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
        """Go on in a new database. A curve needs its two ends only, so the run keeps all of its energy."""
        text = wording(self._writer.begin_anew(), self._writer.path)
        warn("%s (%s)", text, error)
        for name, point in self._first.items():
            self._keep("curve_point", [rows.point_row(self._segment_id, name, point)])
        self._renewal.begin(self._phases.rows_again(self._anchoring.anchor), self._backlog.rows)
        self.note(Event(EventKind.STORE, self._clock.monotonic_ns(), None, text))

    def _commit(self, *, final: bool, run: Row | None = None, segment: Row | None = None) -> None:
        now = self._clock.anchor()
        if self._gather is not None:
            gathered, self._about_run = self._gather()
            for table, found in gathered.items():
                self._keep(table, found)
            self._renewal.gathered(gathered, self._about_run)
            self._gather = None
        self._keep_anchor(now, final)
        self._keep("phase", self._phases.take(self._anchoring.anchor))
        if self._sampler is not None:
            self._collect(self._sampler, now, final)
        self._notes += self._phases.take_events(now.monotonic_ns)
        self._take_notes()
        inserts = self._renewal.before(self._backlog.rows)
        with self._work_lock:
            inserts["work"] = rows.work_rows(self._segment_id, self._work)
        updates: dict[str, Sequence[Row]] = {
            "segment": [
                {"id": self._segment_id, "last_seen_utc_ns": now.utc_ns, "start_t_ns": self._start_t_ns}
                | rows.sampling_update(self._sampler, self._cpu_s, self._startup_cpu_s)
                | (segment or {})
            ],
            "phase": tuple(self._resolved),
        }
        then: list[Statement] = []
        if self._sampler is not None:
            updates["device"] = [rows.device_update(self._segment_id, i) for i in self._sampler.integrators.values()]
            then += self._phases.folds()
        if not final:  # the end of a run waits for nothing that can be left out
            devices = () if self._sampler is None else tuple(self._sampler.integrators)
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
            text = f"the database has not answered for too long; the oldest rows of {table} are being lost"
            warn("%s", text)
            self.note(Event(EventKind.STORE, self._clock.monotonic_ns(), None, text))

    def _collect(self, sampler: Sampler, now: Anchor, final: bool) -> None:
        """What is new from the sensors, and the energy of the phases that they have passed."""
        if sampler.died:
            if not self._sampler_died:
                self._sampler_died = True
                text = "the sampling thread died; from here on sensors are read once a second"
                self.note(Event(EventKind.DEAD, now.monotonic_ns, None, text))
            sampler.poll()
        if self._joinable and not self._resolved:  # else the store does not know yet what is worked out
            self._phases.joined(self._writer.query(JOINED, (self._run_id, self._segment_id, self._boot_id)))
        # The sampling thread moves the curves. Where a driver call holds it up they are read at a later commit, or at the end all the
        # same: whoever holds the lock then sits in that call and moves nothing.
        held = sampler.lock.acquire(timeout=0.0 if sampler.stuck else LOCK_S)
        if held or sampler.stuck:
            try:
                self._read_curves(sampler, now, final)
            finally:
                if held:
                    sampler.lock.release()
        if sampler.stuck:
            return  # looking would wait for the same driver
        if final or self._looked_ns is None or now.monotonic_ns - self._looked_ns > SHARED_NS:
            self._looked_ns = now.monotonic_ns
            self._notes += self._look_around(now.monotonic_ns)
        self._notes += self._look_back(now.monotonic_ns) if final else []

    def _read_curves(self, sampler: Sampler, now: Anchor, final: bool) -> None:
        sampler.settle()
        for name, integrator in sampler.integrators.items():
            self._notes += integrator.take_events()
            news = self._news_of_first(name, integrator.curve), integrator.curve.latest
            self._keep("curve_point", [rows.point_row(self._segment_id, name, point) for point in news if point is not None])
        self._keep("sensor_state", rows.state_rows(self._segment_id, self._boot_id, sampler.channels))
        self._notes += sampler.take_events()
        updates, energies = self._phases.resolve(sampler.integrators, now.monotonic_ns, self._anchoring.anchor, final=final)
        self._resolved.extend(updates)
        self._keep("phase_energy", energies)

    def _news_of_first(self, name: str, curve: Curve) -> Point | None:
        """A curve's first point, and again when its edges are better known: a sensor's lag shows only after a while."""
        first = curve.first
        if first is None or first == self._first.get(name):
            return None
        self._first[name] = first
        return first

    def _keep_anchor(self, now: Anchor, final: bool) -> None:
        renewed, suspended = self._anchoring.renew(now, final=final)
        if suspended is not None:
            self.note(suspended)
        if renewed:
            self._keep("clock_anchor", [rows.anchor_row(self._segment_id, now)])

    def _take_notes(self) -> None:
        notes, self._notes = self._notes, []
        for event in notes:
            self._events += 1
            row = rows.event_row(self._segment_id, self._events, event, self._anchoring.anchor)
            self._renewal.said(row)
            self._keep("event", [row])
