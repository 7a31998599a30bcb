"""A writer that nobody has to wait for: a thread of its own uses the database. Standard library only.

A system call on a filesystem that does not answer (a network filesystem without its server, a dying disk) may never return, and no signal
ends it. So a thread of its own makes these calls. Whoever asks it waits for as long as they choose.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from ...errors import StoreError, StoreStalledError
from ...machine.threads import start_thread
from ...unwarned import unwarned
from .. import place
from .statements import Rows, Statement
from .transfer import Tables
from .writer import Writer

T = TypeVar("T")
NO_ANSWER = "its filesystem is stalled and does not answer"
CLOSE_S = 0.1
"""How long a thread that has nothing more to do is waited for."""
OPEN_S = 10.0
"""How long an answer is waited for when a database is opened. A locked one is waited for up to five seconds of them."""


class _Question:
    """Something that a thread shall do, and what came of it. `given_up`: nobody waits for it any more. `wake` is locked while nothing is
    new to whoever waits."""

    __slots__ = ("action", "begun", "done", "error", "given_up", "result", "wake")

    def __init__(self, action: Callable[[], Any]) -> None:
        self.action = action
        self.result: Any = None
        self.error: BaseException | None = None
        self.begun = self.done = self.given_up = False
        self.wake = threading.Lock()
        self.wake.acquire()

    def news(self) -> None:
        """Wake who waits. It needs no memory."""
        try:
            self.wake.release()
        except RuntimeError:  # it is awake
            pass


class Worker:
    """A thread that does what it is asked, one thing after the other. One thread asks at a time."""

    def __init__(self) -> None:
        """Raises RuntimeError if no thread can be started."""
        self._asked: SimpleQueue[_Question | None] = SimpleQueue()
        self._taking = threading.Lock()
        self._waited_for: _Question | None = None
        self._left_s: float | None = None
        self.cpu_s = 0.0
        self._thread = start_thread(self._serve, "trainwatt-database")

    def do(self, action: Callable[[], T]) -> T:
        """What `action` returns or raises. Raises StoreStalledError if there is no answer in the time that is left."""
        self._waited_for = question = _Question(action)
        self._asked.put(question)
        while not question.done:
            left_s, begun_s = self._left_s, time.monotonic()
            if left_s is not None and left_s <= 0:
                with self._taking:
                    question.given_up = not question.done
                if question.given_up:
                    raise StoreStalledError(NO_ANSWER, in_doubt=question.begun)
                break
            question.wake.acquire(timeout=-1 if left_s is None else left_s)
            if left_s is not None and self._left_s is not None:
                self._left_s -= time.monotonic() - begun_s
        if question.error is not None:
            raise question.error
        return question.result  # type: ignore[no-any-return]

    def hurry(self, limit_s: float | None) -> None:
        """Wait only so many seconds more in all: for what is being waited for, and for all that is asked later."""
        self._left_s = limit_s
        if self._waited_for is not None:
            self._waited_for.news()

    def close(self) -> None:
        """End the thread after what it was asked before. It is waited for only if it does not wait for a disk itself."""
        self._waited_for = None
        self._asked.put(None)
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSE_S)

    def _serve(self) -> None:
        while (question := self._asked.get()) is not None:
            with self._taking:
                question.begun = not question.given_up
            if not question.begun:
                continue
            try:
                question.result = question.action()
                self.cpu_s = time.thread_time()
            except BaseException as error:  # whoever asked gets it
                question.error = error
            with self._taking:
                question.done = True
            question.news()
            del question  # a waiting thread keeps no rows, and no database that nobody waits for


class _Nobody(Worker):
    """No thread: the caller does it. For a process that can start none."""

    def __init__(self) -> None:
        self.cpu_s = 0.0

    def do(self, action: Callable[[], T]) -> T:
        return action()

    def hurry(self, limit_s: float | None) -> None:
        pass

    def close(self) -> None:
        pass


class PatientWriter(Writer):
    """A `Writer` whose calls raise StoreStalledError when they are not answered in time. See `hurry`."""

    def __init__(self, writer: Writer, worker: Worker) -> None:
        """Use `PatientWriter.at`."""
        self.path, self.real_path = writer.path, writer.real_path
        self._writer = writer
        self._worker = worker
        self.stalled = False

    @classmethod
    def at(cls, db: str | None, *, timeout_s: float = 5.0, exists: bool = False) -> Writer:
        """Open the database that `db` names, as `place.locate` takes it; with `exists`, none is made. See `Writer.open`.

        Raises StoreStalledError after OPEN_S seconds; an upgrade of the schema may take longer.
        """
        try:
            worker = Worker()
        except RuntimeError:  # the limit of threads is reached
            worker = _Nobody()

        def opened() -> Writer:
            path = place.sqlite_path(place.locate(None, {}, db))
            if exists and not os.path.isfile(path):
                raise StoreError(f"there is no {path}")
            return unwarned(Writer.open, path, timeout_s, lambda: worker.hurry(None))

        worker.hurry(OPEN_S)
        try:
            writer = worker.do(opened)
        except StoreStalledError as error:
            worker.close()
            raise StoreStalledError(
                f"{db or 'the database in the user data folder'} does not answer: the filesystem that it is on is stalled. Wait until it"
                " works again, or name another place with --db, db= or TRAINWATT_DB."
            ) from error
        except BaseException:  # raised again; nobody needs the thread any more
            worker.close()
            raise
        worker.hurry(None)
        return cls(writer, worker)

    @property
    def cpu_s(self) -> float:
        """The CPU seconds of the thread."""
        return self._worker.cpu_s

    def hurry(self, limit_s: float) -> None:
        """From now on, also in a call that is under way, wait for answers only so many seconds in all. Then raise StoreStalledError."""
        self._worker.hurry(limit_s)

    def write(self, rows: Rows, updates: Rows | None = None, then: Sequence[Statement] = ()) -> None:
        """`Writer.write`. If StoreStalledError is raised and `in_doubt`, nobody knows yet whether it will be written."""
        self._ask(lambda: self._writer.write(rows, updates, then))

    def query(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """`Writer.query`."""
        return self._ask(lambda: self._writer.query(sql, parameters))

    def whole(self, run_id: str) -> Tables:
        """`Writer.whole`."""
        return self._ask(lambda: self._writer.whole(run_id))

    def begin_anew(self) -> Path:
        """`Writer.begin_anew`."""
        return self._ask(self._writer.begin_anew)

    def take_in(self, environ: Mapping[str, str]) -> list[str]:
        """`Writer.take_in`."""
        from ..spill.intake import take_in  # seldom needed

        return self._ask(lambda: take_in(self.path, environ))

    def close(self) -> None:
        """`Writer.close`. Where there is no answer, the connection stays open: its rows are written."""
        try:
            self._ask(self._writer.close)
        except StoreStalledError:
            self.stalled = True
            self._writer.abandon()  # Python would wait for the thread where it closes the connection
        finally:
            self._worker.close()

    def abandon(self) -> None:
        """`Writer.abandon`. The child of a fork does not have the thread."""
        self._writer.abandon()

    def _ask(self, action: Callable[[], T]) -> T:
        try:
            return self._worker.do(action)
        except StoreStalledError as error:
            raise StoreStalledError(f"{self.path} cannot be used: {error}.", in_doubt=error.in_doubt) from None


def within(limit_s: float, action: Callable[[], T]) -> T:
    """What `action` returns or raises, in a thread of its own. Raises StoreStalledError if it takes longer; it may go on then. Without a
    thread, as in the exit of an interpreter, it takes as long as it takes."""
    try:
        worker = Worker()
    except RuntimeError:
        return action()
    worker.hurry(limit_s)
    try:
        return worker.do(action)
    finally:
        worker.close()
