"""Remembers which runs of a local file are to be brought to which server. Standard library only: the training process writes it.

It is a folder beside the file, for its user only, with a folder for each server. A file in that stands for each run. There is no password
in it: who brings the runs has that from the settings, or leaves it to ~/.pgpass.
"""

from __future__ import annotations

import fcntl
import os
import time
from binascii import crc32
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote

from ...errors import ConfigurationError
from ...machine.files import read_text
from ..place import masked
from ..spill.places import is_own

_RUN = "run-"
_WAKE, _LOCK, _FAULT, _PASSED = "wake", "lock", "fault", "passed"
_SECRET = ("password", "sslpassword")


class Outbox:
    """The runs that the file at `real_path`, a path without symbolic links, owes `server`, a URL."""

    def __init__(self, real_path: Path, server: str) -> None:
        bare = without_password(server)
        self.server = server
        self.real_path = real_path
        parent = real_path.with_name(f"{real_path.name}.owed-{os.geteuid()}")
        self.folder = parent / f"{crc32(bare.encode('utf-8', 'surrogateescape')):08x}"

    def add(self, run_id: str) -> None:
        """A run is owed. Raises OSError."""
        for folder in (self.folder.parent, self.folder):
            with suppress(FileExistsError):
                folder.mkdir(0o700)
            if not is_own(folder):
                raise PermissionError(f"{folder} belongs to another user, or others may write it")
        with suppress(FileExistsError):
            os.mkfifo(self.folder / _WAKE, 0o600)
        os.close(os.open(self._file(run_id), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def remove(self, run_id: str) -> None:
        """The server has all of a run."""
        with suppress(OSError):
            self._file(run_id).unlink()

    def owes(self, run_id: str) -> bool:
        """Whether a run is owed."""
        return os.path.exists(self._file(run_id))

    def owed(self) -> list[str]:
        """The ids of all runs that are owed."""
        try:
            names = os.listdir(self.folder)
        except OSError:  # as a rule there is none
            return []
        return sorted(unquote(name.removeprefix(_RUN)) for name in names if name.startswith(_RUN)) if is_own(self.folder) else []

    def wake(self) -> bool:
        """Let the process that brings the runs look now. False if there is none."""
        try:
            descriptor = os.open(self.folder / _WAKE, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            with suppress(OSError):  # it is full: it has been woken
                os.write(descriptor, b"w")
            return True
        finally:
            os.close(descriptor)

    def wakes(self) -> int:
        """A descriptor that can be read when `wake` was called. Raises OSError."""
        return os.open(self.folder / _WAKE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)  # with O_RDONLY it would end with each writer

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Whether this process may bring the runs: one at a time does."""
        descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(descriptor)

    def passed(self, fault: str | None) -> None:
        """All runs were looked at. `fault`: why they could not be brought."""
        with suppress(OSError):
            file = self.folder / _FAULT
            if fault is None:
                file.unlink(missing_ok=True)
            else:
                file.write_text(fault, encoding="utf-8", errors="replace")
        with suppress(OSError):
            (self.folder / _PASSED).write_text(str(time.time_ns()))

    @property
    def passes(self) -> str:
        """Changes whenever all runs were looked at."""
        return read_text(self.folder / _PASSED)

    @property
    def fault(self) -> str:
        """Why the runs could not be brought the last time; empty if they could."""
        return read_text(self.folder / _FAULT).strip()

    def _file(self, run_id: str) -> Path:
        return self.folder / f"{_RUN}{quote(run_id, safe='')}"


def without_password(server: str) -> str:
    """The URL of a server without its password, and in one form whatever its driver is. Raises ConfigurationError for a port that is no
    number."""
    rest, mark, query = server.partition("://")[2].partition("?")
    before, at, where = rest.rpartition("@")
    host = where.partition("/")[0]
    port = host.rpartition("]")[2].partition(":")[2]
    if port and not port.isdecimal():
        raise ConfigurationError(f"{masked(server)} is not a database URL. Give postgresql://USER@HOST/DATABASE.")
    kept = [each for each in query.split("&") if each.partition("=")[0].lower() not in _SECRET]
    return f"postgresql://{before.partition(':')[0]}{at}{where}{mark if kept[0:1] != [''] and kept else ''}{'&'.join(kept)}"
