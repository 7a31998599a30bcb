"""Who reads a sensor for a run, where several processes of the run see it: a lock on bytes of a file beside the database.

The kernel releases the locks of a process that ends in any way, and shows them to every process that sees the file, whatever its
namespaces. Processes that do not share the file (a database on a network filesystem, containers with folders of their own) do not see each
other's locks: what they read twice is counted once when the run is read. Hosts that share the file lock bytes of their own, because
processors and memory have the same names on all of them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from ...machine.filesystem import on_network
from ..side_files import create

_SUFFIX = "-owners"
_LAST = 2**61
TRIES = 100
"""How often a byte is tried that another process locks for a moment, to see whether it is locked."""
_lock = threading.Lock()
_files: dict[Path, int] = {}
"""One descriptor for each file, which is never closed: closing any descriptor of a file drops all locks of the process on it (fcntl(2))."""
_held: set[tuple[Path, int]] = set()
"""What this process has locked. The kernel lets a process lock the same bytes twice."""


class Owners:
    """The locks of one run on the machine `machine`. `db` is the run's database file."""

    def __init__(self, db: Path, run_id: str, machine: str) -> None:
        self._file = _beside(db)
        self._of = f"{run_id}\0{machine}"
        self._mine: set[int] = set()
        self._ending = False

    def take(self, sensor: str) -> bool:
        """Become the owner of a sensor. False if another process is, or another tracker of this one. Never blocks."""
        at = self._byte_of(sensor)
        with _lock:
            if at in self._mine:
                return True
            if (self._file, at) in _held:
                return False
            try:
                fcntl.lockf(self._descriptor(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
            except BlockingIOError:
                return False
            except OSError:  # no such locks here: it is better counted twice, and once when it is read, than never
                pass
            self._mine.add(at)
            _held.add((self._file, at))
            if self._ending:
                self._tell(at)
            return True

    def has(self, sensor: str) -> bool:
        """Whether this process is the owner of a sensor."""
        return self._byte_of(sensor) in self._mine

    def end(self) -> None:
        """From now on, `ends` is true in other processes for what this one owns."""
        with _lock:
            self._ending = True
            for at in self._mine:
                self._tell(at)

    def ends(self, sensor: str) -> bool:
        """Whether the owner of a sensor is another process that has called `end`."""
        at = self._byte_of(sensor)
        with _lock, suppress(OSError):
            if at in self._mine:
                return False
            try:
                fcntl.lockf(self._descriptor(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at + 1)
            except BlockingIOError:
                return True
            fcntl.lockf(self._descriptor(), fcntl.LOCK_UN, 1, at + 1)
        return False

    def _tell(self, at: int) -> None:
        for _ in range(TRIES):  # another process may just be looking
            try:
                fcntl.lockf(self._descriptor(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at + 1)
                return
            except BlockingIOError:
                time.sleep(1e-3)
            except OSError:
                return

    def _byte_of(self, sensor: str) -> int:
        """The byte that the owner locks. The next one is locked when it ends."""
        return int.from_bytes(hashlib.sha256(f"{self._of}\0{sensor}".encode()).digest()[:8]) % _LAST * 2

    def release(self) -> None:
        """Own nothing any more."""
        with _lock:
            for at in self._mine:
                _held.discard((self._file, at))
                with suppress(OSError):
                    fcntl.lockf(self._descriptor(), fcntl.LOCK_UN, 2, at)
            self._mine.clear()

    def _descriptor(self) -> int:
        """Raises OSError if the file cannot be made."""
        if self._file not in _files:
            create(self._file)
            _files[self._file] = os.open(self._file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        return _files[self._file]


def _forget() -> None:
    """In a forked child, which has none of the locks of its parent."""
    global _lock
    _lock = threading.Lock()
    _held.clear()


os.register_at_fork(after_in_child=_forget)


def _beside(db: Path) -> Path:
    if not on_network(db.parent):
        return Path(f"{db}{_SUFFIX}")
    folder = Path(tempfile.gettempdir(), f"trainwatt-{os.getuid()}")
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
    own = folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()
    return (folder if own else db.parent) / f"{hashlib.sha256(os.fsencode(db.parent)).hexdigest()[:16]}{_SUFFIX}"
