"""Text that can be stored: names of files and arguments of commands may be any bytes, which Python carries along as lone surrogates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def as_utf8(value: T) -> T:
    """The same rows, or whatever is in them, with UTF-8 for text; what is none in any reading becomes a question mark."""
    changed: object = value
    if isinstance(value, str):
        changed = _text(value)
    elif isinstance(value, Mapping):
        changed = {as_utf8(k): as_utf8(v) for k, v in value.items()}
    elif isinstance(value, (tuple, list)):
        changed = [as_utf8(v) for v in value]
    return changed  # type: ignore[return-value]


def _text(value: str) -> str:
    try:
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode("utf-8")
