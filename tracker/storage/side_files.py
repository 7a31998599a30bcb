"""Who may read and write a database and the files that SQLite keeps beside it, and those that another user has left. Standard library only.

A new database may be read and written by its owner only, or by its group too where the folder is meant for the group. In WAL mode SQLite
keeps `-wal` and `-shm` beside it, with the mode of the database, and as the user who opens it first. A user who may only read must
therefore make none: nobody else could write them, and without writing them nobody can write the database.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import sqlite3
import stat
import struct
import time
from contextlib import suppress
from pathlib import Path

from ..errors import StoreError
from .faults import is_busy

WAL, SHM, JOURNAL = "-wal", "-shm", "-journal"
_LOCKS_AT, _LOCKS = 120, 9
"""Where the locks of connections are in `-shm`: eight, and one that each open connection holds (UNIX_SHM_BASE and UNIX_SHM_DMS in SQLite's
os_unix.c)."""
TRIES = 5
TRY_S = 0.02
"""How often, and after which pause, something is tried again that another process may have changed at this instant."""
NEW_S = 2.0
"""SQLite opens a file beside the database, sets its mode and takes its lock in less than a millisecond. A file that is older than this, and
has no lock, is not used."""
_FLOCK = "hhqqi4x"  # struct flock of Linux on 64 bits: type, whence, start, length, pid
OWNER_ONLY, OWNER_AND_GROUP = 0o600, 0o660
ELSEWHERE = "name another place with --db, db= or TRAINWATT_DB"


def beside(path: Path, ending: str) -> Path:
    """The file beside the database `path` with this ending. If `path` is a link, SQLite makes it beside the file that the link names."""
    return Path(os.path.realpath(path) + ending)


def exists(path: str) -> bool:
    """Whether there is a file at `path`. Raises StoreError if this user may not know."""
    try:
        os.stat(path)
    except PermissionError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}. Ask for access to its folder, or {ELSEWHERE}.") from error
    except (OSError, ValueError):  # ValueError: a null character
        return False
    return True


def may_write(path: Path) -> bool:
    """Whether this process may write the file or folder `path`."""
    return _may(path, os.W_OK)


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)


def require_writable(path: Path) -> None:
    """Check that this user may write the existing database at `path`, before SQLite opens it and makes files beside it. Files there that
    another user has left, and that nobody uses, are replaced.

    Raises StoreError, and leaves nothing behind.
    """
    if not os.path.exists(path):
        _await_sharing(path.parent)
        return
    if not os.path.getsize(path):
        _await_sharing(path)
    if not may_write(path):
        allowed = "may only be read" if _may(path, os.R_OK) else "may not be read"
        raise StoreError(
            f"{path} {allowed} by this user: it belongs to {_owner(path)}. Make the file and its folder writable, or {ELSEWHERE}."
        )
    foreign = [file for file in (beside(path, WAL), beside(path, SHM)) if os.path.exists(file) and not may_write(file)]
    for file in foreign:
        _await_sharing(file)
        if may_write(file) or not os.path.exists(file):
            continue
        used = _is_new(file) or _in_use(beside(path, SHM))
        reason = "another process uses it" if used else _replaced(file)
        if reason:
            raise StoreError(
                f"{path} cannot be written: {file.name} beside it belongs to {_owner(file)}, and {reason}. End the programs that have the"
                f" database open, then delete that file; or {ELSEWHERE}."
            )


def prove_writable(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Raise now what the first transaction would raise if a file beside the database may not be written. A lock is no reason, and is not
    waited for. `timeout_s`: how long the connection waits for a lock otherwise. Raises sqlite3.Error."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(timeout_s * 1000)}")


def _await_sharing(path: Path) -> None:
    """If another user has made a file or folder just now, wait until it is given to the group. For a moment, it is for its owner only."""
    deadline = time.monotonic() + NEW_S
    while not may_write(path) and _is_new(path) and time.monotonic() < deadline:
        time.sleep(TRY_S)


def _is_new(path: Path) -> bool:
    try:
        return 0 <= time.time() - path.stat().st_ctime < NEW_S
    except OSError:
        return False


def create(path: Path, like: Path | None = None) -> None:
    """Make an empty file at `path`, unless there is one: for its owner, and for the group of the folder if that is meant for the group. Or
    with the group and the mode of the file `like`, which it replaces. The umask does not decide this, and at no time may others read it.

    If it cannot be made, SQLite says why when it opens the file.
    """
    real = Path(os.path.realpath(path))  # a link may name a file that does not exist yet
    with suppress(OSError):
        descriptor = os.open(real, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY)
        # Closing it drops no lock on the database: the file is new, and nobody has opened it before.
        try:
            if like is not None:
                _imitate(descriptor, like.stat())
            elif _is_for_group(real.parent, os.fstat(descriptor)):
                os.fchmod(descriptor, OWNER_AND_GROUP)
            else:
                os.fchmod(descriptor, OWNER_ONLY)  # a umask may have taken rights from the owner
        finally:
            os.close(descriptor)


def _imitate(descriptor: int, of: os.stat_result) -> None:
    """Give a new file the group and the mode of another one; only the rights of its owner and of all users if it cannot have the group."""
    mode = stat.S_IMODE(of.st_mode)
    try:
        if os.fstat(descriptor).st_gid != of.st_gid:
            os.fchown(descriptor, -1, of.st_gid)
    except OSError:
        mode &= ~stat.S_IRWXG
    os.fchmod(descriptor, mode)


def _is_for_group(folder: Path, own: os.stat_result) -> bool:
    """Whether a folder is meant for its group, which what is made in it then has: `chmod g+ws`. Without the setgid bit, a folder that its
    group may write says nothing: that is how a common umask makes all folders, and the group may be that of all users."""
    around = folder.stat()
    return bool(around.st_mode & stat.S_ISGID and around.st_mode & stat.S_IWGRP) and around.st_gid == own.st_gid


def _open_to_group(folder: Path) -> None:
    """Let the group write a new folder, if it is in one that is meant for the group. Else nobody else in the group could record a run."""
    with suppress(OSError):  # it belongs to another user, who does the same
        own = folder.stat()
        if _is_for_group(folder.parent, own):
            folder.chmod(stat.S_IMODE(own.st_mode) | stat.S_IRWXG)


def give_to_group(path: Path) -> None:
    """Give the files beside the database `path` its group, which a folder without the setgid bit does not do."""
    for file in (beside(path, WAL), beside(path, SHM)):
        with suppress(OSError):  # it belongs to another user, or there is none
            group = path.stat().st_gid
            if file.stat().st_gid != group:
                os.chown(file, -1, group)


def make_folder(folder: Path) -> None:
    """Make a folder and those around it, each for its owner to write, and for the group where the one around it is. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(0o755)  # who may write it could replace the database
        _open_to_group(folder)
        return
    if not folder.is_dir():  # a file has its name
        folder.mkdir()


