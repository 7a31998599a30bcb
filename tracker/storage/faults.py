"""SQLite's errors, translated for the user. Standard library only."""

from __future__ import annotations

import os
import sqlite3

from ..errors import MORE_FILES, NO_MORE_FILES, DamagedDatabaseError, NotADatabaseError, StoreBusyError, StoreError

_PRIMARY = 0xFF  # the low byte of an extended result code is the plain code

_FILES_OF_A_DATABASE = 4  # itself, its log, the index of the log, and its folder or a journal


def is_busy(error: BaseException | None) -> bool:
    """Whether another connection holds the database."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_unwritable(error: BaseException | None) -> bool:
    """Whether the file, or a file that SQLite wants beside it, cannot be opened or written."""
    return _code(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def is_damaged(error: BaseException | None) -> bool:
    """Whether the content of the file is broken. Its header is SQLite's; otherwise SQLite would say that it is not a database."""
    return _code(error) == sqlite3.SQLITE_CORRUPT


def store_error(error: BaseException | None, place: str) -> StoreError:
    """The error to raise for `error`, which SQLite raised for the database at `place`."""
    if is_busy(error):
        return StoreBusyError(f"{place} is locked by another process ({error}). Try again, or end that process.")
    code = _code(error)
    if code == sqlite3.SQLITE_NOTADB:
        return NotADatabaseError(
            f"{place} is not a SQLite database ({error}); nothing was changed. "
            "Name another place with --db, db= or TRAINWATT_DB, or move that file away."
        )
    if is_damaged(error):
        return DamagedDatabaseError(
            f"{place} is damaged ({error}). The next run renames it and begins a new one; `sqlite3 {place} .recover` prints what can "
            "still be read."
        )
    if code == sqlite3.SQLITE_CANTOPEN and _no_more_files():
        return StoreError(f"{place} cannot be used: {error}. {MORE_FILES}")
    mends = {
        sqlite3.SQLITE_FULL: "Free some space on that disk.",
        sqlite3.SQLITE_READONLY: "Make the file and its folder writable, or name another place with --db, db= or TRAINWATT_DB.",
        sqlite3.SQLITE_CANTOPEN: "Make the file and its folder writable, or name another place with --db, db= or TRAINWATT_DB.",
    }
    mend = mends.get(code, "Check the disk, or name another place with --db, db= or TRAINWATT_DB.")
    return StoreError(f"{place} cannot be used: {error}. {mend}")


def _no_more_files() -> bool:
    """Whether this process can open too few files for a database. SQLite gives every file that it cannot open the same error."""
    held: list[int] = []
    try:
        while len(held) < _FILES_OF_A_DATABASE:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in NO_MORE_FILES
    finally:
        for descriptor in held:
            os.close(descriptor)
    return False


def _code(error: BaseException | None) -> int:
    return int(getattr(error, "sqlite_errorcode", None) or 0) & _PRIMARY
