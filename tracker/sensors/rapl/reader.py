"""One energy counter of Linux's powercap interface: an open energy_uj file.

A read takes a few microseconds and holds the GIL on purpose: after a call that releases the GIL, the thread may have to wait the
interpreter's switch interval (5 ms) for it. If a file is slow to read, reads release the GIL, so that they never block the training.
"""

from __future__ import annotations

import ctypes
import errno
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from ...core.sensing import Counter, Device
from ...errors import ReadError, SensorLostError

_BUFFER_BYTES = 64  # a 64-bit number has at most 20 digits
_SLOW_READ_S = 1e-3
_TRIAL_READS = 3
_GONE = (errno.ENODEV, errno.ENOENT, errno.ENXIO)
_MICROJOULE_J = 1e-6
_COUNTER_STATES = 2**32 - 1
"""The hardware counter has 32 bits. powercap scales it, and reports its largest value as max_energy_range_uj
(Linux, Documentation/power/powercap/powercap.rst; drivers/powercap/intel_rapl_common.c)."""
_DEFAULT_QUANTUM_UJ = 61
"""2^-14 J, the energy unit of most Intel processors (Intel SDM volume 3, MSR_RAPL_POWER_UNIT). AMD's is a quarter of it."""

_libc = ctypes.PyDLL(None, use_errno=True)
_pread = _libc.pread
_pread.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long)
_pread.restype = ctypes.c_ssize_t


def counter_of(range_uj: int | None) -> Counter:
    """The counter of a zone whose max_energy_range_uj is `range_uj`, in microjoules.

    The counter wraps one unit after that range. If the range is None or 0, the modulus is unknown.
    """
    if not range_uj:
        return Counter(unit_j=_MICROJOULE_J, quantum=_DEFAULT_QUANTUM_UJ)
    unit_uj = range_uj / _COUNTER_STATES
    return Counter(unit_j=_MICROJOULE_J, modulus=round(range_uj + unit_uj), quantum=max(1, round(unit_uj)))


class RaplSensor:
    """The energy counter of one powercap zone, in microjoules. For one reading thread, because it reuses its buffer.

    The constructor raises OSError as `open` does, and ReadError if no trial read succeeds. A forked child may share the file, because pread
    has no file position.
    """

    name = "energy"
    period_s: float | None = None  # the tracker's own, because a read is cheap

    def __init__(self, path: Path, device: Device, counter: Counter) -> None:
        self.device = device
        self.kind = counter
        self._path = path
        self._buffer = ctypes.create_string_buffer(_BUFFER_BYTES)
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._read_bytes: Callable[[], bytes] = self._read_holding_gil
        try:
            if _median_s(self.read) > _SLOW_READ_S:
                self._read_bytes = self._read_releasing_gil
        except BaseException:  # raised again; the file does not stay open
            self.close()
            raise

    @property
    def releases_gil(self) -> bool:
        """Whether reads release the GIL, because the trial reads were slow."""
        return self._read_bytes == self._read_releasing_gil

    def read(self) -> int:
        """The counter, in microjoules.

        Raises ReadError if the read fails or the text is not a number, and SensorLostError if the zone is gone.
        """
        try:
            raw = self._read_bytes()
        except OSError as e:
            kind = SensorLostError if e.errno in _GONE else ReadError
            raise kind(f"{self._path}: {e.strerror or e}") from e
        text = raw.strip()
        if not text.isdigit():  # bytes.isdigit accepts ASCII digits only: no sign, point, N/A or nan
            raise ReadError(f"{self._path}: {text.decode(errors='replace')!r} is not a number of microjoules")
        return int(text)

    def holder_pids(self) -> None:
        """No process holds a package."""
        return None

    def close(self) -> None:
        """Close the file. May be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read_holding_gil(self) -> bytes:
        n = _pread(self._fd, self._buffer, _BUFFER_BYTES, 0)
        if n < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return self._buffer.raw[:n]

    def _read_releasing_gil(self) -> bytes:
        return os.pread(self._fd, _BUFFER_BYTES, 0)


def _median_s(read: Callable[[], int]) -> float:
    """The median seconds of the trial reads. Single failed reads are ignored; raises the last ReadError if all fail."""
    spent, failure = [], None
    for _ in range(_TRIAL_READS):
        start = time.perf_counter()
        try:
            read()
        except ReadError as e:
            failure = e
        else:
            spent.append(time.perf_counter() - start)
    if failure is not None and not spent:
        raise failure
    return statistics.median(spent)