def _replaced(file: Path) -> str | None:
    """Replace another user's file by one of this user's with the same content, or by none. Returns why that is not possible."""
    try:
        if file.name.endswith(WAL) and file.stat().st_size:
            mine = file.with_name(f"{file.name}.{os.getpid()}")
            try:
                create(mine, like=file.with_name(file.name.removesuffix(WAL)))
                with file.open("rb") as theirs, mine.open("r+b") as copy:
                    shutil.copyfileobj(theirs, copy)
                mine.replace(file)
            finally:
                mine.unlink(missing_ok=True)
        else:  # it is empty, or an index that SQLite makes again
            file.unlink(missing_ok=True)
    except OSError as error:
        return f"it cannot be replaced ({error.strerror})"
    return None


def _in_use(shm: Path) -> bool:
    """Whether a connection to the database is open. Closing the file here drops no lock: this process may not write it, so it has none."""
    try:
        descriptor = os.open(shm, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # it cannot be known
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, _LOCKS_AT, _LOCKS, 0)
        held: int = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))[0]
        return held != fcntl.F_UNLCK
    except OSError:
        return True
    finally:
        os.close(descriptor)


def _owner(path: Path) -> str:
    try:
        number = path.stat().st_uid
    except OSError:
        return "another user"
    try:
        return f"user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"user {number}"
