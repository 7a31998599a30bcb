"""Writes runs from the training process, with the standard library's sqlite3 only.

SQLAlchemy would take half a second to import, and would make each commit four times as expensive.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ...errors import DamagedDatabaseError, NotADatabaseError, StoreError, StoreGoneError
from ...log import warn
from ...machine.filesystem import on_network
from ...unwarned import unwarned
from ..faults import is_busy, is_unwritable, store_error
from ..place import file_in
from ..revision import State, creation, state_of
from ..side_files import TRIES, TRY_S, create, give_to_group, make_folder, prove_writable, require_writable
from .damage import file_id, find_aside, set_aside, wording
from .encoding import as_utf8
from .statements import Rows, Statement, execute
from .transfer import Tables, rows_of

T = TypeVar("T")


class Writer:
    """One process's connection to its database. It may be opened in any thread, and used by one thread at a time.

    `real_path` is its path without symbolic links, as it was when the database was opened. `stalled`: it did not answer when it was to be
    closed.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, timeout_s: float) -> None:
        """Use `Writer.open`."""
        self.path = path
        self.real_path = Path(os.path.realpath(path))
        self.stalled = False
        self._connection = connection
        self._timeout_s = timeout_s
        self._file = file_id(path)

    @classmethod
    def open(cls, path: Path, timeout_s: float = 5.0, upgrading: Callable[[], None] | None = None) -> Writer:
        """Open the database at `path` (a file, or a folder to keep it in), and create or upgrade it where needed.

        This and each later write wait up to `timeout_s` seconds for another process. A damaged database is set aside, and a new one
        begins in its place. `upgrading` is called before the schema is upgraded, which may take long. Raises NotADatabaseError,
        NewerSchemaError, StoreBusyError, and StoreError if the place cannot be written.
        """
        path = _prepared(path)
        found = file_id(path)
        try:
            return cls._open_patiently(path, timeout_s, upgrading)
        except DamagedDatabaseError:
            if found is None:
                raise
            aside = set_aside(path, found)
            warn("%s", wording(path, aside))
            create(path, like=aside)
        return cls._open_patiently(path, timeout_s, upgrading)

    @classmethod
    def _open_patiently(cls, path: Path, timeout_s: float, upgrading: Callable[[], None] | None) -> Writer:
        """Open it; again, if another user makes a file beside it at this instant and has not given it to the group yet."""
        for _ in range(TRIES - 1):
            require_writable(path)
            try:
                return cls._open(path, timeout_s, upgrading)
            except StoreError as error:
                if not is_unwritable(error.__cause__):
                    raise
                time.sleep(TRY_S)
        require_writable(path)
        return cls._open(path, timeout_s, upgrading)

    @classmethod
    def _open(cls, path: Path, timeout_s: float, upgrading: Callable[[], None] | None) -> Writer:
        deadline = time.monotonic() + timeout_s
        create(path)  # before SQLite does, with a mode that the umask decides
        try:
            connection = _connect(path, timeout_s)
            try:
                # This comes before any change: the file may be another program's.
                state = _patiently(lambda: _state(connection, path), deadline)
                if state is State.OLDER:
                    connection.close()
                    if upgrading is not None:
                        upgrading()
                    from ..migrate import migrate  # imports Alembic and SQLAlchemy, so only where it is needed

                    migrate(str(path))
                    connection = _connect(path, timeout_s)
                _patiently(lambda: _set_up(connection, path), deadline)
                give_to_group(path)
                if state is State.EMPTY:
                    _patiently(lambda: _create(connection, path), deadline)
                prove_writable(connection, timeout_s)
                return cls(connection, path, timeout_s)
            except BaseException:  # raised again; the connection does not stay open
                connection.close()
                raise
        except sqlite3.Error as error:
            raise store_error(error, str(path)) from error

    def write(self, rows: Rows, updates: Rows | None = None, then: Sequence[Statement] = ()) -> None:
        """Write rows in one transaction, all of them or none.

        First, each of `rows` is inserted; where its key exists already, its given columns are updated. Then `updates` change the
        given columns of existing rows; a missing row of `run` or `segment` is an error. Last, `then` is executed (see compact.py).

        Raises StoreBusyError if another process locks the database for too long, and StoreError for a full disk, a deleted file or
        a deleted run; the same call may be repeated. Raises DamagedDatabaseError for a damaged database; repeat the call after
        `begin_anew`. Raises ValueError for an unknown table.
        """
        unwarned(self._write, rows, updates or {}, then)

    def _write(self, rows: Rows, updates: Rows, then: Sequence[Statement]) -> None:
        if file_id(self.path) != self._file:
            if self._file is not None and find_aside(self.path, self._file) is not None:
                raise DamagedDatabaseError(f"{self.path} is damaged, as another process found.")
            # SQLite would write to the deleted file without an error.
            raise StoreGoneError(f"{self.path} was deleted or replaced during this run.")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            if lost := execute(self._connection, rows, updates, then):
                raise StoreGoneError(f"{self.path} has lost rows of this run (table {lost}): it was deleted while it was running.")
            self._connection.execute("COMMIT")
        except BaseException as error:  # also Ctrl-C: an open transaction would lock the database
            with suppress(sqlite3.Error):
                self._connection.rollback()
            if isinstance(error, UnicodeEncodeError):
                return self._write(as_utf8(rows), as_utf8(updates), as_utf8(then))
            if isinstance(error, sqlite3.Error):
                raise self._fault(error) from error
            raise

    def query(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT, whose parameters are in order or have names. Raises StoreBusyError and StoreError."""
        try:
            return unwarned(self._connection.execute, sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._fault(error) from error

    @property
    def cpu_s(self) -> float:
        """The CPU seconds of a thread of its own: it has none."""
        return 0.0

    def whole(self, run_id: str) -> Tables:
        """All rows of a run. The file may have been deleted: it stays as long as it is open. Raises StoreError."""
        try:
            return rows_of(self._connection, run_id)
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def take_in(self, environ: Mapping[str, str]) -> list[str]:
        """Take in the runs that wait for this database (see storage/spill), where a thread of its own does it: see PatientWriter. Returns
        texts for the user."""
        return []

    def transact(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """What `action` returns, all of whose changes are made in one transaction, or none if it returns None. Raises StoreError."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            result = action(self._connection)
            self._connection.execute("ROLLBACK" if result is None else "COMMIT")
            return result
        except BaseException as error:  # raised again; an open transaction would lock the database
            with suppress(sqlite3.Error):
                self._connection.rollback()
            if isinstance(error, sqlite3.Error):
                raise self._fault(error) from error
            raise

    def hurry(self, limit_s: float) -> None:
        """Wait only so many seconds more, if a thread of its own uses the database: see PatientWriter."""

    def begin_anew(self) -> Path:
        """After DamagedDatabaseError: set the file aside, unless another process has done so, and continue with a new one in its place.

        The new database may have no row of this run. Returns the new path of the damaged one. Raises StoreError.
        """
        if self._file is None:
            raise DamagedDatabaseError(f"{self.path} is damaged and could not be set aside: it was moved away or deleted.")
        aside = set_aside(self.path, self._file)
        create(self.path, like=aside)
        fresh = unwarned(Writer.open, self.path, self._timeout_s)
        damaged, self._connection, self._file = self._connection, fresh._connection, fresh._file
        with suppress(sqlite3.Error):
            damaged.close()
        return aside

    def close(self) -> None:
        """Close the connection; the written rows stay. Raises StoreError if SQLite cannot close it."""
        try:
            self._connection.close()
        except sqlite3.Error as error:
            raise store_error(error, str(self.path)) from error

    def abandon(self) -> None:
        """For the child of a fork: never use the connection again, and keep Python from closing it.

        A child that closes its parent's connection may damage the database, so the connection is leaked on purpose.
        """
        import ctypes

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))

    def _fault(self, error: sqlite3.Error) -> StoreError:
        fault = store_error(error, str(self.path))
        # It was a good database when it was opened.
        return DamagedDatabaseError(f"{self.path} is damaged ({error}).") if isinstance(fault, NotADatabaseError) else fault


