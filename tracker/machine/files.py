"""Reads small text files that may be missing. Nothing here raises if a file is missing, unreadable or not text."""

from __future__ import annotations

from pathlib import Path

from .proc import whole_number


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
