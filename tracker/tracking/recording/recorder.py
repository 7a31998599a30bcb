"""The writing thread: about every two seconds it writes everything that is new in one transaction, right after a round of readings.

What cannot be written is kept in memory, up to a limit, and written when the database answers again. The training never waits for it. What
cannot be written at the end either is kept in a file of its own (see storage/spill).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress

from ...core.clock import Clock
from ...core.run import Event, EventKind
from ...errors import DamagedDatabaseError, StoreError, StoreStalledError, TrainwattError
from ...log import warn
from ...machine.threads import start_thread
from ...storage.spill.leftover import Leftover
from ...storage.write.transfer import Origin
from ...storage.write.writer import Writer
from ...texts import error_text
from ..sampling.sampler import Sampler
from . import pace
from .commit import Commit
from .phases.phase_record import PhaseRecord
from .record import Record
from .renewal import wording
from .rows import Row

STUCK_S = 15.0
"""How long the end of a run waits for a commit under way whose parts wait for something else than the database, such as a driver."""
ANSWER_S = 2.5
"""How long the end of a run waits for the database in all: for a commit under way, for the last one, and until it is closed."""
LEFT_S = 10.0
"""How long the end of a run waits for other ranks that are ending too, in all: one after the other, they compute what is left."""
JOIN_S = 1.0
RESERVE = 1_600
"""How many blocks of half a kilobyte, in Python's own pools, are kept for the end of a run in a process that gets no more memory."""