def _prepared(path: Path) -> Path:
    """The absolute path of the file at `path`, after its folder was created."""
    try:
        path = file_in(path).absolute()  # because the training may change its working directory
        make_folder(path.parent)
        mode = path.stat().st_mode
    except FileNotFoundError:
        return path
    except (OSError, ValueError) as error:  # ValueError: a null character
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"the database {path} cannot be reached: {reason}. Name another place with --db, db= or TRAINWATT_DB.") from error
    # Only SQLite looks into the file: opening and closing it here would drop the locks that this process holds on it.
    if not stat.S_ISREG(mode):
        raise NotADatabaseError(f"{path} is not a regular file. Name another place with --db, db= or TRAINWATT_DB.")
    return path


def _connect(path: Path, timeout_s: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=timeout_s, isolation_level=None, check_same_thread=False)


def _state(connection: sqlite3.Connection, path: Path) -> State:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = None
    if "alembic_version" in tables:
        row = connection.execute("SELECT * FROM alembic_version").fetchone()
        version = str(row[0]) if row else None
    return state_of(str(path), tables, version)


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    # WAL needs shared memory, which hosts on a network filesystem do not have. The rollback journal that is used there needs every fsync.
    journal, synchronous = ("DELETE", "FULL") if on_network(path.parent) else ("WAL", "NORMAL")
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA foreign_keys = ON")


def _create(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again under the lock: another process may have been first.
        if _state(connection, path) is State.EMPTY:
            for statement in creation():
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.rollback()
        raise


def _patiently(action: Callable[[], T], deadline: float) -> T:
    """Repeat `action` while the database is locked: switching to WAL does not wait for the lock by itself."""
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
