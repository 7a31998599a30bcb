"""Reads files that may be missing, and files that somebody else may have made."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from .proc import whole_number

MOST_BYTES = 2**20
"""The most that is read of a file that a setting names. A table of hardware with 5,000 rows is as large."""
_CALM = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # O_NONBLOCK: a pipe without a writer would be waited for
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFLNK: "a symbolic link",
}


class UnfitFileError(OSError):
    """What a path names is not a regular file, or is too large. The text says which."""


class Regular(NamedTuple):
    """A regular file: its content, and the status of the very file that was read."""

    content: bytes
    status: os.stat_result


def read_text(path: Path, errors: str = "replace") -> str:
    """The file's text, stripped; "" if it cannot be read. `errors` says how to decode bytes that are not UTF-8."""
    try:
        return path.read_text(encoding="utf-8", errors=errors).strip()
    except (OSError, ValueError):  # ValueError: a null character in the path
        return ""


def read_int(path: Path) -> int | None:
    """The file's whole number; None if it cannot be read or is not a number."""
    return whole_number(read_text(path))


def read_strings(path: Path) -> list[str] | None:
    """The null-terminated strings of a file such as /proc/PID/cmdline; None if it cannot be read."""
    try:
        raw = path.read_bytes()
    except (OSError, ValueError):
        return None
    return [part.decode(errors="replace") for part in raw.split(b"\0") if part]


def read_regular(path: str | Path, most_bytes: int = MOST_BYTES, *, folder: int | None = None, follow: bool = True) -> Regular:
    """A regular file of at most `most_bytes`. A pipe or a device is not waited for, and its reader or driver notices nothing.

    `folder` is the descriptor that a relative path begins at. `follow`: the file may be named by a symbolic link. Raises OSError, and
    UnfitFileError for anything that is not such a file.
    """
    _require_regular(os.stat(path, dir_fd=folder, follow_symlinks=follow))  # opening a device can have an effect already
    descriptor = os.open(path, _CALM if follow else _CALM | os.O_NOFOLLOW, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        _require_regular(status)
        parts: list[bytes] = []
        left = most_bytes + 1
        while left > 0 and (part := os.read(descriptor, left)):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(descriptor)
    if left <= 0:
        raise UnfitFileError(f"it has more than {most_bytes:,} bytes")
    return Regular(b"".join(parts), status)


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnfitFileError(f"it is {_KINDS.get(stat.S_IFMT(status.st_mode), 'something else')}, and no regular file")
