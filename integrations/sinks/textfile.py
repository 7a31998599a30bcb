"""A file for the textfile collector of Prometheus's node_exporter: `sinks=["textfile=/var/lib/node_exporter/trainwatt.prom"]`."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from trainwatt import ConfigurationError

if TYPE_CHECKING:
    from trainwatt.core import LiveRun, SinkRun

    from ._metrics import RunCollector

__all__ = ["TextfileSink", "sink"]

ENDING = ".prom"
"""node_exporter reads the files with this ending only."""
MODE = 0o644
"""node_exporter runs as a user of its own."""
SEEN_S = 120.0
"""For so long the last figures of a run are left alone: until then Prometheus has asked for them."""
FILES = 1000
"""So many runs of a machine may have a file at once."""


class TextfileSink:
    """Writes the metrics of a run into a file, whole each time.

    Each run of a machine has a file of its own: `trainwatt.prom`, or `trainwatt-2.prom` and so on if other runs hold those before. A lock
    beside the file says that a run is alive. The file stays after the end, with the final figures and without power, until another run
    needs it or finds it older than SEEN_S.
    """

    period_s: ClassVar[float] = 5.0
    per_host: ClassVar[bool] = True

    def __init__(self, file: Path) -> None:
        self._file = file
        self._live: LiveRun | None = None
        self._collector: RunCollector | None = None
        self._held: _Held | None = None

    def begin(self, run: SinkRun, now: Callable[[], LiveRun]) -> None:
        """Take the first file that no run holds. Raises OSError if there is none, or the folder cannot be written to."""
        from ._metrics import RunCollector

        self._collector = RunCollector(run, lambda: self._live or now())
        self._held = _free(self._file)

    def write(self, live: LiveRun) -> None:
        """Write the run as it is now. Raises OSError if that fails, as on a full disk; the file is what it was then."""
        from prometheus_client import generate_latest

        assert self._collector is not None
        assert self._held is not None
        self._live = live
        write_whole(self._held.file, generate_latest(self._collector.registry))

    def end(self) -> None:
        """Let another run have the file, later."""
        held, self._held = self._held, None
        if held is not None:
            held.leave()


def sink(text: str) -> TextfileSink:
    """The file named by the text; in a folder it is `trainwatt.prom`.

    Raises ConfigurationError if the folder is missing or cannot be written to, if the file does not end in `.prom`, and if
    `prometheus_client` is not installed.
    """
    try:
        from . import _metrics  # noqa: F401
    except ImportError as fault:
        raise ConfigurationError(f"the library prometheus_client is needed: pip install 'trainwatt[prometheus]' ({fault})") from fault
    return TextfileSink(file_of(text))


def file_of(text: str) -> Path:
    """The file in the text after `textfile=`. Raises ConfigurationError."""
    if not text.strip():
        raise ConfigurationError("name the file in the folder that node_exporter reads: textfile=/var/lib/node_exporter/trainwatt.prom")
    file = Path(text.strip()).expanduser().absolute()  # the training may change its folder
    if file.is_dir():
        file /= f"trainwatt{ENDING}"
    if file.suffix != ENDING:
        raise ConfigurationError(f"{text!r} does not end in {ENDING}, and node_exporter reads no other files")
    if not file.parent.is_dir():
        raise ConfigurationError(f"the folder {str(file.parent)!r} does not exist: make it, and name it in --collector.textfile.directory")
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise ConfigurationError(f"the folder {str(file.parent)!r} cannot be written to by this user")
    return file


class _Held:
    """A file that this run holds. Its lock goes with the process, however that ends."""

    def __init__(self, file: Path, lock: int) -> None:
        self.file = file
        self._lock = lock

    @classmethod
    def of(cls, file: Path) -> _Held | None:
        """The file, if no run holds it, and no other user has it. Raises OSError if it cannot be locked."""
        beside = file.with_name(f".{file.name}.lock")
        try:
            lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except PermissionError:
            if beside.exists():
                return None
            raise
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            os.close(lock)
            if isinstance(fault, BlockingIOError):
                return None
            raise
        return cls(file, lock)

    def leave(self) -> None:
        """Another run may have it. That holds too if processes have been forked from this one."""
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        os.close(self._lock)


def _free(file: Path) -> _Held:
    """The first file that no run holds and whose last figures have been seen. Further ones like that are removed: their runs are over."""
    further = re.compile(rf"{re.escape(file.stem)}-\d+{re.escape(ENDING)}")
    for name in os.listdir(file.parent):
        if further.fullmatch(name) and _seen(one := file.with_name(name)) and (held := _Held.of(one)) is not None:
            with suppress(OSError):  # a folder has that name
                one.unlink()
            held.leave()
    for number in range(1, FILES):
        one = file if number == 1 else file.with_name(f"{file.stem}-{number}{ENDING}")
        if _seen(one) and (held := _Held.of(one)) is not None:
            return held
    raise OSError(f"{FILES} runs have files beside {str(file)!r}")


def _seen(file: Path) -> bool:
    try:
        return abs(time.time() - file.stat().st_mtime) > SEEN_S
    except FileNotFoundError:
        return True


def write_whole(file: Path, content: bytes) -> None:
    """Write a file so that each reader sees it whole. Raises OSError; then nothing has changed."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(content)
            os.fchmod(handle, MODE)
        os.replace(name, file)
    except BaseException:  # raised again; no half-written file stays
        os.unlink(name)
        raise