class Recorder:
    """Writes the record of one segment of a run."""

    def __init__(self, writer: Writer, clock: Clock, sampler: Sampler | None, record: Record) -> None:
        self._writer = writer
        self._clock = clock
        self._sampler = sampler
        self._record = record
        self._origin = Origin(record.run_id, record.segment_id, whole=False)
        self.harmless = self._record.harmless
        """Guards the parts of the record that can be left out. Each that fails is logged and becomes an event, once."""
        self.live = record.live
        self._lock = threading.Lock()
        self._wake = threading.Lock()
        self._wake.acquire()
        self._closed = self._ending = False
        self._thread: threading.Thread | None = None
        self._tried_ns = self._record.start_t_ns
        self._doubtful: StoreStalledError | None = None
        """Set when a commit was not answered. No other is made then."""
        self._last: Commit | None = None
        self._leftover: Leftover | None = None
        self._spilled = False
        self._store_failed = False
        self._begun_cpu_s = 0.0
        self._reserve = [bytes(470) for _ in range(RESERVE)]

    # ---- called by the training thread: none of these waits for a disk or a driver

    def phase(self, phase: PhaseRecord) -> None:
        """A phase began or ended."""
        self._record.phases.stamp(phase)
        surroundings = self._record.surroundings
        if phase.end_t_ns is None and surroundings is not None and surroundings.seeks(phase.start_t_ns):
            self._wake_up()

    def work(self, unit: str, phases: Sequence[PhaseRecord], given: object) -> None:
        """Work was done in the open phases. Raises ValueError, TrainwattError, and what the user's type raises."""
        self._record.work.add(unit, phases, given)

    def units(self) -> dict[str, int]:
        """The work of the run so far, by unit: that of this process, and what others have stored."""
        own, others = self._record.work.totals(), self.live.others_work
        return {unit: own.get(unit, 0) + others.get(unit, 0) for unit in {**own, **others}}

    def metric(self, name: str, given: object, step: int | None) -> None:
        """A metric has a value now, at a step. Raises TrainwattError, and what the user's type raises."""
        self._record.work.metrics.add(name, given, self._clock.monotonic_ns(), step)

    def note(self, event: Event) -> None:
        """Something happened to the run."""
        self._record.notes.append(event)

    # ---- its life

    def start(self, start_t_ns: int, startup_cpu_s: float) -> None:
        """Start the writing thread. The run began at `start_t_ns`, and its start used `startup_cpu_s` CPU seconds."""
        self._record.start_t_ns = start_t_ns
        self.live.begun(start_t_ns)
        self._begun_cpu_s = self._writer.cpu_s
        self._record.startup_cpu_s = startup_cpu_s + self._begun_cpu_s
        try:
            self._thread = start_thread(self._loop, "trainwatt-writer")
        except RuntimeError as error:  # the limit of threads is reached
            text = f"{error}: the sensors are read and the run is written only at its end"
            warn("%s", text)
            self.note(Event(EventKind.STORE, start_t_ns, None, text))
        else:
            if self._sampler is not None:
                self._sampler.on_round = self._after_round
                self._sampler.on_death = self._wake_up

    def take_over(self, *, ending: bool = False) -> None:
        """Read the devices that nobody reads: those that were free when this process began, and those whose owners have ended before it.
        Raises StoreError."""
        if self._record.standby is None:
            return
        if ending:
            self._writer.hurry(ANSWER_S)
        if self._lock.acquire(timeout=ANSWER_S):
            try:
                self._record.take_over()
            finally:
                self._lock.release()

    def flush(self) -> None:
        """Commit now, in the calling thread. Raises StoreError."""
        if not self._lock.acquire(timeout=STUCK_S):
            raise StoreStalledError(f"{self._writer.path} does not answer")
        try:
            if not self._closed:
                self._commit_somewhere(final=False)
        finally:
            self._lock.release()

    def finish(self, run: Row, segment: Row) -> None:
        """Make the last commit in the calling thread, then close the database. `run` and `segment`: how they ended.

        If the database cannot be written, or does not answer in time, the run is kept in a file of its own. Raises StoreError if that is
        not possible either.
        """
        self._ending = True
        self._writer.hurry(ANSWER_S)
        if not self._lock.acquire(timeout=STUCK_S):
            self._closed = True
            raise StoreError(f"{self._writer.path} does not answer; the last seconds of the run could not be written")
        try:
            self._closed = True
            if self._record.standby is not None:
                self._record.standby.ending()
            try:
                self._commit_last(run, segment)
            except Exception as error:  # whatever it is, the run is not lost
                self._spill(error, run, segment)
            else:
                with self.harmless("the energy of phases that no other process computes could not be computed"):
                    until_ns = self._clock.monotonic_ns() + round(1e9 * LEFT_S)
                    while self._record.settle_left(segment["end_t_ns"], until_ns):
                        self._commit_somewhere(final=True, run=run, segment=segment)
        finally:
            if self._record.standby is not None:
                self._record.standby.close()
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
        wait_s, others = pace.FIRST_COMMIT_S, self._record.owner
        while not self._closed:
            self._wake.acquire(timeout=wait_s)
            wait_s = pace.longest_wait_s(measures=self._sampler is not None, dead=self._record.sampler_died)
            with self._lock:
                if self._closed:
                    return
                try:
                    self._commit_somewhere(final=False)
                except Exception as error:  # the disk and the database must not harm the training
                    with suppress(MemoryError):
                        self._failed(error)
            if others:
                others = False
                with self.harmless("runs that wait for this database could not be taken in"):
                    with self._lock:
                        said = [] if self._closed else self._writer.take_in(os.environ)
                    for text in said:
                        warn("%s", text)
            self._record.cpu_s = self._clock.thread_cpu_s() - start_cpu_s + self._writer.cpu_s - self._begun_cpu_s

    def _failed(self, error: Exception) -> None:
        if self._ending:  # the end of the run does not wait for this commit, and says so itself
            return
        if not self._store_failed:
            warn("the run could not be written (%s); it is kept in memory and written again every two seconds", error)
            self._record.note(EventKind.STORE, f"a commit failed: {error}")
        self._store_failed = True

    # ---- one transaction

    def _commit_somewhere(self, *, final: bool, run: Row | None = None, segment: Row | None = None) -> None:
        try:
            self._commit(final=final, run=run, segment=segment)
        except DamagedDatabaseError as error:
            self._begin_anew(error)
            self._commit(final=final, run=run, segment=segment)

    def _commit_last(self, run: Row, segment: Row) -> None:
        with suppress(MemoryError):
            return self._commit_somewhere(final=True, run=run, segment=segment)
        self._reserve.clear()
        while (piece := self._record.piece()) is not None:  # each needs no more memory than the one before it has freed
            self._writer.write(piece.inserts, piece.updates, piece.then)
            self._record.stored()
        self._commit_somewhere(final=True, run=run, segment=segment)

    def _begin_anew(self, error: DamagedDatabaseError) -> None:
        """Continue in a new database. The run keeps all of its energy."""
        text = wording(self._writer.begin_anew(), self._writer.path)
        warn("%s (%s)", text, error)
        self._record.begin_anew()
        self._record.note(EventKind.STORE, text)

    def _commit(self, *, final: bool, run: Row | None = None, segment: Row | None = None) -> None:
        self._tried_ns = self._clock.monotonic_ns()  # before it may fail: a database that does not answer is not asked more often
        commit = self._record.gather(final=final, run=run, segment=segment, asks=self._doubtful is None)
        if self._doubtful is not None:
            raise self._doubtful
        try:
            self._writer.write(commit.inserts, commit.updates, [*commit.then, *commit.smaller])
        except StoreStalledError as error:
            if error.in_doubt:  # nobody knows whether it will be written: it is kept apart, so that whoever looks later can tell
                self._doubtful = error
                self._spare().add(self._record.base(), commit.inserts, commit.updates, commit.then)
                self._record.stored()
            raise
        self._record.stored()
        self._last = commit if final else None
        self._spare()
        if self._store_failed:
            self._store_failed = False
            warn("the run is being written again")

    # ---- a run that cannot be written at its end

    def _spill(self, error: Exception, run: Row, segment: Row) -> None:
        """Keep what the database does not have in a file of its own. Raises StoreError."""
        self._spilled = True
        why = str(error) if isinstance(error, TrainwattError) else error_text(error)
        leftover = self._spare()
        self._record.note(EventKind.STORE, f"the run could not be written at its end ({why}); it was kept in a file, to be taken in later")
        self._last = last = self._record.gather(final=True, run=run, segment=segment, asks=False)
        leftover.add(self._record.base(), last.inserts, last.updates, last.then)
        file = leftover.keep(self._writer, self._origin, error, os.environ)
        if file is None:
            raise StoreError(f"{why} It could not be kept in a file of its own either: no folder for it can be written")
        warn("run %s is kept in %s, until the next command takes it in: %s", self._origin.run_id, file, why)

    def _spare(self) -> Leftover:
        """Where commits are kept that cannot be made. It is made while all is well: it reads files of trainwatt's own."""
        if self._leftover is None:
            self._leftover = Leftover(self._writer.real_path)
        return self._leftover

    @property
    def unreadable(self) -> bool:
        """Whether the database does not have the end of the run, or does not answer."""
        return self._spilled or self._writer.stalled

    def remembered(self) -> sqlite3.Connection | None:
        """The run that has ended as a database in memory, without its phases if these are in the file only. None if this is not known."""
        leftover = self._leftover
        if leftover is None or self._last is None:
            return None
        if not self._spilled and leftover.run is None:
            leftover.add(self._record.base(), self._last.inserts, self._last.updates, self._last.then)
            leftover.gather(self._origin, None)
        return leftover.run
